"""Prepare: the execution's input in, the first step out. A request with problems is refused as data, not as an
error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from trainwright_runtime import problems as codes
from trainwright_runtime import record as records
from trainwright_runtime.facts import Run, RunFacts, name_in, run_id
from trainwright_runtime.fields import image_is_uri
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers.api_model import check_request, refusals
from trainwright_runtime.handlers.aws import Services, error_code, services
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import handling, logger
from trainwright_runtime.plan import Plan, plan, step_attempt
from trainwright_runtime.policy import PolicyError, TeamPolicy
from trainwright_runtime.problems import Problem, kept
from trainwright_runtime.request import Checked, check
from trainwright_runtime.resolved import DEFAULT_IMAGE
from trainwright_runtime.site import Site
from trainwright_runtime.steps import report_step, train_step

Event = dict[str, Any]


class NotDeployedError(Exception):
    """A part of the platform that Prepare needs is missing; the message names it."""


@dataclass(frozen=True)
class Prepared:
    """What Prepare found out: a plan, or problems."""

    problems: list[Problem]
    plan: Plan | None = None
    image: str | None = None
    warnings: tuple[str, ...] = ()


@handling
def handler(event: Event, _context: object) -> Event:
    """The Lambda function; see docs/states.md for what comes in and goes out."""
    environment = environments.read()
    return prepare(event, Store(services, environment), services, environment)


def prepare(event: Event, store: Store, clients: Services, environment: environments.Environment) -> Event:
    """Check, plan, record, answer the first step. A second call for the same execution answers what is written."""
    execution = event["execution"]
    team = environment.deployment.team
    run = Run(run_id(execution["arn"], execution["started"], team), team, name_in(event["request"]))
    logger.append_keys(run=run.id)
    if written := store.record(run.id):
        return json.loads(written["step"]) if written["step"] else report_step(run)
    policy = _policy(clients, environment)
    prepared = _prepared(event["request"], run, policy, clients, environment)
    logger.info("prepared", extra={"problems": len(prepared.problems), "warnings": len(prepared.warnings)})
    return _write(event, run, policy, prepared, store)


def _prepared(
    request: object, run: Run, policy: TeamPolicy, clients: Services, environment: environments.Environment
) -> Prepared:
    site = Site.of(environment.deployment)
    checked = check(request, policy, partial(check_request, region=site.region), site)
    if not isinstance(checked, Checked):
        return Prepared(checked)
    image = _image_uri(checked.resolved.image, clients, environment)
    if isinstance(image, Problem):
        return Prepared([image])
    planned = plan(checked.resolved, RunFacts(run, environment.deployment, image))
    found = [problem for number in range(len(planned.attempts)) for problem in _refused(planned, number + 1)]
    started = planned.attempts[0].request.get("AlgorithmSpecification", {}).get("TrainingImage")
    return Prepared(found, planned, started, checked.warnings)


def _refused(planned: Plan, number: int) -> list[Problem]:
    return refusals(step_attempt(planned, number)["request"])


def _policy(clients: Services, environment: environments.Environment) -> TeamPolicy:
    parameter = environment.policy_parameter
    text = _parameter(clients, parameter)
    if text is None:
        raise NotDeployedError(f"The parameter {parameter}, the team's policy, does not exist. Deploy the team again.")
    try:
        return TeamPolicy.from_data(json.loads(text), parameter)
    except (ValueError, PolicyError) as error:
        raise NotDeployedError(f"The parameter {parameter} holds no policy this version reads: {error}") from error


def _image_uri(image: str | None, clients: Services, environment: environments.Environment) -> str | Problem | None:
    """The image's address with its digest; a Problem for a name that the platform does not have; None where the request
    names one of AWS's own."""
    if image is None or image_is_uri(image):
        return image
    parameter = f"{environment.image_parameters}{image}"
    if (uri := _parameter(clients, parameter)) is not None:
        return uri
    if image == DEFAULT_IMAGE:
        raise NotDeployedError(f"The parameter {parameter} does not exist: the platform's own image is not built yet.")
    problem = f"the platform has no image of this name (there is no parameter {parameter})"
    return Problem(codes.NO_SUCH_IMAGE, ("image",), problem, f'"{image}"', remedy=f"write image: {DEFAULT_IMAGE}")


def _parameter(clients: Services, name: str) -> str | None:
    try:
        return clients.ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        if error_code(error) == "ParameterNotFound":
            return None
        raise NotDeployedError(f"The parameter {name} cannot be read: {error}") from error


def _write(event: Event, run: Run, policy: TeamPolicy, prepared: Prepared, store: Store) -> Event:
    """Documents first, then the record: a record that exists says that all of it does."""
    execution = event["execution"]
    begun = None if prepared.problems else prepared.plan
    step = train_step(run, step_attempt(begun, 1, execution["redrive_count"])) if begun else report_step(run)
    store.put_document(run.id, "request.json", event["request"])
    store.put_document(run.id, "policy.json", policy.model_dump(mode="json"))
    if begun:
        store.put_document(run.id, "plan.json", begun.to_dict())
    item = records.new(run, execution["arn"], execution["started"], now()) | {
        "image": prepared.image,
        "step": json.dumps(step),
        "problems": kept(prepared.problems),
        "warnings": list(prepared.warnings),
    }
    store.put(records.put_alias(execution["arn"], run.id))
    if store.put(records.put_new(item)):
        return step
    written = store.record(run.id)
    return json.loads(written["step"]) if written and written["step"] else step
