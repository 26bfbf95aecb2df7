"""What must hold after a load, whatever happened meanwhile: each broken promise is a sentence."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from deployed import Platform, is_training, processes_of

FINAL = ("Completed", "Failed", "Stopped")


def judge(platform: Platform, names: list[str], *, all_well: bool) -> list[str]:
    """Everything that is wrong; `all_well`: every run should have succeeded with one job."""
    statuses, jobs = platform.statuses(), list(_jobs(platform))
    return [
        *_executions(statuses, names, all_well=all_well),
        *_records(platform, names),
        *_training(platform, jobs, names, all_well=all_well),
        *_checkpoints(platform),
        *_models(platform, jobs),
    ]


def _executions(statuses: dict[str, str], names: list[str], *, all_well: bool) -> Iterator[str]:
    for name in sorted(set(names) - set(statuses)):
        yield f"{name}: the execution is lost"
    for name, status in sorted(statuses.items()):
        if status == "RUNNING" or (all_well and status != "SUCCEEDED"):
            yield f"{name}: the execution is {status}"


def _records(platform: Platform, names: list[str]) -> Iterator[str]:
    pages = platform.account.client("dynamodb").get_paginator("scan").paginate(TableName=platform.team.runs_table)
    items = [item for page in pages for item in page["Items"]]
    runs = [item for item in items if "execution_arn" in item and "status" in item]
    count = Counter(item["execution_arn"]["S"].rpartition(":")[2] for item in runs)
    for name in names:
        if count[name] != 1:
            yield f"{name}: {count[name]} run records"
    for item in runs:
        if item["status"]["S"] == "RUNNING":
            yield f"{item['run']['S']}: the run record says RUNNING"


def _jobs(platform: Platform) -> Iterator[dict[str, Any]]:
    pages = platform.account.client("sagemaker").get_paginator("list_training_jobs").paginate(MaxResults=100)
    for page in pages:
        yield from page["TrainingJobSummaries"]


def _training(platform: Platform, jobs: list[dict[str, Any]], names: list[str], *, all_well: bool) -> Iterator[str]:
    for job in jobs:
        if job["TrainingJobStatus"] not in FINAL:
            yield f"{job['TrainingJobName']}: the training job is {job['TrainingJobStatus']}"
    if all_well and len(jobs) != len(names):
        yield f"{len(jobs)} training jobs for {len(names)} runs"
    alive = [pid for pid in processes_of(platform.account.process.pid) if is_training(pid)]
    if alive:
        yield f"{len(alive)} training processes are alive: {alive[:5]}"


def _checkpoints(platform: Platform) -> Iterator[str]:
    client, bucket = platform.account.client("s3"), platform.team.checkpoints_bucket
    for key in _keys(client, bucket):
        if not key.endswith((".sagemaker-uploaded", ".sagemaker-uploading", ".tmp")):
            content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
            if not _is_whole(key, content):
                yield f"s3://{bucket}/{key}: the checkpoint does not open"


def _is_whole(key: str, content: bytes) -> bool:
    if key.endswith("fake.ckpt"):
        return content.startswith(b"step ")
    try:
        read = json.loads(content)
    except ValueError:
        return False
    if key.endswith("state.json"):
        text = json.dumps(read["state"], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest() == str(read["sha256"])
    return int(read["step"]) <= int(read["total"])


def _keys(client: Any, bucket: str, prefix: str = "") -> Iterable[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", ()))


def _models(platform: Platform, jobs: list[dict[str, Any]]) -> Iterator[str]:
    sagemaker, s3 = platform.account.client("sagemaker"), platform.account.client("s3")
    for job in jobs:
        if job["TrainingJobStatus"] == "Completed":
            name = job["TrainingJobName"]
            uri = sagemaker.describe_training_job(TrainingJobName=name)["ModelArtifacts"]["S3ModelArtifacts"]
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            try:
                archive = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except s3.exceptions.NoSuchKey:
                yield f"{name}: completed without a model at {uri}"
                continue
            problem = _wrong_model(archive)
            if problem:
                yield f"{name}: {problem}"


def _wrong_model(archive: bytes) -> str | None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        names = tar.getnames()
        if names == ["model.txt"]:
            return None
        member = tar.extractfile("model.json") if "model.json" in names else None
        model = json.load(member) if member else {}
    if abs(model.get("slope", 0) - 2) > 0.1 or abs(model.get("offset", 0) - 1) > 0.1:
        return f"the model has not learnt the line: {model}"
    return None
