"""runs.html: the table of a team's runs, from the lines that each of them left in the index."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright_runtime import summary
from trainwright_runtime.page import figures, safe_links, shell, text
from trainwright_runtime.page.shapes import mapping

Line = Mapping[str, Any]
_WORDS = {"SUCCEEDED": "succeeded", "FAILED": "failed", "STOPPED": "stopped", "REFUSED": "refused"}


def html(team: str, lines: Sequence[Line]) -> str:
    """The runs of a team, the latest first, as one page without any outside resource; sortable where scripts run."""
    rows = sorted((_row(text.readable(line)) for line in lines), key=lambda row: row["sort"]["started"], reverse=True)
    return shell.render(
        "runs.html.j2",
        styles=["assets/page.css", "assets/runs.css"],
        scripts=["assets/runs.js"],
        team=text.cut(text.readable(team)),
        rows=rows,
        totals=totals(lines),
    )


def totals(lines: Sequence[Line]) -> dict[str, Any]:
    """What the runs come to. `success` is the share of the runs that started (were not refused); None without any."""
    started = [line for line in lines if line.get("status") != "REFUSED"]
    succeeded = sum(line.get("status") == "SUCCEEDED" for line in started)
    return {
        "runs": len(lines),
        "started": len(started),
        "succeeded": succeeded,
        "refused": len(lines) - len(started),
        "success": succeeded / len(started) if started else None,
        "cost_usd": _sum(lines, "cost_usd"),
        "saved_usd": _sum(lines, "saved_usd"),
        "seconds": _sum(lines, "seconds"),
    }


def _sum(lines: Sequence[Line], name: str) -> float:
    values = [line.get(name) for line in lines]
    return sum(value for value in values if figures.known(value))


def _row(line: Line) -> dict[str, Any]:
    headline = mapping(line.get("headline"))
    status = str(line.get("status") or "unknown")
    return {
        "run": str(line.get("run") or ""),
        "href": safe_links.report_of(str(line.get("run") or "")),
        "name": text.cut(line.get("name") or "(no name)"),
        "status": _WORDS.get(status, text.cut(status.lower(), 20)),
        "tone": status if status in _WORDS else "UNKNOWN",
        "started": _started(line.get("started_at")),
        "time": figures.seconds(line.get("seconds")),
        "cost": summary.usd_words(_number(line.get("cost_usd"))),
        "saved": summary.usd_words(_number(line.get("saved_usd"))),
        "goodput": figures.percent(line.get("goodput")),
        "metric": text.cut(headline.get("name") or "", 40),
        "value": figures.number(headline.get("value")),
        "interruptions": figures.number(line.get("interruptions")),
        "attempts": figures.number(line.get("attempts")),
        "machine": text.cut(line.get("instance_type") or figures.UNKNOWN, 40),
        "diagnosis": text.cut(str(line.get("diagnosis") or "").replace("_", " "), 60),
        "findings": figures.number(line.get("findings")),
        "sort": _sort(line, headline),
    }


def _sort(line: Line, headline: Mapping[str, Any]) -> dict[str, Any]:
    """What the columns are sorted by where that is not what they show."""
    numbers = ("seconds", "cost_usd", "saved_usd", "goodput", "interruptions", "findings")
    found: dict[str, Any] = {name: _or_nothing(line.get(name)) for name in numbers}
    started = figures.parsed(line.get("started_at"))
    return {**found, "headline": _or_nothing(headline.get("value")), "started": started.timestamp() if started else 0}


def _started(value: object) -> str:
    found = figures.parsed(value)
    return f"{found:%Y-%m-%d %H:%M}" if found else figures.UNKNOWN


def _number(value: Any) -> float | None:
    return value if figures.known(value) else None


def _or_nothing(value: Any) -> Any:
    return value if figures.known(value) else ""
