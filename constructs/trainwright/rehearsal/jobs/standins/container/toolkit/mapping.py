"""How the toolkit writes values into environment variables and command lines (mapping.py of the toolkit)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def env_vars(values: Mapping[str, Any]) -> dict[str, str]:
    """``SM_<NAME>``: text as it is, None as nothing, everything else as JSON with sorted keys and no blanks."""
    return {f"SM_{name.upper()}": _env_value(value) for name, value in values.items()}


def _env_value(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def cmd_args(values: Mapping[str, Any]) -> list[str]:
    """``--name value`` (``-n value`` for one letter), sorted by name; a mapping becomes ``a=1,b=2``."""
    words: list[str] = []
    for name in sorted(values):
        words += [f"--{name}" if len(name) > 1 else f"-{name}" if name else "", _arg_value(values[name])]
    return words


def _arg_value(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={inner}" for name, inner in sorted(value.items()))
    return "" if value is None else str(value)


def decoded(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Each value as the JSON that it is, else as the text."""
    return {name: _decoded(value) for name, value in hyperparameters.items()}


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value
