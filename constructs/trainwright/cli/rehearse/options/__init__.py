"""What an embedded account can be told by the options that `rehearse` and `account up` share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainwright.cli.errors import BadInput
from trainwright.cli.problems import Located
from trainwright.cli.rehearse.options import faults, images, permissions

# What the rehearsal does to a spot job: half way through, once there is something to resume from, without a warning.
ONE_SPOT_INTERRUPTION: dict[str, Any] = {"spot_interruptions": [{"after": "checkpoint", "fraction": 0.5}]}


@dataclass(frozen=True)
class AccountOptions:
    """An account that is to be opened.

    Args:
        faults: what goes wrong, as the account's configuration has it.
        faults_file: the file that says so; None: nobody gave one.
        images: folders for image URIs that nobody pushes.
        record_permissions: where used and granted permissions are written at the end; None: nowhere.
        keep: the folder that keeps objects and items; None: nothing is kept.
    """

    faults: dict[str, Any] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    record_permissions: Path | None = None
    keep: Path | None = None
    faults_file: Path | None = None

    def config(self) -> dict[str, Any]:
        """Its part of the account's configuration."""
        return {"faults": self.faults, "images": self.images, "keep": str(self.keep or "")}


def read(
    *,
    faults_file: Path | None,
    image: list[str] | None,
    record_permissions: Path | None,
    otherwise: dict[str, Any],
) -> AccountOptions:
    """Check what was given; `otherwise` are the faults without a file. BadInput has everything that is wrong."""
    problems: list[str | Located] = []
    given: dict[str, Any] = otherwise
    folders: dict[str, str] = {}
    try:
        given = faults.read(faults_file) if faults_file else otherwise
    except BadInput as error:
        problems += error.problems
    try:
        folders = images.read(image or [])
    except BadInput as error:
        problems += error.problems
    try:
        target = permissions.target(record_permissions)
    except BadInput as error:
        problems += error.problems
    if problems:
        raise BadInput(problems)
    return AccountOptions(given, folders, target, faults_file=faults_file)
