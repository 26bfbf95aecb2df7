"""The folder of `--data`: contents of objects, each under its hash, and one index that is replaced in one move.

Whatever happens while it is written, the index names whole files only; files that no index names are removed later.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trainwright.cli.errors import BadInput, StepFailed
from trainwright.cli.rehearse.workspace import locked

SCHEMA = 1
INDEX = "kept.json"
OBJECTS = "objects"
_OWN = {INDEX, f"{INDEX}.part", OBJECTS, "lock"}


@dataclass(frozen=True)
class KeptObject:
    """An S3 object: its content's hash, and what else PutObject was told of it."""

    key: str
    digest: str
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Bucket:
    """A bucket's physical name and its objects."""

    name: str
    objects: list[KeptObject]


@dataclass
class Table:
    """A table's physical name and its items, as DynamoDB's API spells them."""

    name: str
    items: list[dict[str, Any]]


@dataclass
class Index:
    """Everything that is kept, by `stack/logical id`."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def objects(self) -> int:
        return sum(len(bucket.objects) for bucket in self.buckets.values())

    @property
    def items(self) -> int:
        return sum(len(table.items) for table in self.tables.values())


class Folder:
    """An existing folder, held by this process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.index = read(root)
        self._written: str | None = None

    def content(self, digest: str) -> Path:
        """The file of a content; StepFailed when it is not what was saved."""
        path = self.root / OBJECTS / digest
        if not path.is_file() or _digest_of(path) != digest:
            raise StepFailed(
                f"{path} is missing or damaged", "Put the file back from a copy, or start with an empty folder."
            )
        return path

    def add(self, chunks: Iterable[bytes]) -> str:
        """Store a content; answers its hash."""
        part = self.root / OBJECTS / "new.part"
        digest = hashlib.sha256()
        with part.open("wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
        part.replace(part.with_name(digest.hexdigest()))
        return digest.hexdigest()

    def replace(self, index: Index) -> None:
        """Make `index` what is kept, and remove the contents that it does not name."""
        text = json.dumps({"schema": SCHEMA, **asdict(index)}, default=_base64)
        if text != self._written:
            part = self.root / f"{INDEX}.part"
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.root / INDEX)
            self._written = text
        self.index = index
        self._sweep()

    def _sweep(self) -> None:
        named = {each.digest for bucket in self.index.buckets.values() for each in bucket.objects}
        for path in (self.root / OBJECTS).glob("*"):
            if path.name not in named:
                path.unlink()


@contextmanager
def opened(root: Path) -> Iterator[Folder]:
    """The folder, made where it is missing, for one account at a time."""
    try:
        (root / OBJECTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--data {root}: cannot be made: {error.strerror}") from error
    with locked(root, "account"):
        yield Folder(root)


def check(root: Path) -> None:
    """BadInput for what is no folder, holds other files, or cannot be read."""
    if not root.exists():
        return
    if not root.is_dir():
        raise BadInput(f"--data {root}: is a file; name a folder, new, empty or of an earlier `account up`")
    if others := sorted(path.name for path in root.iterdir() if path.name not in _OWN):
        raise BadInput(f"--data {root}: holds other files ({', '.join(others[:3])}); name a new or an empty folder")
    read(root)


def read(root: Path) -> Index:
    """The index, an empty one where there is none yet."""
    path = root / INDEX
    if not path.exists():
        return Index()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise BadInput(f"--data {root}: was kept by another version (schema {content['schema']}, ours is {SCHEMA})")
        return _index(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"--data {root}: {INDEX} cannot be read: {error!r}") from error


def _index(content: dict[str, Any]) -> Index:
    return Index(
        {
            place: Bucket(bucket["name"], [KeptObject(**each) for each in bucket["objects"]])
            for place, bucket in content["buckets"].items()
        },
        {
            place: Table(table["name"], [_with_bytes(item) for item in table["items"]])
            for place, table in content["tables"].items()
        },
    )


def _base64(value: object) -> str:
    """Of an item's binary values, which JSON does not have."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _with_bytes(value: Any) -> Any:
    """An item's binary values from their text: under B or BS stands text for these alone."""
    if isinstance(value, list):
        return [_with_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(text := value.get("B"), str):
        return {"B": base64.b64decode(text)}
    if isinstance(texts := value.get("BS"), list):
        return {"BS": [base64.b64decode(each) for each in texts]}
    return {name: _with_bytes(each) for name, each in value.items()}


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
