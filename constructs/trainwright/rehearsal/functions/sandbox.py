"""One sandbox: a process that serves one invocation at a time and is used again while it lives."""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

from trainwright.rehearsal import clock, facade, processes
from trainwright.rehearsal.clock import starting
from trainwright.rehearsal.functions import code
from trainwright.rehearsal.functions.runtime_api import Invocation, RuntimeApi
from trainwright.rehearsal.functions.spec import FunctionSpec

_INSIDE = Path(__file__).with_name("inside.py")
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: the Init phase has 10 seconds.
INIT_SECONDS = 10.0


class Sandbox:
    """A started runtime client for one function version."""

    def __init__(self, spec: FunctionSpec, folder: Path, log_stream: str) -> None:
        self.spec = spec
        self.log_stream = log_stream
        self.api = RuntimeApi()
        self._output: list[tuple[int, str]] = []
        self._lock = threading.Lock()
        reading, writing = os.pipe()
        self._process = self._start(folder, writing)
        os.close(writing)
        self._pipe = reading
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _start(self, folder: Path, output: int) -> subprocess.Popen[bytes]:
        task_root = code.unpack(self.spec.code, folder / "code")
        wish = {
            "handler": self.spec.handler,
            "code": str(task_root),
            "site": code.site_folders(),
            "importable": sorted(code.importable(self.spec)),
            "layers": code.layer_folders(self.spec.layers, folder / "layers"),
            "clock": starting.for_sandbox(clock.account(self.spec.timeout)),
        }
        return facade.spawn(
            [sys.executable, "-S", _INSIDE, json.dumps(wish)],
            env=self._environment(task_root),
            cwd=task_root,
            stdout=output,
            stderr=output,
        )

    def _environment(self, task_root: Path) -> dict[str, str]:
        """What Lambda sets, and nothing of this machine but PATH.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        """
        spec = self.spec
        own = facade.credentials(spec.role, "lambda.amazonaws.com", spec.name)
        return {
            **own,
            **spec.environment,
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": str(task_root),
            **({"PYTHONHASHSEED": "0"} if clock.current().mode == "jump" else {}),
            "_HANDLER": spec.handler,
            "_X_AMZN_TRACE_ID": "",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{spec.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "LAMBDA_TASK_ROOT": str(task_root),
            "LAMBDA_RUNTIME_DIR": str(task_root),
            # The daemon that Lambda runs beside a function; on this machine nobody listens there.
            "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        }

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def wait_until_ready(self) -> bool:
        """Wait for the Init phase; False when it failed or took too long."""
        deadline = time.monotonic() + INIT_SECONDS
        while time.monotonic() < deadline and self.alive:
            if self.api.ready.wait(0.05):
                break
        return self.api.ready.is_set() and self.api.init_error is None

    def run(self, invocation: Invocation) -> bool:
        """Let the function have an event; True when it answered within its time and lives."""
        self.api.hand_over(invocation)
        began = time.monotonic(), clock.time()
        while (left := self._left(*began)) > 0:
            if invocation.done.wait(min(left, 0.05)):
                return self._left(*began) > 0
            if not self.alive:
                return invocation.done.is_set()
        return False

    def _left(self, began: float, began_in_account: float) -> float:
        """Seconds of the wall until the time-out, for the work takes those; of the account where the function slept."""
        if clock.time() - began_in_account > clock.account(self.spec.timeout):
            return 0.0
        return self.spec.timeout - (time.monotonic() - began)

    @property
    def exit_status(self) -> str:
        """How the process ended, in Lambda's words."""
        number = self._process.wait()
        return f"exit status {number}" if number >= 0 else f"signal: {-number}"

    def output(self) -> list[tuple[int, str]]:
        """Take the lines written since the last call: (epoch milliseconds, text)."""
        deadline = time.monotonic() + 0.5
        while _unread(self._pipe) and time.monotonic() < deadline:
            time.sleep(0.0005)
        with self._lock:
            lines, self._output = self._output, []
        return lines

    def _read(self) -> None:
        buffered = b""
        readable = select.poll()
        readable.register(self._pipe, select.POLLIN)
        while True:
            readable.poll()
            # what has left the pipe is kept before anybody who found the pipe empty can look
            with self._lock:
                chunk = os.read(self._pipe, 65536)
                *lines, buffered = (buffered + chunk).split(b"\n")
                self._keep(lines if chunk else [*lines, *filter(None, [buffered])])
            if not chunk:
                return

    def _keep(self, lines: list[bytes]) -> None:
        now = int(clock.time() * 1000)
        self._output += [(now, line.decode(errors="replace").replace("\r", "\n")) for line in lines]

    def kill(self) -> None:
        """End the process and everything that it started."""
        processes.kill_group(self._process)
        self._process.wait()
        self.api.close()
        self._reader.join(timeout=1)


def _unread(pipe: int) -> int:
    """How many bytes wait in a pipe."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0])
    except OSError:
        return 0
