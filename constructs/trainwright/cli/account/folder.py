"""The folder of `--data`, as the command line opens it: held by one account at a time, refused in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainwright.cli.errors import BadInput, StepFailed
from trainwright.cli.rehearse.workspace import locked
from trainwright.rehearsal.keeping import folder as kept
from trainwright.rehearsal.keeping.folder import Index

# An account whose command was killed stops itself within a second or two.
WAIT_SECONDS = 15.0
_OWN = {kept.INDEX, f"{kept.INDEX}.part", kept.OBJECTS, "lock"}


class Folder:
    """An existing folder, held by this process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.index = read(root)

    def content(self, digest: str) -> Path:
        """The file of a content; StepFailed when it is not what was saved."""
        path = kept.content_file(self.root, digest)
        if not kept.is_whole(path):
            raise StepFailed(
                f"{path} is missing or damaged", "Put the file back from a copy, or start with an empty folder."
            )
        return path

    def begin(self, index: Index) -> None:
        """Make `index` what is kept, in one move, and remove what it does not name; StepFailed when that cannot be."""
        try:
            kept.begin(self.root, index)
        except OSError as error:
            raise StepFailed(f"--data {self.root}: cannot be written: {error.strerror}") from error
        self.index = index

    def now(self) -> Index:
        """What is kept at this moment, with everything that the account has written since it began."""
        return read(self.root)


@contextmanager
def opened(root: Path) -> Iterator[Folder]:
    """The folder, made where it is missing, for one account at a time."""
    try:
        (root / kept.OBJECTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--data {root}: cannot be made: {error.strerror}") from error
    with locked(root, "account"):
        if not kept.wait_for_writer(root, WAIT_SECONDS):
            raise BadInput(f"--data {root}: the account that had it has not ended after {WAIT_SECONDS:.0f} s")
        yield Folder(root)


def check(root: Path) -> None:
    """BadInput for what is no folder, holds other files, or cannot be read."""
    if not root.exists():
        return
    if not root.is_dir():
        raise BadInput(f"--data {root}: is a file; name a folder, new, empty or of an earlier `account up`")
    if others := sorted(path.name for path in root.iterdir() if not _is_own(path.name)):
        raise BadInput(f"--data {root}: holds other files ({', '.join(others[:3])}); name a new or an empty folder")
    read(root)


def _is_own(name: str) -> bool:
    return name in _OWN or name.startswith(kept.JOURNAL)


def read(root: Path) -> Index:
    """Everything that is kept; BadInput when it cannot be read."""
    try:
        return kept.read(root)
    except kept.Unreadable as error:
        raise BadInput(f"--data {root}: {error}") from error
