"""What was found in the system metrics, and what SageMaker's own rules said."""

from collections.abc import Mapping
from typing import Any

from trainwright_runtime.page import figures, safe_links
from trainwright_runtime.page.shapes import mappings

Report = Mapping[str, Any]
_SEVERITY = {"high": "Matters most", "medium": "Matters", "low": "Small"}
_STATUS = {
    "InProgress": "still being evaluated",
    "NoIssuesFound": "found nothing",
    "IssuesFound": "found something",
    "Error": "could not be evaluated",
    "Stopping": "is being stopped",
    "Stopped": "was stopped",
}
"""RuleEvaluationStatus (botocore's model of SageMaker) in words."""


def findings(report: Report) -> list[dict[str, Any]]:
    """Each finding with all that its article shows; what it lacks is None."""
    return [_finding(each) for each in mappings(report["findings"])]


def _finding(each: Mapping[str, Any]) -> dict[str, Any]:
    where, severity = [each.get("host"), each.get("device")], str(each.get("severity"))
    return {
        "title": str(each.get("title") or each.get("rule") or "A finding"),
        "severity": severity if severity in _SEVERITY else "low",
        "weight": _SEVERITY.get(severity, "Small"),
        "measured": each.get("measured"),
        "threshold": each.get("threshold"),
        "where": ", ".join(str(part) for part in where if part) or "all hosts",
        "when": figures.span(each.get("start"), each.get("end")) if each.get("start") or each.get("end") else None,
        "attempt": each.get("attempt"),
        "change": each.get("change"),
        "worth": each.get("worth_seconds"),
        "rule": str(each.get("rule") or "a rule").replace("_", " "),
        "source": each.get("source"),
        "documentation": safe_links.address(each.get("documentation")),
    }


def rules(report: Report) -> list[dict[str, Any]]:
    """What became of the profiler's rules."""
    return [
        {
            "name": each.get("name"),
            "attempt": each.get("attempt"),
            "status": _STATUS.get(str(each.get("status")), str(each.get("status"))),
            "details": each.get("details"),
            "report": each.get("report_uri"),
        }
        for each in mappings(report["profile"].get("rules"))
    ]


def profiled(report: Report) -> str:
    """A sentence on how complete what is shown is."""
    profile = report["profile"]
    status, source = profile.get("status"), profile.get("source")
    if status in (None, "off"):
        return "The profiler was off for this run. With `profiler: true` in its request its machines are measured."
    told = {
        "pending": "The profiler's output is still being read; this page is written again when more is known.",
        "partial": "A part of the profiler's output is here.",
        "complete": "All of the profiler's output is here.",
    }.get(str(status), "")
    return f"{told} The values are CloudWatch's, one a minute." if source == "cloudwatch" else told
