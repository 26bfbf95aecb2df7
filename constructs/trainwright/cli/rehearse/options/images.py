"""`--image URI=DIR`: what runs for an image that nobody pushes, a folder with a Dockerfile.

The URI is taken as a run request gives it, letter by letter: no patterns, and without a tag it is another URI than with
one, for so it is compared when a training job starts.
"""

from __future__ import annotations

import re
from pathlib import Path

from trainwright.cli.errors import BadInput
from trainwright.cli.problems import Located
from trainwright.rehearsal.jobs.images import Image, ImageError, read_image

_FORM = "write URI=DIR, where DIR is a folder with a Dockerfile"
#: CreateTrainingJob's own pattern for TrainingImage is ``.*``, of 255 characters at most; what no registry takes is
#: refused here (https://github.com/opencontainers/distribution-spec/blob/main/spec.md, "Pulling manifests").
_URI = re.compile(
    r"(?P<name>[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(?P<tag>:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?P<digest>@sha256:[0-9a-f]{64})?"
)
_LONGEST = 255


def read(given: list[str]) -> dict[str, str]:
    """Folders by URI; BadInput lists everything that is wrong."""
    problems: list[str | Located] = []
    found: dict[str, str] = {}
    for text in given:
        uri, _, folder = text.partition("=")
        if uri in found:
            problems.append(f"--image {text}: {uri} has a folder already, {found[uri]}")
            continue
        problem = _uri_problem(uri) or _folder_problem(folder)
        if problem:
            problems.append(f"--image {text}: {problem}")
        else:
            found[uri] = str(Path(folder).resolve())
    if problems:
        raise BadInput(problems)
    return found


def _uri_problem(uri: str) -> str | None:
    if not uri:
        return _FORM
    if len(uri) > _LONGEST:
        return f"the URI has {len(uri)} characters; CreateTrainingJob takes {_LONGEST}"
    if "*" in uri or "?" in uri:
        return f"{uri} is a pattern; give each image its own --image"
    return None if _URI.fullmatch(uri) else f"{uri} is not an image's address, such as registry/repository:tag"


def _folder_problem(text: str) -> str | None:
    folder = Path(text)
    if not text:
        return _FORM
    if not folder.is_dir():
        return f"there is no folder {text}; {_FORM}"
    try:
        image = read_image(folder)
    except (ImageError, OSError, UnicodeDecodeError) as error:
        return _said(folder, error)
    return _copy_problem(folder, image)


def _said(folder: Path, error: Exception) -> str:
    """With the file in place of the word Dockerfile."""
    if isinstance(error, UnicodeDecodeError):
        return f"{folder / 'Dockerfile'} is not text in UTF-8"
    text = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return text.replace("Dockerfile", str(folder / "Dockerfile"), 1) if text.startswith("Dockerfile") else text


def _copy_problem(folder: Path, image: Image) -> str | None:
    """A COPY whose source is not there would fail every job that runs the image."""
    for copy in image.copies:
        for source in copy.sources:
            if not _is_there(folder, source):
                return f"{folder / 'Dockerfile'}: COPY {source}: there is no such file in {folder}"
    return None


def _is_there(folder: Path, pattern: str) -> bool:
    relative = pattern.strip("/") or "."
    return relative == "." or any(folder.glob(relative))
