"""Which part may know which: the rules of ARCHITECTURE.md that keep a misunderstanding from agreeing with itself."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "constructs" / "trainwright"
RUNTIME = ROOT / "lambdas" / "trainwright_runtime"
AWS_CLIENTS = {"boto3", "botocore", "aws_lambda_powertools", "urllib.request", "socket", "requests"}


def imported(file: Path) -> set[str]:
    """Every module that a file imports, wherever in it, with all its parents."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {".".join(name.split(".")[: count + 1]) for name in names for count in range(name.count(".") + 1)}


def files(folder: Path, *, without: tuple[str, ...] = ()) -> list[Path]:
    found = [file for file in sorted(folder.rglob("*.py")) if file.relative_to(folder).parts[0] not in without]
    assert found, f"no files in {folder}: a rule over nothing is no rule"
    return found


RULES = {
    "the runtime knows neither the CDK nor the library": (files(RUNTIME), {"aws_cdk", "constructs", "trainwright"}),
    "constructs know neither the rehearsal nor the command line": (
        files(LIBRARY, without=("rehearsal", "cli")),
        {"trainwright.rehearsal", "trainwright.cli", "moto"},
    ),
    "the rehearsal knows neither the runtime nor the constructs": (
        files(LIBRARY / "rehearsal"),
        {"aws_cdk", "constructs", "trainwright_runtime", "trainwright.cli"},
    ),
    "the command line starts the rehearsal and does not load what it is made of": (
        files(LIBRARY / "cli"),
        {"aws_cdk", "moto"},
    ),
    "the brain does no input or output": (files(RUNTIME, without=("handlers",)), AWS_CLIENTS),
    "trainkit needs the standard library alone": (
        files(ROOT / "training_image" / "trainkit"),
        {"numpy", "sklearn", "joblib", "torch", "boto3", "trainwright", "trainwright_runtime"},
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule: str) -> None:
    checked, forbidden = RULES[rule]
    broken = {str(file.relative_to(ROOT)): sorted(imported(file) & forbidden) for file in checked}
    assert {file: names for file, names in broken.items() if names} == {}


# What a person writes or keeps must be judged in the same words before the account starts and in it.
FORMATS = (
    "trainwright.rehearsal.config",
    "trainwright.rehearsal.faults",
    "trainwright.rehearsal.jobs.images",
    "trainwright.rehearsal.keeping.folder",
)


def test_the_command_line_knows_no_more_of_the_rehearsal_than_its_file_formats() -> None:
    def is_format(name: str) -> bool:
        return any(f"{known}.".startswith(f"{name}.") or name.startswith(f"{known}.") for known in FORMATS)

    names = {name for file in files(LIBRARY / "cli") for name in imported(file)}
    used = {name for name in names if name.startswith("trainwright.rehearsal")}
    assert used and {name for name in used if not is_format(name)} == set()


def test_the_rehearsal_takes_nothing_of_the_library_but_its_own() -> None:
    own = {"trainwright", "trainwright.rehearsal"}
    foreign = {
        name
        for file in files(LIBRARY / "rehearsal")
        for name in imported(file)
        if name.startswith("trainwright") and name not in own and not name.startswith("trainwright.rehearsal.")
    }
    assert foreign == set()


def test_importing_the_library_starts_neither_the_cdk_nor_the_embedded_account() -> None:
    program = "import trainwright, trainwright.cli, json, sys; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
    assert {"aws_cdk", "jsii", "moto", "boto3", "typer"} & set(loaded) == set()


def test_constructs_is_no_package() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists(), "it would shadow the library `constructs`"
