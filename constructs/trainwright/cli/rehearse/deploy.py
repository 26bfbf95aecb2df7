"""Step 3: what was synthesised is deployed by the real CDK CLI."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from trainwright.cli.display import Step
from trainwright.cli.errors import StepFailed
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.account import Account

# Without a change set: the embedded account creates, updates and deletes stacks directly.
# Exactly what was synthesised is deployed; nothing is looked up, asked, reported or compared with the newest version.
ARGUMENTS = ["deploy", "**", "--method", "direct", "--require-approval", "never", "--progress", "events"]
# Lines that tell of an asset or a resource with which all is well, and the frames of the CLI's own code.
_ROUTINE = re.compile(r": (start|success): |_(COMPLETE|IN_PROGRESS|SKIPPED) +\||^(Source Location|\(no user code)")
QUIET = ["--no-color", "--no-notices", "--no-version-reporting", "--ci"]


def deploy(
    cdk: list[str], assembly: Path, account: Account, *, log: Path, home: Path, processes: Processes, step: Step
) -> None:
    """Deploy every stack; StepFailed with the CLI's last lines when one fails."""
    env = account.environment() | {
        "CDK_HOME": str(home),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "NODE_COMPILE_CACHE": str(home / "compiled"),
    }
    command = [*cdk, "--app", str(assembly), *ARGUMENTS, *QUIET]
    process = processes.start(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said: list[str] = []
    assert process.stdout  # noqa: S101 - asked for with PIPE
    with log.open("w", buffering=1) as file:
        for line in process.stdout:
            file.write(line)
            if text := line.strip():
                said.append(text)
                step.doing(text)
    if process.wait() != 0:
        account.check_alive()
        raise StepFailed(
            f"cdk deploy ended with exit code {process.returncode}",
            details=[line for line in said if not _ROUTINE.search(line)][-15:],
        )
