"""/opt/ml/checkpoints, kept in step with S3 in both directions.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html: restored before the training starts, and again
after a spot interruption; uploaded while the job runs. Nothing is ever deleted in S3. How often AWS looks at the folder
is not documented; here it is every `SCAN_SECONDS`, on the clock of this machine, so that short runs have checkpoints.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trainwright.rehearsal.jobs.s3 import ClientFault, Store, Uri

SCAN_SECONDS = 0.1
PROGRESS = "progress.json"
#: What a script tells of itself beside its checkpoints: no checkpoint by itself.
TOLD = (PROGRESS, "metrics.jsonl")
#: SageMaker's uploader leaves empty marker files of these names beside what it uploads: SaveCheckpoint in
#: aws/sagemaker-xgboost-container looks for them before it deletes. A script that lists its folder meets them.
UPLOADING, UPLOADED = ".sagemaker-uploading", ".sagemaker-uploaded"


@dataclass(frozen=True)
class Stamp:
    """What tells one version of a file from the next."""

    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """From what the system says of the file."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def is_whole(self, before: Stamp | None) -> bool:
        """Whether nobody is still writing: unchanged since the last look, or renamed into its place when finished.

        A rename shows in the inode (another file now has the name) or in a change time after the last write.
        """
        return self.changed > self.modified or (before is not None and (before == self or before.inode != self.inode))


@dataclass
class Progress:
    """What S3 has of this host's work: checkpoints uploaded, since when (epoch seconds), and the step and total of the
    uploaded progress file."""

    checkpoints: int = 0
    since: float | None = None
    step: int | None = None
    total: int | None = None


class Synchroniser:
    """The two directions for one host's folder.

    Args:
        store: S3 as the execution role.
        uri: CheckpointConfig.S3Uri.
        folder: the folder on this machine.
        on_upload: called after each look that uploaded something, from the synchroniser's own thread.
        marks: whether the uploader's marker files are left beside the files.
    """

    def __init__(
        self, store: Store, uri: Uri, folder: Path, on_upload: Callable[[], None], *, marks: bool = True
    ) -> None:
        self._store, self._uri, self._folder, self._on_upload = store, uri, folder, on_upload
        self._marks = marks
        self._seen: dict[str, Stamp] = {}
        self._uploaded: dict[str, Stamp] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.progress = Progress()
        self.fault: ClientFault | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def restore(self) -> None:
        """Fetch everything under the prefix, which is taken as text: ``run-1`` restores ``run-10`` too."""
        for key in self._store.keys(self._uri):
            name = key[len(self._uri.key) :].lstrip("/")
            target = self._folder / name
            self._store.download(Uri(self._uri.bucket, key), target)
            self._uploaded[name] = Stamp.of(target.stat())

    def start(self) -> None:
        """Upload from now on what changes."""
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def stop(self, *, finish: bool) -> None:
        """Stop looking; ``finish``: upload what is left, for all writers are gone."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if finish and self.fault is None:
            self._guarded(final=True)

    def _run(self) -> None:
        while self.fault is None and not self._stop.wait(SCAN_SECONDS):
            self._guarded(final=False)

    def _guarded(self, *, final: bool) -> None:
        try:
            self._look(final=final)
        except ClientFault as fault:
            self.fault = fault

    def _look(self, *, final: bool) -> None:
        now = dict(self._files())
        changed = [name for name, stamp in now.items() if stamp != self._uploaded.get(name)]
        whole = [name for name in changed if final or now[name].is_whole(self._seen.get(name))]
        self._seen = now
        done = 0
        for name in sorted(whole, key=lambda name: now[name].modified):
            if self._stop.is_set() and not final:
                return
            done += self._upload(name)
        if done:
            self._on_upload()

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        for directory, _, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(directory, name)  # noqa: PTH118 - ten times a second for every job
                if not name.endswith((UPLOADING, UPLOADED)):
                    with contextlib.suppress(OSError):
                        yield os.path.relpath(path, self._folder), Stamp.of(os.stat(path))  # noqa: PTH116

    def _upload(self, name: str) -> bool:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                stamp = Stamp.of(os.fstat(file.fileno()))
                uploading = Path(f"{path}{UPLOADING}")
                if self._marks:
                    uploading.touch()
                if name == PROGRESS:
                    self._note_progress(file.read())
                    file.seek(0)
                self._store.upload(file, self._uri.below(name))
                if self._marks:
                    uploading.replace(f"{path}{UPLOADED}")
        except OSError:  # the script deleted or moved it meanwhile
            return False
        self._uploaded[name] = stamp
        if name not in TOLD:
            self.progress.checkpoints += 1
            self.progress.since = self.progress.since or time.time()
        return True

    def _note_progress(self, content: bytes) -> None:
        with contextlib.suppress(ValueError, AttributeError):
            read = json.loads(content)
            self.progress.step, self.progress.total = read.get("step"), read.get("total")
