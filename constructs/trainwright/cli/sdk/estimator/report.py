"""What is found while a document is read: problems that refuse it, and sentences for its author."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from trainwright.cli.sdk.objects import SdkRefusal
from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Path, Problem, shown


@dataclass
class Report:
    """Collects while one document is read."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refuse(
        self,
        path: Sequence[str | int],
        problem: str,
        *,
        code: str = codes.CONFLICT,
        allowed: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """The SDK raises here, or cannot be followed."""
        self.problems.append(Problem(code, tuple(path), problem, allowed=allowed, remedy=remedy))

    def wrong_type(self, path: Sequence[str | int], wanted: str, value: object) -> None:
        """A value of another kind than the SDK, or botocore after it, takes."""
        problem = Problem(codes.WRONG_TYPE, tuple(path), f"this is not {wanted}", value=shown(value), allowed=wanted)
        self.problems.append(problem)

    def warn(self, *sentences: str) -> None:
        """What the author should know, although the SDK sends the request."""
        self.warnings += [sentence for sentence in sentences if sentence not in self.warnings]

    def settle(self) -> None:
        """Raises when anything refuses the document."""
        if self.problems:
            raise SdkRefusal(list(dict.fromkeys(self.problems)))


def kwarg(name: str, *rest: str | int) -> Path:
    """The path of an estimator's keyword in the document."""
    return ("kwargs", name, *rest)


def listed(names: Iterable[object]) -> str:
    """Names for a sentence: `a, b and c`."""
    *first, last = map(str, names)
    return f"{', '.join(first)} and {last}" if first else last
