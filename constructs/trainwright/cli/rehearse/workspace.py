"""The folder `.rehearsal`: what the last rehearsal left, and the one that is being made."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trainwright.cli.errors import BadInput


@dataclass(frozen=True)
class Workspace:
    """`next` becomes `last` in one move when it is complete; until then `last` stays as it was."""

    root: Path

    @property
    def last(self) -> Path:
        return self.root / "last"

    @property
    def next(self) -> Path:
        return self.root / "next"

    @property
    def logs(self) -> Path:
        return self.next / "logs"

    @property
    def assembly(self) -> Path:
        return self.root / "cdk.out"

    @property
    def account(self) -> Path:
        return self.root / "account"

    def file(self, name: str) -> Path:
        """Where a file of this rehearsal will be found once it is the last one."""
        return self.last / name

    def keep_account_logs(self) -> None:
        """The account's own logs, beside those of the steps."""
        for log in (*self.account.glob("*.log"), *self.account.glob("*.err")):
            shutil.copyfile(log, self.logs / log.name)

    def publish(self) -> None:
        """Make `next` the new `last`."""
        old = self.root / "old"
        shutil.rmtree(old, ignore_errors=True)
        if self.last.exists():
            self.last.rename(old)
        self.next.rename(self.last)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def opened(root: Path, what: str = "rehearsal") -> Iterator[Workspace]:
    """An empty `next` and `account`, for one rehearsal at a time."""
    root.mkdir(parents=True, exist_ok=True)
    with locked(root, what):
        workspace = Workspace(root)
        for stale in (workspace.next, workspace.account):
            shutil.rmtree(stale, ignore_errors=True)
        workspace.logs.mkdir(parents=True)
        workspace.account.mkdir()
        try:
            yield workspace
        finally:
            shutil.rmtree(workspace.next, ignore_errors=True)


@contextmanager
def locked(root: Path, what: str) -> Iterator[None]:
    """The folder `root` for one `what` at a time; BadInput when it is taken."""
    with (root / "lock").open("w") as lock:
        _take(lock.fileno(), root, what)
        yield


def _take(handle: int, root: Path, what: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise BadInput(f"{root}: another {what} is under way in this folder. Wait for it, or stop it.") from error
    os.set_inheritable(handle, False)
