"""charts.json: the series that a report's charts are drawn from, kept out of report.json so that it stays small."""

from collections.abc import Mapping
from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.report.sources import Sources


def charts(record: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    """The hosts' series by attempt, and metrics over steps with the steps from which processes went on."""
    rows = records.rows(record)
    return {
        "schema": 1,
        "attempts": [{"number": row["number"], "series": _series(sources, row["number"])} for row in rows],
        "curves": {**sources.curves, "resumes": resumes(rows)} if sources.curves else None,
    }


def resumes(rows: list[Mapping[str, Any]]) -> list[int]:
    """The steps from which processes of the run went on, in the order in which they did."""
    return [start["resumed_from"] for row in rows for start in row.get("starts") or () if start["resumed_from"]]


def _series(sources: Sources, number: int) -> Any:
    return (sources.profiles.get(number) or {}).get("series")
