"""The one change that is worth most to a run's author: to a run that failed, what makes it succeed; to any other, what
would have saved the most money, then the most time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime import summary
from trainwright_runtime.report.avoidable import BILLED, avoidable
from trainwright_runtime.report.clean import mapping, number

Report = Mapping[str, Any]

WORTH_SECONDS = 60
WORTH_SHARE = 0.1
"""Below a minute, or a tenth of the run's time, a part of its time is not worth a change."""


@dataclass(frozen=True)
class _Advice:
    change: str | None
    why: str
    source: str
    seconds: float | None = None
    usd: float | None = None

    def to_dict(self) -> dict[str, Any]:
        usd = None if self.usd is None else round(self.usd, 4)
        return {
            "change": self.change,
            "why": self.why,
            "worth_usd": usd,
            "worth_seconds": self.seconds,
            "from": self.source,
        }


def advise(report: Report) -> dict[str, Any]:
    """The `advice` of report.json. `change` is null, and `from` none, where nothing that was measured is worth one."""
    found = _refused(report) or _failed(report) or _finding(report) or _part(report) or _unpriced(report)
    return (found or _nothing(report)).to_dict()


def _refused(report: Report) -> _Advice | None:
    if not report["problems"]:
        return None
    first, more = report["problems"][0], len(report["problems"]) - 1
    rest = f" There {'are' if more > 1 else 'is'} {more} more problem{'s' if more > 1 else ''}." if more else ""
    why = _sentence(f"{first.get('field')}: {first.get('problem')}") + rest
    return _Advice(_capital(_sentence(first.get("remedy") or "correct the request")), why, "problem")


def _failed(report: Report) -> _Advice | None:
    found = mapping(report["diagnosis"])
    if report["status"] == "SUCCEEDED" or not found.get("remedy"):
        return None
    return _Advice(str(found["remedy"]), str(found.get("summary") or ""), "diagnosis")


def _finding(report: Report) -> _Advice | None:
    """The finding whose change could save the most; a bound, as the finding says."""
    worth = [(_worth(report, each), each) for each in report["findings"] if _is_worth(each)]
    if not worth:
        return None
    (seconds, usd), finding = max(worth, key=lambda entry: (entry[0][1] or 0.0, entry[0][0]))
    return _Advice(str(finding["change"]), _measured(finding), "finding", seconds, usd)


def _is_worth(finding: Mapping[str, Any]) -> bool:
    return bool(finding.get("change")) and (number(finding.get("worth_seconds")) or 0.0) >= WORTH_SECONDS


def _worth(report: Report, finding: Mapping[str, Any]) -> tuple[float, float | None]:
    seconds = float(finding["worth_seconds"])
    rows = [row for row in report["attempts"] if row["number"] == finding.get("attempt")] or report["attempts"]
    return seconds, _usd(rows, seconds)


def _measured(finding: Mapping[str, Any]) -> str:
    return _sentence(f"{finding.get('title')}: {finding.get('measured')}")


def _unpriced(report: Report) -> _Advice | None:
    """A finding that nobody can put a figure on is better than none."""
    for finding in report["findings"]:
        if finding.get("change") and finding.get("severity") in ("high", "medium"):
            return _Advice(str(finding["change"]), _measured(finding), "finding")
    return None


def _usd(rows: list[Mapping[str, Any]], seconds: float) -> float | None:
    """What so much time cost, as these attempts were billed for their training."""
    billed = [row for row in rows if row.get("cost_usd") is not None and row.get("training_seconds")]
    trained = sum(row["training_seconds"] for row in billed)
    return sum(row["cost_usd"] for row in billed) * seconds / trained if trained else None


def _nothing(report: Report) -> _Advice:
    if report["profile"]["status"] == "pending":
        return _Advice(
            None, "Nothing so far is worth a change, and not all of the profiler's output is here yet.", "none"
        )
    if report["profile"]["status"] == "off":
        why = "Where its time went is worth no change. Its machines were not measured: `profiler: true` does."
        return _Advice(None, why, "none")
    return _Advice(None, "Nothing that was measured is worth a change.", "none")


def _sentence(text: object) -> str:
    said = str(text).strip()
    return said if said.endswith((".", "?", "!")) else f"{said}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _part(report: Report) -> _Advice | None:
    """The largest part of the run's time that its author could avoid."""
    goodput = mapping(report["goodput"])
    whole = number(goodput.get("whole_seconds")) or 0.0
    parts = {name: number(seconds) or 0.0 for name, seconds in mapping(goodput.get("parts")).items()}
    for name, seconds in sorted(parts.items(), key=lambda part: -part[1]):
        if seconds < max(WORTH_SECONDS, WORTH_SHARE * whole) or (better := avoidable(name, report)) is None:
            continue
        took = f"{summary.duration_words(int(seconds))} of {summary.duration_words(int(whole))}"
        usd = _usd(report["attempts"], seconds) if name in BILLED else None
        return _Advice(better.change, f"{took} {better.why}.", "goodput", seconds, usd)
    return None
