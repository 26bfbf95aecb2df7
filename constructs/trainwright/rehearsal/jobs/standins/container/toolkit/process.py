"""Runs the user's program as the toolkit does (process.py of the toolkit).

It is a child that no signal is passed on to, and its log is searched for the first line with an error's name, from
which on it becomes the failure's ErrorMessage.
"""

from __future__ import annotations

import builtins
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from .environment import log
from .errors import CalledProcessError

_MPI = re.compile(r"\[(\d),(\d+)\]<(stdout|stderr)>")
_MPI_TAG = re.compile(r"\[(\d),(\d)\]<(?:stderr|stdout)>")
#: What begins an ErrorMessage: the errors of Python (_PYTHON_ERRORS_ has those of 3.7 and a few of TensorFlow), MPI's.
_MORE_ERRORS = (
    *("EnvironmentError", "IOError", "Invalid requirement", "ResourceExhaustedError", "OutOfRangeError"),
    *("InvalidArgumentError", "mpirun.real", "ORTE"),
)
_NEWER = frozenset({"BaseExceptionGroup", "ExceptionGroup", "EncodingWarning", "PythonFinalizationError"})
ERRORS = (
    *(
        name
        for name, value in vars(builtins).items()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and not issubclass(value, Warning)
        and name.endswith(("Error", "Exception"))
        and name not in _NEWER
    ),
    *_MORE_ERRORS,
)


class Watch:
    """Reads one stream of the program to its end: every line goes on, those from the first error on are kept."""

    def __init__(self, per_host: int, errors: Sequence[str]) -> None:
        self._per_host, self._errors = per_host, (*ERRORS, *errors)
        self.kept: list[str] = []

    def take(self, line: str) -> str:
        """One line of output, without its end; as it goes on, with the names of MPI's ranks."""
        bare = _MPI_TAG.sub("", line)
        if self.kept or any(name in bare for name in self._errors):
            self.kept.append(bare.strip(" :\n") + "\n")
        return _MPI.sub(self._rank, line)

    def _rank(self, found: re.Match[str]) -> str:
        rank = int(found[2])
        return f"[{found[1]},mpirank:{rank},algo-{rank // self._per_host + 1}]<{found[3]}>"

    @property
    def text(self) -> str:
        """What was kept, as the toolkit joins it."""
        return " ".join(self.kept)


def message(outputs: Sequence[str]) -> str:
    """The kept lines of both streams, each once."""
    return "\n".join(dict.fromkeys(" ".join(outputs).split("\n"))).strip()


def run(
    command: Sequence[str],
    folder: Path,
    *,
    capture: bool,
    per_host: int = 1,
    error: type[CalledProcessError] = CalledProcessError,
    name: str = "ExecuteUserScriptError",
) -> None:
    """Run a command to its end.

    With ``capture`` both its streams come out of this process's stdout; without, nothing is known of its errors.

    Raises:
        CalledProcessError: it ended with another code than 0; -9 for the signal 9, or 137 where a shell says so.
    """
    if capture:
        code, output = _captured(command, folder, per_host)
    else:
        code, output = subprocess.run(command, cwd=folder, check=False).returncode, None
    if code:
        extra = "OutOfMemory: Process killed by SIGKILL (signal 9)" if code == 137 else None
        raise error(name, " ".join(command), code, output, extra)


def _captured(command: Sequence[str], folder: Path, per_host: int) -> tuple[int, str]:
    watches = [Watch(per_host, ["ExecuteUserScriptError"]) for _ in range(2)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        streams = zip((program.stdout, program.stderr), watches, strict=True)
        readers = [threading.Thread(target=_pass_on, args=(stream, watch)) for stream, watch in streams]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        log.info("Waiting for the process to finish and give a return code.")
        code = program.wait()
    log.info("Done waiting for a return code. Received %s from exiting process.", code)
    return code, message([watch.text for watch in watches])


def _pass_on(stream: IO[bytes] | None, watch: Watch) -> None:
    """The toolkit takes whatever a read gives; here lines are whole, so that a log does not depend on chance."""
    for line in stream or ():
        sys.stdout.write(watch.take(line.decode("utf-8", "replace").rstrip("\n")) + "\n")
        sys.stdout.flush()
