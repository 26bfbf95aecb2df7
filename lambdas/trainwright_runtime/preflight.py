"""Preflight: what a run would fail at after its machines have started, found out before. Pure: what was seen is passed
in (handlers.preflight looks).

Sources: S3DataSource, ResourceConfig.VolumeSizeInGB (SageMaker API reference).
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trainwright_runtime import instances
from trainwright_runtime import problems as codes
from trainwright_runtime.attempts import iso
from trainwright_runtime.forms import Leaf, as_written
from trainwright_runtime.problems import Problem, dotted
from trainwright_runtime.quotas import ways
from trainwright_runtime.resolved import TYPES, VOLUME
from trainwright_runtime.scripts import CODE_CHANNEL

GIB = 2**30
_NEARLY_FULL = 0.9
_ROOM = 1.25
"""How much larger than its data a volume is that the remedy names: the model and the checkpoints lie on it too."""
_SUBMITTED = "sagemaker_submit_directory"
_SOURCE: Leaf = ("source_code", "source_dir")


@dataclass(frozen=True)
class Place:
    """Where a channel's data lies in S3.

    `whole` says that the address names one object (a manifest, a source archive), not a prefix; `copied` that the data
    is copied to each host's volume, of which each gets one part in `hosts`.
    """

    leaf: Leaf
    uri: str
    whole: bool = False
    copied: bool = False
    hosts: int = 1

    @property
    def bucket(self) -> str:
        return self.uri.removeprefix("s3://").partition("/")[0]

    @property
    def key(self) -> str:
        return self.uri.removeprefix("s3://").partition("/")[2]


@dataclass(frozen=True)
class Seen:
    """What is at a place: how many objects and bytes were counted, and whether those are all of them.

    `bucket` is False where there is no such bucket; `trouble` says why nothing could be seen.
    """

    objects: int = 0
    bytes: int = 0
    complete: bool = True
    bucket: bool = True
    trouble: str | None = None
    newest: str | None = None
    """When the newest of them was written, as ISO text."""
    fingerprint: str | None = None
    """A hash of their keys, sizes and ETags: another one means other data."""


class Count:
    """What a listing shows, entry by entry (ListObjectsV2, Contents)."""

    def __init__(self) -> None:
        self._objects = self._bytes = 0
        self._newest: datetime | None = None
        self._digest = hashlib.sha256()

    def add(self, entry: Mapping[str, Any]) -> None:
        written = entry.get("LastModified")
        self._objects += 1
        self._bytes += entry["Size"]
        self._newest = max(filter(None, (self._newest, written)), default=None)
        self._digest.update(f"{entry['Key']}\0{entry['Size']}\0{entry.get('ETag')}\0".encode("utf-8", "replace"))

    def seen(self, *, complete: bool = True) -> Seen:
        """The sum so far; `complete` says that there was no more."""
        fingerprint = self._digest.hexdigest() if self._objects else None
        return Seen(self._objects, self._bytes, complete, newest=iso(self._newest), fingerprint=fingerprint)


@dataclass(frozen=True)
class Inspected:
    """What preflight found: problems that refuse the run, what its author should know, and what is at each place."""

    problems: list[Problem]
    warnings: tuple[str, ...] = ()
    found: Mapping[Place, Seen] = field(default_factory=dict)


def places(request: Mapping[str, Any]) -> list[Place]:
    """The places in S3 that a rendered CreateTrainingJob reads from. File systems, data sets and models of a hub are
    not looked at."""
    mode = (request.get("AlgorithmSpecification") or {}).get("TrainingInputMode", "File")
    found = [_place(channel, mode, request) for channel in request.get("InputDataConfig") or ()]
    archive = str((request.get("HyperParameters") or {}).get(_SUBMITTED, "")).strip('"')
    if archive.startswith("s3://"):
        found.append(Place(_SOURCE, archive, whole=True))
    return [place for place in found if place is not None]


def _place(channel: Mapping[str, Any], mode: str, request: Mapping[str, Any]) -> Place | None:
    source = (channel.get("DataSource") or {}).get("S3DataSource")
    if not source or source.get("HubAccessConfig"):
        return None
    name, whole = channel["ChannelName"], source["S3DataType"] in ("ManifestFile", "AugmentedManifestFile")
    # what goes to some instance groups only says nothing about the others' volumes
    copied = channel.get("InputMode", mode) == "File" and not whole and not source.get("InstanceGroupNames")
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    leaf = _SOURCE if name == CODE_CHANNEL else ("inputs", name, "s3_uri")
    return Place(leaf, source["S3Uri"], whole, copied, _hosts(request) if sharded else 1)


def _hosts(request: Mapping[str, Any]) -> int:
    resources = request.get("ResourceConfig") or {}
    return max((sum(way.values()) for way in ways(resources)), default=resources.get("InstanceCount") or 1)


def inputs(found: Mapping[Place, Seen], data: object) -> Inspected:
    """Whether each place holds something. `data` is the author's document, for the words of a problem."""
    problems = [_nothing_there(place, seen, data) for place, seen in found.items() if _is_missing(place, seen)]
    return Inspected(list(dict.fromkeys(problems)), tuple(dict.fromkeys(_of_inputs(found, data))))


def _is_missing(place: Place, seen: Seen) -> bool:
    return seen.trouble is None and (not seen.bucket or seen.objects == 0)


def _nothing_there(place: Place, seen: Seen, data: object) -> Problem:
    problem = f"there is no object under {place.uri}"
    remedy = "upload the data, or correct the address: a prefix is the beginning of keys, letter by letter"
    if not seen.bucket:
        problem, remedy = f"there is no bucket {place.bucket}", "correct the address"
    elif place.whole:
        problem, remedy = f"there is no object {place.uri}", "upload it, or correct the address"
    return Problem(codes.NO_SUCH_INPUT, as_written(data, place.leaf), problem, value=f'"{place.uri}"', remedy=remedy)


def _of_inputs(found: Mapping[Place, Seen], data: object) -> Iterator[str]:
    for place, seen in found.items():
        word = dotted(as_written(data, place.leaf))
        if seen.trouble is not None:
            yield f"{word}: whether there is anything under {place.uri} could not be looked up ({seen.trouble})"
        elif seen.objects and seen.complete and not seen.bytes:
            yield f"{word}: what lies under {place.uri} is empty: {seen.objects} objects, 0 bytes"
        elif place.copied and not seen.complete:
            yield (
                f"{word}: only the first {seen.objects:,} objects under {place.uri} were counted, so it is not known "
                "whether all of them fit the volume"
            )


def regions(found: Mapping[str, str | None], wanted: Iterable[Place], region: str, data: object) -> list[Problem]:
    """A problem for each place whose bucket is elsewhere: "Your input bucket must be located in same Amazon Web
    Services region as your training job" (S3DataSource.S3Uri). `found` is each bucket's region, None where unknown."""
    return [
        Problem(
            codes.NO_SUCH_INPUT,
            as_written(data, place.leaf),
            f"the bucket {place.bucket} is in {elsewhere}, and SageMaker reads from buckets in the job's region only",
            value=f'"{place.uri}"',
            allowed=f"a bucket in {region}",
            remedy="copy the data to a bucket there, such as the team's own: data://",
        )
        for place in wanted
        if (elsewhere := found.get(place.bucket)) is not None and elsewhere != region
    ]


def room(found: Mapping[Place, Seen], resources: Sequence[Mapping[str, Any]], data: object) -> Inspected:
    """Whether the channels in File mode fit the volume of each type that the run may get. What was not counted, and
    what the model and the checkpoints take, comes on top."""
    need = sum(math.ceil(seen.bytes / place.hosts) for place, seen in found.items() if place.copied)
    sizes = {name: size for each in resources for name, size in _disks(each).items()}
    small = {name: size for name, size in sizes.items() if need > size}
    local = [name for name in small if instances.has_local_storage(name)]
    problems = [_too_large(need, small, local, data)] if small else []
    tight = [name for name, size in sizes.items() if _NEARLY_FULL * size < need <= size]
    return Inspected(problems, tuple(_tight(need, sizes, name, data) for name in tight))


def _disks(resources: Mapping[str, Any]) -> dict[str, int]:
    """The bytes of the volume that each type brings: "Available storage is fixed to the NVMe-type instance's storage
    capacity", else VolumeSizeInGB (ResourceConfig). A type that is not known is left out."""
    types = {name for way in ways({**resources, "TrainingPlanArn": None}) for name in way}
    known = {name: instance for name in sorted(types) if (instance := instances.find(name))}
    volume = resources.get("VolumeSizeInGB")
    sizes = {
        name: instance.local_storage_gb * 10**9 or (volume * GIB if volume else None)
        for name, instance in known.items()
    }
    return {name: size for name, size in sizes.items() if size}


def _too_large(need: int, small: Mapping[str, int], local: Sequence[str], data: object) -> Problem:
    name, size = min(small.items(), key=lambda entry: entry[1])
    enough = math.ceil(need * _ROOM / GIB)
    leaf = TYPES if name in local else VOLUME
    first = "take a type with more storage" if name in local else f"write volume: {enough} GB"
    return Problem(
        codes.DOES_NOT_FIT,
        as_written(data, leaf),
        f"the channels in File mode hold {gib(need)}, and the volume of {name} has {gib(size)}",
        remedy=f"{first}, or stream the data: input_mode: FastFile",
    )


def _tight(need: int, sizes: Mapping[str, int], name: str, data: object) -> str:
    word = dotted(as_written(data, VOLUME))
    return (
        f"{word}: the channels in File mode hold {gib(need)} of the {gib(sizes[name])} that "
        f"{name} has; little is left for checkpoints and the model"
    )


def gib(size: float) -> str:
    """Bytes as people read them: `30 GiB`, `84.2 GiB`, `512 MiB`."""
    if size < GIB:
        return f"{math.ceil(size / 2**20)} MiB"
    return f"{size / GIB:.1f}".removesuffix(".0") + " GiB"
