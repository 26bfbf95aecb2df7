"""What these tests share with those of the brain: tests/unit/sample_reports.py can be imported."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "unit"))  # import mode importlib puts no test folder on the path
