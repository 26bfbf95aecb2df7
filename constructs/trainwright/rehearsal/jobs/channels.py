"""Input channels: S3 to /opt/ml/input/data/<channel> before the training starts (TrainingInputMode File).

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html and, for what the container finds,
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html. Pipe mode is in
`pipes`, FastFile in `fastfile`; where a machine cannot mount one, its files are downloaded here.
"""

from __future__ import annotations

import posixpath
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from trainwright.rehearsal.jobs import contents
from trainwright.rehearsal.jobs.instances import HostSpec
from trainwright.rehearsal.jobs.s3 import ClientFault, Store, Uri

if TYPE_CHECKING:
    from trainwright.rehearsal.jobs.volumes import Room

FILE, FAST_FILE, PIPE = "File", "FastFile", "Pipe"
FOLDER = "/opt/ml/input/data"
T = TypeVar("T")


def mode_of(channel: Mapping[str, Any], default: str) -> str:
    """The channel's own InputMode, or the job's."""
    return str(channel.get("InputMode", default))


def of_host(channels: Sequence[Mapping[str, Any]], host: HostSpec) -> list[Mapping[str, Any]]:
    """The channels of which a host gets data: S3DataSource.InstanceGroupNames are those "that get data"."""
    return [channel for channel in channels if _gets(host, channel)]


def portions(
    channels: Sequence[Mapping[str, Any]], hosts: Sequence[HostSpec], host: HostSpec
) -> Iterator[tuple[list[Mapping[str, Any]], int, int]]:
    """A host's channels by how they are shared: with its number, from 0, among the hosts that get them."""
    sharers: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for channel in of_host(channels, host):
        sharers.setdefault(tuple(other.name for other in hosts if _gets(other, channel)), []).append(channel)
    for names, shared in sharers.items():
        yield shared, names.index(host.name), len(names)


def _gets(host: HostSpec, channel: Mapping[str, Any]) -> bool:
    groups = channel["DataSource"].get("S3DataSource", {}).get("InstanceGroupNames")
    return not groups or host.group in groups


def download(
    store: Store,
    channels: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    mode: str = FILE,
    host: int,
    hosts: int,
    room: Room | None = None,
    is_lazy: bool = False,
) -> None:
    """Fill one host's input folder, ``<folder>/<channel>/...``, with the channels that come as files.

    With ``is_lazy`` a FastFile channel gets its folder only, for a mount of `fastfile`.

    Raises:
        ClientFault: as SageMaker words it, for a missing right, a key that no file system can hold, no data at all, or
            no room for it.
    """
    for channel in channels:
        found, target = mode_of(channel, mode), folder / channel["ChannelName"]
        if found != PIPE:
            target.mkdir(parents=True, exist_ok=True)
        if found == FILE:
            _fill(store, channel, target, host=host, hosts=hosts, room=room)
        elif found == FAST_FILE and not is_lazy:
            _fill(store, channel, target, is_fast=True, host=host, hosts=hosts)


def _fill(
    store: Store,
    channel: Mapping[str, Any],
    target: Path,
    *,
    is_fast: bool = False,
    host: int,
    hosts: int,
    room: Room | None = None,
) -> None:
    prefix, found = contents.objects(store, channel["DataSource"]["S3DataSource"])
    if is_fast:
        refuse_partial(prefix, found)
    for source in share(found, channel, host=host, hosts=hosts):
        path = target / local_name(prefix.key, source.key)
        store.download(source, path) if room is None else store.download(source, path, room)
        if is_fast:
            path.chmod(0o444)


def refuse_partial(prefix: Uri, found: Iterable[Uri]) -> None:
    """FastFile wants a whole file or folder; the words are recorded in public code of FastFile's users.

    Raises:
        ClientFault: the prefix ends inside a name.
    """
    folder = prefix.key.rstrip("/") + "/" if prefix.key else ""
    for source in found:
        if source.key != prefix.key and not source.key.startswith(folder):
            raise ClientFault(
                "ClientError: Data download failed:Failed to download data. For FastFile mode, partial S3 prefix is "
                "not supported. S3 prefix has to end with a full file or folder. Add a trailing '/' to the S3 prefix "
                "if it ends with a folder name that is also a prefix for other folders. Current S3 prefix: "
                f"[{prefix.key}], found S3 object: [{source.key}]."
            )


def read_only(channels: Sequence[Mapping[str, Any]], mode: str) -> list[str]:
    """The folders that a container cannot write to: "The channel directory is mounted as read-only" (FastFile)."""
    return [f"{FOLDER}/{channel['ChannelName']}" for channel in channels if mode_of(channel, mode) == FAST_FILE]


def share(found: Sequence[T], channel: Mapping[str, Any], *, host: int, hosts: int, epoch: int = 0) -> list[T]:
    """What one host gets: everything, or every n-th of a sharded channel; in ShuffleConfig's order where there is one.

    The same seed gives the same order in the same epoch, on every host; AWS's own order is not documented.
    """
    ordered = list(found)
    if "ShuffleConfig" in channel:
        seed = f"{channel['ShuffleConfig']['Seed']} {epoch}"
        random.Random(seed).shuffle(ordered)  # noqa: S311 - a seed is what is asked for
    is_sharded = channel["DataSource"]["S3DataSource"].get("S3DataDistributionType") == "ShardedByS3Key"
    return ordered[host::hosts] if is_sharded else ordered


def local_name(prefix: str, key: str) -> str:
    """The path that an object gets below the channel's folder.

    A prefix that is a whole "folder" is cut off; one that ends inside a name is cut off at the ``/`` before it; an
    object named in full keeps its base name.

    Raises:
        ClientFault: for a key with ``//``, which AWS refuses in these words.
    """
    if "//" in key:
        raise ClientFault(
            "ClientError: Data download failed:Failed to download data. S3 key: "
            f"{key} has an illegal char sub-sequence '//' in it"
        )
    folder = prefix.rstrip("/") + "/" if prefix else ""
    if key.startswith(folder):
        return key[len(folder) :].lstrip("/")
    return key[len(posixpath.dirname(prefix)) :].lstrip("/")


def describe(channels: Sequence[Mapping[str, Any]], default_mode: str) -> dict[str, dict[str, str]]:
    """What ``inputdataconfig.json`` says of the channels."""
    return {channel["ChannelName"]: _describe(channel, default_mode) for channel in channels}


def _describe(channel: Mapping[str, Any], default_mode: str) -> dict[str, str]:
    """For FastFile the "parameter written to inputdataconfig.json" is "File" (guide, Training Data)."""
    source = channel["DataSource"]["S3DataSource"]
    mode = mode_of(channel, default_mode)
    described = {
        "TrainingInputMode": FILE if mode == FAST_FILE else mode,
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {"ContentType": channel["ContentType"], **described} if "ContentType" in channel else described
