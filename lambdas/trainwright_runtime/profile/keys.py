"""Which of a profiler's files are of system metrics, of which minute and host, and which to read of too many.

`<job>/profiler-output/system/incremental/<YYYYMMDDHH>/<epoch of the minute>.algo-<n>.json`: AWS's reader finds them by
`.+/system/.+/(\\d{10}).algo-\\d+.json` (awslabs/sagemaker-debugger, smdebug/profiler/utils.py), whatever comes after.
"""

import re
from collections.abc import Iterable, Sequence
from statistics import median_low
from typing import NamedTuple

MINUTE = 60
LONGEST_SECONDS = 40 * 86_400
"""A training job lasts 28 days at most, and AWS may keep it waiting; a file further off is of another clock."""
_KEY = re.compile(r"(?:^|/)system/(?:[^/]+/)+(\d{10})\.(algo-\d{1,5})\.json[^/]*$")


class File(NamedTuple):
    """One minute of one host."""

    minute: int
    host: str
    key: str
    size: int


def files(keys: Iterable[tuple[str, int]]) -> list[File]:
    """Those of system metrics, in the order of their minutes; each key once."""
    found = {key: _file(key, size) for key, size in keys}
    return sorted(file for file in found.values() if file is not None)


def _file(key: str, size: int) -> File | None:
    known = _KEY.search(key)
    return File(int(known[1]), known[2], key, size) if known else None


def near(found: Sequence[File]) -> list[File]:
    """Without the files that lie too far from the others to be of the same job."""
    if not found:
        return []
    middle = median_low(file.minute for file in found)
    return [file for file in found if abs(file.minute - middle) <= LONGEST_SECONDS]


def sampled(found: Sequence[File], max_bytes: int | None) -> list[File]:
    """All of them, or as many evenly spread minutes, of all hosts alike, as `max_bytes` has room for."""
    total = sum(file.size for file in found)
    if max_bytes is None or total <= max_bytes:
        return list(found)
    minutes = sorted({file.minute for file in found})
    wanted = int(len(minutes) * max_bytes / total)
    while wanted:
        chosen = {minutes[place * len(minutes) // wanted] for place in range(wanted)}
        kept = [file for file in found if file.minute in chosen]
        if sum(file.size for file in kept) <= max_bytes:
            return kept
        wanted = int(wanted * 0.95)
    return []
