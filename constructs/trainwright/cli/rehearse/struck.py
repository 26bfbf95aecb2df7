"""Which faults struck in a rehearsal: one that silently did not happen proves nothing."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainwright.cli.rehearse.outcome import count

PAGE = "/_trainwright/faults"
ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Struck:
    """What the account says: each strike in order, how often each fault struck, and those that never did."""

    struck: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    never: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """``spot_interruptions[0] once, api_errors[1] 3 times``; empty when none struck."""
        found = [(place, number) for place, number in self.counts.items() if number]
        said = [f"{place} {'once' if number == 1 else count(number, 'time')}" for place, number in found]
        return ", ".join(said)

    def lines(self) -> list[str]:
        """For the end of a rehearsal with a faults file."""
        lines = [f"Faults that struck: {self.sentence() or 'none'}."]
        if self.never:
            lines.append(f"Never struck, so nothing is proved about them: {', '.join(self.never)}.")
        return lines

    def write(self, folder: Path) -> None:
        """Leave faults.json."""
        (folder / "faults.json").write_text(json.dumps(vars(self), indent=2) + "\n", encoding="utf-8")


def ask(endpoint: str) -> Struck | None:
    """What an account says; None when it does not answer any more."""
    try:
        with urllib.request.urlopen(endpoint + PAGE, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  (our own account)
            return Struck(**json.load(answer))
    except OSError:
        return None
