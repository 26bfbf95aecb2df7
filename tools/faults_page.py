"""Makes docs/faults.md and docs/faults.schema.json from the models of the faults file.

python tools/faults_page.py page > docs/faults.md
python tools/faults_page.py schema > docs/faults.schema.json
"""

from __future__ import annotations

import inspect
import json
import sys
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from trainwright.rehearsal.faults.base import Fault, JobFault, Trigger
from trainwright.rehearsal.faults.fake import FakeJobs
from trainwright.rehearsal.faults.model import FAULT_LISTS, Clock, Faults, InstanceType
from trainwright.rehearsal.faults.quotas import QuotaRequests

INTRODUCTION = """# The faults file

What goes wrong in an embedded account, and what the account has. `trainwright rehearse REQUEST --faults FILE` and
`trainwright account up --faults FILE` read it; it is YAML, every key may be left out, and without a file nothing fails
but what fails by itself (`rehearse` alone interrupts a spot job once). Files to copy:
[examples/faults](../examples/faults). [faults.schema.json](faults.schema.json) completes it in an editor, with this
line on top: `# yaml-language-server: $schema=docs/faults.schema.json`. This page is made from the models
(`python tools/faults_page.py page > docs/faults.md`).

- A mistake is refused before anything starts: every one at once, with line, column and the nearest right name. That
  includes instance types, services, operations, and error codes that an operation cannot answer.
- Durations are seconds (`90`) or text (`90s`, `10m`, `1h30m`, `2d`), in the account's time.
- A fault that never struck proves nothing. `rehearse` says at its end which of the file's faults struck and which never
  did (its exit code does not change), and leaves every strike in `.rehearsal/last/faults.json`;
  `GET /_trainwright/faults` answers the same while the account is up. Faults that the request cannot meet are named at
  the beginning.
- Chance is drawn from `seed`, the fault's place in the file and the names of what it is about (a job, a call with its
  parameters, a function, an event), never from the order of threads. The same names draw the same lots; names that
  contain a time, as those of most runs, draw anew in each rehearsal.
- Of several faults that mean the same call, invocation or event, the first of the file strikes. `times` and `after` of
  calls, checks, invocations and events count in the order in which they come.

"""
EVERY_FAULT = """## What every fault takes

"""
JOB_FIELDS = """Every fault about training jobs takes these selectors; all must match.

"""
TRIGGER = """Faults that happen while a job trains say when:

"""
_DURATION = "90s"
EXAMPLES = {
    "clock": "clock: {speed: 60}                # an hour in a minute\n",
    "instance_types": (
        "instance_types:\n  ml.g5.xlarge: {start: 90s, price: 1.408, quota: 4, spot_quota: 2, warm_pool_quota: 1}\n"
    ),
    "quota_requests": (
        "quota_requests: {decision: granted, after: 2d}\ninstance_types: {ml.g5.xlarge: {warm_pool_quota: 0}}\n"
    ),
    "fake_jobs": (
        "fake_jobs:\n"
        "  seconds: 10m\n"
        "  steps: 100\n"
        "  checkpoint_every: 10\n"
        "  others:\n"
        "    - {jobs: '*-1', exit_step: 40, exit_code: 1, failure: 'ValueError: no such column', log: ['row 17']}\n"
        "    - {instance_types: ml.c5.xlarge, resume: false}\n"
        "clock: {jump: true}\n"
    ),
    "spot_interruptions": (
        "spot_interruptions:\n"
        "  - {after: checkpoint, fraction: 0.3, times: 2}\n"
        "  - {after: seconds, seconds: 5m, mode: grace, jobs: vision-*, chance: 0.5}\n"
    ),
    "missing_capacity": (
        "missing_capacity:\n"
        "  - {instance_types: ml.p4d.24xlarge, market: spot, from: 1m, seconds: 20m}\n"
        "  - {instance_types: ml.p5.*, for_ever: true}\n"
    ),
    "busy_quotas": (
        "busy_quotas:\n"
        "  - {instance_types: ml.g5.12xlarge, market: on_demand, limit: 4, in_use: 3, seconds: 30m}\n"
        "  - {instance_types: ml.p4d.24xlarge, limit: 0}\n"
    ),
    "api_errors": (
        "api_errors:\n"
        "  - {service: sagemaker, operation: CreateTrainingJob, error: ThrottlingException, times: 2}\n"
        "  - {service: dynamodb, operation: '*Item', error: InternalServerError, chance: 0.05}\n"
    ),
    "internal_errors": "internal_errors:\n  - {after: seconds, seconds: 30, times: 2}\n",
    "lost_hosts": "lost_hosts:\n  - {after: step, step: 200, host: algo-2}\n",
    "full_disks": "full_disks:\n  - {free_mb: 50, instance_types: ml.m5.*, volume_below: 60}\n",
    "out_of_memory": "out_of_memory:\n  - {after: step, step: 10, host: algo-1}\n",
    "stopped_jobs": "stopped_jobs:\n  - {after: seconds, seconds: 5m, jobs: '*-2'}\n",
    "access_denied": (
        "access_denied:\n"
        "  - {role: '*ExecutionRole*', actions: 's3:GetObject', resources: 'arn:aws:s3:::*/train/*'}\n"
        "  - {actions: 'kms:Decrypt', kind: key, times: 1}\n"
    ),
    "slow_starts": "slow_starts:\n  - {instance_types: ml.g5.*, seconds: 8m, chance: 0.2}\n",
    "functions": (
        "functions:\n"
        "  - {function: '*Assess*', error: unhandled, error_type: KeyError, calls: [2]}\n"
        "  - {function: '*Prepare*', error: throttled, times: 3}\n"
    ),
    "events": (
        "events:\n"
        "  - source: aws.states\n"
        "    detail_type: Step Functions Execution Status Change\n"
        "    detail: {status: FAILED}\n"
        "    late: 90s\n"
        "  - {source: aws.sagemaker, copies: 2, chance: 0.5}\n"
    ),
}
"""One complete example of each kind; tests read them."""


def page() -> str:
    """docs/faults.md."""
    return INTRODUCTION + "".join(_parts())


def schema() -> str:
    """docs/faults.schema.json."""
    return json.dumps({"title": "A faults file of Trainwright", **Faults.model_json_schema()}, indent=2) + "\n"


def _parts() -> Iterator[str]:
    yield "## At the top\n\n"
    yield _table(Faults, Faults.model_fields)
    sections = {
        "clock": Clock,
        "instance_types": InstanceType,
        "quota_requests": QuotaRequests,
        "fake_jobs": FakeJobs,
    }
    for name, model in sections.items():
        yield _section(name, model, model.model_fields)
    yield EVERY_FAULT
    yield _table(Fault, Fault.model_fields)
    yield JOB_FIELDS
    yield _table(JobFault, _without(JobFault, Fault))
    yield TRIGGER
    yield _table(Trigger, Trigger.model_fields)
    for name in FAULT_LISTS:
        yield _fault(name)


def _fault(name: str) -> str:
    model = typing.get_args(Faults.model_fields[name].annotation)[0]
    shared = [base for base in (Fault, JobFault, Trigger) if issubclass(model, base)]
    return _section(name, model, _without(model, *shared), beside=_beside(model))


def _without(model: type[BaseModel], *shared: type[BaseModel]) -> dict[str, Any]:
    """The fields that no base has."""
    known = {name for base in shared for name in base.model_fields}
    return {name: info for name, info in model.model_fields.items() if name not in known}


def _beside(model: type[BaseModel]) -> str:
    said = ["the selectors"] if issubclass(model, JobFault) else []
    said += ["a trigger (`after`, ...)"] if issubclass(model, Trigger) else []
    return f"Takes {' and '.join(said)} above" if said else ""


def _section(name: str, model: type[BaseModel], fields: dict[str, Any], beside: str = "") -> str:
    summary, aws = _said(model)
    parts = [f"## {name}", summary, f"```yaml\n{EXAMPLES[name].rstrip()}\n```", aws]
    parts += [f"{beside}{', and:' if fields else '.'}"] if beside else []
    return "".join(f"{part}\n\n" for part in parts if part) + (_table(model, fields) if fields else "")


def _said(model: type[BaseModel]) -> tuple[str, str]:
    """A docstring's summary, and what AWS does, with its source."""
    first, _, rest = (inspect.getdoc(model) or "").partition("\n\n")
    aws, _, source = " ".join(rest.split()).partition("Source: ")
    aws = aws.removeprefix("AWS: ").strip()
    links = " ".join(f"<{word.rstrip(',')}>" if word.startswith("https://") else word for word in source.split())
    return " ".join(first.split()), f"On AWS: {aws} Source: {links}." if aws else ""


def _table(model: type[BaseModel], fields: dict[str, Any]) -> str:
    properties = model.model_json_schema()["properties"]
    rows = [_row(info.alias or name, info, properties[info.alias or name]) for name, info in fields.items()]
    return "| Field | Value | Meaning |\n| --- | --- | --- |\n" + "".join(rows) + "\n"


def _row(name: str, info: Any, field: dict[str, Any]) -> str:
    default = "needed" if info.is_required() else _default(field)
    value = f"{_value(field)}; {default}" if default else _value(field)
    meaning = " ".join((info.description or "").split())
    return f"| `{name}` | {value} | {meaning} |\n".replace("||", "|")


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if default in (None, [], "", {}) or isinstance(default, dict) else f"default `{json.dumps(default)}`"


def _value(field: dict[str, Any]) -> str:
    if _DURATION in field.get("examples", ()):
        return "duration"
    choices = [_kind(choice) for choice in field.get("anyOf", [field])]
    return " or ".join(dict.fromkeys(choice for choice in choices if choice))


def _kind(choice: dict[str, Any]) -> str:
    if "enum" in choice:
        return ", ".join(f"`{value}`" for value in choice["enum"])
    if "anyOf" in choice:
        return _value(choice)
    if "$ref" in choice:
        return "section"
    names = {
        "array": "list",
        "boolean": "true, false",
        "integer": "whole number",
        "null": "",
        "number": "number",
        "object": "section",
        "string": "text",
    }
    return names.get(str(choice.get("type")), "")


if __name__ == "__main__":
    print({"page": page, "schema": schema}[sys.argv[1]](), end="")  # noqa: T201
