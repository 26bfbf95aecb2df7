"""The real CDK CLI, pinned by package-lock.json and run by the wheel's own Node."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from trainwright import project
from trainwright.cli.environment import child_environment, node, npm
from trainwright.cli.errors import StepFailed
from trainwright.cli.processes import Processes

PINS = ("package.json", "package-lock.json")


def cdk(processes: Processes, spare: Path) -> list[str]:
    """The words that start the CDK CLI, installed the first time; `spare` is used where no cache can be written."""
    folder = _folder(spare)
    if not _is_installed(folder):
        _install(folder, processes)
    return [str(node()), str(folder / "node_modules" / "aws-cdk" / "bin" / "cdk")]


def is_ready(spare: Path) -> bool:
    """Whether `cdk` has nothing to fetch."""
    return _is_installed(_folder(spare))


def _folder(spare: Path) -> Path:
    """The checkout itself; for an installed wheel, a folder in the user's cache, one for each set of pins."""
    root = project.root()
    if root.name != "_project":
        return root
    pins = hashlib.sha256(b"".join((root / name).read_bytes() for name in PINS)).hexdigest()[:16]
    cache = os.environ.get("XDG_CACHE_HOME") or (f"{os.environ['HOME']}/.cache" if os.environ.get("HOME") else "")
    wanted = Path(cache, "trainwright", f"cdk-{pins}")
    if cache and _can_make(wanted):
        return wanted
    return spare / f"cdk-{pins}"


def _can_make(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _is_installed(folder: Path) -> bool:
    installed = folder / "node_modules" / "aws-cdk" / "package.json"
    return installed.is_file() and json.loads(installed.read_text(encoding="utf-8"))["version"] == _pinned()


def _pinned() -> str:
    return str(json.loads(project.path("package.json").read_text(encoding="utf-8"))["devDependencies"]["aws-cdk"])


def _install(folder: Path, processes: Processes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if folder != project.root():
        for name in PINS:
            shutil.copyfile(project.path(name), folder / name)
    env = child_environment()
    if not os.access(env.get("HOME") or "/nonexistent", os.W_OK):
        env["npm_config_cache"] = str(folder / ".npm")
    words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional", "--no-update-notifier"]
    with tempfile.TemporaryFile("w+") as output:
        process = processes.start([*npm(), *words], env=env, cwd=folder, stdout=output, stderr=output)
        if process.wait() != 0:
            output.seek(0)
            raise StepFailed(
                "npm could not install the CDK CLI",
                "Is a package index reachable? npm reads its settings from ~/.npmrc and npm_config_* variables.",
                output.read().splitlines()[-12:],
            )
