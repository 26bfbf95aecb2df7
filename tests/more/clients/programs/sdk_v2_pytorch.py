"""A user's script in script mode: the SDK v2's PyTorch estimator on AWS's own image. Argument: role; prints JSON."""

import json
import sys
import tarfile
import tempfile
from pathlib import Path

import sagemaker
from sagemaker.pytorch import PyTorch
from sagemaker.s3 import S3Downloader

SCRIPT = """
import argparse, json, os, pathlib
import helper
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
arguments = parser.parse_args()
print("script mode on", os.environ["SM_CURRENT_HOST"], flush=True)
told = {"epochs": arguments.epochs, "helper": helper.WORD, "hosts": json.loads(os.environ["SM_HOSTS"])}
pathlib.Path(arguments.model_dir, "model.json").write_text(json.dumps(told))
"""

(role,) = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    work = Path(folder)
    (work / "source").mkdir()
    (work / "source" / "train.py").write_text(SCRIPT)
    (work / "source" / "helper.py").write_text("WORD = 'beside it'\n")
    estimator = PyTorch(
        entry_point="train.py",
        source_dir=str(work / "source"),
        role=role,
        framework_version="2.1",
        py_version="py310",
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=sagemaker.Session(),
        hyperparameters={"epochs": 3},
    )
    estimator.fit(logs="All")
    S3Downloader.download(estimator.model_data, str(work / "model"), sagemaker_session=estimator.sagemaker_session)
    with tarfile.open(work / "model" / "model.tar.gz") as archive:
        model = json.load(archive.extractfile("model.json"))
print("\n" + json.dumps({"image": estimator.training_image_uri(), "model": model}))
