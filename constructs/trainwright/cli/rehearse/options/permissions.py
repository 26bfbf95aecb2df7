"""`--record-permissions FILE`."""

from __future__ import annotations

from pathlib import Path

from trainwright.cli.errors import BadInput


def target(file: Path | None) -> Path | None:
    """Where the record goes; BadInput when nothing can be written there."""
    if file is not None and not file.absolute().parent.is_dir():
        raise BadInput(f"--record-permissions {file}: there is no folder {file.parent}")
    return file.absolute() if file else None
