"""What Prepare finds out about a request: whether it can work, what it would start, and what that may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from trainwright_runtime import prepared, who_set
from trainwright_runtime import problems as codes
from trainwright_runtime.facts import Run, RunFacts, job_name
from trainwright_runtime.fields import image_is_uri
from trainwright_runtime.handlers import image_look, preflight
from trainwright_runtime.handlers.api_model import check_request, refusals
from trainwright_runtime.handlers.aws import Services, error_code
from trainwright_runtime.handlers.environment import Environment
from trainwright_runtime.handlers.price_list import PriceList
from trainwright_runtime.handlers.quotas import Quotas
from trainwright_runtime.job import named
from trainwright_runtime.plan import Plan, cannot_start, plan
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.problems import Problem
from trainwright_runtime.request import Checked, check
from trainwright_runtime.resolved import DEFAULT_IMAGE, ResolvedRequest
from trainwright_runtime.site import Site
from trainwright_runtime.warm_pool import keep_alive


class NotDeployedError(Exception):
    """A part of the platform that Prepare needs is missing; the message names it."""


@dataclass(frozen=True)
class Judged:
    """A plan, or problems; and what its author should know."""

    problems: tuple[Problem, ...]
    plan: Plan | None = None
    warnings: tuple[str, ...] = ()
    prices: Mapping[str, float] = field(default_factory=dict)
    price_source: str | None = None
    prepared: Mapping[str, Any] | None = None
    """prepared.json; None where the request could not be read to its end."""

    @property
    def image(self) -> str | None:
        """The image of the jobs, by digest where it was found."""
        if self.plan is None:
            return None
        uri: str | None = self.plan.rungs[0].request.get("AlgorithmSpecification", {}).get("TrainingImage")
        return uri


@dataclass(frozen=True)
class Judge:
    """Judges requests of one team in one account; every look-up is bounded, and one that fails is a warning."""

    policy: TeamPolicy
    clients: Services
    environment: Environment

    def judge(self, request: object, run: Run) -> Judged:
        """All problems at once, as far as they can be seen beside each other."""
        site = Site.of(self.environment.deployment)
        prices = PriceList(self.clients)
        checked = check(
            request, self.policy, partial(check_request, region=site.region), site, price=prices.usd_per_hour
        )
        if not isinstance(checked, Checked):
            return Judged(tuple(checked))
        return self._looked_up(request, run, checked, prices)

    def _looked_up(self, request: object, run: Run, checked: Checked, prices: PriceList) -> Judged:
        quotas = Quotas(self.clients, self.environment)
        kept = keep_alive(checked.resolved, self.policy, quotas.applied, request)
        image = self._image(kept.resolved, request)
        uri, known = image.uri or None, self._prices(kept.resolved, prices)
        facts = RunFacts(run, self.environment.deployment, uri, known, self.policy)
        planned = plan(kept.resolved, facts)
        seen = preflight.inspect(planned, kept.resolved, request, self.clients, self.environment, quotas)
        problems = (
            *kept.problems,
            *_one(image.problem),
            *seen.problems,
            *_refused(planned),
            *_one(cannot_start(planned)),
        )
        warnings = (
            *checked.warnings,
            *kept.warnings,
            *image.warnings,
            *seen.warnings,
            *quotas.warnings,
            *prices.warnings,
        )
        found = prepared.document(who_set.fields(checked, self.policy, kept.resolved), seen.found)
        return Judged(problems, planned, tuple(dict.fromkeys(warnings)), known, prices.source, found)

    def _prices(self, resolved: ResolvedRequest, prices: PriceList) -> Mapping[str, float]:
        found = {name: prices.usd_per_hour(name) for name in resolved.all_instance_types}
        return {name: usd for name, usd in found.items() if usd is not None}

    def _image(self, resolved: ResolvedRequest, request: object) -> image_look.ImageLook:
        """The image that a request names, by its digest; one of AWS's own is in the package's table."""
        image = resolved.image
        if image is None:
            return image_look.ImageLook("")
        uri = image if image_is_uri(image) else self._named(image)
        if uri is None:
            parameter = f"{self.environment.image_parameters}{image}"
            problem = f"the platform has no image of this name (there is no parameter {parameter})"
            remedy = f"write image: {DEFAULT_IMAGE}"
            no_image = Problem(codes.NO_SUCH_IMAGE, ("image",), problem, f'"{image}"', remedy=remedy)
            return image_look.ImageLook(image, no_image)
        return image_look.resolve(uri, self.clients, resolved.all_instance_types, request)

    def _named(self, image: str) -> str | None:
        uri = parameter(self.clients, name := f"{self.environment.image_parameters}{image}")
        if uri is None and image == DEFAULT_IMAGE:
            raise NotDeployedError(f"The parameter {name} does not exist: the platform's own image is not built yet.")
        return uri


def _one(problem: Problem | None) -> list[Problem]:
    return [] if problem is None else [problem]


def parameter(clients: Services, name: str) -> str | None:
    """A parameter's value; None where it does not exist. Raises NotDeployedError where it cannot be read."""
    try:
        return clients.ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        if error_code(error) == "ParameterNotFound":
            return None
        raise NotDeployedError(f"The parameter {name} cannot be read: {error}") from error


def _refused(planned: Plan) -> list[Problem]:
    """What the API's own model refuses of any rung."""
    name = job_name(planned.run.id, 1)
    found: list[Any] = [problem for rung in planned.rungs for problem in refusals(named(rung.request, name, 1))]
    return list(dict.fromkeys(found))
