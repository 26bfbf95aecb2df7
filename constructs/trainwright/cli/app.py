"""The commands, their options and their exit codes: 0 well, 1 a step or a run failed, 2 bad input, 130 Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import trainwright
from trainwright.cli.account.app import app as account
from trainwright.cli.account_flags import FaultsOption, ImageOption, PermissionsOption
from trainwright.cli.problems import exit_codes, printable

app = typer.Typer(
    help="A SageMaker training platform from CDK constructs, and its rehearsal on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

OFFLINE, DEPLOYED, LOCAL = "Look at a request (offline)", "Run on a deployed team (AWS)", "Rehearse on this machine"
NOTHING_STARTED = "Nothing was started."
app.add_typer(account, name="account", rich_help_panel=LOCAL)

RequestFile = Annotated[
    Path, typer.Argument(metavar="REQUEST", help="A run request, YAML or JSON; - is standard input.")
]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--team", "--policy", metavar="FILE", help="The team's policy, to check against and to fill in."),
]
Region = Annotated[
    str | None,
    typer.Option(metavar="REGION", help="Of images and addresses. Default: AWS_REGION, else us-east-1."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="A field in place of the file's: compute.spot=true. Repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output, problems too.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse what would only be warned of.")]
Team = Annotated[
    str | None,
    typer.Option(metavar="NAME", envvar="TRAINWRIGHT_TEAM", help="The deployed team. Default: the only one."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Estimator = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What an SDK v2 estimator was given, as JSON; - is standard input.")
]
Trainer = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What an SDK v3 ModelTrainer was given, as JSON; - likewise.")
]


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if show:
        typer.echo(f"trainwright {trainwright.__version__}")
        raise typer.Exit


@app.command(rich_help_panel=OFFLINE)
def render(  # noqa: PLR0917 - typer passes them by name
    request: Annotated[
        Path | None, typer.Argument(metavar="REQUEST", help="A run request, YAML or JSON; - is standard input.")
    ] = None,
    estimator: Estimator = None,
    trainer: Trainer = None,
    team: PolicyFile = None,
    region: Region = None,
    settings: Set = None,
    why: Annotated[bool, typer.Option("--why", help="Each field, its value and who set it.")] = False,
    canonical: Annotated[bool, typer.Option("--canonical", help="The request itself, in the API's names.")] = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Show what a run request comes to: each attempt's CreateTrainingJob request, and the warnings. Nothing is sent.

    Without --team, a sample team in account 123456789012 stands in.

    With --estimator or --trainer, the request is the one that the SageMaker Python SDK would send.

    Examples:

        trainwright render run.yaml --team teams/vision.yaml

        trainwright render run.yaml --why --set compute.instance_count=2

        trainwright render --estimator estimator.json --strict
    """
    with exit_codes(as_json=as_json):
        if request is None:
            _only_for_requests(team, region, settings, why, canonical)
            _one_of(estimator, trainer, "REQUEST, --estimator FILE or --trainer FILE")
            from trainwright.cli import sdk_documents  # noqa: PLC0415 - here and below: help texts must come at once

            typer.echo(sdk_documents.render(estimator=estimator, trainer=trainer, strict=strict))
            return
        if estimator or trainer or (why and canonical):
            raise typer.BadParameter(
                "choose one of REQUEST, --estimator and --trainer, and one of --why and --canonical"
            )
        from trainwright.cli import rendering, requests  # noqa: PLC0415

        policy = requests.read_policy(team) if team else None
        where = rendering.region_of(region)
        checked, planned = rendering.read(request, policy, settings or [], where, strict=strict)
        note = rendering.note_on_source(checked)
        if why:
            answer = rendering.why(checked, as_json=as_json)
        elif canonical:
            answer = rendering.long_names(checked, as_json=as_json)
        else:
            answer = rendering.attempts(checked, planned)
        _answer(answer, note)


@app.command(name="input", rich_help_panel=OFFLINE)
def input_(
    request: RequestFile, team: PolicyFile = None, settings: Set = None, region: Region = None, as_json: AsJson = False
) -> None:
    """Check a run request and print it as the JSON that starts an execution.

    A local source_dir is packed, and its address printed in its place; `trainwright run` uploads it.
    """
    from trainwright.cli import rendering, requests  # noqa: PLC0415

    with exit_codes(as_json=as_json):
        policy = requests.read_policy(team) if team else None
        checked, _ = rendering.read(request, policy, settings or [], rendering.region_of(region))
        _answer(rendering.execution_input(checked), rendering.note_on_source(checked))


@app.command(name="import", rich_help_panel=OFFLINE)
def import_(estimator: Estimator = None, trainer: Trainer = None, as_json: AsJson = False) -> None:
    """Turn what the SageMaker Python SDK was given into a run request, printed as YAML.

    What could not be carried stands in comments on top, and on standard error.

    Example:

        trainwright import --estimator estimator.json > run.yaml
    """
    with exit_codes(as_json=as_json):
        _one_of(estimator, trainer, "--estimator FILE or --trainer FILE")
        from trainwright.cli import sdk_documents  # noqa: PLC0415

        text, not_carried = sdk_documents.to_run(estimator=estimator, trainer=trainer)
        typer.echo(text)
        for line in not_carried:
            typer.echo(f"not carried: {printable(line)}", err=True)


@app.command(rich_help_panel=OFFLINE)
def explain(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="Such as TW102. Left out: all of them.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say more about a problem's code: what it means, with an example."""
    from trainwright.cli import explaining  # noqa: PLC0415

    with exit_codes(as_json=as_json):
        typer.echo(explaining.code(code) if code else explaining.every_code())


@app.command(rich_help_panel=OFFLINE)
def diagnose(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A text, or JSON lines. Left out or -: standard input.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why a training job failed, whether to try again and what to do, from what SageMaker or the log said.

    A text is diagnosed whole; of JSON lines, {"id", "text", "surface"}, each is.

    `surface` says where the text is from, such as FailureReason.

    With --json the answers are lines too: {"id", "label", "retry", "remedy"}.

    Exit codes: 0 all were read, 2 a line was no case (the others are answered).

    Examples:

        trainwright diagnose failure.txt

        trainwright diagnose --json < failures.jsonl
    """
    from trainwright.cli import diagnosing  # noqa: PLC0415

    with exit_codes(as_json=as_json):
        raise typer.Exit(diagnosing.command(file, as_json=as_json))


@app.command(rich_help_panel=OFFLINE)
def instances(
    workload: Annotated[
        str, typer.Option(metavar="KIND", help="prototype, one-gpu, multi-gpu, cpu or tuning.")
    ] = "prototype",
    as_json: AsJson = False,
) -> None:
    """Recommend instance types for a kind of work, with price, memory and accelerators."""
    from trainwright.cli import instances as recommended  # noqa: PLC0415

    with exit_codes(as_json=as_json):
        raise typer.Exit(recommended.command(workload, as_json))


@app.command(rich_help_panel=DEPLOYED)
def run(
    request: Annotated[
        Path | None, typer.Argument(metavar="REQUEST", help="A run request, YAML or JSON; - is standard input.")
    ] = None,
    again: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="What an earlier run asked for, by its id, in place of a REQUEST."),
    ] = None,
    settings: Set = None,
    team: Team = None,
    yes: Yes = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Do not watch; leave once it has started.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start a run and watch it: check, show plan and price, ask, upload the source, start.

    Ctrl-C ends the watching and leaves the run alone.

    AWS is what AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL say.

    Exit codes: 0 it succeeded (with --detach: it started), 1 it failed, 2 it was refused, 130 Ctrl-C.

    Examples:

        trainwright run run.yaml

        trainwright run run.yaml --set hyperparameters.epochs=1 --yes --detach

        trainwright run --again vision-0123456789 --set hyperparameters.epochs=20
    """
    from trainwright.cli.runs import start  # noqa: PLC0415
    from trainwright.cli.runs.again import Again  # noqa: PLC0415

    with exit_codes(as_json=as_json, consequence=NOTHING_STARTED):
        if (request is None) == (again is None):
            raise typer.BadParameter("give one of REQUEST and --again RUN")
        try:
            wanted = request or Again(again or "")
            code = start.run(wanted, settings=settings or [], team=team, yes=yes, detach=detach, as_json=as_json)
        except (KeyboardInterrupt, typer.Abort):
            typer.echo(f"\nInterrupted. {NOTHING_STARTED}", err=True)
            code = start.INTERRUPTED
        raise typer.Exit(code)


@app.command(name="list", rich_help_panel=DEPLOYED)
def list_(
    team: Team = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List a team's runs, newest first."""
    from trainwright.cli.runs import lists  # noqa: PLC0415

    with exit_codes(as_json=as_json):
        raise typer.Exit(lists.show(team=team, most=limit, as_json=as_json))


@app.command(rich_help_panel=DEPLOYED)
def report(
    named: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run's id (vision-0123456789), its name (the last one), or its execution's name or ARN. "
            "Left out: the run that ended last.",
        ),
    ] = None,
    team: Team = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page into this file.")] = None,
    presign: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Print a link that anybody can read the page with, for so long (30m, 1h; 7d at most).",
        ),
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open it in the AWS console.")] = False,
) -> None:
    """Say where a run's report is, fetch it, or make a link to it.

    trainwright report digits --output report.html
    """
    from trainwright.cli.runs import report as reports  # noqa: PLC0415

    with exit_codes():
        raise typer.Exit(reports.show(named, team=team, output=output, presign=presign, browse=browse))


@app.command(rich_help_panel=DEPLOYED)
def stop(
    named: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id (vision-0123456789), or its execution's name or ARN.")
    ],
    team: Team = None,
    yes: Yes = False,
) -> None:
    """Stop a run: its job is stopped, and it still gets its record and its report. Checkpoints stay."""
    from trainwright.cli.runs import stop as stopping  # noqa: PLC0415

    with exit_codes(consequence="Nothing was stopped."):
        raise typer.Exit(stopping.stop(named, team=team, yes=yes))


@app.command(rich_help_panel=LOCAL)
def rehearse(  # noqa: PLR0917
    run: Annotated[
        Path | None, typer.Argument(metavar="REQUEST", help="A run request. Left out: the sample, handwritten digits.")
    ] = None,
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
    faults: FaultsOption = None,
    image: ImageOption = None,
    record_permissions: PermissionsOption = None,
) -> None:
    """Synthesise, deploy and run on this machine: no AWS account, no Docker, nothing to pay.

    What it leaves is in .rehearsal/last: summary.json, the run report, the model, the logs.
    """
    from trainwright.cli.rehearse import command  # noqa: PLC0415

    with exit_codes(consequence=NOTHING_STARTED):
        code = command.run(
            run,
            python=python,
            puts=put or [],
            team=team,
            policy=policy,
            app=cdk_app,
            port=port,
            keep=keep,
            faults=faults,
            images=image or [],
            record_permissions=record_permissions,
        )
        raise typer.Exit(code)


def _answer(answer: str, note: str | None) -> None:
    typer.echo(answer)
    if note:
        typer.echo(note, err=True)


def _one_of(estimator: Path | None, trainer: Path | None, what: str) -> None:
    if (estimator is None) == (trainer is None):
        raise typer.BadParameter(f"give one of {what}")


def _only_for_requests(*options: object) -> None:
    if any(options):
        raise typer.BadParameter("--team, --region, --set, --why and --canonical are for run requests")
