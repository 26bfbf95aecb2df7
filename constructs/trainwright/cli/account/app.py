"""The options of `trainwright account`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwright.cli.account_flags import FaultsOption, ImageOption, PermissionsOption
from trainwright.cli.problems import exit_codes

app = typer.Typer(
    help="An AWS account in a process on this machine: open it, and use it with any AWS client.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command()
def up(  # noqa: PLR0917
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; 0 is any free port.")] = 0,
    cdk_app: Annotated[
        Path | None,
        typer.Option("--app", metavar="PATH", help="The CDK app: a folder or a file. Default: here, else ours."),
    ] = None,
    no_deploy: Annotated[bool, typer.Option("--no-deploy", help="Deploy nothing: an empty account.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Keep S3 objects and run records here for the next start. Default: forgotten."
        ),
    ] = None,
    python: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The Python that trains. Default: the active environment's.")
    ] = None,
    faults: FaultsOption = None,
    image: ImageOption = None,
    record_permissions: PermissionsOption = None,
) -> None:
    """Open an account on this machine, deploy the app into it, and serve any AWS client until Ctrl-C.

    Paste the printed `export` lines into another terminal: `trainwright run`, `list`, `stop`, the AWS CLI, boto3, CDK.

    No AWS account, no Docker, nothing to pay. Nothing goes wrong by itself: --faults says what does.

    With --data, S3 objects and run records are in DIR before anybody hears that they are written, and back at the next
    start, however this one ends.

    Runs that are under way at the end are stopped and keep their record and report; `trainwright list` begins anew.

    Exit codes: 130 Ctrl-C, 1 a step failed or the account broke, 2 bad input.

    Examples:

        trainwright account up

        trainwright account up --port 4566 --data .account
    """
    from trainwright.cli.account import command  # noqa: PLC0415 - help texts must come at once

    with exit_codes(consequence="Nothing was started."):
        raise typer.Exit(
            command.up(
                port=port,
                app=cdk_app,
                deploy=not no_deploy,
                data=data,
                python=python,
                faults=faults,
                images=image or [],
                record_permissions=record_permissions,
            )
        )
