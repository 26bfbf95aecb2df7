"""One training host: a folder on this machine that a process tree sees as a container's file system.

With Linux namespaces each host has an ``/opt/ml`` of its own and dies as a whole. Where the machine forbids namespaces,
the host gets a base directory (``SAGEMAKER_BASE_DIR``, the variable of AWS's own training toolkit) and `isolation` says
what that loses. ``TRAINWRIGHT_NO_NAMESPACES=1`` in the server's environment asks for the second way.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainwright.rehearsal import facade
from trainwright.rehearsal.jobs import network_shell
from trainwright.rehearsal.jobs.disks import Disk
from trainwright.rehearsal.jobs.fastfile import nothing
from trainwright.rehearsal.jobs.fastfile.filesystem import FileSystem
from trainwright.rehearsal.jobs.fastfile.mounts import Mounts
from trainwright.rehearsal.jobs.images import DEFAULT_PATH, Image
from trainwright.rehearsal.jobs.mount_namespace import NO_NAMESPACES
from trainwright.rehearsal.jobs.network import LOOPBACK, LOST_NETWORKS, Place, networks_work

ML = "/opt/ml"
#: "Without this gethostname() on SageMaker returns 'aws'" (aws/sagemaker-pytorch-training-toolkit, changehostname.c);
#: AWS's images start with a script that corrects it for their own processes, start_with_right_hostname.sh.
HOSTNAME = "aws"
#: /usr/sbin/sshd; on some machines that folder is a link.
SSHD = os.path.realpath("/usr/sbin") + "/sshd"
INSIDE = Path(__file__).with_name("inside.py")
#: Programs that images have on PATH, and the modules that they are.
_PROGRAMS = (("pip", "pip"), ("pip3", "pip"), ("torchrun", "torch.distributed.run"))
_ML_IN_TEXT = re.compile(r"(?<![\w./-])/opt/ml(?![\w.-])")

LOST = (
    "Training processes find /opt/ml under SAGEMAKER_BASE_DIR only: a script that writes /opt/ml in its source does "
    "not find its files.",
    "COPY destinations of an image exist only below the host's folder: paths in ENTRYPOINT, WORKDIR and ENV are "
    "rewritten, paths in the code are not.",
    "The entry point is not process 1: a script without a SIGTERM handler ends at once when it is stopped, where in a "
    "container it would run on for 120 seconds.",
    "EnableNetworkIsolation is not enforced, the names of hosts (algo-1) do not resolve, and all hosts share this "
    "machine's ports.",
    "A FastFile channel is kept from being written by its files' permissions only: files can be added and removed, and "
    "root writes all the same.",
)
LOST_LAZINESS = (
    "FastFile channels are downloaded before the start, not read on demand: this machine lets nobody mount a file "
    "system of its own (FUSE)."
)


@dataclass(frozen=True)
class Isolation:
    """How hosts are kept apart on this machine; ``lost`` has a sentence for every guarantee that is not kept.

    ``is_lazy``: FastFile channels can be mounted. ``has_networks``: a job's hosts can have a network of their own.
    """

    namespaces: bool
    lost: tuple[str, ...] = ()
    is_lazy: bool = False
    has_networks: bool = False


@functools.cache
def isolation() -> Isolation:
    """Try once whether a process here may have namespaces, a file system and a network of its own."""
    if os.environ.get(NO_NAMESPACES) or not _namespaces_work():
        return Isolation(False, (*LOST, LOST_LAZINESS))
    is_lazy, has_networks = _mounts_work(), networks_work()
    lost = (*(() if is_lazy else (LOST_LAZINESS,)), *(() if has_networks else (LOST_NETWORKS,)))
    return Isolation(True, lost, is_lazy=is_lazy, has_networks=has_networks)


def _namespaces_work() -> bool:
    if sys.platform != "linux":
        return False
    with tempfile.TemporaryDirectory(prefix="trainwright-probe-") as folder:
        host = Host(Path(folder), "algo-1", Isolation(True))
        (host.ml / "probe").touch()
        spec = host.spec(["/bin/sh", "-c", f"test -f {ML}/probe"], {"PATH": DEFAULT_PATH}, "/", network=False)
        return subprocess.run(_launcher(spec), capture_output=True, timeout=30, check=False).returncode == 0


def _mounts_work() -> bool:
    """Whether a process of a host finds a mounted FastFile channel."""
    with tempfile.TemporaryDirectory(prefix="trainwright-probe-") as folder:
        host = Host(Path(folder), "algo-1", Isolation(True))
        (host.ml / "probe").mkdir()
        host.mount({f"{ML}/probe": nothing()})
        try:
            line = ["/bin/sh", "-c", f"test -d {ML}/probe/. && ! touch {ML}/probe/file"]
            process = host.launch(host.spec(line, {"PATH": DEFAULT_PATH}, "/", network=False))
            return process.wait(timeout=30) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            host.end()


def _launcher(spec: Path) -> list[str]:
    return [sys.executable, "-I", "-S", str(INSIDE), str(spec)]


class Host:
    """One host of a job, from its empty folder to its end.

    Args:
        folder: the host's own folder on this machine; `destroy` removes it.
        name: ``algo-1`` and so on.
        isolation: how it is kept apart.
        free_bytes: /opt/ml is a disk that takes only so much more after `limit_disk`; None: it has no size.

    Raises:
        ClientFault: it cannot have a disk on this machine.
    """

    def __init__(self, folder: Path, name: str, isolation: Isolation, *, free_bytes: int | None = None) -> None:
        self.folder, self.name, self._isolation = folder, name, isolation
        self.upper = folder / "upper"
        self.ml = self.upper / ML.strip("/")
        for path in (self.ml, folder / "root", folder / "home", folder / "tmp"):
            path.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.place = Place()
        self._disk = None if free_bytes is None else Disk(self.ml, free_bytes)
        self._mounts: Mounts | None = None

    @property
    def scratch(self) -> Path:
        """Where the account packs what the host leaves: on the host's own disk, if it has one."""
        return self.ml if self._disk else self.folder

    def limit_disk(self) -> None:
        """From now on its disk, if it has one, takes only ``free_bytes`` more; for when the inputs are there."""
        if self._disk:
            self._disk.limit()

    def mount(self, file_systems: Mapping[str, FileSystem]) -> None:
        """Let the host see these file systems on folders that it has, given as the container has them."""
        if file_systems:
            self._mounts = Mounts(file_systems)

    def path(self, inside: str) -> Path:
        """Where ``inside`` (an absolute path as the container has it) lies on this machine."""
        return self.upper / inside.strip("/")

    def outside(self, inside: str) -> str:
        """The path that the host's processes must use for ``inside``."""
        return inside if self._isolation.namespaces else str(self.path(inside))

    def install(self, image: Image, python: str, hosts: Sequence[str]) -> None:
        """Lay the image's files, put the interpreter first on PATH and let the hosts' names resolve."""
        image.lay(self.upper, real=self._isolation.namespaces)
        make_environment(self.folder / "venv", python)
        if self._isolation.namespaces:
            self._write_etc(hosts)
        if self.place.join:
            programs = self.folder / "venv" / "bin"
            network_shell.install(str(programs / "python"), programs / "ssh", self.path(SSHD))

    def _write_etc(self, hosts: Sequence[str]) -> None:
        """Names: the machine's own, the hosts', and this host's; and whom to ask for others."""
        addresses = {name: self.place.addresses.get(name, LOOPBACK) for name in hosts}
        machine = Path("/etc/hosts")
        lines = [machine.read_text() if machine.is_file() else f"{LOOPBACK} localhost"]
        lines += [f"{addresses.get(self.name, LOOPBACK)} {HOSTNAME}"]
        lines += [f"{address} {name}" for name, address in addresses.items()]
        self.path("/etc").mkdir(parents=True, exist_ok=True)
        self.path("/etc/hosts").write_text("\n".join(lines) + "\n")
        if self.place.nameserver:
            self.path("/etc/resolv.conf").write_text(f"nameserver {self.place.nameserver}\n")

    def start(
        self,
        image: Image,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        network: bool,
        read_only: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        """Start the container; its stdout and stderr are one pipe, as they are one log stream on AWS.

        ``read_only`` are folders, as the container has them, that it cannot write to.
        """
        own = {"HOME": str(self.folder / "home")}
        if self.place.join:  # MPI's hosts must not meet in the machine's /tmp
            own["TMPDIR"] = str(self.folder / "tmp")
        merged = {**image.environment, **own, **environment}
        merged = {name: self._rewritten(value) for name, value in merged.items()}
        if not self._isolation.namespaces:
            merged["SAGEMAKER_BASE_DIR"] = str(self.ml)
        merged["PATH"] = f"{self.folder / 'venv' / 'bin'}:{merged['PATH']}"
        workdir = self.path(image.workdir)
        cwd = self._rewritten(image.workdir) if workdir.exists() or Path(image.workdir).is_dir() else "/"
        line = [self._rewritten_line(word) for word in argv]
        spec = self.spec(line, merged, cwd, network=network, read_only=read_only)
        return self.launch(spec)

    def launch(self, spec: Path) -> subprocess.Popen[bytes]:
        """Start the process that ``spec`` describes."""
        self.process = facade.spawn(
            _launcher(spec),
            env={"PATH": DEFAULT_PATH},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[self._mounts.theirs.fileno()] if self._mounts else (),
        )
        if self._mounts:
            self._mounts.start()
        return self.process

    def spec(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        cwd: str,
        *,
        network: bool,
        read_only: Sequence[str] = (),
    ) -> Path:
        """Write what ``inside.py`` needs to know."""
        path = self.folder / "spec.json"
        spec = {
            "namespaces": self._isolation.namespaces,
            "network": network or bool(self.place.join),
            "join": list(self.place.join),
            "hostname": HOSTNAME,
            "root": str(self.folder / "root"),
            "upper": str(self.upper),
            "opaque": [ML],
            "read_only": list(read_only),
            "lazy": self._mounts and {"socket": self._mounts.theirs.fileno(), "folders": self._mounts.folders},
            "cwd": cwd,
            "argv": list(argv),
            "env": dict(environment),
        }
        path.write_text(json.dumps(spec))
        return path

    def _rewritten(self, value: str) -> str:
        """Without namespaces: paths of the image, alone or between colons, become paths of this machine."""
        if self._isolation.namespaces:
            return value
        return ":".join(
            str(self.path(part)) if part.startswith("/") and part != "/" and self.path(part).exists() else part
            for part in value.split(":")
        )

    def _rewritten_line(self, word: str) -> str:
        """A word of the command line, which may be a whole line for a shell: /opt/ml in it is this host's too."""
        if self._isolation.namespaces:
            return word
        return _ML_IN_TEXT.sub(lambda _: str(self.ml), self._rewritten(word))

    def terminate(self) -> None:
        """SIGTERM to the entry point alone, as container engines do."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to everything; `process.wait` returns when nothing of the host is left."""
        self._signal(signal.SIGUSR1)

    def _signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def end(self) -> None:
        """End what still runs."""
        if self.process is not None:
            self.kill()
        if self._mounts:
            self._mounts.stop()
        if self.process is not None:
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            if self.process.stdout:
                self.process.stdout.close()

    def destroy(self) -> None:
        """End what still runs and throw the folder away; what was not uploaded is gone."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._disk:
            self._disk.close()
            shutil.rmtree(self.folder, ignore_errors=True)


class ExitWatch:
    """A file descriptor that becomes readable when the process ends."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if hasattr(os, "pidfd_open"):
            self._fd = os.pidfd_open(process.pid)
            return
        self._fd, write_end = os.pipe()
        threading.Thread(target=self._wait, args=(process, write_end), daemon=True).start()

    @staticmethod
    def _wait(process: subprocess.Popen[bytes], write_end: int) -> None:
        process.wait()
        os.close(write_end)

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        os.close(self._fd)


def make_environment(folder: Path, python: str) -> None:
    """A virtual environment with everything that `python` has, so that what a job installs stays the job's own.

    On AWS a container's packages end with it; here ``pip install`` in a job would change the environment that the
    account runs in. Made by hand, for a host starts in a tenth of a second and ``python -m venv`` takes seconds.
    """
    base, version, packages, programs = _interpreter(python)
    own = folder / "lib" / f"python{version}" / "site-packages"
    own.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "pyvenv.cfg").write_text(
        f"home = {Path(base).parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    )
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(base)
    for name, module in programs:
        _write_program(folder / "bin" / name, f'#!/bin/sh\nexec "{folder / "bin" / "python"}" -m {module} "$@"\n')
    # addsitedir, because the packages' own .pth files count too
    lines = [f"import site; site.addsitedir({path!r})" for path in packages]
    (own / "account.pth").write_text("\n".join(lines) + "\n")


@functools.cache
def _interpreter(python: str) -> tuple[str, str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The interpreter behind `python`, its version (3.12), where its packages are, and those of `_PROGRAMS` it has."""
    program = (
        "import importlib.util, json, site, sys; "
        f"programs = [item for item in {_PROGRAMS!r} if importlib.util.find_spec(item[1].partition('.')[0])]; "
        "version = '%d.%d' % sys.version_info[:2]; "
        "print(json.dumps([sys._base_executable, version, site.getsitepackages(), programs]))"
    )
    answer = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    base, version, packages, programs = json.loads(answer.stdout)
    return base, version, tuple(packages), tuple(programs)


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
