"""A run request from a file, checked with the very code that Prepare runs: every problem with its line and column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwright.cli import yaml
from trainwright.cli.errors import BadInput
from trainwright_runtime import request as runtime
from trainwright_runtime.policy import PolicyError, TeamPolicy
from trainwright_runtime.problems import Problem


@dataclass(frozen=True)
class RunRequest:
    """A request that passed its check, and where it came from."""

    file: Path
    value: dict[str, Any]
    document: yaml.Document

    @property
    def score_script(self) -> Path | None:
        """The script that scores the model, beside the request; None when it names none."""
        name = self.value.get("score")
        return self.file.parent / name if name else None


def read(file: Path, policy: TeamPolicy | None = None) -> RunRequest:
    """Read and check a request; BadInput lists all problems as ``run.yaml:7:3 compute.instance_type: ...``.

    With the team's policy, what it does not allow is refused too, and what it fills may be left out.
    """
    document = yaml.read(file)
    checked = runtime.check(document.value, policy)
    if isinstance(checked, list):
        ordered = sorted(checked, key=lambda problem: document.place(problem.path))
        raise BadInput(_line(document, problem) for problem in ordered)
    request = RunRequest(file, document.value, document)
    if request.score_script and not request.score_script.is_file():
        raise BadInput(f"{document.where(('score',))} score: there is no {request.score_script}")
    return request


def read_policy(file: Path) -> TeamPolicy:
    """A team policy; BadInput with its problems."""
    try:
        return TeamPolicy.from_file(file)
    except PolicyError as error:
        raise BadInput([f"{file}: {problem.sentence()}" for problem in error.problems]) from error
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from error


def _line(document: yaml.Document, problem: Problem) -> str:
    """The problem as Prepare would say it, with its place before it and its code behind."""
    said = problem.sentence().removeprefix(f"{problem.code} ")
    return f"{document.where(problem.path)} {said} [{problem.code}]"
