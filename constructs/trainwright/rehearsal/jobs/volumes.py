"""How much a training host's volume takes, and what SageMaker says when that is not enough.

A volume is a folder on this machine and has no size of its own; `disks` gives one a size where a fault asks for it.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable, Iterator

from trainwright.rehearsal.faults.jobs import FullDisk
from trainwright.rehearsal.jobs.s3 import ClientFault
from trainwright.rehearsal.jobs.validation import has_local_storage

MIB, GIB = 1024**2, 1024**3
#: Recorded: https://github.com/aws/sagemaker-python-sdk/issues/128 and https://github.com/huggingface/blog/issues/114
DOWNLOAD_FAILED = "ClientError: Data download failed:Insufficient disk space"
UPLOAD_FAILED = "ClientError: Artifact upload failed:Insufficient disk space"


class Room:
    """What a volume still takes, in bytes.

    "In file mode, the training instance must have enough storage space to fit the entire dataset":
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html.
    """

    def __init__(self, free: int) -> None:
        self._free = free

    def take(self, size: int) -> None:
        """Make room for so many bytes.

        Raises:
            ClientFault: there is none.
        """
        self._free -= size
        if self._free < 0:
            raise ClientFault(DOWNLOAD_FAILED)


def room(instance_type: str, size_in_gb: int | None) -> Room | None:
    """An empty volume of VolumeSizeInGB; None for a type with local storage, whose size is not known here."""
    if not size_in_gb or has_local_storage(instance_type):
        return None
    return Room(size_in_gb * GIB)


def meant(full: Iterable[FullDisk], host: str) -> list[FullDisk]:
    """The faults that are about a host's disk."""
    return [fault for fault in full if fault.host in (None, host)]


def free_bytes(full: Iterable[FullDisk]) -> int | None:
    """What these faults leave on a disk; None without any."""
    return min((fault.free_mb * MIB for fault in full), default=None)


@contextlib.contextmanager
def full_disk_fails(reason: str) -> Iterator[None]:
    """A full disk fails the job with this reason.

    Raises:
        ClientFault: with it, instead of ENOSPC.
    """
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ClientFault(reason) from error
