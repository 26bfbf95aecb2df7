"""One process of several: ``python -m trainkit.rank SCRIPT [ARGUMENT ...]``, which torchrun and mpirun start.

It says what its script said when the script fails: the first of a host's processes that fails is the one that the job's
reason of failure quotes, not the others, which fail because it is gone.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from trainkit import secret
from trainkit.environment import read_job, sm_variables
from trainkit.failure import failure_reason, leave_reason
from trainkit.paths import base_dir
from trainkit.processes import Ended, Relay, Send, run

# Open MPI and torchrun each have their own word for it.
_RANKS = ("OMPI_COMM_WORLD_RANK", "RANK")


def ranks_dir(base: Path) -> Path:
    """Where each process of a host leaves its number, so that the launcher's signals reach the scripts themselves."""
    return base / "output" / "ranks"


def signal_ranks(base: Path, expected: int, otherwise: Send) -> Send:
    """How a signal reaches every script of this host.

    torchrun allows a script 30 seconds after SIGTERM and mpirun less, where SageMaker gives 120: so the processes are
    told, not what started them, unless some of the `expected` have not started yet.
    """

    def send(number: int) -> None:
        folder = ranks_dir(base)
        processes = [int(path.name) for path in folder.iterdir()] if folder.is_dir() else []
        if len(processes) < expected:
            otherwise(number)
        for process in processes if len(processes) >= expected else ():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue

    return send


def main() -> int:
    """Run the script and answer its exit code."""
    relay = Relay()
    job = read_job(base_dir())
    env = dict(os.environ)
    if env.get("SM_CURRENT_HOST") != job.host:
        env |= sm_variables(job)  # started over the network, with the variables of the host that did it

    def announce(send: Send) -> Send:
        folder = ranks_dir(job.base)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(os.getpid())).touch()
        return send

    ended = run([sys.executable, "-u", *sys.argv[1:]], relay, env=env, send=lambda child: announce(child.send_signal))
    if ended.returncode and not _was_told_to_end(ended, relay):
        rank = next((env[name] for name in _RANKS if name in env), "?")
        reason = failure_reason(ended.returncode, ended.tail, where=f"rank {rank} on {job.host}")
        leave_reason(job.failure_file, secret.masked(reason, (env.get(name, "") for name in secret.wanted(env))))
    return ended.exit_code


def _was_told_to_end(ended: Ended, relay: Relay) -> bool:
    return signal.SIGTERM in relay.received and ended.returncode == -signal.SIGTERM


if __name__ == "__main__":
    sys.exit(main())
