"""FastFile mode: a read-only view of S3 whose bytes are fetched when they are read.

"At the start of training, fast file mode identifies the data files but does not download them" and "S3 objects are
accessed as if they are files on disk", read-only:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from trainwright.rehearsal.jobs import channels
from trainwright.rehearsal.jobs.fastfile.filesystem import FileSystem
from trainwright.rehearsal.jobs.fastfile.tree import Tree
from trainwright.rehearsal.jobs.s3 import ClientFault, Listed, Store, Uri, refuse_illegal

#: Requests to S3 at a time, of all hosts together.
PARALLEL_REQUESTS = 8


def file_systems(
    store: Store, wanted: Sequence[Mapping[str, Any]], *, mode: str, host: int, hosts: int
) -> dict[str, FileSystem]:
    """What one host is to see of its FastFile channels, by the folder (``/opt/ml/input/data/<channel>``).

    Raises:
        ClientFault: as SageMaker words it, for a missing right to list, no data at all, or a prefix that ends inside a
            name.
    """
    return {
        f"{channels.FOLDER}/{channel['ChannelName']}": _file_system(store, channel, host=host, hosts=hosts)
        for channel in wanted
        if channels.mode_of(channel, mode) == channels.FAST_FILE
    }


def nothing() -> FileSystem:
    """An empty folder, to try whether this machine mounts one."""
    return FileSystem(Tree(()), lambda *_: Future())


def _file_system(store: Store, channel: Mapping[str, Any], *, host: int, hosts: int) -> FileSystem:
    prefix = Uri.parse(channel["DataSource"]["S3DataSource"]["S3Uri"])
    found = list(store.listed(prefix))
    if not found:
        raise ClientFault(f"ClientError: Data download failed:No S3 objects found under S3 URL {prefix}")
    for item in found:
        refuse_illegal(item.uri)
    channels.refuse_partial(prefix, (item.uri for item in found))
    shared = channels.share(found, channel, host=host, hosts=hosts)
    tree = Tree((channels.local_name(prefix.key, item.uri.key), item) for item in shared)
    return FileSystem(tree, functools.partial(_fetch, store))


def _fetch(store: Store, source: Listed, start: int, stop: int) -> Future[bytes]:
    return _requests().submit(store.read_range, source, start, stop)


@functools.cache
def _requests() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(PARALLEL_REQUESTS, thread_name_prefix="fastfile-s3")
