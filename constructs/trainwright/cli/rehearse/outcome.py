"""What a rehearsal found, as summary.json and as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

ATTEMPT_KEYS = (
    "job_name",
    "capacity",
    "status",
    "interruptions",
    "resumed_from_step",
    "training_seconds",
    "billable_seconds",
    "cost_usd",
)


@dataclass
class Outcome:
    """Filled in step by step; what a failed rehearsal did not reach stays None."""

    execution: dict[str, Any] = field(default_factory=lambda: {"arn": None, "status": None})
    attempts: list[dict[str, Any]] = field(default_factory=list)
    model: dict[str, Any] | None = None
    report: dict[str, str] | None = None
    seconds: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(("synth", "deploy", "run", "total")))
    failed: dict[str, Any] | None = None

    def summary(self) -> dict[str, Any]:
        """The content of summary.json; `failed` is there only when a step was not true."""
        content = {
            "execution": self.execution,
            "attempts": [{key: attempt[key] for key in ATTEMPT_KEYS} for attempt in self.attempts],
            "model": self.model,
            "report": self.report,
            "seconds": self.seconds,
        }
        return content | ({"failed": self.failed} if self.failed else {})

    def table(self) -> Table:
        """The same for people."""
        table = Table(show_header=False, title="Rehearsal", title_justify="left", pad_edge=False)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, text in self._rows():
            table.add_row(name, text)
        return table

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("execution", str(self.execution["status"]))]
        rows += [(attempt["job_name"], _attempt_line(attempt)) for attempt in self.attempts]
        if self.model:
            rows += [("model", shown_path(self.model["path"]))]
            rows += [(name.replace("_", " "), f"{value:.4g}") for name, value in self.model["metrics"].items()]
        if self.report:
            rows += [("report", shown_path(self.report["html"]))]
        seconds = ", ".join(f"{name} {value:.1f}" for name, value in self.seconds.items() if value is not None)
        return [*rows, ("seconds", seconds)]


def _attempt_line(attempt: dict[str, Any]) -> str:
    resumed = attempt["resumed_from_step"]
    parts = [
        f"{attempt['status'] or 'refused'}, {str(attempt['capacity']).replace('_', '-')}",
        count(attempt["interruptions"] or 0, "interruption"),
        f"resumed from step {resumed}" if resumed is not None else "",
        _times(attempt),
        f"{attempt['cost_usd']:.4f} USD" if attempt["cost_usd"] is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _times(attempt: dict[str, Any]) -> str:
    if attempt["training_seconds"] is None:
        return "never trained" if attempt["status"] else "no job"
    return f"{attempt['training_seconds']} s trained, {attempt['billable_seconds']} s billed"


def shown_path(path: str | Path) -> str:
    """Relative where that is shorter to read."""
    here = Path().resolve()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else str(path)


def count(number: int, thing: str) -> str:
    """``1 stack``, ``2 stacks``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
