"""Mounts of the account's own process: nobody else on the machine sees them, and they go with it. Loads nothing."""

from __future__ import annotations

import os
import sys

from trainwright.rehearsal.jobs.inside import CLONE_NEWNS, MS_PRIVATE, MS_REC, Libc, new_namespaces

#: In the server's environment: do as on a machine that forbids namespaces.
NO_NAMESPACES = "TRAINWRIGHT_NO_NAMESPACES"
LOST = "Disks have no size: a job that the fault full_disks is about fails at its start and says so."
_is_taken = False


def take() -> bool:
    """Give this process, which must not have threads yet, mounts of its own; False where it may not have them."""
    global _is_taken  # noqa: PLW0603 - a process has one mount namespace
    if sys.platform != "linux" or os.environ.get(NO_NAMESPACES):
        return False
    libc = Libc()
    try:
        new_namespaces(libc, CLONE_NEWNS)
        libc.mount("none", "/", flags=MS_REC | MS_PRIVATE)
    except OSError:
        return False
    _is_taken = True
    return True


def is_taken() -> bool:
    """Whether this process has mounts of its own."""
    return _is_taken
