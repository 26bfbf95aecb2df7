"""The folder that keeps an account's objects and items; imports nothing that loads slowly.

``kept.json``     everything that was kept when an account opened; names the journal that goes on from there
``journal-N``     one line of JSON for every request that changed something since
``objects/``      contents of objects, each under the hash of its bytes

A line is written by one call, and what it names is whole before: whatever ends the account (SIGKILL too) leaves
lines that are whole, but for the last one, which nobody was told of. Nothing is forced to the disk (fsync): what a
process has written outlives it, and only the machine's own end can take it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast

SCHEMA = 2
INDEX = "kept.json"
OBJECTS = "objects"
JOURNAL = "journal-"
# A bucket that no stack has is kept under this and its name.
BY_HAND = "/"
_CHUNK = 1024 * 1024
_SHA256_DIGITS = 64

Item = dict[str, Any]
_Kept = TypeVar("_Kept", "Bucket", "Table")


class Unreadable(Exception):
    """The folder is not one that this version wrote, or is damaged."""


@dataclass(frozen=True)
class KeptObject:
    """An S3 object: its content's hash, and what else PutObject was told of it."""

    key: str
    digest: str
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Bucket:
    """Every physical name that a bucket's addresses may carry, the newest last, and its objects by key.

    `waiting`: the app that was deployed last did not have it.
    """

    names: list[str]
    objects: dict[str, KeptObject] = field(default_factory=dict)
    waiting: bool = False


@dataclass
class Table:
    """A table's physical names, its key attributes and its items (as DynamoDB's API spells them) by `identity`."""

    names: list[str]
    keys: list[str] = field(default_factory=list)
    items: dict[str, Item] = field(default_factory=dict)
    waiting: bool = False


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

    @property
    def digests(self) -> set[str]:
        """Every content that an object has."""
        return {each.digest for bucket in self.buckets.values() for each in bucket.objects.values()}


def identity(item: Item, keys: Iterable[str]) -> str:
    """What tells an item of a table from the others: its key attributes, or all of it where it has not these."""
    wanted = list(keys)
    known = [_normal(item[name]) for name in wanted if name in item]
    return json.dumps(known if wanted and len(known) == len(wanted) else item, sort_keys=True)


def _normal(value: Item) -> Item:
    """Numbers are equal however they are spelled: 1 and 1.0 are one key."""
    return {"N": str(Decimal(value["N"]).normalize())} if "N" in value else value


# --- contents ------------------------------------------------------------------------------------------------------


def content_file(root: Path, digest: str) -> Path:
    """Where a content lies."""
    return root / OBJECTS / digest


def new_hash() -> Any:
    """The hash that names contents: twice as fast as SHA-256, which SCHEMA 1 took."""
    return hashlib.blake2b(digest_size=24)


def is_whole(path: Path) -> bool:
    """Whether a content's file is there and is what its name says."""
    if not path.is_file():
        return False
    digest = hashlib.sha256() if len(path.name) == _SHA256_DIGITS else new_hash()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return bool(digest.hexdigest() == path.name)


# --- reading -------------------------------------------------------------------------------------------------------


def read(root: Path) -> Index:
    """Everything that is kept, nothing where nothing is yet.

    Raises:
        Unreadable: another version's folder, or a damaged one.
    """
    try:
        return _read(root)
    except Unreadable:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Unreadable(f"{INDEX} cannot be read: {error!r}") from error


def _read(root: Path) -> Index:
    base = _base(root)
    if base is None:
        return Index()
    if base["schema"] == 1:
        return _first_schema(base)
    if base["schema"] != SCHEMA:
        raise Unreadable(f"was kept by another version (schema {base['schema']}, ours is {SCHEMA})")
    replay = Replay(_index(base))
    for line in _lines(root / base["journal"]):
        replay.apply(line)
    return replay.index


def _base(root: Path) -> dict[str, Any] | None:
    path = root / INDEX
    return cast("dict[str, Any]", json.loads(path.read_bytes())) if path.exists() else None


def journal(root: Path) -> Path | None:
    """The journal that goes on from the index; None where there is no index, or one of SCHEMA 1."""
    base = _base(root)
    return root / base["journal"] if base and "journal" in base else None


def _lines(path: Path) -> Iterator[list[Item]]:
    """Whole lines: what follows the last end of a line was being written when the account ended."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def _index(content: dict[str, Any]) -> Index:
    return Index(
        {
            place: Bucket(each["names"], _by_key(each["objects"]), each["waiting"])
            for place, each in content["buckets"].items()
        },
        {
            place: Table(each["names"], each["keys"], _by_identity(each["items"], each["keys"]), each["waiting"])
            for place, each in content["tables"].items()
        },
    )


def _first_schema(content: dict[str, Any]) -> Index:
    """One name a place, no key attributes, no journal."""
    return Index(
        {place: Bucket([each["name"]], _by_key(each["objects"])) for place, each in content["buckets"].items()},
        {
            place: Table([each["name"]], [], _by_identity(each["items"], []))
            for place, each in content["tables"].items()
        },
    )


def _by_key(objects: list[dict[str, Any]]) -> dict[str, KeptObject]:
    return {each["key"]: KeptObject(**each) for each in objects}


def _by_identity(items: list[Item], keys: list[str]) -> dict[str, Item]:
    return {identity(each, keys): each for each in items}


class Replay:
    """An index, and what the journal's lines make of it. A line is a list of changes that happened together."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._bucket_places = {each.names[-1]: place for place, each in index.buckets.items()}
        self._table_places = {each.names[-1]: place for place, each in index.tables.items()}

    def apply(self, line: list[Item]) -> None:
        """Change the index as the line says."""
        for change in line:
            if "bucket" in change:
                self._change_bucket(change)
            else:
                self._change_table(change)

    def _change_bucket(self, change: Item) -> None:
        name = change["bucket"]
        if "place" in change:
            self._declare_bucket(name, change["place"])
            return
        bucket = self.index.buckets[self._bucket_places[name]]
        if "put" in change:
            bucket.objects[change["put"]["key"]] = KeptObject(**change["put"])
        elif "delete" in change:
            bucket.objects.pop(change["delete"], None)
        elif bucket.names[-1] == name:
            del self.index.buckets[self._bucket_places.pop(name)]

    def _declare_bucket(self, name: str, place: str) -> None:
        before = self.index.buckets.pop(BY_HAND + name, None)  # a stack has it now
        known = _goes_on(self.index.buckets.get(place), name)
        objects = (known.objects if known else {}) | (before.objects if before else {})
        self.index.buckets[place] = Bucket(_names(known, name), objects)
        self._bucket_places[name] = place

    def _change_table(self, change: Item) -> None:
        name = change["table"]
        if "place" in change:
            self._declare_table(name, change["place"], change["keys"])
            return
        table = self.index.tables[self._table_places[name]]
        if "item" in change:
            table.items[identity(change["item"], table.keys)] = change["item"]
        elif "items" in change:
            table.items = _by_identity(change["items"], table.keys)
        elif "remove" in change:
            table.items.pop(identity(change["remove"], table.keys), None)
        elif table.names[-1] == name:
            del self.index.tables[self._table_places.pop(name)]

    def _declare_table(self, name: str, place: str, keys: list[str]) -> None:
        known = _goes_on(self.index.tables.get(place), name)
        items = list(known.items.values()) if known else []
        self.index.tables[place] = Table(_names(known, name), keys, _by_identity(items, keys))
        self._table_places[name] = place


def _goes_on(known: _Kept | None, name: str) -> _Kept | None:
    """A new resource in the place of one that is deployed replaces it; one that was missed goes on with what it had."""
    return known if known and (known.waiting or known.names[-1] == name) else None


def _names(known: Bucket | Table | None, name: str) -> list[str]:
    return [*(each for each in (known.names if known else []) if each != name), name]


# --- writing -------------------------------------------------------------------------------------------------------


def begin(root: Path, index: Index) -> None:
    """Make `index` what is kept, with an empty journal after it; then remove what belongs to nothing any more."""
    before = journal(root)
    number = int(before.name.removeprefix(JOURNAL)) + 1 if before else 1
    goes_on = f"{JOURNAL}{number}"
    content = {
        "schema": SCHEMA,
        "journal": goes_on,
        "buckets": {place: _listed(each, "objects") for place, each in index.buckets.items()},
        "tables": {place: _listed(each, "items") for place, each in index.tables.items()},
    }
    (root / goes_on).unlink(missing_ok=True)
    part = root / f"{INDEX}.part"
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(root / INDEX)
    _sweep(root, index.digests)


def _listed(each: Bucket | Table, contents: str) -> dict[str, Any]:
    content = asdict(each)
    return content | {contents: list(content[contents].values())}


def _sweep(root: Path, digests: set[str]) -> None:
    current = journal(root)
    for path in [*root.glob(f"{JOURNAL}*"), *(root / OBJECTS).glob("*")]:
        if path != current and path.name not in digests:
            path.unlink()


def wait_for_writer(root: Path, seconds: float) -> bool:
    """Wait until no account writes the journal any more; False when one still does. An account holds it locked."""
    path = journal(root)
    if path is None or not path.exists():
        return True
    end = time.monotonic() + seconds
    with path.open("rb") as file:
        while not lock(file.fileno()):
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
    return True


def lock(handle: int) -> bool:
    """Take an open file for this process, until it is closed; False when another has it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    os.set_inheritable(handle, False)
    return True
