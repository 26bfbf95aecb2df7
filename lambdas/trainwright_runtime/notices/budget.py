"""The month's money: when it comes close to the team's limit, and the notice of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime import months, summary
from trainwright_runtime.notices.chatting import chat_document
from trainwright_runtime.notices.document import Notice, document
from trainwright_runtime.notices.texts import subject

THRESHOLDS = (100, 80)
"""Percent of `budget.monthly_usd` at which the team hears of it, the highest first; each once a month."""


@dataclass(frozen=True)
class Month:
    """A team's month as its item says. `spent_usd` is what runs that have ended cost, `committed_usd` that and what
    those under way may cost at worst; both in US dollars."""

    team: str
    name: str
    time_zone: str
    limit_usd: float
    committed_usd: float
    spent_usd: float

    @classmethod
    def of(cls, team: str, money: Mapping[str, Any], item: Mapping[str, Any] | None) -> Month | None:
        """From a run's money and its month's item; None where the team has no limit."""
        if not money["monthly_usd"]:
            return None
        committed = months.committed(item)
        return cls(
            team,
            money["month"],
            money["time_zone"],
            money["monthly_usd"],
            committed / months.MICRO,
            (committed - months.reserved(item)) / months.MICRO,
        )

    @property
    def percent(self) -> float:
        """How much of the limit is committed."""
        return self.committed_usd / self.limit_usd * 100


def threshold(month: Month) -> int | None:
    """The highest threshold that the month has passed; None below them all."""
    return next((each for each in THRESHOLDS if month.percent >= each), None)


def of_month(month: Month, passed: int, at: str) -> Notice:
    """The notice that a month has passed a threshold. `at` is the moment that it is made (ISO text)."""
    id, fresh = f"{month.team}:budget:{month.name}:{passed}", months.first_day_after(month.name)
    limit = summary.usd_words(month.limit_usd)
    headline = f"{month.percent:.0f} % of the month's budget of {limit} is committed"
    line, verdict = subject(f"[{month.team}] {headline}"), f"{headline} by the team's runs of {month.name}."
    lines = [
        verdict,
        f"Spent: {summary.usd_words(month.spent_usd)}. Runs under way may cost "
        f"{summary.usd_words(month.committed_usd - month.spent_usd)} more, at worst.",
        _consequence(month),
    ]
    steps = ["Give runs a smaller limits.max_cost_usd or limits.max_runtime: what they set aside comes from these."]
    return Notice(
        "budget",
        id,
        month.team,
        line,
        "\n".join([*lines, "", steps[0], f"A new month begins on {fresh} ({month.time_zone})."]),
        document("budget", id, month.team, at, subject=line, verdict=verdict, month=_part(month, passed)),
        chat_document(
            "budget",
            id=id,
            thread=f"{month.team}-budget-{month.name}",
            title=headline,
            lines=lines,
            steps=steps,
            links=(),
            keywords=[month.team],
            resources=[],
            context={"team": month.team, "month": month.name},
        ),
    )


def _consequence(month: Month) -> str:
    left = max(month.limit_usd - month.committed_usd, 0.0)
    return f"A run that could cost more than {summary.usd_words(left)} is refused until money comes back."


def _part(month: Month, passed: int) -> dict[str, Any]:
    return {
        "month": month.name,
        "time_zone": month.time_zone,
        "limit_usd": month.limit_usd,
        "committed_usd": round(month.committed_usd, 6),
        "spent_usd": round(month.spent_usd, 6),
        "threshold_percent": passed,
    }
