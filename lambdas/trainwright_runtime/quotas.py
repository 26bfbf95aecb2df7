"""SageMaker's quotas of training instances: what they are called, and what they keep from ever starting.

A quota that is merely in use clears by itself, and the state machine waits for it. One that is zero, or smaller than
the number of hosts, never clears: Prepare says so at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Path, Problem, dotted

Kind = Literal["training", "spot", "warm_pool"]

SERVICE = "sagemaker"
"""SageMaker's service code in Service Quotas."""

_NAMES: Mapping[Kind, str] = {
    "training": "{} for training job usage",
    "spot": "{} for spot training job usage",
    "warm_pool": "{} for training warm pool usage",
}
_CONSOLE = "https://console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas"

QuotaOf = Callable[[str, Kind], int | None]
"""The applied quota of an instance type, None where it is not known."""


def quota_name(instance_type: str, kind: Kind) -> str:
    """The quota's name: "Amazon SageMaker AI endpoints and quotas" in the AWS General Reference, and for warm pools
    "Warm pool resource limits" in the developer guide."""
    return _NAMES[kind].format(instance_type)


def parameter(prefix: str, instance_type: str, kind: Kind) -> str:
    """The parameter in which the platform keeps the quota's code: `/trainwright/quotas/ml.g5.xlarge/warm-pool`."""
    return f"{prefix}{instance_type}/{kind.replace('_', '-')}"


@dataclass(frozen=True)
class Lack:
    """A quota that is smaller than what a job needs of it."""

    instance_type: str
    kind: Kind
    quota: int
    hosts: int

    def __str__(self) -> str:
        return f"{quota_name(self.instance_type, self.kind)} is {self.quota}, and the run needs {self.hosts}"


def ways(resources: Mapping[str, Any]) -> list[dict[str, int]]:
    """The ways in which a ResourceConfig can be served, each as hosts by instance type.

    One for a type or for instance groups, one for each of the instance preferences; none for a serverless job, and
    none for a training plan, whose machines are reserved and counted elsewhere.
    """
    if resources.get("TrainingPlanArn"):
        return []
    if preferences := resources.get("InstancePreferences"):
        count = resources.get("InstanceCount") or 1
        if any(entry.get("TrainingPlanArns") for entry in preferences):
            return []
        return [{entry["InstanceType"]: entry.get("InstanceCount") or count} for entry in preferences]
    groups = resources.get("InstanceGroups") or [resources]
    hosts: dict[str, int] = {}
    for group in groups:
        if name := group.get("InstanceType"):
            hosts[name] = hosts.get(name, 0) + (group.get("InstanceCount") or 1)
    return [hosts] if hosts else []


def lacks(resources: Mapping[str, Any], kind: Kind, quota_of: QuotaOf) -> list[Lack]:
    """Why a job can never start: every way to serve it lacks a quota. Empty where one way may work, or nobody knows."""
    found = [_first_lack(way, kind, quota_of) for way in ways(resources)]
    return [lack for lack in found if lack is not None] if found and None not in found else []


def _first_lack(way: Mapping[str, int], kind: Kind, quota_of: QuotaOf) -> Lack | None:
    for instance_type, hosts in way.items():
        quota = quota_of(instance_type, kind)
        if quota is not None and quota < hosts:
            return Lack(instance_type, kind, quota, hosts)
    return None


@dataclass(frozen=True)
class RungNeeds:
    """What a rung of the ladder asks of the quotas."""

    kind: Kind
    resources: Mapping[str, Any]


def judge(rungs: Sequence[RungNeeds], quota_of: QuotaOf, path: Path) -> Problem | list[str]:
    """A problem at `path` where no rung can ever start; else a warning for each that cannot."""
    found = [lacks(rung.resources, rung.kind, quota_of) for rung in rungs]
    told = list(dict.fromkeys(str(lack) for each in found for lack in each))
    if rungs and all(found):
        return Problem(
            codes.QUOTA_TOO_SMALL,
            path,
            f"the quota is too small: {'; '.join(told)}",
            remedy=f"take another type or fewer hosts, or have the quota raised: {_CONSOLE}",
        )
    return list(_passed_over(told, path))


def _passed_over(told: Sequence[str], path: Path) -> Iterator[str]:
    for text in told:
        yield f"{dotted(path)}: the quota {text}; the run passes this over and goes on to what comes next"
