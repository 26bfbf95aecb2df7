"""Durations, sizes and scalar texts as users write them: '6h', '30 GB', 3e-4."""

import math
import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_UNIT_WORDS = {
    word: unit
    for unit, words in {
        "s": ("s", "sec", "secs", "second", "seconds"),
        "m": ("m", "min", "mins", "minute", "minutes"),
        "h": ("h", "hr", "hrs", "hour", "hours"),
        "d": ("d", "day", "days"),
    }.items()
    for word in words
}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,6})?[smhd])+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.ASCII)
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?(GB|TB)", re.ASCII)
_SIZE_WORDS = {
    **dict.fromkeys(("g", "gb", "gib", "gigabyte", "gigabytes"), "GB"),
    **dict.fromkeys(("t", "tb", "tib", "terabyte", "terabytes"), "TB"),
}
_EXPONENT = re.compile(r"e([+-]?)0*(\d+)$")


def parse_duration(text: str) -> int | None:
    """Whole seconds of '90s', '30m', '6h', '2d', '1h30m' or '1.5h'; None when the text is no duration."""
    compact = text.replace(" ", "")
    if not _DURATION.fullmatch(compact):
        return None
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(compact))
    return int(seconds) if seconds == int(seconds) else None


def near_duration(text: str) -> str | None:
    """The duration that a text in other words means: '30 minutes' and '30 MIN' mean '30m'; None where that is not
    clear."""
    words = re.findall(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)", text)
    spelled = "".join(f"{number}{_UNIT_WORDS.get(unit.lower(), '?')}" for number, unit in words)
    rest = re.sub(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)", "", text).strip(" ,")
    return spelled if words and not rest and parse_duration(spelled) is not None else None


def parse_milliseconds(text: str) -> int | None:
    """Whole milliseconds of '500ms', '1s' or '1m'; None when the text is no such interval."""
    compact = text.replace(" ", "")
    if match := re.fullmatch(r"(\d{1,9})ms", compact, re.ASCII):
        return int(match[1])
    seconds = parse_duration(compact)
    return None if seconds is None else seconds * 1000


def spell_duration(seconds: int) -> str:
    """The shortest spelling that `parse_duration` reads back as the same seconds: 5400 is '90m', 86400 is '1d'."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def parse_size_gb(text: str) -> int | None:
    """Whole gigabytes of '30 GB' or '1 TB' (1 TB is 1024 GB, as EBS counts); None when the text is no such size."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        return None
    size = float(match[1]) * (1024 if match[2] == "TB" else 1)
    return int(size) if size == int(size) else None


def near_size(text: str) -> str | None:
    """The size that a text in other words means: '30GiB', '30 gigabytes' and '30G' mean '30 GB'; None where unclear."""
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text, re.ASCII)
    unit = _SIZE_WORDS.get(match[2].lower()) if match else None
    spelled = f"{match[1]} {unit}" if match and unit else ""
    return spelled if parse_size_gb(spelled) is not None else None


def scalar_text(value: bool | int | float | str) -> str:
    """How a YAML or JSON scalar travels to SageMaker, whose maps hold strings only.

    The rule, the same for hyperparameters, environment and tags: text stays as it is; booleans become `true` and
    `false`; numbers take their shortest spelling that reads back as the same number: 12 -> "12", 1e-1 -> "0.1", 2.0
    -> "2", 3e-05 -> "3e-5". Whole numbers lose their point because JSON does not tell 2.0 from 2 on its way through
    Step Functions.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return str(value)


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return _EXPONENT.sub(lambda match: f"e{match[1].replace('+', '')}{match[2]}", repr(value))
