"""Makes docs/run-request.md, the reference of a run request's settings, from the model itself.

python tools/reference.py > docs/run-request.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from trainwright_runtime import policy, request
from trainwright_runtime.forms import LONG_NAMES, Leaf
from trainwright_runtime.report import form

RUN_REQUEST = """# The run request

Every setting, by its long name (the SageMaker SDK v3's), with its short form where it has one; giving both is a
problem. All but `name` may be left out where the team's policy fills it. What does not go together:
[refusals.md](refusals.md). Examples: [examples/runs](../examples/runs).

[run-request.schema.json](run-request.schema.json) completes the same in an editor, with this line on top of a request:
`# yaml-language-server: $schema=docs/run-request.schema.json`. This page is made from the model
(`python tools/reference.py run-request > docs/run-request.md`).

"""


TEAM_POLICY = """# The team policy

What the platform team decides for a team (`teams/TEAM.yaml`): `allow` (refused outside it), `default` (filled in where
a run is silent), `always` (set whatever a run says, and said), `capabilities` (what runs may use besides, each a grant
on the execution role: [security.md](security.md)). `default` and `always` take every setting of a run
([run-request.md](run-request.md)) but its name. This page is made from the model
(`python tools/reference.py team-policy > docs/team-policy.md`); [team-policy.schema.json](team-policy.schema.json)
completes the same in an editor. An example: [teams/research.yaml](../teams/research.yaml).

"""
REPORT = """# report.json

What a program reads of a run: `runs/RUN/report.json` in the team's reports bucket, beside the page that people read
([reports.md](reports.md)). It is written when the run has ended, and again whenever more of it is known: what the
profiler found, what a warm pool cost. Every key below is always there, null where nothing is known. The series that the
page's charts are drawn from are in `charts.json` beside it. Values of environment variables and hyperparameters are
hidden where their names look like secrets.

`comparison` is against the last run of the same name that had begun to train and ended before this one; a report that
is written again keeps the run that it compared itself to. Data and code are compared by what preflight counted of them
(keys, sizes, ETags), so data in a file system, or beyond what is counted, is not; nor are values that are hidden.

All runs of a team stand in `runs.html`, in the root of the same bucket: the newest 1,000 of the last twelve months. It
is made from lines in the runs table (`index:YYYY-MM`), which each run leaves when its report is written. A page that
two runs wrote past each other is written again within the hour (Reconcile); a line that could not be written is noted
in the function's log and comes back when the run's report is written again.

[report.schema.json](report.schema.json) is its JSON schema; `trainwright_runtime.report.form.Report` the same as a
pydantic model. A new version may add keys, which changes the schema and not the number in `schema`. This page is made
from the model (`python tools/reference.py report-json > docs/report-json.md`).

"""
PAGES = {
    "run-request": (RUN_REQUEST, request.json_schema, LONG_NAMES),
    "team-policy": (TEAM_POLICY, policy.json_schema, LONG_NAMES),
    "report-json": (REPORT, form.json_schema, {}),
}
ELSEWHERE = {("default",), ("always",)}
"""Sections that another page describes."""


def page(document: str) -> str:
    """docs/DOCUMENT.md."""
    introduction, json_schema, short_forms = PAGES[document]
    schema = json_schema()
    return introduction + "".join(_sections(schema, schema, (), short_forms))


def _sections(
    node: dict[str, Any], schema: dict[str, Any], path: tuple[str, ...], short_forms: Mapping[Leaf, Leaf]
) -> Iterator[str]:
    title = ".".join(path) or "At the top"
    inner: list[tuple[dict[str, Any], tuple[str, ...]]] = []
    rows = []
    for name, field in node["properties"].items():
        here = (*path, name)
        if here in short_forms.values():
            continue  # a short form stands beside its long name
        below, section = _section(field, schema, here)
        if section is not None and here not in ELSEWHERE:
            inner.append((section, below))
        rows.append(_row(here, field, schema, short_forms))
    if rows:
        yield f"## {title}\n\n"
        if said := node.get("description"):
            yield f"{_line(said)}\n\n"
        columns = ["Setting", "Short form", "Value", "Meaning"] if short_forms else ["Key", "Value", "Meaning"]
        yield f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n{''.join(rows)}\n"
    for section, below in inner:
        yield from _sections(section, schema, below, short_forms)


def _section(
    field: dict[str, Any], schema: dict[str, Any], path: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, Any] | None]:
    """The section that a field holds, by itself, in a list or in a map of names."""
    for choice in (field, *field.get("anyOf", [])):
        if "$ref" in choice:
            return path, schema["$defs"][choice["$ref"].rpartition("/")[2]]
        if isinstance(choice.get("additionalProperties"), dict):
            return _section(choice["additionalProperties"], schema, (*path, "NAME"))
        if isinstance(choice.get("items"), dict):
            return _section(choice["items"], schema, (*path[:-1], f"{path[-1]}[]"))
    return path, None


def _row(path: tuple[str, ...], field: dict[str, Any], schema: dict[str, Any], short_forms: Mapping[Leaf, Leaf]) -> str:
    short = short_forms.get(path)
    said = _said_at(short, schema) if short is not None else ""
    meaning = said or field.get("description") or _description(field, schema)
    cells = [f"`{path[-1]}`", _value(field, schema), _line(meaning)]
    if short_forms:
        cells.insert(1, f"`{'.'.join(short)}`" if short else "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _description(field: dict[str, Any], schema: dict[str, Any]) -> str:
    _, section = _section(field, schema, ("",))
    return str((section or {}).get("description", ""))


def _said_at(path: tuple[str, ...], schema: dict[str, Any]) -> str:
    node = schema
    for part in path:
        field = node.get("properties", {}).get(part, {})
        _, section = _section(field, schema, ("",))
        node = section if section is not None and part != path[-1] else field
    return str(node.get("description", ""))


def _value(field: dict[str, Any], schema: dict[str, Any]) -> str:
    choices = [_kind(choice, schema) for choice in field.get("anyOf", [field])]
    return " or ".join(dict.fromkeys(choice for choice in choices if choice))


def _kind(choice: dict[str, Any], schema: dict[str, Any]) -> str:
    if "enum" in choice:
        return ", ".join(str(value) for value in choice["enum"])
    if "$ref" in choice:
        return "section"
    if choice.get("examples"):
        return f"`{choice['examples'][0]}`"
    if isinstance(choice.get("items"), dict):
        return f"list of {_kind(choice['items'], schema) or 'values'}"
    if isinstance(choice.get("additionalProperties"), dict):
        return "names and values"
    kinds = choice.get("type", [])
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true, false", "object": "map"}
    return " or ".join(names.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    print(page(sys.argv[1]), end="")  # noqa: T201
