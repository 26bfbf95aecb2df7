"""What the platform itself says about a run: its record, its report, its model."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from trainwright.cli.environment import child_environment
from trainwright.cli.errors import StepFailed
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.team import Team
from trainwright_runtime import open_profiles

# A failed execution's report is written by the handler `close`, after an event: it may come a little later.
REPORT_SECONDS = 30.0
# What is read of a run's machines when it has ended (docs/states.md, After the run) comes a little later, too; an event
# that was lost costs an hour, and is not waited for.
PROFILE_SECONDS = 15.0
REPORT_FILES = ("report.json", "report.html", "charts.json")


@dataclass(frozen=True)
class Model:
    """A model that was fetched."""

    s3_uri: str
    path: Path
    sha256: str


def find_run(account: Account, team: Team, execution_arn: str) -> str | None:
    """The run that belongs to an execution, from the run records."""
    key = {"run": {"S": f"execution:{execution_arn}"}}
    item = account.client("dynamodb").get_item(TableName=team.runs_table, Key=key, ConsistentRead=True).get("Item")
    return str(item["target"]["S"]) if item else None


def fetch_report(account: Account, team: Team, run: str, folder: Path) -> dict[str, Any]:
    """Copy the run's report, HTML, JSON and the charts' series, to `folder`, and answer the JSON."""
    end = time.monotonic() + REPORT_SECONDS
    for name in REPORT_FILES:
        while not (content := _object(account, team.reports_bucket, f"runs/{run}/{name}")):
            if time.monotonic() > end:
                raise StepFailed(f"the run left no {name}: s3://{team.reports_bucket}/runs/{run}/{name} is not there")
            time.sleep(0.3)
        (folder / name).write_bytes(content)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def await_profiles(account: Account, team: Team, run: str) -> None:
    """Wait until the run's report says all that is read of its machines, or for PROFILE_SECONDS."""
    end = time.monotonic() + PROFILE_SECONDS
    while _has_open_profiles(account, team, run) and time.monotonic() < end:
        time.sleep(0.3)


def _has_open_profiles(account: Account, team: Team, run: str) -> bool:
    key = {"run": {"S": open_profiles.PROFILES.key}}
    item = account.client("dynamodb").get_item(TableName=team.runs_table, Key=key, ConsistentRead=True).get("Item", {})
    return any(job.startswith(f"{run}-") for job in item.get("jobs", {}).get("M", {}))


def checkpoints_of(account: Account, team: Team, run: str) -> int:
    """How many checkpoint objects a run has in S3."""
    pages = account.client("s3").get_paginator("list_objects_v2")
    listed = pages.paginate(Bucket=team.checkpoints_bucket, Prefix=f"runs/{run}/")
    keys = [item["Key"] for page in listed for item in page.get("Contents", [])]
    return sum(not key.endswith(("/progress.json", "/metrics.jsonl")) for key in keys)


def fetch_model(account: Account, s3_uri: str, folder: Path) -> Model:
    """Download and unpack model.tar.gz; StepFailed when the script left nothing in it."""
    path = folder / "model.tar.gz"
    bucket, key = s3_uri.removeprefix("s3://").split("/", 1)
    account.client("s3").download_file(bucket, key, str(path))
    unpacked = folder / "model"
    unpacked.mkdir()
    if not unpack(path, unpacked):
        raise StepFailed(
            f"{s3_uri} is empty: the script wrote nothing to /opt/ml/model",
            "Save the model in the folder that the variable SM_MODEL_DIR names.",
        )
    with path.open("rb") as file:
        return Model(s3_uri, path, hashlib.file_digest(file, "sha256").hexdigest())


def unpack(archive: Path, folder: Path) -> int:
    """Unpack plain files below `folder`, nothing else and nowhere else; answers how many.

    Like tarfile's filter "data", which Python has from 3.11.4 on only.
    """
    with tarfile.open(archive) as tar:
        files = [member for member in tar if member.isreg() and _is_inside(member.name)]
        for member in files:
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as copy:
                shutil.copyfileobj(tar.extractfile(member) or io.BytesIO(), copy)
    return len(files)


def fetch_channels(account: Account, inputs: list[dict[str, Any]], folder: Path) -> None:
    """The objects of each input channel of a job, below a folder of the channel's name."""
    client = account.client("s3")
    for channel in inputs:
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        bucket, prefix = uri.removeprefix("s3://").split("/", 1)
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                _download(client, bucket, item["Key"], folder / channel["ChannelName"], prefix)


def score(script: Path, python: Path, processes: Processes, *, model: Path, data: Path, log: Path) -> dict[str, float]:
    """The metrics that the request's score script prints as its last line."""
    command: list[str | Path] = [python, script.name, "--model-dir", model, "--data-dir", data]
    with log.open("w") as errors:
        process = processes.start(
            command, env=child_environment(), cwd=script.parent, stdout=subprocess.PIPE, stderr=errors
        )
        answer, _ = process.communicate()
    if process.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise StepFailed(f"{script.name} ended with exit code {process.returncode}", details=said[-12:])
    return _metrics(script.name, answer)


def _metrics(script: str, answer: str) -> dict[str, float]:
    last = (answer.strip().splitlines() or [""])[-1]
    try:
        metrics = json.loads(last)
        return {str(name): float(value) for name, value in metrics.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise StepFailed(
            f"{script} printed no metrics: {last[:200]!r}",
            'Let its last line be a JSON object of numbers, such as {"validation_accuracy": 0.97}.',
        ) from error


def _object(account: Account, bucket: str, key: str) -> bytes | None:
    try:
        body: bytes = account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None
    return body


def _download(client: Any, bucket: str, key: str, folder: Path, prefix: str) -> None:
    """SageMaker names a file by what follows the last slash of the prefix."""
    name = key[prefix.rfind("/") + 1 :]
    if not name or name.endswith("/") or not _is_inside(name):
        return
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    client.download_file(bucket, key, str(target))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
