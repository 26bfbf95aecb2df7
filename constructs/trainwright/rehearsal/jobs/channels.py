"""Input channels: S3 to /opt/ml/input/data/<channel> before the training starts (TrainingInputMode File).

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
"""

from __future__ import annotations

import posixpath
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwright.rehearsal.jobs.s3 import ClientFault, Store, Uri


def download(store: Store, channels: Sequence[Mapping[str, Any]], folder: Path, *, host: int, hosts: int) -> None:
    """Fill one host's input folder, ``<folder>/<channel>/...``.

    Raises:
        ClientFault: as SageMaker words it, for a missing right, a key that no file system can hold, or no data at all.
    """
    for channel in channels:
        target = folder / channel["ChannelName"]
        target.mkdir(parents=True, exist_ok=True)
        source = channel["DataSource"]["S3DataSource"]
        prefix = Uri.parse(source["S3Uri"])
        keys = list(store.keys(prefix))
        if not keys:
            raise ClientFault(f"ClientError: Data download failed:No S3 objects found under S3 URL {prefix}")
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            keys = _shuffled(keys, channel)[host::hosts]
        for key in keys:
            store.download(Uri(prefix.bucket, key), target / local_name(prefix.key, key))


def _shuffled(keys: list[str], channel: Mapping[str, Any]) -> list[str]:
    """ShuffleConfig: another share for each host, the same one for the same seed; AWS's own order is not documented.

    Where every host has all the files, as files, their order says nothing.
    """
    if "ShuffleConfig" in channel:
        keys = sorted(keys)
        random.Random(channel["ShuffleConfig"]["Seed"]).shuffle(keys)  # noqa: S311 - a seed is what is asked for
    return keys


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
        return key[len(folder) :]
    return key[len(posixpath.dirname(prefix)) :].lstrip("/")


def describe(channels: Sequence[Mapping[str, Any]], default_mode: str) -> dict[str, dict[str, str]]:
    """What ``inputdataconfig.json`` says of the channels."""
    return {channel["ChannelName"]: _describe(channel, default_mode) for channel in channels}


def _describe(channel: Mapping[str, Any], default_mode: str) -> dict[str, str]:
    source = channel["DataSource"]["S3DataSource"]
    described = {
        "TrainingInputMode": channel.get("InputMode", default_mode),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {"ContentType": channel["ContentType"], **described} if "ContentType" in channel else described
