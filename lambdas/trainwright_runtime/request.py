"""The run request: the document a user writes (YAML 1.2 or JSON), its model, its JSON schema and its check."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import AfterValidator

from trainwright_runtime import prices, rules
from trainwright_runtime import problems as codes
from trainwright_runtime.fields import RunName
from trainwright_runtime.forms import Leaf, both_forms, given_at, leaves, long_name, nested
from trainwright_runtime.policy import Applied, TeamPolicy, apply, violations
from trainwright_runtime.problems import Edit, Path, Problem
from trainwright_runtime.reading import read, refusal
from trainwright_runtime.resolved import TYPES, ResolvedRequest, build
from trainwright_runtime.rules.containers import SOURCE
from trainwright_runtime.rules.look import Look
from trainwright_runtime.schema import schema_of
from trainwright_runtime.sections import Section
from trainwright_runtime.settings import Settings
from trainwright_runtime.site import Site
from trainwright_runtime.units import spell_duration
from trainwright_runtime.vocabulary import Vocabulary
from trainwright_runtime.words import SETTINGS_WORDS

_TRIED_FIXES = 25
"""How many sure fixes of one document are tried out: each takes a check of its own."""


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
Price = Callable[[str], float | None]


def check(
    data: object,
    policy: TeamPolicy | None = None,
    api: ApiCheck | None = None,
    site: Site | None = None,
    price: Price = prices.on_demand_usd_per_hour,
) -> Checked | list[Problem]:
    """A checked request, or every problem of it at once; never raises, whatever `data` is.

    `policy` is the team's: without one, only the defaults fill and nothing but SageMaker's own limits refuse. `api`
    looks at the resolved request as the API's own model would (handlers.api_model.check_request); it runs when all
    else is well. `site` is where the run would take place; left out: us-east-1, no VPC. `price` knows an hour of one
    host on demand in US dollars; left out: the package's own table.

    A fix that is called sure was tried: it takes its problem away and brings no other.
    """
    answer = _check(data, policy, api, site or Site(), price)
    if isinstance(answer, Checked):
        return answer
    return list(_only_sure_fixes(data, answer, lambda document: _check(document, policy, api, site or Site(), price)))


def _check(
    data: object, policy: TeamPolicy | None, api: ApiCheck | None, site: Site, price: Price
) -> Checked | list[Problem]:
    request, found = read(RunRequest, data, REQUEST_WORDS)
    applied = apply(request, policy, data)
    look = Look(build(str(request.name), applied.values), data, applied.values.sources, site, price)
    found += [*_both_forms(request), *_missing(data, request, applied, found)]
    found += list(rules.refusals(look, [_meant(problem) for problem in found]))
    found += violations(applied.values, data, policy, site) if policy else ()
    if found:
        return _once(found)
    warnings = (*applied.warnings, *rules.cautions(look))
    found = _told_of_overrides(look.request, api) if api else []
    return _once(found) if found else Checked(request, look.request, applied.provenance, warnings)


def json_schema() -> dict[str, Any]:
    """The JSON schema of a run request, for editors; docs/run-request.schema.json is this."""
    return schema_of(RunRequest, title="Trainwright run request", required=["name"])


def canonical(checked: Checked) -> dict[str, Any]:
    """The request as its author wrote it, in long names, durations in seconds and sizes in GB."""
    said = nested((leaf, _plain(leaf, value)) for leaf, value in leaves(checked.request).items())
    return {"name": said.pop("name"), **said}


def _plain(leaf: Leaf, value: Any) -> Any:
    if leaf == ("checkpoints", "every"):
        return spell_duration(value)  # it has no other name, so it keeps its unit
    if leaf == TYPES and len(value) == 1:
        return value[0]
    if isinstance(value, Section):
        return value.model_dump(mode="json", exclude_none=True)
    return [_plain((), entry) for entry in value] if isinstance(value, list) else value


def local_source(data: object) -> str | None:
    """The local folder that a request's source_code names; None where it names none, or an address."""
    source = data
    for part in SOURCE:
        source = source.get(part) if isinstance(source, Mapping) else None
    is_local = isinstance(source, str) and not source.startswith(("data://", "s3://"))
    return str(source) if is_local else None


def _once(found: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(found))


def _told_of_overrides(resolved: ResolvedRequest, api: ApiCheck) -> list[Problem]:
    """What the API's model refuses; what it refuses only because of raw fields is told there."""
    found = api(resolved)
    raw = resolved.below("overrides")
    if not found or not raw:
        return found
    kept = {leaf: value for leaf, value in resolved.settings.items() if leaf[0] != "overrides"}
    without = api(ResolvedRequest(resolved.name, kept))
    place = ("overrides", *raw) if len(raw) == 1 else ("overrides",)
    return [
        problem
        if problem in without
        else replace(problem, path=place, problem=f"{problem.field}: {problem.problem}", sure=False, edit=None)
        for problem in found
    ]


def _only_sure_fixes(
    data: object, found: list[Problem], check_again: Callable[[object], Checked | list[Problem]]
) -> Iterator[Problem]:
    """Every problem, its fix called sure only where applying it is seen to help."""
    places = {(problem.code, problem.path) for problem in found}
    tried = 0
    for problem in found:
        if not problem.sure or problem.edit is None:
            yield replace(problem, sure=False)
            continue
        tried += 1
        left = check_again(edited(data, problem.edit)) if tried <= _TRIED_FIXES else found
        remaining = set() if isinstance(left, Checked) else {(each.code, each.path) for each in left}
        helps = remaining < places and (problem.code, problem.path) not in remaining
        yield problem if helps else replace(problem, sure=False)


def edited(data: object, edit: Edit) -> Any:
    """The document with a fix applied; the document itself where the place to mend is not there."""
    document = copy.deepcopy(data)
    owner = _owner(document, edit.path)
    if owner is None:
        return document
    if edit.op == "replace":
        owner[edit.path[-1]] = edit.value
    elif edit.op == "remove":
        del owner[edit.path[-1]]
    else:
        _rename(document, owner, edit)
    return document


def _owner(document: Any, path: tuple[str | int, ...]) -> Any:
    for part in path[:-1]:
        if not _holds(document, part):
            return None
        document = document[part]
    return document if path and _holds(document, path[-1]) else None


def _holds(owner: Any, part: str | int) -> bool:
    if isinstance(owner, dict):
        return part in owner
    return isinstance(owner, list) and isinstance(part, int) and part < len(owner)


def _rename(document: Any, owner: Any, edit: Edit) -> None:
    value = owner[edit.path[-1]]
    if edit.path[:-1] == edit.value[:-1]:  # in its place, so that the order of a section stays
        entries = [(edit.value[-1] if key == edit.path[-1] else key, entry) for key, entry in owner.items()]
        owner.clear()
        owner.update(entries)
        return
    del owner[edit.path[-1]]
    target = document
    for part in edit.value[:-1]:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            return
    target.setdefault(edit.value[-1], value)


def _both_forms(request: RunRequest) -> Iterator[Problem]:
    for short, long in both_forms(request):
        problem = f"this and its short form {'.'.join(short)} are both given"
        remedy = f"keep {'.'.join(short)} alone"
        yield Problem(codes.BOTH_FORMS, long, problem, remedy=remedy, sure=True, edit=Edit("remove", long))


def _meant(problem: Problem) -> Path:
    """The setting that is uncertain because of a problem: the one that a misspelt field stands for, else its own."""
    if problem.edit is not None and problem.edit.op == "rename":
        return long_name(problem.edit.value)
    return long_name(tuple(map(str, problem.path)))


def _missing(data: object, request: RunRequest, applied: Applied, found: list[Problem]) -> Iterator[Problem]:
    """Required fields that nobody named; one that was given and refused, or misspelt, has its problem already."""
    if not isinstance(data, Mapping):
        return
    meant = {problem.edit.value for problem in found if problem.edit and problem.edit.op == "rename"}
    refused = {problem.path for problem in found}
    for path, remedy in _required(request, applied):
        inside_refused = any(path[: len(each)] == each for each in refused if each)
        if not given_at(data, path) and path not in meant and not inside_refused:
            yield Problem(codes.MISSING, path, "this is missing", remedy=remedy)


def _required(request: RunRequest, applied: Applied) -> Iterator[tuple[Leaf, str]]:
    if request.name is None:
        yield ("name",), "write a name, for instance name: digits"
    if not applied.values.get("compute", "instance_type") and not applied.values.names_machines():
        yield ("compute", "instance_type"), "write one, for instance instance_type: ml.m5.large"
    for name in request.inputs or {}:
        sources = ("s3_uri", "file_system_id", "dataset_arn")
        if not any(applied.values.get("inputs", name, source) for source in sources):
            yield ("inputs", name, "s3_uri"), f"write s3_uri: data://{name}/"
