"""User text made safe for what carries a notice: a subject, a mail, JSON, a chat message.

Where text comes from a person or a script it may hold anything: line breaks that forge lines, escape sequences for
terminals, marks that turn its direction round, links and mentions for a chat, and now and then a password.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_ESCAPES = re.compile(
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~])?|"
    r"\x9b[0-?]*[ -/]*[@-~]"
)
"""Control sequences of terminals, whole (ECMA-48, 5.4 to 5.6)."""
_SECRET = re.compile(
    r"(?i)\b(?:[\w.-]*(?:secret|token|passw|credential|private[_-]?key|api[_-]?key|access[_-]?key)[\w.-]*"
    r"[\"']?\s*[=:]\s*[\"']?|bearer\s+)(?!\s)[^\s\"',;&]+"
)
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_SIGNED = re.compile(r"(?i)\b(X-Amz-(?:Signature|Credential|Security-Token))=[^\s&\"']+")
_LOGIN = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@:]+:[^\s/@]+@")
_HIDDEN = "(hidden)"
_MARKS = 3
"""Combining marks that a letter keeps: what languages need, not what covers the lines around it."""
_CUT = "…"
_LOOKALIKES = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼", "[": "［", "]": "］", "@": "＠", "#": "＃", "|": "¦"})
_LONE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")
_WEB = re.compile(r"(?i)\b(https?|ftp|mailto|tel)(:)")
_ADDRESS = re.compile(r"(?i)\bwww\.")


def without_secrets(text: str) -> str:
    """The text without what looks like a password, a key or a signature."""
    text = _LOGIN.sub(rf"\1{_HIDDEN}@", _SIGNED.sub(rf"\1={_HIDDEN}", text))
    return _ACCESS_KEY.sub(_HIDDEN, _SECRET.sub(_HIDDEN, text))


def plain(value: object, most: int = 500) -> str:
    """One readable line of at most `most` characters: no line breaks, no control or direction marks, no secrets."""
    text = _ESCAPES.sub(" ", str(value))
    text = without_secrets(" ".join("".join(map(_visible, text)).split()))
    return cut(_few_marks(text), most)


def _visible(character: str) -> str:
    """Separators and controls become spaces, marks of format (bidi, zero width) go, what is no character shows as
    such."""
    kind = unicodedata.category(character)
    if kind in ("Zs", "Zl", "Zp", "Cc"):
        return " "
    return "" if kind == "Cf" else "\ufffd" if kind in ("Cs", "Cn", "Co") else character


def _few_marks(text: str) -> str:
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= _MARKS:
            kept.append(character)
    return "".join(kept)


def cut(text: str, most: int) -> str:
    """At most so many characters, saying that something is missing."""
    return text if len(text) <= most else f"{text[: most - 1]}{_CUT}"


def subject(text: str) -> str:
    """A subject as SNS and mail programs take it: ASCII, one line, fewer than 100 characters (Publish, API reference:
    "no line breaks or control characters, and less than 100 characters long")."""
    letters = unicodedata.normalize("NFKD", plain(text, 200)).replace(_CUT, "...")
    line = "".join(letter for letter in letters if not unicodedata.combining(letter))
    line = line.encode("ascii", "replace").decode()
    line = " ".join(line.split())
    return line if len(line) < 100 else f"{line[:96]}..."


def shown(value: object, most: int = 500) -> str:
    """User text in a mail: plain, and no link that a mail program makes one can press by mistake."""
    return cut(_ADDRESS.sub("www[.]", _WEB.sub(r"\1[\2]", plain(value, most))), most)


def chat(value: object, most: int = 500) -> str:
    """User text in a chat message: no mention, no link, no formatting.

    Slack and Teams have no way to write such a character as itself, so it gives way to one that looks like it; `&`,
    `<` and `>` are written as entities (https://docs.slack.dev/messaging/formatting-message-text#escaping).
    """
    text = plain(value, most).translate(_LOOKALIKES)
    text = _LONE_UNDERSCORE.sub("＿", text)
    text = _ADDRESS.sub("www·", _WEB.sub(r"\1·", text))
    return _entities(text, most)


def _entities(text: str, most: int) -> str:
    """Cut before an entity, never inside it."""
    written = [{"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character) for character in text]
    if sum(map(len, written)) <= most:
        return "".join(written)
    kept = ""
    for each in written:
        if len(kept) + len(each) >= most:
            break
        kept += each
    return f"{kept}{_CUT}"


def data(value: Any, most: int = 500) -> Any:
    """A value for JSON: text as it is but for secrets and what UTF-8 cannot say, cut."""
    if not isinstance(value, str):
        return value
    whole = value.encode("utf-8", "replace").decode()
    return cut(without_secrets(whole), most)
