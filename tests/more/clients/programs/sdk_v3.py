"""A user's script for the SageMaker SDK v3: upload, train in script mode, wait, open the model; prints JSON."""

import json
import sys
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlparse

from sagemaker.core.helper.session_helper import Session
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

SCRIPT = """
import json, os, pathlib
found = sorted(p.name for p in pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*") if p.is_file())
print("script mode with", os.environ["SM_HPS"], flush=True)
model = {"data": found, "parameters": json.loads(os.environ["SM_HPS"])}
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps(model))
"""

role, image = sys.argv[1:]
session = Session()
with tempfile.TemporaryDirectory() as folder:
    work = Path(folder)
    for name, file, text in (("data", "digits.csv", "1,2\n"), ("source", "train.py", SCRIPT)):
        (work / name).mkdir()
        (work / name / file).write_text(text)
    data = session.upload_data(str(work / "data"), session.default_bucket(), "digits")
    trainer = ModelTrainer(
        training_image=image,
        role=role,
        sagemaker_session=session,
        base_job_name="v3",
        source_code=SourceCode(source_dir=str(work / "source"), entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        hyperparameters={"epochs": 2, "rate": 0.5},
    )
    trainer.train(input_data_config=[InputData(channel_name="train", data_source=data)], wait=True, logs=True)
    job = trainer._latest_training_job
    place = urlparse(job.model_artifacts.s3_model_artifacts)
    session.boto_session.client("s3").download_file(place.netloc, place.path[1:], str(work / "model.tar.gz"))
    with tarfile.open(work / "model.tar.gz") as archive:
        model = json.load(archive.extractfile("model.json"))
print("\n" + json.dumps({"job": job.training_job_name, "status": job.training_job_status, "model": model}))
