"""`--record-permissions FILE`: what each role used beside what it may; docs/security.md describes the file."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainwright.cli.display import Display
from trainwright.cli.errors import BadInput
from trainwright.cli.rehearse.outcome import count

PAGE = "/_trainwright/permissions/record"
ANSWER_SECONDS = 30.0


def target(file: Path | None) -> Path | None:
    """Where the record goes; BadInput when nothing can be written there."""
    if file is None:
        return None
    if file.is_dir():
        raise BadInput(f"--record-permissions {file}: this is a folder, name a file")
    if not file.absolute().parent.is_dir():
        raise BadInput(f"--record-permissions {file}: there is no folder {file.parent}")
    return file.absolute()


@contextmanager
def recorded(file: Path | None, endpoint: Callable[[], str | None], display: Display) -> Iterator[None]:
    """Write the record when what is inside ends, however it ends; `endpoint` is None while there is no account."""
    try:
        yield
    finally:
        place = endpoint() if file else None
        if file and place:
            _write(file, place, display)
        elif file:
            display.line("--record-permissions: not written, there was no account to record")


def _write(file: Path, endpoint: str, display: Display) -> None:
    """An account that has died has no record; that fails no command that has failed already."""
    try:
        with urllib.request.urlopen(endpoint + PAGE, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  (our own account)
            record = json.load(answer)
        file.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        display.line(f"--record-permissions {file}: not written: {error}")
        return
    for line in summary(record, file):
        display.line(line)


def summary(record: dict[str, Any], file: Path) -> list[str]:
    """The record in a few lines."""
    found = record["summary"]
    said = f"Permissions: {found['roles']} roles used {found['used_actions']} of {found['granted_actions']} actions"
    idle = f"{found['unused_statements']} of {found['statements']} statements were never used"
    refused = f"{count(found['denied'], 'kind')} of request denied" if found["denied"] else ""
    undecided = f"{found['undecided']} could not be decided" if found["undecided"] else ""
    first = ", ".join(filter(None, [said, idle, refused, undecided]))
    widest = [f"  {text}" for text in found["widest"]]
    return [f"{first}.", *(["Widest surplus:", *widest] if widest else []), f"The whole record: {file}"]
