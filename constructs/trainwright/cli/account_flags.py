"""Options that `rehearse` and `account up` share; what they mean is in `trainwright.cli.rehearse.options`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FaultsOption = Annotated[
    Path | None, typer.Option("--faults", metavar="FILE", help="What goes wrong, in YAML (docs/faults.md).")
]
ImageOption = Annotated[
    list[str] | None,
    typer.Option("--image", metavar="URI=DIR", help="What runs for an image: a folder with a Dockerfile. Repeatable."),
]
PermissionsOption = Annotated[
    Path | None,
    typer.Option("--record-permissions", metavar="FILE", help="Write what each role used beside what it may, in JSON."),
]
