"""How a run's report ends its execution: what Report tells the state machine."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright_runtime import summary
from trainwright_runtime.outcome import ERRORS
from trainwright_runtime.problems import Problem, readable_list
from trainwright_runtime.report.content import Report

CAUSE_LIMIT = 32_000
"""Characters of a Fail state's Cause: Step Functions takes 32,768 (SendTaskFailure, API reference)."""
_TOLD = 50
"""Jobs that the execution's output tells of, the last ones: a state's output is 256 KiB at most."""

_ENDS = {"SUCCEEDED": "succeeded", "REFUSED": "refused"}


def answer(report: Report, html_uri: str, json_uri: str, redrive: int = 0) -> dict[str, Any]:
    """What Report tells the state machine: how the execution ends, Error and Cause for one that fails, and the output.
    `redrive` is the execution's redrive count when the report was made."""
    return {
        "schema": 2,
        "end": _ENDS.get(report["status"], "failed"),
        "redrive": redrive,
        "error": ERRORS[report["status"]],
        "cause": cause(report, html_uri),
        "output": {
            "run": report["run"],
            "status": report["status"],
            "model": report["model"],
            "report": {"html": html_uri, "json": json_uri},
            "cost": report["cost"],
            "attempts": [_short(row) for row in report["attempts"] if row["job_arn"]][-_TOLD:],
        },
    }


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "transitions"}


def cause(report: Report, html_uri: str) -> str:
    """Why the run did not succeed, in words for the execution's Cause; empty for one that did."""
    if report["status"] == "SUCCEEDED":
        return ""
    if report["status"] == "REFUSED":
        return readable_list([Problem.from_dict(problem) for problem in report["problems"]], CAUSE_LIMIT)
    where = [*_log_lines(report["attempts"]), f"Report: {html_uri}"]
    money = summary.cost_words(report["cost"], report["attempts"])
    lines = [
        summary.HEADLINES[report["status"]],
        *_diagnosis_lines(report["diagnosis"]),
        *summary.from_zero_words(report["resume"]),
        money,
        *where,
    ]
    return "\n".join(lines)[:CAUSE_LIMIT]


def _log_lines(attempts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the last job's log is, as the command that reads it; nothing where no job was ever made."""
    logs = [attempt["log"] for attempt in attempts[-1:] if attempt["job_arn"]]
    return [f"Log: aws logs tail {log['group']} --log-stream-name-prefix {log['stream_prefix']}" for log in logs]


def _diagnosis_lines(diagnosis: Mapping[str, Any] | None) -> list[str]:
    if not diagnosis:
        return []
    tail = diagnosis["log_tail"][-10:]
    return [
        f"{diagnosis['summary']} ({diagnosis['label']}, fault: {diagnosis['fault']})",
        *([f"Evidence: {diagnosis['evidence']}"] if diagnosis["evidence"] else []),
        f"What to do: {diagnosis['remedy']}",
        *(["Last log lines:", *(f"  {line}" for line in tail)] if tail else []),
    ]
