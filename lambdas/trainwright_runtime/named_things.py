"""What free text in a request names: places in S3 and elsewhere, ARNs, images. Settings that pass text on to AWS could
name another team's things in it."""

import re
from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel

from trainwright_runtime.forms import Leaf
from trainwright_runtime.problems import Path
from trainwright_runtime.resolved import Values

OBSERVING = frozenset(
    {
        *("debugger", "debug_hook_config", "debug_rule_configurations"),
        *("profiler", "profiler_config", "profiler_rule_configurations"),
    }
)
"""Sections whose parameters AWS's own code reads: a rule's `source_s3_uri` and `other_trial_0` are addresses
(sagemaker SDK v2, debugger.Rule.custom)."""

_PLACE = re.compile(r"[a-z][a-z0-9+.-]*://[^\s,;\"'\]})]*", re.IGNORECASE | re.ASCII)
_ARN = re.compile(r"arn:[^\s,;\"'\]})]+", re.IGNORECASE)

Named = tuple[Leaf, Path, str]
"""A setting, the path below it, and what is named there."""


def texts(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text in a value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from texts(entry, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for position, entry in enumerate(value):
            yield from texts(entry, (*path, position))
    elif isinstance(value, BaseModel):
        yield from texts({name: getattr(value, name) for name in value.model_fields_set}, path)


def places(text: str) -> list[str]:
    """The addresses with a scheme in a text, which may hold several."""
    found: list[str] = _PLACE.findall(text)
    return found


def arns(text: str) -> list[str]:
    """The ARNs in a text."""
    found: list[str] = _ARN.findall(text)
    return found


def observing_places(values: Values) -> Iterator[Named]:
    """The places that the debugger's and the profiler's settings name."""
    for leaf, path, text in _below(values, OBSERVING):
        yield from ((leaf, path, place) for place in places(text))


def rule_images(values: Values) -> Iterator[Named]:
    """The images that rules run in."""
    return _of_rules(values, "rule_evaluator_image")


def rule_machines(values: Values) -> Iterator[Named]:
    """The instance types that custom rules run on."""
    return _of_rules(values, "instance_type")


def raw_texts(values: Values) -> Iterator[Named]:
    """Every text in the raw fields, but for what only the script reads."""
    for leaf, path, text in _below(values, {"overrides"}):
        if leaf[1:2] not in (("HyperParameters",), ("Environment",)):
            yield leaf, path, text


def _of_rules(values: Values, name: str) -> Iterator[Named]:
    for leaf, path, text in _below(values, OBSERVING):
        if leaf[0].endswith("_rule_configurations") and path[1:] == (name,):
            yield leaf, path, text


def _below(values: Values, sections: Iterable[str]) -> Iterator[Named]:
    for leaf, value in values.settings.items():
        if leaf[0] in sections:
            yield from ((leaf, path, text) for path, text in texts(value))
