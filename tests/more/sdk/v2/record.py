"""Runs the real sagemaker SDK v2 with HTTP cut off: documents in, the CreateTrainingJob requests it would send out.

Started with the SDK's own interpreter. Standard input holds a JSON list of documents ({"estimator", "region", "kwargs",
"fit"}); standard output a JSON list, for each of them {"request": ...} or {"error": "ValueError: ..."}.
"""

import contextlib
import functools
import importlib
import io
import json
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

ACCOUNT = "123456789012"
SOURCES = ("train.py", "util.py", "requirements.txt", "run.sh")

os.environ.update(
    SAGEMAKER_SUPPRESS_V2_WARNING="1",
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE="/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE="/nonexistent",
)
for variable in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "MLFLOW_TRACKING_URI"):
    os.environ.pop(variable, None)
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


class Answered:
    """An HTTP response that nobody sent."""

    def __init__(self) -> None:
        self.status_code = 200
        self.headers: dict[str, str] = {}


class Account:
    """Answers every AWS call in the process and keeps the training job's request."""

    def __init__(self) -> None:
        self.requests: list[dict] = []

    def answer(self, model, params, request_signer, context, **_):
        return Answered(), {**self._parsed(model, params), "ResponseMetadata": {"HTTPStatusCode": 200}}

    def _parsed(self, model, params):
        if model.name == "GetCallerIdentity":
            return {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/me", "UserId": "me"}
        if model.name == "GetRole":
            arn = f"arn:aws:iam::{ACCOUNT}:role/{params['body']['RoleName']}"
            return {"Role": {"Arn": arn, "RoleName": "r", "Path": "/", "RoleId": "r", "CreateDate": "2026-01-01"}}
        if model.name == "CreateTrainingJob":
            self.requests.append(json.loads(params["body"]))
            return {"TrainingJobArn": f"arn:aws:sagemaker:us-west-2:{ACCOUNT}:training-job/x"}
        return {}


ACCOUNT_HERE = Account()


@functools.cache
def session(region: str):
    """A SageMaker session whose every client is answered here; no settings files, no telemetry."""
    import boto3
    import sagemaker
    import sagemaker.utils

    # The settings below are sound, and checking them anew at every use is nine tenths of the time.
    sagemaker.utils.validate_sagemaker_config = lambda *_: None
    boto = boto3.Session(region_name=region)
    boto.events.register("before-call", ACCOUNT_HERE.answer)
    quiet = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
    made = sagemaker.Session(boto_session=boto, sagemaker_config=quiet)
    made._default_bucket = f"sagemaker-{region}-{ACCOUNT}"
    return made


def made(value, known: dict):
    """`value` with every {"$": ...} mapping called; equal instance groups are one object, as the SDK asks."""
    if isinstance(value, list):
        return [made(entry, known) for entry in value]
    if not isinstance(value, dict):
        return retrieved(value, known)
    if "$" not in value:
        return {key: made(entry, known) for key, entry in value.items()}
    text = json.dumps(value, sort_keys=True)
    if value["$"].endswith("InstanceGroup") and text in known:
        return known[text]
    module, _, name = value["$"].partition(":")
    callee = importlib.import_module(module)
    for part in name.split("."):
        callee = getattr(callee, part)
    positional = made(value.get("*", []), known)
    keywords = {key: made(entry, known) for key, entry in value.items() if key not in ("$", "*")}
    known[text] = callee(*positional, **keywords)
    return known[text]


def retrieved(value, known: dict):
    """`<retrieve:{"framework": "xgboost", ...}>` stands for what image_uris.retrieve answers."""
    if not (isinstance(value, str) and value.startswith("<retrieve:")):
        return value
    from sagemaker import image_uris

    return image_uris.retrieve(region=known["region"], **json.loads(value[len("<retrieve:") : -1]))


MODULES = {
    "Estimator": "sagemaker.estimator",
    "PyTorch": "sagemaker.pytorch",
    "TensorFlow": "sagemaker.tensorflow",
    "HuggingFace": "sagemaker.huggingface",
    "XGBoost": "sagemaker.xgboost",
    "SKLearn": "sagemaker.sklearn",
    "MXNet": "sagemaker.mxnet",
}


def recorded(document: dict) -> dict:
    """The request for one document, or what the SDK raised."""
    ACCOUNT_HERE.requests.clear()
    known = {"region": document["region"]}
    try:
        kwargs, fit = made(document["kwargs"], known), made(document.get("fit", {}), known)
        estimator = getattr(importlib.import_module(MODULES[document["estimator"]]), document["estimator"])
        estimator = estimator(sagemaker_session=session(document["region"]), **kwargs)
        fit = {key: value for key, value in fit.items() if key not in ("wait", "logs")}
        estimator.fit(**fit, wait=False)
    except Exception as error:  # noqa: BLE001 - whatever the SDK raises is the answer
        return {"error": f"{type(error).__name__}: {error}"}
    return {"request": ACCOUNT_HERE.requests[0]}


def main() -> None:
    """Documents from standard input, answers to standard output."""
    documents = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)
        for place in (Path("src"), Path("lib"), Path(), Path("code")):
            place.mkdir(exist_ok=True)
            for name in SOURCES:
                (place / name).write_text("")
        answers = [recorded(document) for document in documents]
        os.chdir("/")
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
