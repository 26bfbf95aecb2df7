"""`trainwright render` of a run request: the attempts, who set what, the request in long names; and `input`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from ruamel.yaml import YAML

from trainwright.cli import planning, requests
from trainwright.cli.errors import BadInput
from trainwright.cli.problems import Located, printable
from trainwright.cli.requests import RunRequest
from trainwright_runtime import problems as codes
from trainwright_runtime import who_set
from trainwright_runtime.plan import Plan, previews
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.problems import Problem
from trainwright_runtime.request import canonical
from trainwright_runtime.site import Site

DEFAULT_REGION = "us-east-1"
_STRICT = codes.REFUSED_BY_API_MODEL


def region_of(given: str | None) -> str:
    """The region given, else the environment's, else us-east-1."""
    return given or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def read(
    file: Path, policy: TeamPolicy | None, settings: list[str], region: str, *, strict: bool = False
) -> tuple[RunRequest, Plan]:
    """A checked request and its plan in a sample deployment; with `strict`, its warnings are problems too."""
    deployment = planning.sample_deployment(policy, region)
    request = requests.read(file, policy, settings, site=Site.of(deployment))
    planned = planning.plan_in(request, deployment, policy)
    if strict and request.checked.warnings:
        raise BadInput(as_problems(request.checked.warnings, request.document.file))
    return request, planned


def attempts(request: RunRequest, planned: Plan) -> str:
    """The plan as indented JSON: ``{"run", "attempts": [{"capacity", "launch", "request"}], "warnings"}``, an attempt
    for each rung of the ladder as it would be if nothing had been used up before it."""
    shown = [{name: attempt[name] for name in ("capacity", "launch", "request")} for attempt in previews(planned)]
    return to_json({"run": planned.run.to_dict(), "attempts": shown, "warnings": list(request.checked.warnings)})


def why(request: RunRequest, *, as_json: bool) -> str:
    """Each field with its value and who set it: run, policy or default."""
    found = who_set.fields(request.checked)
    fields = {each.name: {"value": each.value, "set_by": each.set_by.partition(" ")[0]} for each in found}
    fields = {"name": {"value": request.checked.resolved.name, "set_by": "run"}} | fields
    return to_json(fields) if as_json else _table(fields)


def long_names(request: RunRequest, *, as_json: bool) -> str:
    """The request in the API's names, as YAML or JSON; a local folder stays the folder that it is."""
    document: dict[str, Any] = dict(canonical(request.checked))
    if request.source:
        folder = request.document.value["source_code"]["source_dir"]
        document["source_code"] = {**document["source_code"], "source_dir": folder}
    return to_json(document) if as_json else to_yaml(document)


def execution_input(request: RunRequest) -> str:
    """The JSON that starts an execution."""
    return to_json(request.value)


def note_on_source(request: RunRequest) -> str | None:
    """What to know about a folder that was packed and not uploaded; None where there is none."""
    if not (source := request.source):
        return None
    folder, files = printable(str(source.folder)), len(source.members)
    return f"{folder} ({files} file{'' if files == 1 else 's'}) becomes {source.address}; `trainwright run` uploads it."


def as_problems(warnings: tuple[str, ...] | list[str], file: str) -> list[Located]:
    """Warnings that are refused."""
    return [Located(Problem(_STRICT, (), warning), file, (1, 1)) for warning in warnings]


def to_json(value: Any) -> str:
    """Indented, for people and for tools."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def to_yaml(value: Any) -> str:
    """Block style, in the order that `value` has."""
    writer = YAML(pure=True)
    writer.default_flow_style = False
    writer.width = 4096  # an address is copied from its line
    writer.indent(mapping=2, sequence=4, offset=2)
    target = StringIO()
    writer.dump(value, target)
    return target.getvalue().rstrip("\n")


def _table(fields: Mapping[str, Mapping[str, Any]]) -> str:
    table = Table(box=None, pad_edge=False)
    for column in ("FIELD", "SET BY", "VALUE"):
        table.add_column(column, no_wrap=True)
    for name, entry in fields.items():
        value = entry["value"]
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        table.add_row(Text(printable(name)), entry["set_by"], Text(printable(shown)))
    target = StringIO()
    Console(file=target, width=10_000, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in target.getvalue().splitlines())
