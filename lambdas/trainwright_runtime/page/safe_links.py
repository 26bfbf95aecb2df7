"""Addresses that a page may link to."""

import re
from urllib.parse import quote

_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?")
"""An https address of the characters that RFC 3986 has."""


def address(value: object) -> str | None:
    """An https address as it is; None for anything else, which is then shown as text."""
    return value if isinstance(value, str) and _ADDRESS.fullmatch(value) else None


def report_of(run: str) -> str:
    """A run's page, seen from the root of the reports bucket."""
    return f"runs/{quote(run, safe='')}/report.html"
