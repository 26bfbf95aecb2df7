"""The team policy: what the platform team allows, fills in and insists on for one team's runs (teams/<team>.yaml)."""

import pathlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationInfo, model_validator

from trainwright_runtime import instances, reach
from trainwright_runtime import problems as codes
from trainwright_runtime.forms import Leaf, as_written, leaves, long_name
from trainwright_runtime.origin import field_of
from trainwright_runtime.policy_sections import (
    TEAM_NAME,
    Allow,
    Budget,
    Capabilities,
    Notices,
    Recovery,
    Vpc,
    WarmPool,
    team_name,
    zone,
)
from trainwright_runtime.problems import Path, Problem, shown
from trainwright_runtime.provision import not_provisioned
from trainwright_runtime.reading import READING, read
from trainwright_runtime.resolved import (
    CONTAINERS,
    COST,
    COUNT,
    FALLBACK,
    GROUPS,
    IMAGE,
    INFRA_CHECK,
    PREFERENCES,
    RETRIES,
    RUNTIME,
    SPOT,
    WAIT,
    Values,
    build,
    fill_defaults,
    spelled,
)
from trainwright_runtime.rules.containers import SOURCE
from trainwright_runtime.schema import schema_of
from trainwright_runtime.sections import Section
from trainwright_runtime.settings import Settings
from trainwright_runtime.site import Site
from trainwright_runtime.units import spell_duration
from trainwright_runtime.vocabulary import Vocabulary
from trainwright_runtime.words import SETTINGS_WORDS

__all__ = [
    "POLICY_WORDS",
    "TEAM_NAME",
    "Allow",
    "Applied",
    "Budget",
    "Capabilities",
    "Notices",
    "PolicyError",
    "Recovery",
    "TeamPolicy",
    "Vpc",
    "WarmPool",
    "apply",
    "contradictions",
    "json_schema",
    "violations",
]


class PolicyError(ValueError):
    """A team policy that cannot be used; the message holds every problem, a sentence each."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.problems = problems
        lines = [f"- {problem.sentence()}" for problem in problems]
        super().__init__("\n".join([f"{source}: this team policy cannot be used:", *lines]))


class TeamPolicy(Section):
    """What the platform team decides for a team: `allow` (refused outside it), `default` (filled in where a run is
    silent) and `always` (set whatever a run says, and said in its warnings).

    Made with `from_file`, `from_text` or `from_data`; made directly, it checks itself and raises pydantic's
    ValidationError. `model_dump(mode="json")` is the canonical form, which `from_data` reads back.
    """

    team: Annotated[str, AfterValidator(team_name)]
    """The team's name: lower-case letters and digits, no hyphen."""
    time_zone: Annotated[str, AfterValidator(zone)] | None = None
    """An IANA time zone, such as `Europe/Berlin`, for clock times in requests and reports. Left out: UTC."""
    allow: Allow = Allow()
    capabilities: Capabilities = Capabilities()
    """What runs may use beside the platform's own parts; nothing, where a line is left out."""
    budget: Budget = Budget()
    """What runs may cost, one by one and in a month."""
    warm_pool: WarmPool | None = None
    """The warm pool that the team is promised. Left out: none; `capabilities.keep_alive` lets runs keep machines."""
    recovery: Recovery = Recovery()
    """What a run does about what training runs die of."""
    notices: Notices = Notices()
    """Who hears of runs, and of what."""
    default: Settings = Settings()
    """Settings filled in where a run is silent."""
    always: Settings = Settings()
    """Settings that hold whatever a run says."""

    @classmethod
    def from_file(cls, path: str | pathlib.Path) -> "TeamPolicy":
        """Read a policy from a YAML 1.2 file; PolicyError (a ValueError) lists every problem, OSError if unreadable."""
        return cls.from_text(pathlib.Path(path).read_text(encoding="utf-8"), str(path))

    @classmethod
    def from_text(cls, text: str, source: str = "policy") -> "TeamPolicy":
        """Read a policy from YAML 1.2 text, of which JSON is a part. `source` names it in messages."""
        from ruamel.yaml import YAML  # noqa: PLC0415  the Lambda layer has no YAML reader; policies reach it as JSON
        from ruamel.yaml.error import YAMLError  # noqa: PLC0415

        try:
            data = YAML(typ="safe", pure=True).load(text)
        except YAMLError as error:
            problem = Problem(codes.NOT_A_DOCUMENT, (), f"this is no YAML: {' '.join(str(error).split())}")
            raise PolicyError(source, [problem]) from error
        return cls.from_data(data, source)

    @classmethod
    def from_data(cls, data: object, source: str = "policy") -> "TeamPolicy":
        """A policy from parsed YAML or JSON; PolicyError lists every problem, contradictions included."""
        if not isinstance(data, Mapping):
            raise PolicyError(source, [_not_a_policy(data)])
        policy, found = read(cls, data, POLICY_WORDS, {"team": "unnamed"})
        found += contradictions(policy, data)
        if "team" not in data:
            found.insert(0, _NO_TEAM)
        if found:
            raise PolicyError(source, found)
        return policy

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "TeamPolicy":
        if info.context is not READING and (found := list(contradictions(self))):
            raise PolicyError("policy", found)
        return self


_NO_TEAM = Problem(
    codes.MISSING, ("team",), "this is missing", remedy="write the team's name, for instance team: vision"
)


def _not_a_policy(data: object) -> Problem:
    return Problem(codes.NOT_A_DOCUMENT, (), "this is no policy", value=shown(data), allowed="an object with `team`")


POLICY_WORDS = Vocabulary(
    names={
        (): tuple(TeamPolicy.model_fields),
        ("allow",): tuple(Allow.model_fields),
        ("capabilities",): tuple(Capabilities.model_fields),
        ("capabilities", "vpc"): tuple(Vpc.model_fields),
        ("budget",): tuple(Budget.model_fields),
        ("warm_pool",): tuple(WarmPool.model_fields),
        ("recovery",): tuple(Recovery.model_fields),
        ("notices",): tuple(Notices.model_fields),
    },
).merged(SETTINGS_WORDS.below("default", "always"))


def contradictions(policy: TeamPolicy, data: object = None) -> Iterator[Problem]:
    """What the policy says against itself: each would refuse every run, or say two things about one field. `data` is
    its document, for the words of its author."""
    document = data if isinstance(data, Mapping) else policy.model_dump(exclude_none=True)
    default, always = leaves(policy.default), leaves(policy.always)
    for section, settings in (("default", policy.default), ("always", policy.always)):
        values = Values()
        values.put(leaves(settings), "policy")
        written = document.get(section)
        yield from (_inside(section, problem) for problem in violations(values, written, policy))
        yield from _impossible(section, settings, written)
    yield from _promises(policy)
    for leaf in default.keys() & always.keys():
        path = ("default", *as_written(document.get("default"), leaf))
        remedy = "take it out of default: always wins"
        yield Problem(codes.CONTRADICTION, path, "default and always both set this", remedy=remedy)


def _promises(policy: TeamPolicy) -> Iterator[Problem]:
    """Money and machines that no run could have."""
    budget, pool = policy.budget, policy.warm_pool
    if budget.max_cost_usd and budget.monthly_usd and budget.max_cost_usd > budget.monthly_usd:
        path, said = ("budget", "max_cost_usd"), f"a month has {budget.monthly_usd:g} USD for all runs together"
        yield Problem(codes.CONTRADICTION, path, said, f"{budget.max_cost_usd:g}", f"up to {budget.monthly_usd:g}")
    if pool and not reach.any_of(pool.instance_type, policy.allow.instance_types):
        path, allowed = ("warm_pool", "instance_type"), ", ".join(policy.allow.instance_types)
        said = "runs may not use this type, so none could use the pool"
        yield Problem(codes.CONTRADICTION, path, said, shown(pool.instance_type), allowed)
    if pool and policy.capabilities.keep_alive is None:
        said, remedy = "no run may keep machines, so the pool would stay empty", "add capabilities.keep_alive: 1h"
        yield Problem(codes.CONTRADICTION, ("warm_pool",), said, remedy=remedy)


def _inside(section: str, problem: Problem) -> Problem:
    text = f"{section} is outside allow: {problem.problem}"
    return Problem(codes.CONTRADICTION, (section, *problem.path), text, problem.value, problem.allowed)


def _impossible(section: str, settings: Settings, data: object) -> Iterator[Problem]:
    said = leaves(settings)
    path = (section, *as_written(data, WAIT))
    runtime = said.get(RUNTIME)
    if WAIT in said and said.get(SPOT) is False:
        yield Problem(codes.CONTRADICTION, path, f"{section} sets a waiting time for spot and switches spot off")
    if WAIT in said and runtime and said[WAIT] < runtime:
        yield Problem(codes.CONTRADICTION, path, f"{section} sets max_wait below max_runtime")


@dataclass(frozen=True)
class Applied:
    """A request with its silences filled; `provenance` says for each field who set it: run, policy or default."""

    values: Values
    warnings: tuple[str, ...]

    @property
    def provenance(self) -> dict[str, str]:
        """Field (dotted, long names) -> run | policy | default."""
        return {".".join(leaf): source for leaf, source in sorted(self.values.sources.items())}


def apply(request: Settings, policy: TeamPolicy | None, data: object) -> Applied:
    """The run's settings over the policy's defaults, under what the policy always sets; then the defaults. `data` is
    the run's document, for the words of its author."""
    values = Values()
    said = leaves(request)
    said.pop(("name",), None)
    said.pop(("score",), None)
    always = leaves(policy.always) if policy else {}
    values.put(_defaults(policy, said) if policy else {}, "policy")
    values.put(said, "run")
    values.put(always, "policy")
    fill_defaults(values, int(policy.allow.max_runtime.total_seconds()) if policy else None)
    if policy:
        values.put(_recovered(policy, values), "policy")
    return Applied(values, tuple(_overruled(data, said, always)))


def _defaults(policy: TeamPolicy, said: Mapping[Leaf, Any]) -> dict[Leaf, Any]:
    """The policy's defaults, but for those that a choice of the run's leaves no room for: another container, other
    machines."""
    answer = leaves(policy.default)
    containers = {leaf[0] for leaf in CONTAINERS}
    if any(leaf[0] in containers for leaf in said):
        answer = {leaf: value for leaf, value in answer.items() if leaf[0] not in containers}
    if any(leaf in said for leaf in (GROUPS, PREFERENCES)):
        answer.pop(("compute", "instance_type"), None)
        answer.pop(COUNT, None)
    return answer


def _recovered(policy: TeamPolicy, values: Values) -> dict[Leaf, Any]:
    """What budget and recovery fill in where the run is silent; checks of the machines and SageMaker's own retries for
    accelerated types only."""
    wanted: dict[Leaf, Any] = {COST: policy.budget.max_cost_usd}
    if _accelerated(values):
        wanted |= {INFRA_CHECK: policy.recovery.infra_check or None, RETRIES: policy.recovery.retries}
    return {leaf: value for leaf, value in wanted.items() if value is not None and leaf not in values.settings}


def _accelerated(values: Values) -> bool:
    kinds = [instances.find(name) for name in build("", values).all_instance_types]
    return bool(kinds) and all(kind is not None and kind.kind != "cpu" for kind in kinds)


def _overruled(data: object, said: Mapping[Leaf, Any], always: Mapping[Leaf, Any]) -> Iterator[str]:
    for leaf, value in always.items():
        if leaf in said and said[leaf] != value:
            field = ".".join(as_written(data, leaf))
            yield f"{field}: the team's policy always sets {spelled(leaf, value)}; the run's own value is not used"


def violations(values: Values, data: object, policy: TeamPolicy, site: Site | None = None) -> Iterator[Problem]:
    """What of these settings the policy does not allow; paths are those that the author of `data` wrote."""
    allow, most = policy.allow, policy.budget.max_cost_usd
    for leaf, allowed, fits in (
        (IMAGE, allow.images, lambda image: reach.image_allowed(image, allow, policy.capabilities)),
        (("framework", "name"), allow.images, lambda _: "framework" in allow.images),
        (("algorithm", "name"), allow.images, lambda _: "algorithm" in allow.images),
        (("algorithm_name",), reach.resources(allow), lambda name: reach.algorithm_allowed(name, allow)),
        (("compute", "instance_type"), allow.instance_types, _types_allowed(allow)),
        (GROUPS, allow.instance_types, _entries_allowed(allow)),
        (PREFERENCES, allow.instance_types, _entries_allowed(allow)),
        (COUNT, [f"up to {allow.max_instance_count}"], lambda count: count <= allow.max_instance_count),
        (
            RUNTIME,
            [f"up to {spell_duration(int(allow.max_runtime.total_seconds()))}"],
            lambda seconds: seconds <= allow.max_runtime.total_seconds(),
        ),
        (FALLBACK, ["none"], lambda fallback: allow.fallback or fallback == "none"),
        (COST, [f"up to {most:g} USD"] if most else [], lambda usd: most is None or usd <= most),
        *((leaf, allow.data, _data_allowed(allow.data)) for leaf in values.settings if _is_address(leaf)),
        (SOURCE, allow.data, lambda source: not source.startswith("s3://") or _data_allowed(allow.data)(source)),
        # IAM holds every job to the allowed types, and a serverless one names none
        (("serverless_job_config", "job_type"), ["jobs on instance types"], lambda _: False),
        *((leaf, ["nothing"], lambda _: allow.overrides) for leaf in values.settings if leaf[0] == "overrides"),
    ):
        value = values.settings.get(leaf)
        if value is not None and not fits(value):
            yield _not_allowed(as_written(data, leaf), spelled(leaf, value), allowed)
    for leaf, below, name, instead in reach.beyond(values, allow, policy.capabilities):
        yield _not_allowed((*as_written(data, leaf), *below), name, instead)
    yield from _too_many_hosts(values, data, policy)
    yield from _raw_over_always(values, policy)
    yield from not_provisioned(values, data, policy, site or Site())


def _types_allowed(allow: Allow) -> Any:
    return lambda types: all(reach.any_of(kind, allow.instance_types) for kind in types)


def _entries_allowed(allow: Allow) -> Any:
    return lambda entries: all(reach.any_of(entry.instance_type, allow.instance_types) for entry in entries)


def _too_many_hosts(values: Values, data: object, policy: TeamPolicy) -> Iterator[Problem]:
    most = policy.allow.max_instance_count
    groups = values.get(*GROUPS) or []
    preferences = values.get(*PREFERENCES) or []
    for leaf, count in (
        (GROUPS, sum(group.instance_count for group in groups)),
        (PREFERENCES, max((entry.instance_count or 0 for entry in preferences), default=0)),
    ):
        if count > most:
            yield _not_allowed(as_written(data, leaf), f"{count} instances", [f"up to {most}"])


def _raw_over_always(values: Values, policy: TeamPolicy) -> Iterator[Problem]:
    """Raw fields are merged last, so they could undo what the policy always sets."""
    always = leaves(policy.always)
    for leaf, value in values.settings.items():
        if leaf[0] != "overrides":
            continue
        fields = {long_name(tuple(map(str, field_of(path, {})))) for path in _api_paths((leaf[1],), value)}
        if undone := sorted(fields & always.keys()):
            problem = f"the team's policy always sets {'.'.join(undone[0])}"
            yield Problem(codes.NOT_ALLOWED, leaf, problem, remedy="leave it out, or ask the platform team")


def _api_paths(path: Path, value: object) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _api_paths((*path, str(name)), inner)
    elif path[0] not in ("InputDataConfig", "Tags"):
        yield path


def _not_allowed(path: Path, value: str, allowed: Iterable[str]) -> Problem:
    return Problem(
        codes.NOT_ALLOWED,
        path,
        "the team's policy does not allow this",
        value=shown(value),
        allowed=", ".join(allowed),
        remedy="ask for what is allowed, or the platform team for more",
    )


def _is_address(leaf: Leaf) -> bool:
    return leaf[0] == "inputs" and leaf[-1] == "s3_uri"


def _data_allowed(prefixes: list[str]) -> Any:
    def fits(address: str) -> bool:
        spelled_out = address if "://" in address else f"data://{address}"
        return spelled_out.startswith(tuple(prefixes))

    return fits


def json_schema() -> dict[str, Any]:
    """The JSON schema of a team policy, for editors; docs/team-policy.schema.json is this."""
    return schema_of(TeamPolicy, title="Trainwright team policy", required=["team"])
