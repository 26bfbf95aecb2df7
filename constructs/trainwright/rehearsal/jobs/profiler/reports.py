"""What a rule leaves: a JSON file for each rule, and ProfilerReport's page."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping

from trainwright.rehearsal.jobs.profiler.rules import SCAN, Finding

FOLDER, PAGE = "profiler-reports", "profiler-report.html"
_HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Profiling report</title></head><body>\n'
    "<h1>Profiling report</h1>\n"
    "<p>This page is a rehearsal's stand-in for the one that AWS's image writes: the findings are those of AWS's "
    "built-in rules on what was measured on this machine; GPUs are what the training process said of them.</p>\n"
)


def report(finding: Finding, parameters: Mapping[str, float]) -> dict[str, object]:
    """The content of ``profiler-reports/<rule>.json``."""
    said = "\n".join(f"{name}:{number(value)}" for name, value in parameters.items() if name != SCAN)
    return {
        "RuleTriggered": finding.triggered,
        "Violations": finding.violations,
        "Details": finding.details,
        "Datapoints": finding.datapoints,
        "RuleParameters": said,
    }


def number(value: float) -> str:
    """As it was given: whole numbers without a fraction."""
    return str(int(value)) if value == int(value) else str(value)


def page(job: str, found: Mapping[str, Mapping[str, object]]) -> str:
    """ProfilerReport's page: the rules, what they found, with which parameters."""
    rows = "".join(_row(rule, said) for rule, said in found.items())
    return (
        f"{_HEAD}<p>Training job {html.escape(job)}</p>\n<table>\n<tr><th>Rule</th><th>Triggered</th>"
        f"<th>Violations</th><th>Datapoints</th><th>Parameters</th></tr>\n{rows}</table>\n"
        f"<h2>Details</h2>\n{''.join(_details(rule, said) for rule, said in found.items())}</body></html>\n"
    )


def _row(rule: str, said: Mapping[str, object]) -> str:
    cells: Iterable[object] = (
        rule,
        said["RuleTriggered"],
        said["Violations"],
        said["Datapoints"],
        str(said["RuleParameters"]).replace("\n", ", "),
    )
    return "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>\n"


def _details(rule: str, said: Mapping[str, object]) -> str:
    text = json.dumps(said["Details"], indent=1)
    return f"<h3>{html.escape(rule)}</h3>\n<pre>{html.escape(text)}</pre>\n"
