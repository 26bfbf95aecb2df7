"""`render` and `import` of what the SageMaker Python SDK's classes were given, as a document."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from trainwright.cli import rendering, yaml
from trainwright.cli.errors import BadInput
from trainwright.cli.problems import in_order, printable
from trainwright.cli.sdk import Imported, Rendered, SdkRefusal
from trainwright.cli.yaml import Document

COMMENT_WIDTH = 110


def render(*, estimator: Path | None = None, trainer: Path | None = None, strict: bool = False) -> str:
    """``{"request", "warnings"}`` as the SDK would send it; BadInput for what it would refuse, with `strict` also for
    what AWS would refuse or ignore.
    """
    document, rendered = _answered(estimator, trainer, _render_estimator, _render_trainer)
    if strict and rendered.warnings:
        raise BadInput(rendering.as_problems(rendered.warnings, document.file))
    return rendering.to_json({"request": rendered.request, "warnings": rendered.warnings})


def to_run(*, estimator: Path | None = None, trainer: Path | None = None) -> tuple[str, list[str]]:
    """The run request that renders the same, as YAML with what it could not carry on top; and that again, as lines."""
    from trainwright.cli.sdk.mending import mended  # noqa: PLC0415 - the rules are not for help texts

    document, read = _answered(estimator, trainer, _import_estimator, _import_trainer)
    imported, problems = mended(read, str(document.value.get("region") or rendering.DEFAULT_REGION))
    run = CommentedMap(imported.run)
    heading = [f"What trainwright made of {Path(document.file).name}; `trainwright render` shows what it comes to."]
    heading += [f"Not carried: {said}" for said in imported.not_carried]
    heading += [f"To mend before it can run: {problem.sentence()}" for problem in problems]
    comment = StringIO()
    for line in heading:
        comment.write("".join(f"# {part}\n" for part in _wrapped(printable(line))))
    return comment.getvalue() + rendering.to_yaml(run), imported.not_carried


def _answered(
    estimator: Path | None, trainer: Path | None, for_estimator: Callable[[Any], Any], for_trainer: Callable[[Any], Any]
) -> tuple[Document, Any]:
    file = estimator or trainer
    assert file  # noqa: S101 - the command asks for exactly one
    document = yaml.read(file)
    if document.problems:
        raise BadInput(in_order(document.problems))
    try:
        return document, (for_estimator if estimator else for_trainer)(document.value)
    except SdkRefusal as refusal:
        raise BadInput(in_order(map(document.located, refusal.problems))) from refusal


def _render_estimator(data: object) -> Rendered:
    from trainwright.cli.sdk.estimator import render_estimator  # noqa: PLC0415 - one of four, each with its tables

    return render_estimator(data)


def _render_trainer(data: object) -> Rendered:
    from trainwright.cli.sdk.trainer import render_trainer  # noqa: PLC0415

    return render_trainer(data)


def _import_estimator(data: object) -> Imported:
    from trainwright.cli.sdk.estimator import import_estimator  # noqa: PLC0415

    return import_estimator(data)


def _import_trainer(data: object) -> Imported:
    from trainwright.cli.sdk.trainer import import_trainer  # noqa: PLC0415

    return import_trainer(data)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, COMMENT_WIDTH - 2, subsequent_indent="  ", break_long_words=False)
