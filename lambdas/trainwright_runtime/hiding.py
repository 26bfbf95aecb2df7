"""What a report does not show: values whose names look like secrets, and what is nested too deeply to be read."""

import re
from collections.abc import Mapping
from typing import Any

from trainwright_runtime.forms import Leaf

HIDDEN = "(hidden: its name looks like a secret)"
TOO_DEEP = "(nested too deeply to be shown)"
_NAME = re.compile(r"(?i)secret|token|passw|credential|private|api_?key|access_?key")
_SECTIONS = ("environment", "hyperparameters")
_DEEPEST = 40


def without_secrets(value: object) -> Any:
    """A request, the user's or CreateTrainingJob's, with the values of environment variables and hyperparameters hidden
    whose names look like secrets, wherever in it they stand."""
    return _shown(value, inside=False, depth=0)


def setting(leaf: Leaf, value: object) -> Any:
    """The same for the value of one setting."""
    inside = False
    for part in leaf:
        if inside and _NAME.search(part):
            return HIDDEN
        inside = inside or part.lower() in _SECTIONS
    return _shown(value, inside=inside, depth=0)


def _shown(value: object, *, inside: bool, depth: int) -> Any:
    if depth > _DEEPEST:
        return TOO_DEEP
    if isinstance(value, Mapping):
        return {name: _entry(str(name), entry, inside=inside, depth=depth + 1) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(entry, inside=inside, depth=depth + 1) for entry in value]
    return value


def _entry(name: str, value: object, *, inside: bool, depth: int) -> Any:
    if inside and _NAME.search(name):
        return HIDDEN
    return _shown(value, inside=inside or name.lower() in _SECTIONS, depth=depth)
