"""What is known about a run before anything is decided: its identity, the team's deployment, the image's digest."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainwright_runtime.policy import TeamPolicy

RUN_TAG = "trainwright:run"
"""The tag of every job with the id of its run."""

_JOB_NAME = re.compile(r"[a-z0-9](-*[a-z0-9]){0,62}", re.ASCII)
_OF_A_RUN = re.compile(r"(?P<run>(?P<team>[a-z0-9]+)-[0-9a-f]{10})-(?P<attempt>[0-9]+)(?:r[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Run:
    """A run's identity: `id` is `<team>-<10 hex>`, `name` what its author calls it (None where the request names
    none)."""

    id: str
    team: str
    name: str | None

    def to_dict(self) -> dict[str, Any]:
        """As it travels through the state machine."""
        return {"id": self.id, "team": self.team, "name": self.name}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Run":
        """The inverse of `to_dict`."""
        return cls(data["id"], data["team"], data["name"])


@dataclass(frozen=True)
class Deployment:
    """A team's deployed parts. `kms_key_arn` None means SSE-S3; no subnets mean no VPC."""

    team: str
    data_bucket: str
    artifacts_bucket: str
    checkpoints_bucket: str
    reports_bucket: str
    execution_role_arn: str
    region: str = "us-east-1"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    kms_key_arn: str | None = None
    log_group: str = "/aws/sagemaker/TrainingJobs"


@dataclass(frozen=True)
class RunFacts:
    """Everything `plan` needs beside the request: who runs, where, with which image.

    `image_uri` is None where the request names a framework, an algorithm or an algorithm resource. `prices` are US
    dollars an hour of one host on demand, by instance type, as far as they are known; `policy` is the team's.
    """

    run: Run
    deployment: Deployment
    image_uri: str | None
    prices: Mapping[str, float] = field(default_factory=dict)
    policy: "TeamPolicy | None" = None


def run_id(execution_arn: str, started: str | float | datetime, team: str) -> str:
    """`<team>-<10 hex>` of an execution; `started` is its start as ISO text, epoch seconds, or a datetime.

    Whole seconds count, so that the state machine's context (ISO text with milliseconds) and EventBridge's event
    (epoch milliseconds, to be divided by 1000) give the same id.
    """
    digest = hashlib.sha256(f"{execution_arn}|{epoch_seconds(started)}".encode()).hexdigest()
    return f"{team}-{digest[:10]}"


def name_in(request: object) -> str | None:
    """What a request that may be anything calls its run, fit to be shown; None where it gives no name."""
    name = request.get("name") if isinstance(request, dict) else None
    if not isinstance(name, str):
        return None
    return "".join(character if character.isprintable() else "?" for character in name[:63])


def epoch_seconds(moment: str | float | datetime) -> int:
    """Whole epoch seconds of ISO text (`2026-11-21T04:22:12.123Z`), epoch seconds, or a datetime with a zone."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError(f"{moment.isoformat()}: a start time needs its time zone")
        moment = moment.timestamp()
    return int(moment // 1)


def job_name(run: str, attempt: int, redrive_count: int = 0) -> str:
    """`<run id>-<attempt>`, with `r<redrive>` after a redrive: unique in the account, 63 characters at most.

    SageMaker takes `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}` and never the same name twice (CreateTrainingJob, API reference).
    """
    if attempt < 1 or redrive_count < 0:
        raise ValueError(f"attempt {attempt}, redrive {redrive_count}: attempts count from 1, redrives from 0")
    name = f"{run}-{attempt}" + (f"r{redrive_count}" if redrive_count else "")
    if not _JOB_NAME.fullmatch(name):
        raise ValueError(f"{name} is no name for a training job")
    return name


def attempt_of(job_name: str, team: str) -> tuple[str, int] | None:
    """The run's id and the attempt's number in the name of a team's job (`job_name`); None for any other job."""
    match = _OF_A_RUN.fullmatch(job_name)
    return (match["run"], int(match["attempt"])) if match and match["team"] == team else None
