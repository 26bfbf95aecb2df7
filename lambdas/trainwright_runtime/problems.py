"""What is wrong with a document, said so that its author can mend it: the one shape of every refusal."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Path = tuple[str | int, ...]

MISSING = "TW101"
UNKNOWN_FIELD = "TW102"
NOT_SUPPORTED = "TW103"
WRONG_TYPE = "TW104"
UNIT_MISSING = "TW105"
OUT_OF_RANGE = "TW106"
BOTH_FORMS = "TW107"
CONFLICT = "TW108"
NOT_A_DOCUMENT = "TW109"
EMPTY = "TW110"
DUPLICATE_KEY = "TW111"
UNQUOTED = "TW112"
NOT_WELL_FORMED = "TW113"
LOCAL_PATH = "TW114"
NOT_ALLOWED = "TW201"
RESERVED = "TW202"
NOT_PROVISIONED = "TW203"
REFUSED_BY_API_MODEL = "TW301"
TOO_LARGE = "TW302"
NO_SUCH_IMAGE = "TW303"
CONTRADICTION = "TW401"

_SHOWN_VALUE = 120
_SHOWN_NAME = 80
_KEPT_BYTES = 100_000
_CUT_NOTE = "... and {} more, left out because the list would pass {} characters"


@dataclass(frozen=True)
class Edit:
    """What applies a fix mechanically: at `path`, rename the field to `value` (a path), replace its value, or remove
    it."""

    op: Literal["rename", "replace", "remove"]
    path: Path
    value: Any = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        value = list(self.value) if self.op == "rename" else self.value
        return {"op": self.op, "path": list(self.path), "value": value}

    def __hash__(self) -> int:
        return hash((self.op, self.path))


@dataclass(frozen=True)
class Problem:
    """One thing wrong: where (`path`), what (`problem`), the value given, what is allowed, what to write instead.

    `value` is the value as its author would see it in JSON, cut to 120 characters; None where no value was given.
    `sure` says that the remedy can be applied without thinking (a typo with one near name, a missing unit); `edit` is
    then what applies it.
    """

    code: str
    path: Path
    problem: str
    value: str | None = None
    allowed: str | None = None
    remedy: str | None = None
    sure: bool = False
    edit: Edit | None = None

    @property
    def field(self) -> str:
        """The path as people write it: `compute.instance_type`, `inputs.train.s3_uri`; "(the document)" for the
        whole."""
        return dotted(self.path)

    def sentence(self) -> str:
        """The whole problem on one line, as the command line and the execution's Cause print it."""
        parts = [f"{self.code} {self.field}: {self.problem}"]
        parts += [f"given: {self.value}"] if self.value is not None else []
        parts += [f"allowed: {self.allowed}"] if self.allowed else []
        parts += [self.remedy] if self.remedy and not self.problem.endswith("?") else []
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The problem as JSON, every key always present."""
        return {
            "code": self.code,
            "field": self.field,
            "path": [_short(part) for part in self.path],
            "problem": self.problem,
            "value": self.value,
            "allowed": self.allowed,
            "remedy": self.remedy,
            "sure": self.sure,
            "edit": self.edit.to_dict() if self.edit else None,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Problem":
        """The inverse of `to_dict`, for problems read back from a run record."""
        known = {key: data.get(key) for key in ("code", "problem", "value", "allowed", "remedy")}
        return cls(path=tuple(data.get("path") or ()), sure=bool(data.get("sure")), **known)  # type: ignore[arg-type]


def dotted(path: Sequence[str | int]) -> str:
    """A path as text: names joined by dots, list positions in brackets."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_short(part)}" for part in path)
    return text.removeprefix(".") or "(the document)"


def shown(value: object) -> str:
    """A value as JSON for a message, cut to 120 characters; what JSON cannot carry (a date, say) as its text."""
    text = _sound(json.dumps(value, ensure_ascii=False, default=str, skipkeys=True))
    return text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}... ({len(text)} characters)"


def readable_list(problems: Iterable[Problem], limit: int = 32_000) -> str:
    """Every problem on a line of its own, cut at whole lines to `limit` characters; the last line says what was left
    out.

    Step Functions cuts nothing itself: an over-long Cause fails the state, so the list must fit.
    """
    lines = [f"- {problem.sentence()}" for problem in problems]
    heading = f"{len(lines)} problem{'s' if len(lines) != 1 else ''} in the run request:"
    room = limit - len(heading) - len(_CUT_NOTE) - 32
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > room:
            break
        kept.append(line)
    left_out = [_CUT_NOTE.format(len(lines) - len(kept), limit)] if len(kept) < len(lines) else []
    return "\n".join([heading, *kept, *left_out])


def _short(part: str | int) -> str | int:
    if isinstance(part, int):
        return part
    return _sound(part) if len(part) <= _SHOWN_NAME else f"{_sound(part[:_SHOWN_NAME])}..."


def _sound(text: str) -> str:
    """Without lone surrogates, which JSON can spell and nothing can encode."""
    return text.encode("utf-8", "replace").decode()


def kept(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """As many problems as a run record has room for, as JSON; the last entry says how many more there are."""
    entries: list[dict[str, Any]] = []
    room = _KEPT_BYTES
    for problem in problems:
        entry = problem.to_dict()
        room -= len(json.dumps(entry))
        if room < 0:
            break
        entries.append(entry)
    if more := len(problems) - len(entries):
        entries.append(Problem(NOT_A_DOCUMENT, (), f"{more} more problems are left out of this list").to_dict())
    return entries
