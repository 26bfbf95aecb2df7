"""The digest of an attempt's system metrics: its files, read one by one and kept small."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from trainwright_runtime.profile import keys as naming
from trainwright_runtime.profile.keys import MINUTE, File
from trainwright_runtime.profile.lines import CHUNK, Tally, rows
from trainwright_runtime.profile.machines import Machines
from trainwright_runtime.profile.readings import Assembly
from trainwright_runtime.profile.series import Axis
from trainwright_runtime.profile.settings import DEFAULTS, Instance, Settings
from trainwright_runtime.profile.words import some, were

HOSTS = 64
"""Of more hosts than this, these many are read: algo-1 and so on."""
_SLACK = 2 * MINUTE
"""A row may lie so far outside the minutes of the files' names."""


class Digest:
    """Takes the files of one attempt, in the order of `plan`.

    It keeps counts, sums and peaks, never the readings: of 24 hours at 500 ms on 8 hosts some ten MiB.
    """

    def __init__(
        self,
        keys: Iterable[tuple[str, int]],
        *,
        settings: Settings = DEFAULTS,
        instance: Instance | None = None,
        training: Sequence[tuple[float, float]] = (),
        chunk: int = CHUNK,
    ) -> None:
        """`keys`: everything that was listed, with its size in bytes; what is no file of system metrics is passed over.

        `training`: when the job was Training, in epoch seconds; readings outside of it (while the data are downloaded)
        are drawn and not judged. Left out: all are judged. `chunk`: bytes that are parsed together.
        """
        found = naming.files(keys)
        self._files = naming.near(found)
        self._far = len(found) - len(self._files)
        self._by_key = {file.key: file for file in self._files}
        self._hosts = sorted({file.host for file in self._files}, key=lambda host: (len(host), host))
        self._first, self._last = _range(self._files)
        axis = Axis(self._first, self._last, min(len(self._hosts), HOSTS))
        self.machines = Machines(axis, settings, training)
        self.settings, self.instance, self._chunk = settings, instance, chunk
        self._tally, self._assemblies = Tally(), {host: Assembly() for host in self._hosts[:HOSTS]}
        self._planned: list[File] = []
        self._read: set[str] = set()
        self._unreadable: dict[str, str] = {}
        self._bytes = 0

    def plan(self, max_bytes: int | None = None) -> list[str]:
        """The keys worth reading, in the order to read them.

        Where the files have more than `max_bytes` together: those of evenly spread minutes, which the document says.
        """
        self._planned = naming.sampled([file for file in self._files if file.host in self._assemblies], max_bytes)
        return [file.key for file in self._planned]

    def read(self, key: str, content: bytes) -> None:
        """Take a file, whatever it holds. One that was taken before, or was not listed, changes nothing."""
        file = self._by_key.get(key)
        if file is None or key in self._read or file.host not in self._assemblies:
            return
        self._read.add(key)
        self._bytes += len(content)
        assembly = self._assemblies[file.host]
        for part in rows(content, file.host, self._first - _SLACK, self._last + _SLACK, self._tally, self._chunk):
            self.machines.take(file.host, list(assembly.take(part)))

    def unreadable(self, key: str, why: str) -> None:
        """Say of a file that it could not be had."""
        self._unreadable[key] = why

    def finish(self) -> None:
        """Take the last readings, which no later row has completed. `document` does it; again is harmless."""
        for host, assembly in self._assemblies.items():
            self.machines.take(host, assembly.rest())

    def files(self) -> dict[str, Any]:
        """Counts, as the document has them."""
        counts = {"found": len(self._files), "read": len(self._read), "bytes": self._bytes}
        return {**counts, "lines": self._tally.lines, "bad_lines": self._bad}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was listed that could be read."""
        return not self._files

    @property
    def _bad(self) -> int:
        return self._tally.bad + sum(assembly.bad for assembly in self._assemblies.values())

    def missing(self) -> Iterator[str]:
        """What the series and the rules do not know, in sentences."""
        if not self._files:
            yield "no file of system metrics was found"
            return
        yield from self._missing_files()
        yield from self._missing_lines()
        if self._read and self.instance and self.instance.gpus and not self.machines.has_gpus:
            yield "the files say nothing of the accelerators that this instance type has"

    def _missing_files(self) -> Iterator[str]:
        for why, count in Counter(self._unreadable.values()).most_common(3):
            yield f"{some(count, 'file')} of {len(self._files)} could not be read: {why[:200]}"
        if self._far:
            yield f"{some(self._far, 'file')} {were(self._far)} of another time than this job's"
        if len(self._hosts) > HOSTS:
            yield f"of {len(self._hosts)} hosts, the first {HOSTS} were read"
        yield from self._unread()
        yield from self._gaps()

    def _unread(self) -> Iterator[str]:
        """What the plan left out, and what of it did not happen."""
        readable = [file for file in self._files if file.host in self._assemblies]
        wanted = self._planned or readable
        if len(wanted) < len(readable):
            minutes = (len({file.minute for file in files}) for files in (wanted, readable))
            size = sum(file.size for file in readable) / 2**20
            yield "{} of {} minutes were read, evenly spread: the files have {:,.0f} MiB".format(*minutes, size)
        left = sum(file.key not in self._read and file.key not in self._unreadable for file in wanted)
        if left:
            yield f"{some(left, 'file')} of {len(wanted)} {were(left)} not read"

    def _gaps(self) -> Iterator[str]:
        """Minutes that a host has no file of, although it has one of before and of after."""
        for host in self._assemblies:
            minutes = {file.minute for file in self._files if file.host == host}
            gone = round((max(minutes) - min(minutes)) / MINUTE) + 1 - len(minutes)
            if gone > 0:
                yield f"{host} has no file for {some(gone, 'minute')} between its first and its last"

    def _missing_lines(self) -> Iterator[str]:
        if self._tally.cut:
            yield f"the last line of {some(self._tally.cut, 'file')} was cut"
        if self._bad:
            yield f"{some(self._bad, 'line')} of {self._tally.lines:,} could not be used"
        unknown = [assembly for assembly in self._assemblies.values() if assembly.unknown]
        if unknown:
            count = sum(assembly.unknown for assembly in unknown)
            yield f"{some(count, 'line')} {were(count)} of a metric that is not known ({unknown[0].unknown_name})"


def _range(files: Sequence[File]) -> tuple[float, float]:
    """From the first minute to the end of the last."""
    minutes = [file.minute for file in files]
    return (float(min(minutes)), float(max(minutes) + MINUTE)) if minutes else (0.0, 0.0)
