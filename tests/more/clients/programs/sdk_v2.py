"""A user's script for the SageMaker SDK v2: upload, fit, wait, open the model. Arguments: role, image; prints JSON."""

import json
import sys
import tarfile
import tempfile
from pathlib import Path

import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.s3 import S3Downloader

role, image = sys.argv[1:]
session = sagemaker.Session()
with tempfile.TemporaryDirectory() as folder:
    work = Path(folder)
    (work / "data").mkdir()
    (work / "data" / "digits.csv").write_text("1,2\n3,4\n")
    data = session.upload_data(str(work / "data"), key_prefix="digits")
    estimator = Estimator(
        image_uri=image,
        role=role,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
        base_job_name="v2-spot",
        use_spot_instances=True,
        max_run=120,
        max_wait=240,
        checkpoint_s3_uri=f"s3://{session.default_bucket()}/checkpoints/v2",
        hyperparameters={"epochs": 6, "seconds": 0.5},
        metric_definitions=[{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
        tags=[{"Key": "team", "Value": "vision"}],
    )
    estimator.fit({"train": TrainingInput(data, content_type="text/csv")}, wait=True, logs="All")
    S3Downloader.download(estimator.model_data, str(work / "model"), sagemaker_session=session)
    with tarfile.open(work / "model" / "model.tar.gz") as archive:
        model = json.load(archive.extractfile("model.json"))
print(
    "\n" + json.dumps({"job": estimator.latest_training_job.name, "model_data": estimator.model_data, "model": model})
)
