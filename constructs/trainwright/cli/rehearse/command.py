"""`trainwright rehearse` from its options to its exit code."""

from __future__ import annotations

import time
from pathlib import Path

from trainwright.cli.display import Display
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.job import Rehearsal
from trainwright.cli.rehearse.options import ONE_SPOT_INTERRUPTION, read
from trainwright.cli.rehearse.options.permissions import recorded
from trainwright.cli.rehearse.session import INTERRUPTED, end_on_sigterm, forget_the_users_aws, show_exports
from trainwright.cli.rehearse.settings import Settings, settle
from trainwright.cli.rehearse.workspace import opened


def run(
    request: Path | None,
    *,
    python: Path | None,
    puts: list[str],
    team: str | None,
    policy: Path | None,
    app: Path | None,
    port: int,
    keep: bool,
    faults: Path | None,
    images: list[str],
    record_permissions: Path | None,
) -> int:
    """The exit code: 0 when every step was true, 1 when one was not, 130 when it was interrupted.

    Raises BadInput for what can be known to be wrong before anything is started.
    """
    display = Display()
    end_on_sigterm()
    try:
        options = read(
            faults_file=faults, image=images, record_permissions=record_permissions, otherwise=ONE_SPOT_INTERRUPTION
        )
        settings = settle(
            request,
            python=python,
            puts=puts,
            team=team,
            policy=policy,
            app=app,
            port=port,
            keep=keep,
            options=options,
        )
        forget_the_users_aws()
        return 0 if _rehearse(settings, display) else 1
    except KeyboardInterrupt:
        return _say_interrupted(display)


def _rehearse(settings: Settings, display: Display) -> bool:
    with opened(settings.home) as workspace, Processes() as processes:
        rehearsal = Rehearsal(settings, workspace, display, processes)
        with recorded(settings.options.record_permissions, rehearsal.opening.endpoint, display):
            well = rehearsal.perform()
            if settings.keep and well:
                _keep(rehearsal.account, display)
        return well


def _keep(account: Account, display: Display) -> None:
    show_exports(account, display)
    try:
        while account.process.poll() is None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        display.line("Ending the account.")


def _say_interrupted(display: Display) -> int:
    step = display.current
    place = f" in step {step.number} ({step.title})" if step else ""
    display.line(f"Interrupted{place}. Everything that was started has been ended; .rehearsal/last is as it was.")
    return INTERRUPTED
