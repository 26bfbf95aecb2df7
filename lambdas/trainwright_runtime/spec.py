"""What one training job is made of, all decided but its name and number; and where it finds and leaves things."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime.facts import Deployment, Run, RunFacts
from trainwright_runtime.resolved import ResolvedRequest
from trainwright_runtime.sections import api_name, api_value

Request = dict[str, Any]

SAMPLE_DEPLOYMENT = Deployment(
    team="sample",
    data_bucket="sample-data",
    artifacts_bucket="sample-artifacts",
    checkpoints_bucket="sample-checkpoints",
    reports_bucket="sample-reports",
    execution_role_arn="arn:aws:iam::123456789012:role/sample",
)
"""A deployment that does not exist, for looking at a request before anything is known about the real one."""

SAMPLE_FACTS = RunFacts(
    run=Run("sample-0123456789", "sample", "sample"),
    deployment=SAMPLE_DEPLOYMENT,
    image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/sample@sha256:" + "0" * 64,
)


@dataclass(frozen=True)
class JobSpec:
    """One training job of a run, all decided but its name and number: on which type, and whether on spot.

    `instance_type` is None where instance groups, preferences or a serverless job say; `preferences` are types of
    which SageMaker is to take the first that it has.
    """

    request: ResolvedRequest
    facts: RunFacts
    instance_type: str | None
    spot: bool
    preferences: tuple[str, ...] = ()


def first_spec(request: ResolvedRequest, facts: RunFacts) -> JobSpec:
    """The first job that a request asks for."""
    types = request.instance_types
    return JobSpec(request, facts, types[0] if types else None, request.spot)


def present(block: Mapping[str, Any]) -> Request:
    return {name: value for name, value in block.items() if value is not None}


def section_of(request: ResolvedRequest, *section: str) -> Request:
    """Everything below a section in the API's names, sections inside it included."""
    block: Request = {}
    size = len(section)
    for leaf, value in request.settings.items():
        if leaf[:size] == section and len(leaf) > size:
            owner = block
            for name in leaf[size:-1]:
                owner = owner.setdefault(api_name(name), {})
            owner[api_name(leaf[-1])] = api_value(value)
    return block


def run_prefix(run: str) -> str:
    """Where everything of a run lives in the artifacts, checkpoints and reports buckets."""
    return f"runs/{run}/"


def run_uri(spec: JobSpec, bucket: str) -> str:
    return f"s3://{bucket}/{run_prefix(spec.facts.run.id)}"


def s3_uri(address: str, data_bucket: str) -> str:
    """The S3 URI of an address: `data://x/` and a plain `x/` are in the team's data bucket."""
    if address.startswith("s3://"):
        return address
    return f"s3://{data_bucket}/{address.removeprefix('data://')}"
