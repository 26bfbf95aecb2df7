"""Makes the calls of the channel `calls` (calls.json: [service, method, arguments]) and leaves what came of each as the
model."""

import json
import os
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def answer(boto3, service, method, arguments):
    client = boto3.client(service, region_name=os.environ.get("AWS_REGION", "us-east-1"))
    try:
        getattr(client, method)(**arguments)
    except client.exceptions.ClientError as error:
        return error.response["Error"]
    return {"Code": "", "Message": ""}


def main():
    (BASE / "checkpoints").mkdir(exist_ok=True)
    (BASE / "checkpoints" / "step-1.txt").write_text("1")
    calls = BASE / "input/data/calls/calls.json"
    if calls.exists():
        import boto3

        answers = [answer(boto3, *call) for call in json.loads(calls.read_text())]
        (BASE / "model" / "answers.json").write_text(json.dumps(answers))
    (BASE / "model" / "model.txt").write_text("a model")


main()
