"""What a platform asks of Service Quotas when it is deployed: what its teams' policies promise, against what the
account has.

Sources: RequestServiceQuotaIncrease and RequestedServiceQuotaChange (Service Quotas API reference); "Service quotas for
Service Quotas" (user guide): one open request a quota, and a few at once an account.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from trainwright_runtime.policy import TeamPolicy, apply
from trainwright_runtime.quotas import Kind, quota_name
from trainwright_runtime.resolved import COUNT, GROUPS, PREFERENCES, ResolvedRequest, build
from trainwright_runtime.settings import Settings

Promises = Mapping[tuple[str, Kind], int]
"""Instances by instance type and kind of quota."""

OPEN = ("PENDING", "CASE_OPENED")
"""RequestedServiceQuotaChange.Status of a request that AWS has not decided."""

_ALL_WELL = "none"
_LONGEST = 2500
"""Characters: a custom resource's whole answer may have 4,096 bytes (CloudFormation, "Response objects")."""


# --- what is promised ----------------------------------------------------------------------------------------------


def promises(policies: Iterable[TeamPolicy]) -> Promises:
    """The instances that these teams' policies promise, added up over the teams.

    A policy promises what it names: to each team one run that is silent about its machines (`default` and `always`), on
    every type of its ladder, and the instances of the `warm_pool`. A glob in `allow` promises nothing that could be
    counted; nor do machines of a training plan, which are reserved elsewhere.
    """
    total: Counter[tuple[str, Kind]] = Counter()
    for policy in policies:
        total.update(_of_team(policy))
    return dict(sorted(total.items()))


def _of_team(policy: TeamPolicy) -> dict[tuple[str, Kind], int]:
    """A pool counts against the quota for training jobs too ("Warm pool resource limits"), but its instances are those
    that the team's next run trains on: the larger of the two is what the team needs."""
    promised = dict(_of_a_silent_run(policy))
    if pool := policy.warm_pool:
        promised[pool.instance_type, "warm_pool"] = pool.instances
        training = promised.get((pool.instance_type, "training"), 0)
        promised[pool.instance_type, "training"] = max(training, pool.instances)
    return promised


def _of_a_silent_run(policy: TeamPolicy) -> Iterator[tuple[tuple[str, Kind], int]]:
    run = build("silent", apply(Settings(), policy, {}).values)
    kinds: list[Kind] = ["spot"] if run.spot else ["training"]
    if run.spot and run.falls_back:
        kinds.append("training")
    for instance_type, count in _machines(run).items():
        yield from (((instance_type, kind), count) for kind in kinds)


def _machines(run: ResolvedRequest) -> dict[str, int]:
    """Instances by type; of a ladder's types and of preferences each may be the one that is taken."""
    if run.get("compute", "training_plan_arn"):
        return {}
    if groups := run.get(*GROUPS):
        counted: Counter[str] = Counter()
        for group in groups:
            counted[group.instance_type] += group.instance_count
        return dict(counted)
    count = run.get(*COUNT) or 1
    preferred = {entry.instance_type: entry.instance_count or count for entry in run.get(*PREFERENCES) or ()}
    return preferred or dict.fromkeys(run.instance_types, count)


# --- what is asked for ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quota:
    """A quota as Service Quotas has it: its code, and instances."""

    code: str
    value: float
    adjustable: bool


@dataclass(frozen=True)
class Increase:
    """The newest request to raise a quota: to how many instances, and how far it got (`Status` of the API)."""

    desired: float
    status: str

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


@dataclass(frozen=True)
class Wish:
    """Instances that one quota is to have, and what is known about that quota.

    `quota` None: the account has none of that name. `increase` None: nobody asked, as far as AWS remembers (90 days).
    `refusal`: what AWS said when it was asked just now.
    """

    instance_type: str
    kind: Kind
    instances: int
    quota: Quota | None = None
    increase: Increase | None = None
    refusal: str | None = None

    @property
    def name(self) -> str:
        return quota_name(self.instance_type, self.kind)

    @property
    def is_met(self) -> bool:
        return self.quota is not None and self.quota.value >= self.instances


def wishes(promised: Promises, quotas: Mapping[str, Quota], newest: Mapping[str, Increase]) -> list[Wish]:
    """What is wanted beside what there is: `quotas` by name, the newest request of each by its code."""
    found = [Wish(name, kind, count) for (name, kind), count in sorted(promised.items())]
    return [_looked_up(wish, quotas.get(wish.name), newest) for wish in found]


def _looked_up(wish: Wish, quota: Quota | None, newest: Mapping[str, Increase]) -> Wish:
    return replace(wish, quota=quota, increase=newest.get(quota.code)) if quota else wish


def is_asked(wish: Wish, *, support_case_allowed: bool, again: bool) -> bool:
    """Whether an increase is to be asked for now.

    Never while a request is open: AWS takes one a quota. One that AWS has turned down is repeated only when somebody
    wants it `again`, or when it was turned down for want of a support case that is allowed now: "If you set the flag to
    False, Amazon Web Services does not open a support case and updates the request status to Not approved".
    """
    if wish.quota is None or wish.is_met or not wish.quota.adjustable:
        return False
    last = wish.increase
    if last is None or last.is_open:
        return last is None
    return again or last.desired < wish.instances or (support_case_allowed and last.status == "NOT_APPROVED")


# --- what is said --------------------------------------------------------------------------------------------------


def warning(wish: Wish) -> str | None:
    """What stands in the way of a wish, as one sentence; None: nothing does."""
    if wish.is_met:
        return None
    if wish.quota is None:
        return f"{wish.name}: there is no quota of this name here, so SageMaker may not offer the type for this"
    has = f"{wish.name} is {wish.quota.value:.0f} and should be {wish.instances}"
    if not wish.quota.adjustable:
        return f"{has}; AWS raises this quota for nobody"
    return f"{has}; {_progress(wish)}"


def _progress(wish: Wish) -> str:
    last = wish.increase
    if wish.refusal:
        return f"AWS did not take the request: {wish.refusal}"
    if last is None:
        return "nothing was asked for"
    if last.is_open and last.desired < wish.instances:
        return (
            f"a request for {last.desired:.0f} is open ({last.status}), and AWS takes no second one until it is decided"
        )
    if last.is_open:
        return f"the request for {last.desired:.0f} is open ({last.status})"
    if last.status == "APPROVED":
        return f"the request for {last.desired:.0f} is approved and not in force yet"
    return f"AWS turned the request for {last.desired:.0f} down ({last.status}); ask AWS Support"


def pending(found: Sequence[Wish]) -> int:
    """How many quotas may still be raised by a request under way."""
    return sum(not wish.is_met and bool(wish.increase and wish.increase.is_open) for wish in found)


def text(warnings: Sequence[str]) -> str:
    """Warnings as an attribute of the resource, `none` where there are none; cut where CloudFormation would refuse it,
    saying so."""
    if not warnings:
        return _ALL_WELL
    kept: list[str] = []
    for number, line in enumerate(warnings):
        if sum(len(each) + 1 for each in [*kept, line]) > _LONGEST:
            return "\n".join([*kept, f"and {len(warnings) - number} more, in the function's log"])
        kept.append(line)
    return "\n".join(kept)
