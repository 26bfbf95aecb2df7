"""What every command that opens an embedded account does around it: signals, settings, failures, `export` lines."""

from __future__ import annotations

import os
import signal
import traceback
from types import FrameType

from trainwright.cli.display import Display
from trainwright.cli.environment import aws_environment, child_environment
from trainwright.cli.errors import StepFailed
from trainwright.cli.rehearse import sdk_defaults
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.outcome import shown_path
from trainwright.cli.rehearse.workspace import Workspace

INTERRUPTED = 130


def end_on_sigterm() -> None:
    """SIGTERM ends the command as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def forget_the_users_aws() -> None:
    """boto3 reads settings from the environment and from files; an embedded account's user must find neither there."""
    isolated = child_environment() | aws_environment("", "")
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        del isolated[name]  # each client is told
    os.environ.clear()
    os.environ.update(isolated)


def show_exports(account: Account, display: Display) -> None:
    """What makes any AWS client in another terminal talk to this account."""
    display.line("The account stays up until Ctrl-C. In another terminal:")
    sdks = sdk_defaults.write(account.log.parent, account.region, account.account_id)
    for name, value in (aws_environment(account.endpoint, account.region) | sdks).items():
        display.line(f"  export {name}={value}")


def show_failure(failure: StepFailed, display: Display) -> None:
    """Why a step is not true, below its line."""
    details = [f"| {line}" for line in failure.details]
    for line in filter(None, [*details, failure.why, failure.remedy]):
        display.line(f"         {line}")


def as_failure(error: Exception, workspace: Workspace) -> StepFailed:
    """A defect of ours as a failed step; call it where the error is handled: its traceback goes to a log."""
    if isinstance(error, StepFailed):
        return error
    (workspace.logs / "trainwright.log").write_text(traceback.format_exc(), encoding="utf-8")
    place = shown_path(workspace.file("logs/trainwright.log"))
    return StepFailed(f"{type(error).__name__}: {error}", f"The traceback is in {place}.")
