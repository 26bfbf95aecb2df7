"""Durations, sizes and scalar texts as users write them: '6h', '30 GB', 3e-4."""

import math
import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,6})?[smhd])+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.ASCII)
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?(GB|TB)", re.ASCII)
_EXPONENT = re.compile(r"e([+-]?)0*(\d+)$")


def parse_duration(text: str) -> int | None:
    """Whole seconds of '90s', '30m', '6h', '2d', '1h30m' or '1.5h'; None when the text is no duration."""
    compact = text.replace(" ", "")
    if not _DURATION.fullmatch(compact):
        return None
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(compact))
    return int(seconds) if seconds == int(seconds) else None


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
