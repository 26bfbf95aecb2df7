"""Input channels: S3 to /opt/ml/input/data/<channel> before the training starts (TrainingInputMode File and FastFile).

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html and, for what the container finds,
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html. Pipe mode is in
`pipes`.
"""

from __future__ import annotations

import posixpath
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from trainwright.rehearsal.jobs import contents
from trainwright.rehearsal.jobs.s3 import ClientFault, Store, Uri

FILE, FAST_FILE, PIPE = "File", "FastFile", "Pipe"
FOLDER = "/opt/ml/input/data"
T = TypeVar("T")


def mode_of(channel: Mapping[str, Any], default: str) -> str:
    """The channel's own InputMode, or the job's."""
    return str(channel.get("InputMode", default))


def download(
    store: Store, channels: Sequence[Mapping[str, Any]], folder: Path, *, mode: str = FILE, host: int, hosts: int
) -> None:
    """Fill one host's input folder, ``<folder>/<channel>/...``, with the channels that come as files.

    Raises:
        ClientFault: as SageMaker words it, for a missing right, a key that no file system can hold, or no data at all.
    """
    for channel in channels:
        if mode_of(channel, mode) != PIPE:
            is_fast = mode_of(channel, mode) == FAST_FILE
            _fill(store, channel, folder / channel["ChannelName"], is_fast=is_fast, host=host, hosts=hosts)


def _fill(store: Store, channel: Mapping[str, Any], target: Path, *, is_fast: bool, host: int, hosts: int) -> None:
    target.mkdir(parents=True, exist_ok=True)
    prefix, found = contents.objects(store, channel["DataSource"]["S3DataSource"])
    if is_fast:
        _refuse_partial(prefix, found)
    for source in share(found, channel, host=host, hosts=hosts):
        path = target / local_name(prefix.key, source.key)
        store.download(source, path)
        if is_fast:
            path.chmod(0o444)


def _refuse_partial(prefix: Uri, found: Iterable[Uri]) -> None:
    """FastFile wants a whole file or folder; the words are recorded in public code of FastFile's users."""
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
