"""Step 1: the app becomes templates, with the real aws-cdk-lib, run as the CDK CLI would run it."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwright import project
from trainwright.cli.environment import child_environment
from trainwright.cli.errors import BadInput, StepFailed
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.account import ACCOUNT_ID, REGION

# Context that the CDK CLI adds to every app's (aws-cdk, `cxapp/exec.ts`), so that templates come out the same.
CLI_CONTEXT = {
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:bundling-stacks": ["**"],
}
ANYWHERE = ("unknown-account", "unknown-region")


@dataclass(frozen=True)
class App:
    """A CDK app: a line for the shell, the folder it is run in, its context, and its file if it is Python."""

    command: str
    folder: Path
    context: dict[str, Any]
    file: Path | None


@dataclass(frozen=True)
class Assembly:
    """What an app was synthesised to."""

    folder: Path
    stacks: list[str]
    resources: int
    environment: tuple[str, str] | None


def find_app(given: Path | None) -> App:
    """The app named by --app, else the one in the working folder, else the one that comes with trainwright."""
    if given and given.is_file():
        return _python_app(given.resolve(), given.resolve().parent)
    folder = (given or Path()).resolve()
    if command := _command(folder):
        return App(command, folder, _context(folder), _python_file(command, folder))
    if given:
        raise BadInput(f"--app {given}: there is no cdk.json that names an app, and no app.py")
    # In the working folder all the same: a `training_image` there is taken in place of the sample's.
    return _python_app(project.path("app.py"), folder)


def synthesise(app: App, target: Path, log: Path, processes: Processes) -> Assembly:
    """Run the app; StepFailed with the end of what it said when it fails."""
    shutil.rmtree(target, ignore_errors=True)
    context = CLI_CONTEXT | app.context
    env = child_environment() | {
        "CDK_OUTDIR": str(target),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_DEFAULT_ACCOUNT": ACCOUNT_ID,
        "CDK_DEFAULT_REGION": REGION,
    }
    with log.open("w") as output:
        # The user's own line from the user's own cdk.json, run by a shell as the CDK CLI runs it.
        shell = ["/bin/sh", "-c", app.command]
        process = processes.start(shell, env=env, cwd=app.folder, stdout=output, stderr=output)
        process.wait()
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()
    if process.returncode != 0:
        raise StepFailed(f"`{app.command}` ended with exit code {process.returncode}", details=said[-25:])
    return _read(target, app)


def _python_app(file: Path, folder: Path) -> App:
    return App(f"python {shlex.quote(str(file))}", folder, _context(file.parent), file)


def _python_file(command: str, folder: Path) -> Path | None:
    files = [folder / word for word in shlex.split(command) if word.endswith(".py")]
    return next((file for file in files if file.is_file()), None)


def _command(folder: Path) -> str | None:
    settings = folder / "cdk.json"
    if settings.is_file():
        command = _json(settings).get("app")
        if isinstance(command, str) and command:
            return command
    return "python app.py" if (folder / "app.py").is_file() else None


def _context(folder: Path) -> dict[str, Any]:
    """cdk.context.json holds what was looked up before and wins, as in the CDK CLI."""
    files = [folder / "cdk.json", folder / "cdk.context.json"]
    settings, looked_up = (_json(file) if file.is_file() else {} for file in files)
    return dict(settings.get("context", {})) | looked_up


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{file}: is not valid JSON: {error}") from error
    return content if isinstance(content, dict) else {}


def _read(folder: Path, app: App) -> Assembly:
    if not (folder / "manifest.json").is_file():
        raise StepFailed(f"`{app.command}` wrote no cloud assembly", "Call app.synth() at the end of the app.")
    manifest = _json(folder / "manifest.json")
    if missing := manifest.get("missing"):
        keys = ", ".join(sorted(item["key"] for item in missing))
        raise StepFailed(
            f"the app looks things up in an AWS account: {keys}",
            "Run `cdk synth` once against your account: what it finds goes to cdk.context.json, which is read here.",
        )
    stacks = list(_stacks(folder, manifest))
    return Assembly(
        folder=folder,
        stacks=[name for name, _, _ in stacks],
        resources=sum(_resources(template) for _, template, _ in stacks),
        environment=_environment([environment for _, _, environment in stacks]),
    )


def _stacks(folder: Path, manifest: dict[str, Any]) -> list[tuple[str, Path, str]]:
    """Name, template and environment of every stack, those of nested assemblies (stages) included."""
    found: list[tuple[str, Path, str]] = []
    for name, artifact in manifest.get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "aws:cloudformation:stack":
            found.append(
                (properties.get("stackName", name), folder / properties["templateFile"], artifact["environment"])
            )
        elif artifact["type"] == "cdk:cloud-assembly":
            inner = folder / properties["directoryName"]
            found += _stacks(inner, _json(inner / "manifest.json"))
    return found


def _resources(template: Path) -> int:
    return len(_json(template).get("Resources", {}))


def _environment(given: list[str]) -> tuple[str, str] | None:
    """The account and region that the app insists on, None where it leaves both open."""
    named = {tuple(text.removeprefix("aws://").split("/")) for text in given} - {ANYWHERE}
    if len(named) > 1:
        shown = ", ".join(f"{account} in {region}" for account, region in sorted(named))
        raise StepFailed(f"the app deploys to more than one environment: {shown}", "Rehearse one of them with --app.")
    if not named:
        return None
    account, region = named.pop()
    return (account.replace(ANYWHERE[0], ACCOUNT_ID), region.replace(ANYWHERE[1], REGION))
