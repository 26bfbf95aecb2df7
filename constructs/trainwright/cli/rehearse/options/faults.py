"""The file of `--faults`: read, and every mistake in it said with its line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainwright.cli import yaml
from trainwright.cli.errors import BadInput
from trainwright.cli.problems import in_order
from trainwright.rehearsal.faults import FaultProblem, FaultsError, Kind, parse_faults
from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Problem, shown

_CODES = {
    Kind.NOT_AN_OBJECT: codes.NOT_A_DOCUMENT,
    Kind.UNKNOWN_FIELD: codes.UNKNOWN_FIELD,
    Kind.MISSING: codes.MISSING,
    Kind.WRONG_TYPE: codes.WRONG_TYPE,
    Kind.WRONG_VALUE: codes.OUT_OF_RANGE,
    Kind.CONFLICT: codes.CONFLICT,
}
_WITH_VALUE = (Kind.WRONG_TYPE, Kind.WRONG_VALUE)


def read(file: Path) -> dict[str, Any]:
    """The faults of a YAML file; BadInput lists what is wrong with it."""
    document = yaml.read(file)
    found = [*document.problems, *map(document.located, _problems(document.value))]
    if found:
        raise BadInput(in_order(found))
    value: dict[str, Any] = document.value
    return value


def _problems(value: Any) -> list[Problem]:
    try:
        parse_faults(value)
    except FaultsError as error:
        return [as_problem(each) for each in error.found]
    return []


def as_problem(found: FaultProblem) -> Problem:
    """One mistake as every command says it."""
    hint = f"; did you mean {found.nearest}?" if found.nearest else ""
    return Problem(
        _CODES[found.kind],
        found.path,
        found.problem + hint,
        value=shown(found.given) if found.kind in _WITH_VALUE else None,
        allowed=found.allowed,
    )
