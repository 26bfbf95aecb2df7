"""What a request comes to in a team's deployment: the plan that Prepare would make, worked out here."""

from __future__ import annotations

from dataclasses import replace

from trainwright.cli.errors import BadInput
from trainwright.cli.requests import RunRequest
from trainwright_runtime import prices
from trainwright_runtime import problems as codes
from trainwright_runtime.facts import Deployment, Run, RunFacts
from trainwright_runtime.fields import image_is_uri
from trainwright_runtime.images import ImageError
from trainwright_runtime.plan import Plan, plan, previews
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.problems import Problem
from trainwright_runtime.spec import SAMPLE_DEPLOYMENT, SAMPLE_FACTS

SAMPLE_ACCOUNT = "123456789012"
SAMPLE_SUBNETS, SAMPLE_GROUPS = ("subnet-0123456789abcdef0",), ("sg-0123456789abcdef0",)


def sample_deployment(policy: TeamPolicy | None, region: str) -> Deployment:
    """A deployment that does not exist, for a look at a request: of the policy's team, in the documentation's account.

    A policy does not say whether the team has a VPC; one that lets runs use file systems, or name subnets, has.
    """
    sample = replace(SAMPLE_DEPLOYMENT, region=region)
    if policy is None:
        return sample
    has_vpc = bool(policy.capabilities.vpc or policy.capabilities.efs or policy.capabilities.fsx)
    network = (SAMPLE_SUBNETS, SAMPLE_GROUPS) if has_vpc else ((), ())
    return replace(sample, team=policy.team, subnets=network[0], security_groups=network[1])


def plan_in(request: RunRequest, deployment: Deployment, policy: TeamPolicy | None = None) -> Plan:
    """The plan of a run in `deployment`, its id a sample, at the prices of the package's table; BadInput for what
    AWS's own model of its API refuses."""
    from trainwright_runtime.handlers.api_model import refusals  # noqa: PLC0415 - botocore is not for help texts

    run = Run(f"{deployment.team}-{SAMPLE_FACTS.run.id.rpartition('-')[2]}", deployment.team, request.value.get("name"))
    image = _image_uri(request.checked.resolved.image, deployment)
    try:
        planned = plan(request.checked.resolved, _facts(request, run, deployment, image, policy))
    except ImageError as error:
        raise BadInput([request.document.located(_no_image(error))]) from error
    found = [problem for attempt in previews(planned) for problem in refusals(attempt["request"])]
    if found:
        raise BadInput([request.document.located(problem) for problem in dict.fromkeys(found)])
    return planned


def _facts(
    request: RunRequest, run: Run, deployment: Deployment, image: str | None, policy: TeamPolicy | None
) -> RunFacts:
    known = prices.listed(request.checked.resolved.all_instance_types)
    return RunFacts(run, deployment, image, known, policy)


def _image_uri(image: str | None, deployment: Deployment) -> str | None:
    """A name's URI is known to Prepare alone; here one of the same form stands in."""
    if image is None or image_is_uri(image):
        return image
    return f"{SAMPLE_ACCOUNT}.dkr.ecr.{deployment.region}.amazonaws.com/{image}@sha256:{'0' * 64}"


def _no_image(error: ImageError) -> Problem:
    """Only the region is new here: names and versions are checked with the request."""
    path = {"region": ()}.get(error.part, ("framework",))
    return Problem(codes.NO_SUCH_IMAGE, path, error.problem, allowed=error.allowed, remedy=error.remedy)
