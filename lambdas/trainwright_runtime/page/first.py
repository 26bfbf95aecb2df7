"""The first screen: what a person wants to know before anything else."""

from collections.abc import Iterable, Mapping
from typing import Any

from trainwright_runtime import summary
from trainwright_runtime.attempts import ALIVE
from trainwright_runtime.page import figures, goodput, text
from trainwright_runtime.page.shapes import listed, mapping, mappings

Report = Mapping[str, Any]
_CHANGES = 6
"""Changes since the last run that the first screen lists; the rest is in the table below."""
_WHAT = {"settings": "Setting", "code": "Code", "image": "Image", "data": "Data"}
_HEADING = 200
_FAULTS = {
    "nobody": "nobody's",
    "code": "the training code",
    "data": "the data",
    "request": "the run request",
    "person": "a person stopped it",
    "capacity": "AWS had no capacity",
    "account": "the AWS account's settings or quotas",
    "platform": "the platform",
    "aws": "AWS",
    "unknown": "not known",
}
"""Who has to act (outcome.Fault), in words."""


def screen(report: Report) -> dict[str, Any]:
    """What the first screen shows, in its order."""
    refused = report["status"] == "REFUSED"
    return {
        "name": text.cut(report["name"] or "A run without a name", 120),
        "verdict": text.cut(report["verdict"] or summary.HEADLINES.get(report["status"], report["status"]), _HEADING),
        "why": _why(report),
        "fault": fault(report["diagnosis"]),
        "status": str(report["status"]),
        "cards": [] if refused else [_time(report), _money(report), _lost(report), *_headline(report)],
        "goodput": goodput.bar(report["goodput"]),
        "advice": _advice(report),
        "changes": changes(report["comparison"]),
        "from_zero": summary.from_zero_words(report["resume"]),
        "alive": [attempt for attempt in report["attempts"] if attempt["status"] in ALIVE],
        "pending": [str(each) for each in listed(report["profile"].get("pending"))],
        "missing": [str(each) for each in listed(report["profile"].get("missing"))],
        "command": report["command"],
    }


def fault(diagnosis: Mapping[str, Any] | None) -> str | None:
    """Whose fault it is, in words; None where there is no diagnosis."""
    said = str((diagnosis or {}).get("fault"))
    return _FAULTS.get(said, said) if diagnosis else None


def _why(report: Report) -> str | None:
    """The diagnosis in a sentence, where the verdict does not say the same."""
    said = str((report["diagnosis"] or {}).get("summary") or "")
    return None if said.rstrip(".").lower() in str(report["verdict"] or "").lower() else said


def changes(comparison: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What changed since the last run of that name; None where there is none to compare with."""
    if not comparison:
        return None
    rows = [_change(each) for each in mappings(comparison.get("changes"))]
    return {
        "run": str(comparison.get("run") or ""),
        "status": str(comparison.get("status") or "").lower(),
        "ended": figures.moment(comparison.get("ended_at")),
        "first": rows[:_CHANGES],
        "more": max(len(rows) - _CHANGES, 0),
        "rows": rows,
        "metrics": [_metric(each) for each in mappings(comparison.get("metrics"))],
    }


def _change(each: Mapping[str, Any]) -> dict[str, str]:
    return {
        "what": _WHAT.get(str(each.get("what")), str(each.get("what"))),
        "field": str(each.get("field") or ""),
        "was": shown(each.get("was")),
        "now": shown(each.get("is")),
    }


def _metric(each: Mapping[str, Any]) -> dict[str, str]:
    was, now = each.get("was"), each.get("is")
    both = figures.known(was) and figures.known(now)
    return {
        "name": str(each.get("name")),
        "was": figures.number(was),
        "now": figures.number(now),
        "change": figures.signed(now - was) if both else figures.UNKNOWN,  # type: ignore[operator]
    }


def shown(value: object) -> str:
    """A setting's value as one line: text without quotes, the rest as its author would write it, nothing as a dash."""
    if value is None:
        return figures.UNKNOWN
    if isinstance(value, bool):
        return "true" if value else "false"
    return text.cut(value if isinstance(value, str) else _compact(value))


def _compact(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {shown(each)}" for name, each in value.items()) or "(empty)"
    return ", ".join(map(shown, value)) or "(empty)" if isinstance(value, list | tuple) else str(value)


def _time(report: Report) -> dict[str, Any]:
    known = figures.span(report["started_at"], report["ended_at"])
    before = _against(report["seconds"], mapping(report["comparison"]).get("seconds"), figures.seconds)
    return _card("Time", figures.seconds(report["seconds"]), [known, *before])


def _money(report: Report) -> dict[str, Any]:
    cost = report["cost"]
    cap, full = cost["cap_usd"], cost["on_demand_usd"]
    lines = [summary.cost_words(cost, report["attempts"])]
    if cap is not None:
        used = figures.percent(cost["usd"] / cap) if cap and cost["usd"] is not None else "An unknown part"
        lines.append(f"{used} of its cap of {summary.usd_words(cap)}.")
    else:
        lines.append("It had no cap.")
    if full is not None and not cost["saved_usd"]:
        lines.append(f"On demand alone: {summary.usd_words(full)}.")
    lines += _against(cost["usd"], mapping(report["comparison"]).get("cost_usd"), summary.usd_words)
    return _card("Cost", summary.usd_words(cost["usd"]), lines)


def _lost(report: Report) -> dict[str, Any]:
    spent = mapping(mapping(report["goodput"]).get("parts")).get("lost_work")
    steps = sum(each["lost_steps"] or 0 for each in report["resume"])
    interrupted = sum(attempt["interruptions"] or 0 for attempt in report["attempts"])
    times = f"{interrupted} interruption{'' if interrupted == 1 else 's'}" if interrupted else "No interruption"
    jobs = sum(bool(attempt["job_arn"]) for attempt in report["attempts"])
    lines = [f"{times}, {jobs} training job{'' if jobs == 1 else 's'}."]
    if steps:
        lines.append(f"{steps} step{'' if steps == 1 else 's'} had to be trained again.")
    if spent is None:
        return _card("Work lost", f"{steps} steps" if steps else figures.UNKNOWN, lines)
    return _card("Work lost", figures.seconds(spent) if spent else "none", lines)


def _headline(report: Report) -> Iterable[dict[str, Any]]:
    found = report["headline"]
    if not found:
        return
    previous, change = found.get("previous"), found.get("change")
    lines = ["No earlier run of this name to compare with."]
    if figures.known(previous):
        lines = [f"{figures.signed(change)} against the last run ({figures.number(previous)})."]
    yield _card(text.cut(found.get("name"), 60), figures.number(found.get("value")), lines)


def _card(title: str, value: str, lines: Iterable[str]) -> dict[str, Any]:
    return {"title": title, "value": value, "lines": [line for line in lines if line]}


def _against(now: float | None, pair: Mapping[str, Any] | None, words: Any) -> list[str]:
    """How a figure stands against the last run of that name, in words."""
    was = mapping(pair).get("was")
    if not figures.known(was) or not figures.known(now):
        return []
    return [f"The last run: {words(was)}."]


def _advice(report: Report) -> dict[str, Any] | None:
    """The one change, or why there is none; nothing where the page has just said the same."""
    advice = report["advice"] or {}
    remedy = (report["diagnosis"] or {}).get("remedy")
    if (
        not (advice.get("change") or advice.get("why"))
        or report["problems"]
        or (remedy and advice.get("change") == remedy)
    ):
        return None
    worth = []
    if advice.get("worth_seconds"):
        worth.append(figures.seconds(advice["worth_seconds"]))
    if advice.get("worth_usd"):
        worth.append(summary.usd_words(advice["worth_usd"]))
    return {"change": advice.get("change") or "None", "why": advice.get("why") or "", "worth": " and ".join(worth)}
