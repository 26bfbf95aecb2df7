"""A run request from a file, checked with the very code that Prepare runs: every problem with its line and column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from trainwright.cli import sets, source, unquoted, yaml
from trainwright.cli.errors import BadInput
from trainwright.cli.problems import Located, in_order
from trainwright.cli.source import Source
from trainwright.cli.yaml import Document
from trainwright_runtime import problems as codes
from trainwright_runtime import request as runtime
from trainwright_runtime.policy import PolicyError, TeamPolicy
from trainwright_runtime.problems import Problem, shown
from trainwright_runtime.request import Checked
from trainwright_runtime.resolved import ISOLATION
from trainwright_runtime.site import Site


@dataclass(frozen=True)
class RunRequest:
    """A request that passed its check, and where it came from.

    Args:
        file: as the user named it; `-` is standard input.
        value: what starts an execution: the file's content, a packed folder's address in the folder's place.
        document: the file, for the places of what is found out later.
        checked: what the check made of it.
        source: the local folder of scripts, packed; None where the request names none.
    """

    file: Path
    value: dict[str, Any]
    document: Document
    checked: Checked
    source: Source | None = None

    @property
    def score_script(self) -> Path | None:
        """The script that scores the model, beside the request; None when it names none."""
        name = self.value.get("score")
        return self.file.parent / name if name else None


def read(
    file: Path, policy: TeamPolicy | None = None, settings: Sequence[str] = (), *, site: Site | None = None
) -> RunRequest:
    """Read and check a request; BadInput holds every problem with its place, in their order.

    With the team's policy, what it does not allow is refused too, and what it fills may be left out. `settings` are
    fields given beside the file (`compute.instance_count=2`), `site` is where the run would be: left out, us-east-1 and
    no VPC.
    """
    document = sets.apply(yaml.read(file), settings)
    packed = source.pack_local(document.value, file.parent)
    site = site or Site()
    checked = _check(packed.value, policy, site)
    found = list(checked) if isinstance(checked, list) else []
    found = unquoted.replaced(document, found, lambda value: _problems(value, file.parent, policy, site))
    found += [*packed.problems, *_no_score_script(document.value, file.parent)]
    if isinstance(checked, Checked) and packed.source:
        found += _requirements_without_an_index(checked, packed.source)
    if located := [*document.problems, *map(document.located, _without_lost(found, document))]:
        raise BadInput(in_order(located))
    assert isinstance(checked, Checked)  # noqa: S101 - what did not pass has problems
    return RunRequest(file, packed.value, document, checked, packed.source)


def read_sent(document: Document, policy: TeamPolicy, settings: Sequence[str], site: Site) -> RunRequest:
    """The same for a request that was sent before: nothing lies beside it, so no folder is packed, and no script scores
    the model."""
    if isinstance(document.value, dict):
        document = replace(document, value={name: each for name, each in document.value.items() if name != "score"})
    document = sets.apply(document, settings)
    checked = _check(document.value, policy, site)
    if isinstance(checked, list):
        raise BadInput(in_order([*document.problems, *map(document.located, checked)]))
    return RunRequest(Path(document.file), document.value, document, checked)


def _check(value: Any, policy: TeamPolicy | None, site: Site) -> Checked | list[Problem]:
    from trainwright_runtime.handlers.api_model import check_request  # noqa: PLC0415 - botocore is not for help texts

    return runtime.check(value, policy, partial(check_request, region=site.region), site)


def _requirements_without_an_index(checked: Checked, packed: Source) -> list[Problem]:
    """The launchers install a requirements.txt that nobody named too; only the folder shows that there is one."""
    there = any(member.name == "requirements.txt" for member in packed.members)
    if not there or not checked.resolved.get(*ISOLATION):
        return []
    problem = "its requirements.txt would be installed, which cannot be done under network isolation"
    remedy = "put the packages into the image and requirements.txt under source_code.ignore_patterns"
    return [Problem(codes.CONFLICT, ("source_code", "source_dir"), problem, remedy=remedy)]


def _without_lost(found: list[Problem], document: Document) -> list[Problem]:
    """Without what is missing only because a section is there twice and its first half is not read."""
    twice = [each.problem.path for each in document.problems if each.problem.code == codes.DUPLICATE_KEY]
    return [
        problem
        for problem in found
        if problem.code != codes.MISSING or not any(problem.path[: len(path)] == path for path in twice)
    ]


def read_policy(file: Path) -> TeamPolicy:
    """A team policy; BadInput with its problems."""
    document = yaml.read(file)
    dates = unquoted.replaced(document, (), lambda _value: [])
    try:
        policy = TeamPolicy.from_data(document.value, document.file)
    except PolicyError as error:
        found = [*document.problems, *map(document.located, [*error.problems, *dates])]
        raise BadInput(in_order(found)) from error
    if document.problems or dates:
        raise BadInput(in_order([*document.problems, *map(document.located, dates)]))
    return policy


def _problems(value: object, folder: Path, policy: TeamPolicy | None, site: Site) -> list[Problem]:
    checked = runtime.check(source.pack_local(value, folder).value, policy, None, site)
    return checked if isinstance(checked, list) else []


def _no_score_script(value: Any, folder: Path) -> list[Problem]:
    name = value.get("score") if isinstance(value, dict) else None
    if not isinstance(name, str) or not name or (folder / name).is_file():
        return []
    remedy = "name a script beside the request"
    return [Problem(codes.OUT_OF_RANGE, ("score",), "there is no such file", value=shown(name), remedy=remedy)]


def in_document(document: Document, problems: Sequence[Problem]) -> list[str | Located]:
    """Problems that were found elsewhere (by Prepare, say), with their places in the document."""
    return list(in_order(map(document.located, problems)))
