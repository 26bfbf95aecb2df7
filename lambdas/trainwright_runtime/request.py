"""The run request: the document a user writes (YAML 1.2 or JSON), its model, its JSON schema and its check."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from trainwright_runtime import problems as codes
from trainwright_runtime.fields import (
    HYPERPARAMETERS,
    MAX_RUNTIME_SECONDS,
    MAX_WAIT_SECONDS,
    USER_TAGS,
    VARIABLES,
    RunName,
)
from trainwright_runtime.policy import Applied, TeamPolicy, apply, violations
from trainwright_runtime.problems import Problem
from trainwright_runtime.reading import read, refusal
from trainwright_runtime.resolved import ResolvedRequest, build, spelled
from trainwright_runtime.schema import schema_of
from trainwright_runtime.settings import Leaf, Settings, both_forms, leaves, written_as
from trainwright_runtime.vocabulary import Vocabulary
from trainwright_runtime.words import SETTINGS_WORDS

_SPOT = ("compute", "enable_managed_spot_training")
_RUNTIME = ("stopping_condition", "max_runtime_in_seconds")
_WAIT = ("stopping_condition", "max_wait_time_in_seconds")
_CHECKPOINTS = ("checkpoints", "enabled")


def _script(value: str) -> str:
    if not value.strip() or not value.isprintable() or len(value) > 1024:
        raise refusal(codes.OUT_OF_RANGE, "this is no path of a script", allowed="a path such as score.py")
    return value


class RunRequest(Settings):
    """What a user asks for: one training run. Everything but `name` may be left out where the team's policy fills
    it."""

    name: RunName | None = None
    """What people call this run; it need not be unique."""
    score: Annotated[str, AfterValidator(_script)] | None = None
    """A script beside the request that scores the model in the rehearsal and on the command line; AWS never sees it."""


REQUEST_WORDS = SETTINGS_WORDS.merged(Vocabulary(names={(): tuple(RunRequest.model_fields)}))


@dataclass(frozen=True)
class Checked:
    """A request that passed: as read, with every silence filled, who filled it, and what its author should know."""

    request: RunRequest
    resolved: ResolvedRequest
    provenance: Mapping[str, str]
    warnings: tuple[str, ...]


ApiCheck = Callable[[ResolvedRequest], list[Problem]]


def check(data: object, policy: TeamPolicy | None = None, api: ApiCheck | None = None) -> Checked | list[Problem]:
    """A checked request, or every problem of it at once; never raises, whatever `data` is.

    `policy` is the team's: without one, only the defaults fill and nothing but SageMaker's own limits refuse. `api`
    looks at the resolved request as the API's own model would (handlers.api_model.check_request); it runs when all
    else is well.
    """
    request, found = read(RunRequest, data, REQUEST_WORDS)
    applied = apply(request, policy)
    found += [*_both_forms(request), *_missing(data, request, applied, found), *_conflicts(request, applied, found)]
    found += violations(applied.values, request, policy) if policy else ()
    if not found:
        resolved = build(str(request.name), applied.values)
        found = api(resolved) if api else []
    return _once(found) if found else Checked(request, resolved, applied.provenance, applied.warnings)


def json_schema() -> dict[str, Any]:
    """The JSON schema of a run request, for editors; docs/run-request.schema.json is this."""
    return schema_of(RunRequest, title="Trainwright run request", required=["name"])


def _once(found: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(found))


def _both_forms(request: RunRequest) -> Iterator[Problem]:
    for short, long in both_forms(request):
        problem = f"this and its short form {'.'.join(short)} are both given"
        yield Problem(codes.BOTH_FORMS, long, problem, remedy=f"keep {'.'.join(short)} alone", sure=True)


def _missing(data: object, request: RunRequest, applied: Applied, found: list[Problem]) -> Iterator[Problem]:
    """Required fields that nobody named; one that was given and refused, or misspelt, has its problem already."""
    if not isinstance(data, Mapping):
        return
    meant = {problem.remedy for problem in found} | {f"write {problem.field}" for problem in found}
    for path, remedy in _required(request, applied):
        if not _given(data, path) and f"write {'.'.join(path)}" not in meant:
            yield Problem(codes.MISSING, path, "this is missing", remedy=remedy)


def _required(request: RunRequest, applied: Applied) -> Iterator[tuple[Leaf, str]]:
    if request.name is None:
        yield ("name",), "write a name, for instance name: digits"
    if not applied.values.get("compute", "instance_type"):
        yield ("compute", "instance_type"), "write one, for instance instance_type: ml.m5.large"
    for name in request.inputs or {}:
        if not applied.values.get("inputs", name, "s3_uri"):
            yield ("inputs", name, "s3_uri"), f"write s3_uri: data://{name}/"


def _given(data: object, path: Leaf) -> bool:
    """Whether the document says anything at this path, or something else than a section on the way to it."""
    for part in path:
        if not isinstance(data, Mapping):
            return True
        if part not in data:
            return False
        data = data[part]
    return True


def _conflicts(request: RunRequest, applied: Applied, found: list[Problem]) -> Iterator[Problem]:
    """Settings that do not go together; not those of which one has a problem of its own, which would only confuse."""
    refused = {problem.path for problem in found}
    if refused.isdisjoint(written_as(request, leaf) for leaf in (_SPOT, _RUNTIME, _WAIT, _CHECKPOINTS)):
        yield from _time_conflicts(request, applied)
    yield from _too_many(applied)


def _time_conflicts(request: RunRequest, applied: Applied) -> Iterator[Problem]:
    """What SageMaker, or good sense, does not take together. Rules: StoppingCondition, SageMaker API reference."""
    values = applied.values
    spot, runtime, wait = values.get(*_SPOT), values.get(*_RUNTIME), values.get(*_WAIT)
    if runtime > MAX_RUNTIME_SECONDS:
        yield _conflict(request, applied, _RUNTIME, "SageMaker stops every job after 28 days", allowed="28d at most")
    if wait is not None and not spot:
        remedy = "set compute.spot: true, or leave this out"
        yield _conflict(request, applied, _WAIT, "a waiting time needs spot, and spot is off", remedy=remedy)
    if wait is not None and wait > MAX_WAIT_SECONDS:
        yield _conflict(request, applied, _WAIT, "SageMaker ends every job after 30 days", allowed="30d at most")
    if wait is not None and spot and wait < runtime:
        allowed = f"{spelled(_RUNTIME, runtime)} (max_runtime) or more"
        yield _conflict(
            request, applied, _WAIT, "waiting and training together are less than max_runtime", allowed=allowed
        )
    if spot and not values.get(*_CHECKPOINTS) and runtime > 3600:
        remedy = "leave checkpoints out (spot brings them), or set compute.spot: false"
        problem = "a spot run of over an hour without checkpoints loses everything at each interruption"
        yield _conflict(request, applied, _CHECKPOINTS, problem, remedy=remedy)


def _conflict(
    request: RunRequest,
    applied: Applied,
    leaf: Leaf,
    problem: str,
    *,
    allowed: str | None = None,
    remedy: str | None = None,
) -> Problem:
    value = applied.values.get(*leaf)
    origin = "" if leaf in leaves(request) else f" (set by the {_SET_BY[applied.values.sources[leaf]]})"
    return Problem(
        codes.CONFLICT,
        written_as(request, leaf),
        problem + origin,
        value=spelled(leaf, value),
        allowed=allowed,
        remedy=remedy,
    )


_SET_BY = {"run": "run", "policy": "team's policy", "default": "default"}


def _too_many(applied: Applied) -> Iterator[Problem]:
    """The run's entries and the policy's count together."""
    for section, most in (("hyperparameters", HYPERPARAMETERS), ("environment", VARIABLES), ("tags", USER_TAGS)):
        count = len(applied.values.section(section))
        if count > most:
            problem = f"{count} entries, the policy's included, are too many"
            yield Problem(codes.OUT_OF_RANGE, (section,), problem, allowed=f"{most} at most")
