"""What tests of the brain share: sample_reports.py beside this file can be imported."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # import mode importlib puts no test folder on the path
