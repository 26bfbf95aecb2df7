"""What ends a command: each carries what to print and the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainwright.cli.problems import Located


class BadInput(Exception):
    """Something the user gave is wrong, found before anything was started: exit code 2.

    Args:
        problems: one each; those of a document know their place, others are a line that begins with what is wrong:
            ``--put sales=x: write data://PREFIX/=FOLDER``.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[str | Located] | str) -> None:
        self.problems: list[str | Located] = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class StepFailed(Exception):
    """A step of a rehearsal is not true: exit code 1.

    Args:
        why: what was expected and what was found, in one or two sentences.
        remedy: what to do about it, or "".
        details: lines to show below, such as the end of a log.
    """

    exit_code = 1

    def __init__(self, why: str, remedy: str = "", details: Iterable[str] = ()) -> None:
        self.why = why
        self.remedy = remedy
        self.details = list(details)
        super().__init__(why)


class AwsFailed(Exception):
    """AWS could not be reached or refused a call, said in one sentence: exit code 1."""

    exit_code = 1
