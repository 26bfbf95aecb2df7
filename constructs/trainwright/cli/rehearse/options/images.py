"""`--image URI=DIR`."""

from __future__ import annotations

from pathlib import Path

from trainwright.cli.errors import BadInput


def read(given: list[str]) -> dict[str, str]:
    """Folders by URI; BadInput lists what is wrong."""
    problems: list[str] = []
    found: dict[str, str] = {}
    for text in given:
        uri, _, folder = text.rpartition("=")
        if not uri or not Path(folder).is_dir():
            problems.append(f"--image {text}: write URI=DIR, where DIR is a folder with a Dockerfile")
        else:
            found[uri] = str(Path(folder).resolve())
    if problems:
        raise BadInput(problems)
    return found
