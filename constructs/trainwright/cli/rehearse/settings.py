"""What a rehearsal was asked for, checked before anything starts."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from trainwright import project
from trainwright.cli import images, imports, requests
from trainwright.cli.errors import BadInput
from trainwright.cli.rehearse import data, synth
from trainwright.cli.rehearse.account import check_port
from trainwright.cli.rehearse.options import AccountOptions
from trainwright.cli.source import Source
from trainwright_runtime import problems as codes
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.problems import Problem

SAMPLE = ("examples", "digits", "run.yaml")


@dataclass(frozen=True)
class Settings:
    """A rehearsal that can begin.

    Args:
        request: the run request.
        is_sample: the main job, which brings its own data and its own measure of success.
        app: the CDK app to synthesise.
        python: the Python that trains and scores.
        puts: what goes into the data bucket.
        team: the team to run as; None for the only one.
        port: of the embedded account; 0 for any free one.
        keep: keep the account up at the end until Ctrl-C.
        home: the folder `.rehearsal`.
        options: of the embedded account.
    """

    request: requests.RunRequest
    is_sample: bool
    app: synth.App
    python: Path
    puts: list[data.Put]
    team: str | None
    port: int
    keep: bool
    home: Path
    options: AccountOptions


def settle(
    request_file: Path | None,
    *,
    python: Path | None,
    puts: list[str],
    team: str | None,
    policy: Path | None,
    app: Path | None,
    port: int,
    keep: bool,
    options: AccountOptions,
) -> Settings:
    """Check everything that can be checked by reading; BadInput lists what is wrong."""
    is_sample = request_file is None
    found = synth.find_app(app)
    settings = Settings(
        request=requests.read(request_file or project.path(*SAMPLE), _policy(policy, found, team)),
        is_sample=is_sample,
        app=found,
        python=training_python(python, is_sample=is_sample),
        puts=[data.read_put(text) for text in puts],
        team=team,
        port=port,
        keep=keep,
        home=Path(".rehearsal").resolve(),
        options=options,
    )
    _check_inputs(settings)
    _check_imports(settings)
    check_port(port)
    return settings


def _policy(given: Path | None, app: synth.App, team: str | None) -> TeamPolicy | None:
    """The one that is named, else `teams/NAME.yaml` beside the app, else the only one there."""
    if given:
        return requests.read_policy(given)
    files = sorted((app.file or app.folder).parent.joinpath("teams").glob(f"{team or '*'}.yaml"))
    return requests.read_policy(files[0]) if len(files) == 1 else None


def training_python(given: Path | None, *, is_sample: bool) -> Path:
    """The one that is named, else the active environment's, else ours, which alone surely has what the sample needs."""
    if given:
        if not given.is_file():
            raise BadInput(f"--python {given}: there is no such file; write the path of a Python, as .venv/bin/python")
        return given.absolute()  # not resolved: a virtual environment's python is a link, and its place is its meaning
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if active and not is_sample and (found := Path(active, "bin", "python")).is_file():
        return found
    return Path(sys.executable)


def _check_inputs(settings: Settings) -> None:
    if settings.is_sample:
        return
    document = settings.request.document
    problems = [
        document.located(
            Problem(
                codes.MISSING,
                ("inputs", name),
                f"nothing lies under data://{prefix} in a new account",
                remedy=f"put files there: --put data://{prefix}=FOLDER",
            )
        )
        for name, prefix in data.empty_inputs(settings.request.value, settings.puts)
    ]
    if problems:
        raise BadInput(problems)


def _check_imports(settings: Settings) -> None:
    """The scripts that will start: the user's own, or those of the image that the request names, when the app builds it
    from a folder.
    """
    app, request = settings.app, settings.request
    folders = images.folders(app.file, app.folder) if app.file else {}
    folder = folders.get(request.checked.resolved.image or "")
    if request.source:
        problems = _missing_in_source(request, request.source, settings.python, [folder] if folder else [])
    else:
        problems = imports.missing(folder, settings.python) if folder else []
    if problems:
        raise BadInput(problems)


def _missing_in_source(request: requests.RunRequest, source: Source, python: Path, beside: list[Path]) -> list[str]:
    """Nothing is known of what requirements bring along."""
    script = request.checked.resolved.get("source_code", "entry_script")
    named = request.checked.resolved.get("source_code", "requirements")
    if script is None or not script.endswith(".py") or (source.folder / (named or "requirements.txt")).is_file():
        return []
    return imports.missing(source.folder, python, scripts=[source.folder / script], beside=beside)
