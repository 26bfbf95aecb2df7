import sys
from pathlib import Path

# trainkit is no package of this environment: it lives in the image, beside the script.
sys.path.insert(0, str(Path(__file__).parents[2] / "training_image"))
