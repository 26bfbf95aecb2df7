"""Text of users, scripts and AWS made fit to be read: nothing in it may hide or pass for something else."""

import re
from collections.abc import Mapping
from typing import Any

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNSPEAKABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")
_PICTURES = 0x2400
"""The first of Unicode's pictures of control characters: U+2400 is that of U+0000."""


def readable(value: Any) -> Any:
    """The same JSON value with texts that a browser shows as they are: control characters as their pictures, marks that
    turn the direction of reading by their code, lone surrogates and what is no character as U+FFFD."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(str(name)): readable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [readable(each) for each in value]
    return value


def cut(text: object, longest: int = 160) -> str:
    """Text for a place that has no room for more: whoever needs the rest finds it in the request."""
    words = str(text)
    return words if len(words) <= longest else f"{words[:longest]}…"


def parts(sentence: object) -> list[str]:
    """A sentence cut at its backticks: every second part is a name. One whose backticks are no pairs is whole."""
    found = str(sentence).split("`")
    return found if len(found) % 2 else [str(sentence)]


def _text(text: str) -> str:
    text = _UNSPEAKABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _TURNING.sub(lambda found: f"[U+{ord(found[0]):04X}]", _CONTROLS.sub(_picture, text))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == 0x7F:
        return "\u2421"
    return chr(_PICTURES + code) if code < 0x20 else "\ufffd"
