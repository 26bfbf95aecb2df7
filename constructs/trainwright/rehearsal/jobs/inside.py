"""Becomes the first process of a training host: run as ``python -I -S inside.py SPEC.json``, standard library only.

With ``"namespaces": true`` the process gets a view of the machine of its own (mount, process and, on wish, network
namespace): the folder ``upper`` lies over the machine's file system, merged entry by entry with bind mounts, so that
paths that the machine has not got (``/opt/ml``, an image's COPY destinations) exist for this host alone, and everything
else, a virtual environment in /opt among it, stays where it was. ``opaque`` paths are not merged: what the machine has
there is hidden. ``join`` names the namespaces of the job's network, if it has one. Memory that processes share is the
host's own, and its name is ``hostname``. The entry point is process 1, as it is in a container: without a handler it
does not hear SIGTERM.

Without namespaces the entry point is an ordinary process.

In both cases this process stays as its parent: SIGTERM is passed on, SIGUSR1 (and the death of the account's server)
kills every process of the host, and when the entry point ends nothing of the host is left. The exit status is the entry
point's, or 128 and the number of the signal that ended it, as container engines report it.
"""

# pathlib would double the time that this takes to start
# ruff: noqa: PTH102, PTH112, PTH114, PTH115, PTH123, PTH208, PTH211
from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x10000000, 0x20000000, 0x40000000
CLONE_NEWUTS = 0x04000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
SHARED_MEMORY = "/dev/shm"  # noqa: S108
CANNOT_START = 125  # as container engines say it: the engine failed, not the program


class Libc:
    """The system calls that Python 3.11 does not offer; each raises OSError."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def mount(self, source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
        self._check(
            self._libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()),
            f"mount {source} on {target}",
        )

    def unshare(self, flags: int) -> None:
        self._check(self._libc.unshare(flags), "unshare")

    def enter(self, namespace: int, kind: int = 0) -> None:
        """setns(2); the kind is checked where it is given."""
        self._check(self._libc.setns(namespace, kind), "setns")

    def prctl(self, option: int, value: int) -> None:
        self._check(self._libc.prctl(option, value, 0, 0, 0), "prctl")

    @staticmethod
    def _check(result: int, what: str) -> None:
        if result:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")


class View:
    """The file system as the host sees it, put together under ``root``."""

    def __init__(self, libc: Libc, root: str, upper: str, opaque: list[str]) -> None:
        self._libc, self._root, self._upper, self._opaque = libc, root, upper, set(opaque)

    def build(self) -> None:
        self._libc.mount("tmpfs", self._root, "tmpfs", MS_NOSUID, "mode=755")
        self._merge("")
        with contextlib.suppress(OSError):  # some containers forbid it; the machine's /proc, bound there, serves too
            self._libc.mount("proc", self._root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        if os.path.isdir(SHARED_MEMORY) and not os.path.islink(SHARED_MEMORY):  # no memory is shared between hosts
            self._libc.mount("tmpfs", self._root + SHARED_MEMORY, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")

    def protect(self, path: str) -> None:
        """Make a folder of the view read-only; flags that the mount has already may not be dropped here."""
        self._libc.mount(self._root + path, self._root + path, flags=MS_BIND)
        kept = os.statvfs(self._root + path).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
        self._libc.mount("none", self._root + path, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | kept)

    def _merge(self, path: str) -> None:
        upper = os.listdir(self._upper + path)
        if path and self._has_all_of(path):
            self._bind(path, path)
        else:
            for name in os.listdir(path or "/"):
                self._borrow(f"{path}/{name}", mount=name not in upper)
        for name in upper:
            self._place(f"{path}/{name}")

    def _has_all_of(self, path: str) -> bool:
        """Whether the machine has every file that the host has there: what it lacks would be made on the machine."""
        return all(self._has(f"{path}/{name}") for name in os.listdir(self._upper + path))

    def _has(self, path: str) -> bool:
        if os.path.islink(path) or not os.path.lexists(path):  # what is mounted on a link lands where it leads
            return False
        is_merged = os.path.isdir(self._upper + path) and os.path.isdir(path) and path not in self._opaque
        return not is_merged or self._has_all_of(path)

    def _borrow(self, path: str, *, mount: bool) -> None:
        if mount and os.path.islink(path):
            os.symlink(os.readlink(path), self._root + path)
            return
        self._mount_point(path, os.path.isdir(path))
        if mount:
            self._bind(path, path)

    def _place(self, path: str) -> None:
        upper = self._upper + path
        if os.path.isdir(upper) and os.path.isdir(path) and path not in self._opaque:
            self._merge(path)
            return
        self._mount_point(path, os.path.isdir(upper))
        self._bind(upper, path)

    def _mount_point(self, path: str, is_directory: bool) -> None:
        view = self._root + path
        if os.path.lexists(view):
            return
        if is_directory:
            os.mkdir(view)
        else:
            os.close(os.open(view, os.O_CREAT | os.O_WRONLY, 0o644))

    def _bind(self, source: str, path: str) -> None:
        try:
            self._libc.mount(source, self._root + path, flags=MS_BIND | MS_REC)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EACCES):  # a file that went, or that this user may not see
                raise


def join(libc: Libc, namespaces: list[str]) -> None:
    """Go where the job's network is; a user namespace comes first, for it gives the right to enter the others."""
    for namespace in [os.open(path, os.O_RDONLY) for path in namespaces]:  # all of them before the right is another
        libc.enter(namespace)
        os.close(namespace)


def unshare(libc: Libc, *, network: bool) -> None:
    new_namespaces(libc, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | (0 if network else CLONE_NEWNET))


def new_namespaces(libc: Libc, flags: int) -> None:
    """Leave the present namespaces for new ones, with a user namespace where nothing less gives the right to."""
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        try:
            libc.unshare(flags)
        except OSError:  # root in a container without the capability
            libc.unshare(flags | CLONE_NEWUSER)
        else:
            return
    else:
        libc.unshare(flags | CLONE_NEWUSER)
    map_users(user, group)


def map_users(user: int, group: int) -> None:
    """Who made this user namespace is root in it."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def enter(libc: Libc, spec: dict[str, Any]) -> None:
    libc.mount("none", "/", flags=MS_REC | MS_PRIVATE)
    view = View(libc, spec["root"], spec["upper"], spec["opaque"])
    view.build()
    for path in spec["read_only"]:
        view.protect(path)
    if spec["lazy"]:
        mount_lazily(libc, spec["root"], spec["lazy"])
    os.chroot(spec["root"])
    if not spec["network"]:
        raise_loopback()


def mount_lazily(libc: Libc, root: str, lazy: dict[str, Any]) -> None:
    """Mount what the account's server serves, and hand it the descriptors on which it answers."""
    options = "rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other"
    with socket.socket(fileno=lazy["socket"]) as server:
        for folder in lazy["folders"]:
            device = os.open("/dev/fuse", os.O_RDWR)
            flags = MS_RDONLY | MS_NOSUID | MS_NODEV
            libc.mount("s3", root + folder, "fuse", flags, f"fd={device},{options}")
            socket.send_fds(server, [folder.encode()], [device])
            os.close(device)


def become(libc: Libc | None, spec: dict[str, Any]) -> NoReturn:
    """Turn the forked child into the entry point; never returns."""
    try:
        os.setsid()
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if spec["namespaces"]:
                enter(libc, spec)
        os.chdir(spec["cwd"])
    except OSError as error:
        leave(CANNOT_START, f"the host could not be made: {error}")
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    try:
        os.execvpe(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606
    except OSError as error:
        found = error.errno != errno.ENOENT
        leave(126 if found else 127, f'exec: "{spec["argv"][0]}": {os.strerror(error.errno or 0)}')


def leave(status: int, message: str) -> NoReturn:
    os.write(2, f"{message}\n".encode())
    os._exit(status)


def descendants(of: int) -> list[int]:
    """Every process below this one, as /proc tells it; empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found, todo = [], [of]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def sweep(child: int) -> None:
    """Kill what is left of the host and wait until it is gone."""
    while True:
        for pid in descendants(os.getpid()):
            _kill(pid)
        with contextlib.suppress(OSError):
            os.killpg(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _kill(pid: int, number: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait(child: int) -> int:
    """Reap until the entry point has ended; its exit status."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code


def main(spec: dict[str, Any]) -> int:
    handled = [signal.SIGTERM, signal.SIGUSR1]
    signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the terminal is for the account's server alone
    libc = Libc() if sys.platform == "linux" else None
    if libc is not None:
        if spec["namespaces"]:
            join(libc, spec["join"])
            unshare(libc, network=spec["network"])
            socket.sethostname(spec["hostname"])
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        become(libc, spec)
    if spec["lazy"]:
        os.close(spec["lazy"]["socket"])
    signal.signal(signal.SIGTERM, lambda *_: _kill(child, signal.SIGTERM))
    signal.signal(signal.SIGUSR1, lambda *_: _kill(child))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, handled)
    status = wait(child)
    sweep(child)
    return status


if __name__ == "__main__":
    with open(sys.argv[1]) as spec_file:
        specification = json.load(spec_file)
    try:
        ended = main(specification)
    except OSError as problem:
        os.write(2, f"the host could not be made: {problem}\n".encode())
        ended = CANNOT_START
    os._exit(ended)
