"""What the SDK v3 itself sends: run by the SDK's own interpreter, with HTTP cut off.

Reads a JSON list of documents on standard input; writes, for each, `{"request": ...}` or `{"error": "..."}`.
"""

import functools
import importlib
import json
import logging
import os
import socket
import sys
import tempfile
import traceback
import warnings
from datetime import datetime
from pathlib import Path

ACCOUNT = "123456789012"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "SAGEMAKER_VALIDATE_ROLE": "false",
    "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": os.devnull,
}


class Sent(Exception):
    """The request has left the SDK."""


class FixedClock(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 1, tzinfo=tz)


def refuse_connections(*args, **kwargs):
    raise OSError("this process has no network")


ANSWERS = {
    "GetCallerIdentity": {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/somebody", "UserId": "A"},
    "SimulatePrincipalPolicy": {"EvaluationResults": [{"EvalDecision": "allowed"}]},
    "ListBuckets": {"Buckets": []},
}


class Response:
    status_code = 200
    headers = ()


def answer(model, params, **kwargs):
    if model.name == "CreateTrainingJob":
        raise Sent
    if model.name == "GetRole":
        name = params["body"]["RoleName"]
        return Response(), {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}}
    return Response(), {**ANSWERS.get(model.name, {}), "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}}}


def build(value):
    if isinstance(value, list):
        return [build(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if "$" not in value:
        return {name: build(entry) for name, entry in value.items()}
    module, _, path = value["$"].partition(":")
    target = importlib.import_module(module)
    for part in path.split("."):
        target = getattr(target, part)
    keywords = {name: build(entry) for name, entry in value.items() if name not in ("$", "*")}
    return target(*build(value.get("*", [])), **keywords)


def make_files(document):
    """The local files that the document names: a folder with its script, or a file where the name has a suffix."""
    source = document["kwargs"].get("source_code") or {}
    if (folder := source.get("source_dir")) and not folder.startswith("s3://"):
        make_path(folder)
        for name in (source.get("entry_script"), source.get("requirements")):
            if name and Path(folder).is_dir():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / name).write_text("x")
    given = [*(document["kwargs"].get("input_data_config") or []), *(document["fit"].get("input_data_config") or [])]
    for entry in given:
        address = entry.get("data_source") if isinstance(entry, dict) else None
        if isinstance(address, str) and not address.startswith("s3://"):
            make_path(address)


def make_path(path):
    if not path or path.startswith("/"):
        return
    is_file = not path.endswith("/") and "." in Path(path).name.lstrip(".")
    if is_file:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("x")
    else:
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / "data.csv").write_text("x")


@functools.cache
def cut_off(region):
    """A session without a network, and what it is about to send: its clients are slow to make, so one a region."""
    import boto3

    boto, sent = boto3.Session(region_name=region), {}
    boto.events.register("before-call", answer)
    boto.events.register(
        "before-parameter-build.sagemaker.CreateTrainingJob", lambda params, **kwargs: sent.update(params)
    )
    return boto, sent


def send(document):
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.train import ModelTrainer

    boto, sent = cut_off(document["region"])
    sent.clear()
    kwargs = dict(document["kwargs"])
    session = kwargs.pop("sagemaker_session", None) or {}
    options = {name: value for name, value in session.items() if name in ("default_bucket", "default_bucket_prefix")}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_files(document)
        try:
            trainer = ModelTrainer(**build(kwargs), sagemaker_session=Session(boto_session=boto, **options))
            for method, arguments in document.get("with") or []:
                getattr(trainer, method)(*build(arguments))
            trainer.train(**build(document["fit"]))
        except Sent:
            return {"request": dict(sent)}
        except Exception as error:  # noqa: BLE001
            if os.environ.get("SENDER_TRACE"):
                traceback.print_exc()
            return {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        finally:
            os.chdir("/")
    return {"error": "nothing was sent"}


def main():
    os.environ.update(ENVIRONMENT)
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-west-2")
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    documents = json.load(sys.stdin)
    out, sys.stdout = sys.stdout, sys.stderr
    import sagemaker.core.telemetry.telemetry_logging as telemetry
    import sagemaker.train.utils

    telemetry._send_telemetry_request = lambda *args, **kwargs: None
    sagemaker.train.utils.datetime = FixedClock
    socket.socket.connect = refuse_connections
    json.dump([send(document) for document in documents], out)


if __name__ == "__main__":
    main()
