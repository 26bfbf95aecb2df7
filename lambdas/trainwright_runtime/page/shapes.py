"""What a document holds where it holds what it should; nothing where it does not. A page is written whatever an older
version, a cut file or a hand has made of a document."""

from collections.abc import Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """The object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    """The list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list."""
    return [each for each in listed(value) if isinstance(each, Mapping)]
