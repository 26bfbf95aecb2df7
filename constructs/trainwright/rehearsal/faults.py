"""What is made to go wrong in the rehearsal, as plain data.

The faults come with the server's configuration (key ``faults``). A name that is not known is refused with the nearest
one that is: a fault that is silently not injected proves nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Path = tuple[str | int, ...]


class FaultsError(ValueError):
    """The faults cannot be used; ``problems`` has one sentence for each thing that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


# A script writes progress.json after the checkpoint it is about; one that has not by then writes none.
PROGRESS_FOLLOWS_SECONDS = 1.0


class SpotInterruption(_Strict):
    """One host is taken back in the middle of a managed spot training job.

    ``after`` says when: ``checkpoint`` = at least one checkpoint is in S3 and, where the script writes a
    ``progress.json`` with a total, that much of the work is in S3 too (``fraction``, default one half); a script
    without one is interrupted a second after its first checkpoint, since the file follows the checkpoint; ``seconds`` =
    so many seconds in status Training; ``step`` = ``progress.json`` in S3 has reached that step. ``mode`` ``hard``
    kills the whole host and throws its files away: what was not yet uploaded is lost. ``times`` is how often each job
    meets it.
    """

    after: Literal["checkpoint", "seconds", "step"]
    seconds: float | None = Field(default=None, gt=0)
    step: int | None = Field(default=None, ge=0)
    fraction: float | None = Field(default=None, ge=0, le=1)
    mode: Literal["hard"] = "hard"
    times: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _has_what_it_waits_for(self) -> SpotInterruption:
        if self.after == "seconds" and self.seconds is None:
            raise ValueError("with after: seconds the field seconds is needed; write for example seconds: 5")
        if self.after == "step" and self.step is None:
            raise ValueError("with after: step the field step is needed; write for example step: 10")
        return self

    def is_due(
        self, *, training_seconds: float, checkpoint_seconds: float | None, step: int | None, total: int | None
    ) -> bool:
        """Whether the host goes now. ``step`` and ``total`` are what S3 has, not what the host has;
        ``checkpoint_seconds`` is for how long it has had a checkpoint (None: it has none).
        """
        if self.after == "seconds":
            return training_seconds >= (self.seconds or 0)
        if self.after == "step":
            return step is not None and step >= (self.step or 0)
        if checkpoint_seconds is None:
            return False
        if total is None:
            return checkpoint_seconds >= PROGRESS_FOLLOWS_SECONDS
        return step is not None and step >= (0.5 if self.fraction is None else self.fraction) * total


class Faults(_Strict):
    """All faults of one rehearsal; the default is none."""

    spot_interruptions: tuple[SpotInterruption, ...] = ()


def parse_faults(data: dict[str, Any]) -> Faults:
    """Read faults from plain data, as JSON or YAML gives it.

    Raises:
        FaultsError: naming each wrong field's path, its value and what may stand there.
    """
    problems = list(_unknown_names(data))
    try:
        parsed = Faults.model_validate(_tuples(data))
    except ValidationError as error:
        wrong = (item for item in error.errors() if item["type"] != "extra_forbidden")
        raise FaultsError(
            [*problems, *(_sentence(item["loc"], item["input"], item["msg"]) for item in wrong)]
        ) from None
    return parsed


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


def _unknown_names(data: dict[str, Any]) -> Iterator[str]:
    yield from _unknown_in(data, Faults, ())
    entries = data.get("spot_interruptions")
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield from _unknown_in(entry, SpotInterruption, ("spot_interruptions", index))


def _unknown_in(data: dict[str, Any], model: type[BaseModel], path: Path) -> Iterator[str]:
    known = list(model.model_fields)
    for name in data:
        if name not in known:
            nearest = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
            hint = f"did you mean {nearest[0]}?" if nearest else f"the names are: {', '.join(known)}"
            yield f"{_text((*path, name))}: there is no fault field of this name; {hint}"


def _sentence(path: Path, value: object, message: str) -> str:
    return f"{_text(path) or 'faults'}: {message.removeprefix('Value error, ')} (it is {value!r})"


def _text(path: Path) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".")
