"""The commands, their options and their exit codes: 0 well, 1 a step failed, 2 bad input, 130 Ctrl-C."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import trainwright
from trainwright.cli.errors import BadInput

app = typer.Typer(
    help="A SageMaker training platform from CDK constructs, and its rehearsal on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

RequestFile = Annotated[Path, typer.Argument(metavar="RUN.yaml", help="A run request.", show_default=False)]
PolicyFile = Annotated[Path | None, typer.Option(metavar="FILE", help="The team's policy, to check against.")]
OptionalRequestFile = Annotated[
    Path | None, typer.Argument(metavar="RUN.yaml", help="A run request. Left out: the sample, handwritten digits.")
]


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if show:
        typer.echo(f"trainwright {trainwright.__version__}")
        raise typer.Exit


@app.command(name="input")
def input_(run: RequestFile, policy: PolicyFile = None) -> None:
    """Check RUN.yaml and print it as the JSON that starts an execution."""
    from trainwright.cli import requests  # noqa: PLC0415 - not needed to print help

    try:
        request = requests.read(run, requests.read_policy(policy) if policy else None)
        typer.echo(json.dumps(request.value, indent=2, ensure_ascii=False))
    except BadInput as error:
        _refuse(error, "Nothing was printed.")


@app.command()
def rehearse(  # noqa: PLR0917 - typer passes them by name
    run: OptionalRequestFile = None,
    python: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The Python that trains. Default: the active environment's.")
    ] = None,
    put: Annotated[
        list[str] | None, typer.Option(metavar="data://PREFIX/=FOLDER", help="Files for the data bucket. Repeatable.")
    ] = None,
    team: Annotated[str | None, typer.Option(metavar="NAME", help="The team to run as. Default: the only one.")] = None,
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The team's policy. Default: teams/NAME.yaml beside the app."),
    ] = None,
    cdk_app: Annotated[
        Path | None,
        typer.Option("--app", metavar="PATH", help="The CDK app: a folder or a file. Default: here, else ours."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the embedded account; 0 is any free one.")] = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the account up at the end, until Ctrl-C.")] = False,
) -> None:
    """Synthesise, deploy and run on this machine: no AWS account, no Docker, nothing to pay.

    What it leaves is in .rehearsal/last: summary.json, the run report, the model, the logs.
    """
    from trainwright.cli.rehearse import command  # noqa: PLC0415 - boto3 and the rest are not needed to print help

    try:
        code = command.run(
            run, python=python, puts=put or [], team=team, policy=policy, app=cdk_app, port=port, keep=keep
        )
    except BadInput as error:
        _refuse(error, "Nothing was started.")
    raise typer.Exit(code)


def _refuse(error: BadInput, consequence: str) -> NoReturn:
    for problem in error.problems:
        typer.echo(problem, err=True)
    count = len(error.problems)
    typer.echo(f"{count} problem{'' if count == 1 else 's'}. {consequence}", err=True)
    raise typer.Exit(error.exit_code)
