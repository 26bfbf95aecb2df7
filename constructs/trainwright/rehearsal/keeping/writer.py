"""Writes down what has changed, from what the account holds now.

What is written is not what a request said but what is there after it, read and written under one lock: whichever of
two requests comes to it last writes what both of them left.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trainwright.rehearsal.keeping import folder, state
from trainwright.rehearsal.keeping.changes import Change, ItemOf, ObjectAt, WholeBucket, WholeTable
from trainwright.rehearsal.keeping.folder import BY_HAND, KeptObject

Lines = list[dict[str, Any]]
_TRIES = 20


class NotKept(Exception):
    """A change was made in the account and could not be kept."""


class Writer:
    """The one that writes a folder; it goes on where the index and the journal are."""

    def __init__(self, root: Path) -> None:
        path = folder.journal(root)
        if path is None:
            raise NotKept(f"{root} has no index to go on from")
        self._root = root
        self._journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        if not folder.lock(self._journal):
            raise NotKept(f"{root}: another account writes there")
        index = folder.read(root)
        self._lock = threading.Lock()
        self._ended = False
        self._key_locks = [threading.Lock() for _ in range(64)]
        self._places = {each.names[-1]: place for place, each in index.buckets.items()}
        self._table_places = {each.names[-1]: place for place, each in index.tables.items()}
        self._digests = {
            (bucket.names[-1], key): each.digest
            for bucket in index.buckets.values()
            for key, each in bucket.objects.items()
        }
        self._uses = Counter(self._digests.values())

    def keep(self, changes: Iterable[Change]) -> None:
        """Write down what is now where something may have changed.

        Raises:
            NotKept: the folder cannot be written.
        """
        together: list[ItemOf | WholeTable] = []
        try:
            for change in changes:
                if isinstance(change, ObjectAt):
                    self._keep_object(change.bucket, change.key)
                elif isinstance(change, WholeBucket):
                    self._keep_bucket(change.bucket)
                else:
                    together.append(change)
            self._keep_items(together)
        except OSError as error:
            raise NotKept(f"{self._root} cannot be written: {error.strerror}; the change was made, not kept") from error

    def end(self) -> None:
        """Keep nothing more: what happens while the account goes down is no part of its story.

        The journal stays open and locked until the process is gone, so that nobody goes on from it before.
        """
        with self._lock:
            self._ended = True

    # --- objects ---------------------------------------------------------------------------------------------------

    def _keep_object(self, bucket: str, key: str) -> None:
        place = self._bucket_place(bucket)
        if place is None:
            return
        with self._key_locks[hash((bucket, key)) % len(self._key_locks)]:
            found, part = self._stored(bucket, key)
            with self._lock:
                if self._places.get(bucket) != place:
                    self._write([{"bucket": bucket, "place": place}])
                    self._places[bucket] = place
                if found is None:
                    self._write([{"bucket": bucket, "delete": key}])
                    self._forget(bucket, key)
                elif part is not None:
                    part.replace(folder.content_file(self._root, found.digest))
                    self._write([{"bucket": bucket, "put": asdict(found)}])
                    self._forget(bucket, key, found.digest)

    def _stored(self, bucket: str, key: str) -> tuple[KeptObject | None, Path | None]:
        """The object, its content in a file of its own; an object that is replaced meanwhile is read again."""
        for _ in range(_TRIES):
            held = state.object_at(bucket, key)
            if held is None:
                return None, None
            part = self._root / folder.OBJECTS / f"{uuid.uuid4().hex}.part"
            try:
                return KeptObject(key, self._store(held, part), state.settings(held), state.tags(held)), part
            except ValueError:  # its file is closed: nothing has it any more
                part.unlink(missing_ok=True)
            except OSError:
                part.unlink(missing_ok=True)
                raise
        raise NotKept(f"s3://{bucket}/{key} changes faster than it can be kept")

    @staticmethod
    def _store(held: Any, part: Path) -> str:
        digest = folder.new_hash()
        with part.open("wb") as file:
            for chunk in state.chunks(held):
                digest.update(chunk)
                file.write(chunk)
        return str(digest.hexdigest())

    def _keep_bucket(self, name: str) -> None:
        with self._lock:
            if name in self._places and not state.has_bucket(name):
                self._write([{"bucket": name, "drop": True}])
                del self._places[name]

    def _bucket_place(self, name: str) -> str | None:
        """What no stack has may have been made a moment ago, by a stack that does not know it yet."""
        known = self._places.get(name)
        return known if known and not known.startswith(BY_HAND) else state.bucket_place(name)

    def _forget(self, bucket: str, key: str, now: str | None = None) -> None:
        """Remove the content that an object had, once no object has it."""
        before = self._digests.pop((bucket, key), None)
        if now is not None:
            self._digests[bucket, key] = now
            self._uses[now] += 1
        if before is not None:
            self._uses[before] -= 1
            if not self._uses[before]:
                del self._uses[before]
                folder.content_file(self._root, before).unlink(missing_ok=True)

    # --- items -----------------------------------------------------------------------------------------------------

    def _keep_items(self, changes: list[ItemOf | WholeTable]) -> None:
        """All changes of one request in one line: kept together or not at all, as a transaction is."""
        if not changes:
            return
        with self._lock:
            for name in {change.table for change in changes}:
                self._declare_table(name)
            lines = [line for change in changes if (line := self._item_line(change))]
            if lines:
                self._write(lines)

    def _declare_table(self, name: str) -> None:
        """A table that is gone takes its items along; one that is new is kept if a stack has it."""
        found, known = state.table(name), name in self._table_places
        if found is None and known:
            self._write([{"table": name, "drop": True}])
            del self._table_places[name]
        elif found is not None and not known and (place := state.place("AWS::DynamoDB::Table", name)):
            self._write([{"table": name, "place": place, "keys": state.table_keys(found)}])
            self._table_places[name] = place

    def _item_line(self, change: ItemOf | WholeTable) -> dict[str, Any] | None:
        name, found = change.table, state.table(change.table)
        if found is None or name not in self._table_places:
            return None
        if isinstance(change, WholeTable):
            return {"table": name, "items": state.items(found)}
        item = state.item(found, change.attributes)
        if item is not None:
            return {"table": name, "item": item}
        return {"table": name, "remove": {each: change.attributes[each] for each in state.table_keys(found)}}

    def _write(self, lines: Lines) -> None:
        """A whole line or none: what a full disk takes of it is cut off again, or the next line would go on from it."""
        text = json.dumps(lines, default=_base64).encode() + b"\n"
        if self._ended:
            raise NotKept("the account is ending, and keeps nothing more")
        before = os.fstat(self._journal).st_size
        try:
            while text:
                text = text[os.write(self._journal, text) :]
        except OSError:
            os.ftruncate(self._journal, before)
            raise


def _base64(value: object) -> str:
    """An item's binary values, as they are spelled on the wire."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be kept")
