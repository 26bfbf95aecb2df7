"""The run report: what a run leaves for people and for tools. A pure function of the run's record and its request."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jinja2

from trainwright_runtime import summary
from trainwright_runtime.attempts import ALIVE
from trainwright_runtime.outcome import ERRORS
from trainwright_runtime.problems import Problem, readable_list

Report = dict[str, Any]

CAUSE_LIMIT = 32_000
"""Characters of a Fail state's Cause: Step Functions takes 32,768 (SendTaskFailure, API reference)."""
_TOLD = 50
"""Jobs that the execution's output tells of, the last ones: a state's output is 256 KiB at most."""

_SECRET_NAME = re.compile(r"(?i)secret|token|passw|credential|private|api_?key|access_?key")
_HIDDEN = "(hidden: its name looks like a secret)"
_ENDS = {"SUCCEEDED": "succeeded", "REFUSED": "refused"}
_HEADLINES = {
    "SUCCEEDED": "The run succeeded.",
    "FAILED": "The run failed.",
    "STOPPED": "The run was stopped.",
    "REFUSED": "The run was refused before anything started.",
}


def build(record: Mapping[str, Any], request: object) -> Report:
    """report.json of a settled run; `request` is the execution's input as it came. Missing values are null, never
    absent."""
    rows = [record["attempts"][number] for number in sorted(record["attempts"], key=int)]
    resume = summary.resume(rows)
    return {
        "schema": 2,
        "run": record["run"],
        "team": record["team"],
        "name": record["name"],
        "execution_arn": record["execution_arn"],
        "status": record["status"],
        "started_at": record["started_at"],
        "ended_at": record["ended_at"],
        "request": without_secrets(request),
        "image": record["image"],
        "cost": summary.cost(rows, record["money"]),
        "restarted_from_zero": any(each["from_zero"] for each in resume),
        "resume": resume,
        "waits": summary.waits(rows),
        "decisions": summary.decisions(rows),
        "pool": summary.pool(rows),
        "attempts": rows,
        "model": {"s3_uri": record["model"]} if record["model"] else None,
        "metrics": record["metrics"],
        "diagnosis": record["diagnosis"],
        "problems": record["problems"],
        "warnings": record["warnings"],
    }


def without_secrets(request: object) -> object:
    """The request with the values of environment variables and hyperparameters hidden whose names look like secrets."""
    if not isinstance(request, Mapping):
        return request
    return {
        key: {name: _HIDDEN if _SECRET_NAME.search(str(name)) else entry for name, entry in value.items()}
        if key in ("environment", "hyperparameters") and isinstance(value, Mapping)
        else value
        for key, value in request.items()
    }


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
    lines = [_HEADLINES[report["status"]], *_diagnosis_lines(report["diagnosis"]), *_proof(report), money, *where]
    return "\n".join(lines)[:CAUSE_LIMIT]


def _proof(report: Report) -> list[str]:
    return summary.from_zero_words(report["resume"])


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


def html(report: Report) -> str:
    """The report as one page without any outside resource; all text of users and logs is escaped."""
    return _template().render(
        report=report,
        headline=_HEADLINES[report["status"]],
        alive=[attempt for attempt in report["attempts"] if attempt["status"] in ALIVE],
        request_text=json.dumps(report["request"], indent=2, ensure_ascii=False),
        cost_words=summary.cost_words(report["cost"], report["attempts"]),
        from_zero=_proof(report),
        lines=[_line(group) for group in summary.lines(report["attempts"])],
    )


def _line(group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A line of the table of attempts: one attempt, or refusals of one kind that were waited out."""
    first, last = group[0], group[-1]
    waited = sum(row["then_wait_seconds"] for row in group)
    queued = first["job_arn"] is None and waited > 0
    return {
        "attempt": None if queued else first,
        "saving": _saving(first),
        "numbers": str(first["number"]) if first is last else f"{first['number']}–{last['number']}",
        "times": "once" if first is last else f"{len(group)} times",
        "seconds": waited,
        "reason": summary.waited_for(first),
        "said": last["failure_reason"],
    }


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trainwright_runtime", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration_words
    environment.filters["usd"] = summary.usd_words
    return environment.get_template("report.html.j2")


def _saving(attempt: Mapping[str, Any]) -> str | None:
    """What spot saved, as AWS counts it: (1 - billable / training) * 100 (SageMaker guide, managed spot training)."""
    training, billable = attempt["training_seconds"], attempt["billable_seconds"]
    if attempt["capacity"] != "spot" or not training or billable is None:
        return None
    return f"{duration_words(max(training - billable, 0))} ({round((1 - billable / training) * 100)} %)"


def duration_words(seconds: int | None) -> str:
    """Seconds as `1 h 5 min`, `3 min 20 s`, `12 s`; an em dash where nothing is known."""
    if seconds is None:
        return "—"
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
