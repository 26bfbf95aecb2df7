"""Disks with a size, for the fault ``full_disks``: a tmpfs in place of a host's /opt/ml, and with it a real ENOSPC.

The account's process must see what scripts write (checkpoints, the model), so it mounts these disks itself, in its own
`mount_namespace`.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from trainwright.rehearsal.jobs import mount_namespace
from trainwright.rehearsal.jobs.inside import MS_NODEV, MS_NOSUID, MS_REMOUNT, Libc
from trainwright.rehearsal.jobs.s3 import ClientFault

_REFUSED = (
    "ClientError: The rehearsal cannot play the fault full_disks on this machine: a disk with a size needs Linux "
    "namespaces, and this process may not have them. Leave full_disks out here."
)
_MNT_DETACH = 2


class Disk:
    """A disk mounted on a folder; it takes everything until it is limited.

    Args:
        folder: where.
        free: how many bytes it takes after `limit`.

    Raises:
        ClientFault: this machine cannot have one.
    """

    def __init__(self, folder: Path, free: int) -> None:
        if not mount_namespace.is_taken():
            raise ClientFault(_REFUSED)
        self._folder, self._free, self._libc = folder, free, Libc()
        self._mount("size=64t,mode=755")  # a tmpfs that began without a limit never takes one

    def limit(self) -> None:
        """Take only ``free`` bytes more from now on."""
        found = os.statvfs(self._folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        self._mount(f"size={max(used + self._free, found.f_frsize)}", MS_REMOUNT)

    def close(self) -> None:
        """Unmount it; what it holds should be deleted before, as a host that runs may have a copy of the mount."""
        ctypes.CDLL(None).umount2(str(self._folder).encode(), _MNT_DETACH)

    def _mount(self, options: str, more: int = 0) -> None:
        self._libc.mount("tmpfs", str(self._folder), "tmpfs", MS_NOSUID | MS_NODEV | more, options)
