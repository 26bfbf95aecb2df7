"""`trainwright account up` from its options to its exit code."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from trainwright.cli.account import folder
from trainwright.cli.account.open import OpenAccount
from trainwright.cli.display import Display
from trainwright.cli.errors import BadInput, StepFailed
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse import synth
from trainwright.cli.rehearse.account import check_port
from trainwright.cli.rehearse.opening import Opening
from trainwright.cli.rehearse.options import AccountOptions, read
from trainwright.cli.rehearse.options.permissions import recorded
from trainwright.cli.rehearse.outcome import shown_path
from trainwright.cli.rehearse.session import (
    INTERRUPTED,
    as_failure,
    end_on_sigterm,
    forget_the_users_aws,
    show_failure,
)
from trainwright.cli.rehearse.settings import training_python
from trainwright.cli.rehearse.workspace import Workspace, opened


@dataclass(frozen=True)
class Settings:
    """An account that can be opened.

    Args:
        app: the CDK app to deploy; None for an empty account.
        python: the Python that trains.
        port: 0 for any free one.
        data: the folder that keeps objects and records between starts; None forgets them.
        home: the folder for logs and what is synthesised.
        options: of the account.
    """

    app: synth.App | None
    python: Path
    port: int
    data: Path | None
    home: Path
    options: AccountOptions


def up(
    *,
    port: int,
    app: Path | None,
    deploy: bool,
    data: Path | None,
    python: Path | None,
    faults: Path | None,
    images: list[str],
    record_permissions: Path | None,
) -> int:
    """The exit code: 130 when it was ended with Ctrl-C, 1 when a step was not true or the account broke.

    Raises BadInput for what can be known to be wrong before anything is started.
    """
    display = Display()
    end_on_sigterm()
    try:
        options = read(faults_file=faults, image=images, record_permissions=record_permissions, otherwise={})
        settings = settle(port=port, app=app, deploy=deploy, data=data, python=python, options=options)
        forget_the_users_aws()
        return _open(settings, display)
    except KeyboardInterrupt:
        display.line("The account has ended, and everything in it.")
        return INTERRUPTED


def settle(
    *,
    port: int,
    app: Path | None,
    deploy: bool,
    data: Path | None,
    python: Path | None,
    options: AccountOptions,
) -> Settings:
    """Check everything that can be checked by reading."""
    if not deploy:
        _check_empty(app, data)
    settings = Settings(
        app=synth.find_app(app) if deploy else None,
        python=training_python(python, is_sample=False),
        port=port,
        data=data.absolute() if data else None,
        home=Path(".rehearsal", "up").resolve(),
        options=options,
    )
    if settings.data:
        folder.check(settings.data)
    check_port(port)
    return settings


def _check_empty(app: Path | None, data: Path | None) -> None:
    if app:
        raise BadInput("--app and --no-deploy: choose one; with --no-deploy nothing is deployed")
    if data:
        raise BadInput("--data: objects are put back into what is deployed; leave --no-deploy out")


def _open(settings: Settings, display: Display) -> int:
    """1 when the account failed; Ctrl-C leaves as KeyboardInterrupt, when everything has ended."""
    with opened(settings.home, "account") as workspace:
        try:
            _serve(settings, workspace, display)
        except BadInput:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours must end like any other failed step
            _fail(as_failure(error, workspace), workspace, display)
        finally:
            for made in (workspace.account, workspace.assembly):
                shutil.rmtree(made, ignore_errors=True)
    return StepFailed.exit_code


def _serve(settings: Settings, workspace: Workspace, display: Display) -> None:
    kept = folder.opened(settings.data) if settings.data else nullcontext()
    with kept as data, Processes() as processes:
        opening = Opening(
            workspace,
            display,
            processes,
            port=settings.port,
            python=settings.python,
            options=replace(settings.options, keep=settings.data),
            seconds={},
        )
        with recorded(settings.options.record_permissions, opening.endpoint, display):
            OpenAccount(opening, settings.app, data, display, workspace).serve()


def _fail(failure: StepFailed, workspace: Workspace, display: Display) -> None:
    show_failure(failure, display)
    workspace.keep_account_logs()
    workspace.publish()
    display.line(f"The account has ended. Logs: {shown_path(workspace.file('logs'))}")
