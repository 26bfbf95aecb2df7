"""`trainwright explain TW102`: what a problem's code means, at more length than a line has."""

from __future__ import annotations

import re

from trainwright.cli.errors import BadInput
from trainwright_runtime.problems import CATALOGUE


def code(wanted: str) -> str:
    """All there is to say about one code; BadInput names those that are near."""
    name = wanted.upper()
    if name not in CATALOGUE:
        raise BadInput(f"{wanted}: there is no such code; {_near(name)}. `trainwright explain` lists them all.")
    known = CATALOGUE[name]
    return "\n\n".join([f"{name}  {known.title}", known.text.strip(), known.example.rstrip()])


def every_code() -> str:
    """A line for each code."""
    return "\n".join(f"{name}  {known.title}" for name, known in sorted(CATALOGUE.items()))


def _near(name: str) -> str:
    """The four whose numbers are next to it."""
    digits = re.search(r"\d+", name)
    wanted = int(digits[0]) if digits else 0
    near = sorted(sorted(CATALOGUE), key=lambda known: abs(int(known.removeprefix("TW")) - wanted))[:4]
    return f"near are {', '.join(sorted(near))}"
