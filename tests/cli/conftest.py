"""The command, run inside this process."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from trainwright.cli.app import app

Invoke = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the working folder, and no settings of the user's."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "TRAINWRIGHT_TEAM"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def invoke(here: Path) -> Invoke:
    """Runs `trainwright` with these words; text of standard input as `stdin`."""

    def run(*words: str, stdin: str = "") -> Result:
        result = CliRunner().invoke(app, list(words), input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def problems_in(result: Result) -> list[dict]:
    """What `--json` says is wrong."""
    assert result.exit_code == 2, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)["problems"]
