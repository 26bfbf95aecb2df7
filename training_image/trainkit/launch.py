"""The image's entry point: ``ENTRYPOINT ["python", "-m", "trainkit.launch", "train.py"]``.

Starts the script with SM_* variables and the hyperparameters as arguments, passes SIGTERM and SIGINT on to it, leaves
``/opt/ml/output/failure`` when it fails, and ends with its exit code: SageMaker calls a job failed when that is not 0.

The request can ask for more, in the words of AWS's SDK:

- ``sagemaker_program`` and ``sagemaker_submit_directory``: the user's own script runs in place of the image's, with its
  ``requirements.txt`` installed (`trainkit.source`);
- ``sagemaker_torch_distributed_enabled`` or ``sagemaker_mpi_enabled``: the script runs in several processes, on all
  hosts (`trainkit.launchers`);
- ``TRAINWRIGHT_SECRET_<NAME>``: a secret becomes a variable of the script (`trainkit.secret`).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainkit import launchers, secret, source
from trainkit.environment import Job, read_job, sm_variables
from trainkit.failure import LaunchError, failure_reason, leave_reason
from trainkit.paths import base_dir
from trainkit.processes import Ended, Relay, run
from trainkit.rank import ranks_dir, signal_ranks

#: How long other hosts may take to be there, in seconds; AWS says that their names may not resolve at first.
HOSTS_SECONDS = 900.0
_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "ConnectTimeout=5")


@dataclass(frozen=True)
class Script:
    """What is to run: the words after the interpreter, or the whole command of what is no Python.

    Args:
        words: the script and its arguments.
        folder: where it runs; None: where the image's WORKDIR is.
        variables: what its environment has beside the container's own.
    """

    words: list[str]
    folder: Path | None = None
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def is_python(self) -> bool:
        """Whether Python runs it; anything else runs by itself."""
        return self.words[0].endswith(".py")

    @property
    def command(self) -> list[str]:
        """What starts it in one process."""
        if self.is_python:
            return [sys.executable, "-u", *self.words]
        with Path(self.words[0]).open("rb") as file:
            return self.words if file.read(2) == b"#!" else ["/bin/sh", *self.words]


def main(words: Sequence[str] | None = None) -> int:
    """Run the script named first in `words`, with the arguments that follow it, and answer its exit code.

    SageMaker appends the word ``train`` to an image's ENTRYPOINT (``docker run IMAGE train``); it is not passed on.
    """
    script, *extra = list(sys.argv[1:] if words is None else words) or [""]
    if not script.endswith(".py"):
        print("use: python -m trainkit.launch SCRIPT.py [ARGUMENT ...]", file=sys.stderr)  # noqa: T201
        return 2
    relay = Relay()
    job = read_job(base_dir())
    arguments = job.arguments + (extra[:-1] if extra[-1:] == ["train"] else extra)
    try:
        ended = _launch(job, script, arguments, relay)
    except LaunchError as error:
        print(f"trainkit: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the job's log
        leave_reason(job.failure_file, str(error))
        return 1
    return ended.exit_code


def _launch(job: Job, script: str, arguments: list[str], relay: Relay) -> Ended:
    launcher = launchers.asked(job)
    for folder in ("model", "output/data"):
        (job.base / folder).mkdir(parents=True, exist_ok=True)
    secrets = secret.fetch(os.environ)
    made = _users_script(job, arguments, relay) if source.has_source(job) else Script([script, *arguments])
    env = os.environ | sm_variables(job) | made.variables | secrets
    if launcher:
        ended = _run_distributed(launcher, job, made, env, relay)
    else:
        ended = run(made.command, relay, env=env, cwd=made.folder)
    if ended.returncode:
        reason = failure_reason(ended.returncode, ended.tail)
        leave_reason(job.failure_file, secret.masked(reason, secrets.values()))
    return ended


def _users_script(job: Job, arguments: list[str], relay: Relay) -> Script:
    folder = source.fetch(job)
    source.install_requirements(folder, relay)
    program = folder / str(job.toolkit["sagemaker_program"])
    program.chmod(program.stat().st_mode | 0o700)
    # this package stays importable, after the user's own modules
    paths = [str(folder), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    variables = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "SAGEMAKER_JOB_NAME": str(job.toolkit.get("sagemaker_job_name", "")),
        "SAGEMAKER_REGION": str(job.toolkit.get("sagemaker_region", os.environ.get("AWS_REGION", ""))),
    }
    return Script([str(program), *arguments], folder, variables)


# --- several processes ---------------------------------------------------------------------------------------------


def _run_distributed(launcher: str, job: Job, script: Script, env: dict[str, str], relay: Relay) -> Ended:
    if not script.is_python:
        raise LaunchError(f"{script.words[0]}: several processes are started of Python scripts only")
    shutil.rmtree(ranks_dir(job.base), ignore_errors=True)
    group = launchers.group(job)
    env = env | launchers.network_variables(job)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [env.get("PYTHONPATH"), str(Path(__file__).parents[1])]))
    if launcher == launchers.TORCHRUN:
        _wait_for_names(group.hosts if group.others else ())
        command = launchers.torchrun(group, script.words)
    else:
        launchers.check_mpi(group)
        if group.others:
            subprocess.Popen([launchers.SSHD, "-D"])
        if not group.is_master:
            return _serve_mpi(job, group, relay)
        _wait_for_ssh(group)
        command = launchers.mpirun(group, script.words, job, env)
    ended = run(
        command,
        relay,
        env=env,
        cwd=script.folder,
        send=lambda child: signal_ranks(job.base, group.processes, child.send_signal),
    )
    if launcher == launchers.MPI:
        _release(job, group)
    return ended


def _wait_for_names(hosts: Sequence[str]) -> None:
    for host in hosts:
        _wait_until(_resolves, host, "its name does not resolve")


def _resolves(host: str) -> bool:
    try:
        socket.gethostbyname(host)
    except OSError:
        return False
    return True


def _wait_for_ssh(group: launchers.Group) -> None:
    for host in group.others:
        _wait_until(_answers_ssh, host, "it does not answer ssh")


def _answers_ssh(host: str) -> bool:
    return _over_ssh(host, "true")


def _over_ssh(host: str, command: str) -> bool:
    return subprocess.run([*_SSH, host, command], capture_output=True, check=False).returncode == 0


def _wait_until(ready: Callable[[str], bool], host: str, otherwise: str) -> None:
    end = time.monotonic() + HOSTS_SECONDS
    while not ready(host):
        if time.monotonic() > end:
            raise LaunchError(f"host {host} is not there after {HOSTS_SECONDS:.0f} seconds: {otherwise}")
        time.sleep(1)


def _serve_mpi(job: Job, group: launchers.Group, relay: Relay) -> Ended:
    """Let the master start its processes here, until it says that they have ended; it tells why they failed."""
    relay.attach(signal_ranks(job.base, group.processes, lambda _number: None))
    while not _end_of_mpi(job).exists():
        time.sleep(1)
    return Ended(0, [])


def _release(job: Job, group: launchers.Group) -> None:
    for host in group.others:
        _over_ssh(host, f"touch {_end_of_mpi(job)}")


def _end_of_mpi(job: Job) -> Path:
    return job.base / "output" / "mpi-ended"


if __name__ == "__main__":
    sys.exit(main())
