"""report.json: a pure function of the run's record and of what else its run left."""

import re
from collections.abc import Mapping
from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime import summary
from trainwright_runtime.report.sources import Sources

Report = dict[str, Any]

_SECRET_NAME = re.compile(r"(?i)secret|token|passw|credential|private|api_?key|access_?key")
_HIDDEN = "(hidden: its name looks like a secret)"


def build(record: Mapping[str, Any], sources: Sources) -> Report:
    """report.json of a settled run. Missing values are null, never absent."""
    rows = records.rows(record)
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
        "request": without_secrets(sources.request),
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
