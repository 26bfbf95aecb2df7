"""Mends that put a function of this package in the place of one of moto's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from trainwright.rehearsal.mends import Mend, find, replace


def swap(name: str, target: str, sha256: str, new: Any, *, source: str, why: str) -> Mend:
    """A mend that puts ``new`` where ``target`` is."""
    return Mend(name, target, sha256, source, why, partial(replace, target, new))


def wrap(name: str, target: str, sha256: str, make: Callable[[Any], Any], *, source: str, why: str) -> Mend:
    """A mend that puts ``make(what is there)`` where ``target`` is, in every module that imported it by name."""

    def apply() -> None:
        original = find(target)
        new = make(original)
        replace(target, new)
        _replace_imported(original, new)

    return Mend(name, target, sha256, source, why, apply)


def act(name: str, target: str, sha256: str, apply: Callable[[], None], *, source: str, why: str) -> Mend:
    """A mend that is more than one replacement."""
    return Mend(name, target, sha256, source, why, apply)


def _replace_imported(original: Any, new: Any) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions"):
            for attribute in [key for key, value in vars(module).items() if value is original]:
                setattr(module, attribute, new)
