"""The file of `--faults`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainwright.cli import yaml
from trainwright.cli.errors import BadInput
from trainwright.rehearsal.faults import FaultsError, parse_faults


def read(file: Path) -> dict[str, Any]:
    """The faults of a YAML file; BadInput lists what is wrong with it."""
    document = yaml.read(file)
    try:
        parse_faults(document.value)
    except FaultsError as error:
        raise BadInput([f"{file}: {problem}" for problem in error.problems]) from error
    value: dict[str, Any] = document.value
    return value
