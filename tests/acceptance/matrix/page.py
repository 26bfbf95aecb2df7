"""The rows of docs/states.md, as data."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "states.md"
_LINK = re.compile(r"\[`(?P<row>[a-z-]+)`\]\(\.\./tests/acceptance/matrix/(?P=row)\.yaml\)")
_TOLD = re.compile(r"`(?P<label>\w+)`: (?P<sentence>.+)")
NOTHING = "—"


@dataclass(frozen=True)
class Row:
    """One row: what the page says of it. `starts` are the fewest and the most; `label` and `sentence` are None where no
    diagnosis is made."""

    name: str
    fault: str | None
    starts: tuple[int, int]
    label: str | None
    sentence: str | None
    status: str


def rows() -> list[Row]:
    """Every row that links to a faults file."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [_row(link["row"], line) for line in lines if (link := _LINK.match(line.removeprefix("| ")))]


def _row(name: str, line: str) -> Row:
    _, _, fault, _, starts, told, status = (cell.strip() for cell in line.strip("| ").split(" | "))
    said = _TOLD.fullmatch(told)
    return Row(
        name=name,
        fault=None if fault == NOTHING else fault,
        starts=(int(starts.split(" to ")[0]), int(starts.split(" to ")[-1])),
        label=said["label"] if said else None,
        sentence=said["sentence"] if said else None,
        status=status,
    )
