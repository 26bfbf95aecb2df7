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
from trainwright.rehearsal.jobs.images import DEFAULT_PATH, Image

ML = "/opt/ml"
INSIDE = Path(__file__).with_name("inside.py")
NO_NAMESPACES = "TRAINWRIGHT_NO_NAMESPACES"
_ML_IN_TEXT = re.compile(r"(?<![\w./-])/opt/ml(?![\w.-])")

LOST = (
    "Training processes find /opt/ml under SAGEMAKER_BASE_DIR only: a script that writes /opt/ml in its source does "
    "not find its files.",
    "COPY destinations of an image exist only below the host's folder: paths in ENTRYPOINT, WORKDIR and ENV are "
    "rewritten, paths in the code are not.",
    "The entry point is not process 1: a script without a SIGTERM handler ends at once when it is stopped, where in a "
    "container it would run on for 120 seconds.",
    "EnableNetworkIsolation is not enforced, and the names of hosts (algo-1) do not resolve.",
    "A FastFile channel is kept from being written by its files' permissions only: files can be added and removed, and "
    "root writes all the same.",
)


@dataclass(frozen=True)
class Isolation:
    """How hosts are kept apart on this machine; ``lost`` has a sentence for every guarantee that is not kept."""

    namespaces: bool
    lost: tuple[str, ...] = ()


@functools.cache
def isolation() -> Isolation:
    """Try once whether a process here may have namespaces of its own."""
    if os.environ.get(NO_NAMESPACES):
        return Isolation(False, LOST)
    return Isolation(True) if _namespaces_work() else Isolation(False, LOST)


def _namespaces_work() -> bool:
    if sys.platform != "linux":
        return False
    with tempfile.TemporaryDirectory(prefix="trainwright-probe-") as folder:
        host = Host(Path(folder), "algo-1", Isolation(True))
        (host.ml / "probe").touch()
        spec = host.spec(["/bin/sh", "-c", f"test -f {ML}/probe"], {"PATH": DEFAULT_PATH}, "/", network=False)
        return subprocess.run(_launcher(spec), capture_output=True, timeout=30, check=False).returncode == 0


def _launcher(spec: Path) -> list[str]:
    return [sys.executable, "-I", "-S", str(INSIDE), str(spec)]


class Host:
    """One host of a job, from its empty folder to its end.

    Args:
        folder: the host's own folder on this machine; `destroy` removes it.
        name: ``algo-1`` and so on.
        isolation: how it is kept apart.
    """

    def __init__(self, folder: Path, name: str, isolation: Isolation) -> None:
        self.folder, self.name, self._isolation = folder, name, isolation
        self.upper = folder / "upper"
        self.ml = self.upper / ML.strip("/")
        for path in (self.ml, folder / "root", folder / "home"):
            path.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

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
        etc = Path("/etc/hosts")
        if self._isolation.namespaces and etc.is_file():
            self.path("/etc").mkdir(parents=True, exist_ok=True)
            self.path("/etc/hosts").write_text(f"{etc.read_text()}\n127.0.0.1 {' '.join(hosts)}\n")

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
        merged = {**image.environment, "HOME": str(self.folder / "home"), **environment}
        merged = {name: self._rewritten(value) for name, value in merged.items()}
        if not self._isolation.namespaces:
            merged["SAGEMAKER_BASE_DIR"] = str(self.ml)
        merged["PATH"] = f"{self.folder / 'venv' / 'bin'}:{merged['PATH']}"
        workdir = self.path(image.workdir)
        cwd = self._rewritten(image.workdir) if workdir.exists() or Path(image.workdir).is_dir() else "/"
        line = [self._rewritten_line(word) for word in argv]
        spec = self.spec(line, merged, cwd, network=network, read_only=read_only)
        self.process = facade.spawn(
            _launcher(spec),
            env={"PATH": DEFAULT_PATH},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
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
            "network": network,
            "root": str(self.folder / "root"),
            "upper": str(self.upper),
            "opaque": [ML],
            "read_only": list(read_only),
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
    base, version, packages = _interpreter(python)
    own = folder / "lib" / f"python{version}" / "site-packages"
    own.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "pyvenv.cfg").write_text(
        f"home = {Path(base).parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    )
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(base)
    for name in ("pip", "pip3"):
        _write_program(folder / "bin" / name, f'#!/bin/sh\nexec "{folder / "bin" / "python"}" -m pip "$@"\n')
    # addsitedir, because the packages' own .pth files count too
    lines = [f"import site; site.addsitedir({path!r})" for path in packages]
    (own / "account.pth").write_text("\n".join(lines) + "\n")


@functools.cache
def _interpreter(python: str) -> tuple[str, str, tuple[str, ...]]:
    """The interpreter behind `python`, its version (3.12) and where its packages are."""
    program = (
        "import json, site, sys; "
        "print(json.dumps([sys._base_executable, '%d.%d' % sys.version_info[:2], site.getsitepackages()]))"
    )
    answer = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    base, version, packages = json.loads(answer.stdout)
    return base, version, tuple(packages)


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
