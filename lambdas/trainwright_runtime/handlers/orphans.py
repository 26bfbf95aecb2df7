"""Jobs that a run may have left behind: no run ends, and no attempt begins, beside one that is alive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from trainwright_runtime.attempts import ALIVE
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.look import describe
from trainwright_runtime.handlers.telemetry import logger

_CANNOT_STOP = "ValidationException"
_NO_JOB = frozenset({"throttled", "quota_busy", "quota_zero", "denied", "invalid"})
"""Outcomes by which SageMaker itself said that it made no job."""


def is_alive(job: Mapping[str, Any] | None) -> bool:
    """Whether a job may still cost money."""
    return job is not None and job.get("TrainingJobStatus") in ALIVE


def stop(clients: Services, job_name: str) -> None:
    """Stop a job; one that has just ended, or is being stopped already, is as wanted."""
    try:
        clients.sagemaker.stop_training_job(TrainingJobName=job_name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != _CANNOT_STOP:
            raise


def sweep(clients: Services, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Stop what is alive of attempts whose job was never seen to end; the names of the jobs that were stopped.

    A call that AWS answers with a fault of its own may have made the job all the same.
    """
    found = [row["job_name"] for row in rows if _may_live(row) and is_alive(describe(clients, row["job_name"]))]
    for name in found:
        logger.warning("stopping a job that was left behind", extra={"job": name})
        stop(clients, name)
    return found


def _may_live(row: Mapping[str, Any]) -> bool:
    if row["job_arn"] is None:
        return row["outcome"] not in _NO_JOB
    return row["status"] in ALIVE
