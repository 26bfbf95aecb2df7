"""What an SDK call was given, as JSON: an object is `{"$": "module:callable", "*": [positional, ...], KEYWORD: ...}`,
and so are those inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainwright_runtime.problems import Problem


class SdkRefusal(ValueError):
    """A document that describes no SDK call this version knows, or one that must be refused; holds every problem."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(problem.sentence() for problem in problems))


@dataclass(frozen=True)
class Rendered:
    """The CreateTrainingJob request that the SDK would send, and what AWS would refuse or ignore of it."""

    request: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Imported:
    """A run request that renders the same, and what of the SDK's call it could not carry, a sentence each."""

    run: dict[str, Any]
    not_carried: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SdkObject:
    """An object of the SDK's that was made with these arguments: `sagemaker.inputs:TrainingInput`."""

    callable: str
    positional: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The class or function without its module: `TrainingInput`, `ProfilerRule.sagemaker`."""
        return self.callable.rpartition(":")[2]


def read_objects(value: Any) -> Any:
    """`value` with every `{"$": ...}` mapping made an SdkObject, at any depth."""
    if isinstance(value, list):
        return [read_objects(entry) for entry in value]
    if not isinstance(value, Mapping):
        return value
    if not isinstance(value.get("$"), str):
        return {key: read_objects(entry) for key, entry in value.items()}
    positional = value.get("*", [])
    keywords = {key: read_objects(entry) for key, entry in value.items() if key not in ("$", "*")}
    return SdkObject(value["$"], tuple(read_objects(positional) if isinstance(positional, list) else ()), keywords)
