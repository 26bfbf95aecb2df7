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
NO_SUCH_INPUT = "TW304"
DOES_NOT_FIT = "TW305"
QUOTA_TOO_SMALL = "TW306"
OVER_BUDGET = "TW307"
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


@dataclass(frozen=True)
class Explanation:
    """What a code means, for people: a title, what to do, and an example."""

    title: str
    text: str
    example: str


CATALOGUE: dict[str, Explanation] = {
    MISSING: Explanation(
        "a field is missing",
        "Neither the run request nor the team's policy says it, and there is no default that would be right. Write it, "
        "or ask the platform team for a default in the policy.",
        "compute.instance_type: this is missing; write one, for instance instance_type: ml.m5.large",
    ),
    UNKNOWN_FIELD: Explanation(
        "an unknown field",
        "No field of this name stands in this section. Unknown fields are refused, because one that is passed over in "
        "silence is found out on AWS. Names are the SageMaker SDK v3's or a short form of them; those of the SDK v2 "
        "are recognised and lead to the right one.",
        "compute.instace_type: unknown field; did you mean instance_type?",
    ),
    NOT_SUPPORTED: Explanation(
        "a field that is not supported yet",
        "The field is understood but nothing is built for it. Leave it out.",
        "limits.deadline: not supported yet: deadlines; leave the line out",
    ),
    WRONG_TYPE: Explanation(
        "a value of the wrong type",
        "A number, text, a list, a section or true/false is wanted here, and something else is given. In YAML, quotes "
        "make text of anything.",
        'compute.instance_count: this is text; given: "2"; allowed: a whole number; write 2',
    ),
    UNIT_MISSING: Explanation(
        "a duration or size without its unit",
        "Short forms take a number with its unit (30m, 6h, 200 GB), so that nobody has to know that the API counts "
        "seconds. The long names take the API's bare numbers: stopping_condition.max_runtime_in_seconds: 21600.",
        "compute.volume: a number without its unit; given: 200; write 200 GB",
    ),
    OUT_OF_RANGE: Explanation(
        "a value that SageMaker does not take",
        "The value is outside what the API, or AWS's guide, allows for this field: a limit, a pattern, a list of "
        "choices. The message says what is allowed.",
        "hyperparameters.vocabulary: 9214 characters are too many; allowed: 2500 characters",
    ),
    BOTH_FORMS: Explanation(
        "a setting in both its forms",
        "Each setting has a long name and perhaps a short form; both together leave open which one holds.",
        "compute.volume_size_in_gb: this and its short form compute.volume are both given; keep compute.volume alone",
    ),
    CONFLICT: Explanation(
        "settings that do not go together",
        "Each is right by itself; SageMaker refuses them together, ignores one of them, or the job could not work. "
        "docs/refusals.md lists every rule with its source.",
        "limits.max_wait: a waiting time needs spot, and spot is off; set compute.spot: true, or leave this out",
    ),
    NOT_A_DOCUMENT: Explanation(
        "not a run request",
        "The document is empty, or a list or a single value, where an object of fields is wanted.",
        "(the document): this is a list, not an object of fields",
    ),
    EMPTY: Explanation(
        "a field without a value",
        "The line ends after the colon. Silence is a missing line, not an empty one.",
        "limits.max_runtime: no value is given; give a value or leave the line out",
    ),
    DUPLICATE_KEY: Explanation(
        "a key that is there twice",
        "YAML and JSON readers keep the last one and drop the first without a word. Keep one of them.",
        "compute.spot: this key is there twice; the first is in line 8",
    ),
    UNQUOTED: Explanation(
        "a version, date or number that YAML reads as something else",
        "Unquoted, 2.10 is the number 2.1 and 2026-11-21 a date. In quotes it stays the text that it is.",
        'framework.version: YAML reads 2.10 as the number 2.1; write "2.10"',
    ),
    NOT_WELL_FORMED: Explanation(
        "not YAML or JSON",
        "The text cannot be read as YAML 1.2 (of which JSON is a part). The message says where reading ended.",
        "could not find expected ':'",
    ),
    LOCAL_PATH: Explanation(
        "a path of one machine",
        "An execution of the state machine cannot see the files of the machine that started it. `trainwright run` "
        "packs and uploads a local source_dir and starts the execution with its address.",
        "source_code.source_dir: this names a folder of one machine, which an execution cannot see",
    ),
    NOT_ALLOWED: Explanation(
        "something the team's policy does not allow",
        "The platform team has set what this team's runs may ask for (teams/TEAM.yaml, allow). Ask for what is "
        "allowed, or the platform team for more. IAM refuses the same, should this check be passed over.",
        "compute.instance_type: the team's policy does not allow this; allowed: ml.m5.*, ml.g5.*",
    ),
    RESERVED: Explanation(
        "something that is the platform's",
        "The execution role, job names, output and checkpoint prefixes, and tags and variables with the platform's "
        "prefix are never a run's to set: records, reports and permissions depend on them.",
        "role_arn: the platform sets the execution role; leave the line out",
    ),
    NOT_PROVISIONED: Explanation(
        "a capability that the team does not have",
        "The run needs a grant that the team's execution role was not given. The message has the line that the "
        "platform team adds to the policy before it deploys the team again.",
        "inputs.shared.file_system_id: not provisioned for team vision: add capabilities.efs: [fs-0a1b2c3d] to its "
        "policy and deploy",
    ),
    REFUSED_BY_API_MODEL: Explanation(
        "something that the API's own model refuses",
        "The job was rendered and held against botocore's model of CreateTrainingJob: a missing or unknown field, a "
        "pattern, a length, a range.",
        "compute.instance_type: SageMaker does not have this; given: ml.m99.large",
    ),
    TOO_LARGE: Explanation(
        "a request over 128 KiB",
        "Step Functions carries 256 KiB of state, and a request may take half of it. The message names the biggest "
        "part: put long values into an input channel.",
        "hyperparameters: the training job's request is 140,221 bytes, of which HyperParameters takes 138,002",
    ),
    NO_SUCH_IMAGE: Explanation(
        "an image that does not exist",
        "The platform has no image of this name, or AWS has no container of this framework, version, Python or "
        "algorithm in this region.",
        "framework: there is no pytorch 2.81.0; allowed: 2.8.0, 2.7.1, ...",
    ),
    NO_SUCH_INPUT: Explanation(
        "an input that is not there",
        "A bucket of the run's inputs does not exist or is in another region than the job, or there is no object under "
        "a prefix: SageMaker would start the machines and then fail to download anything. A prefix matches the "
        "beginning of keys, letter by letter.",
        "inputs.train: there is no object under s3://acme-data/digits/trian/",
    ),
    DOES_NOT_FIT: Explanation(
        "data that does not fit on the machine's disk",
        "In File mode SageMaker copies the channels to the volume of each host before the script starts; together they "
        "are larger than the volume. Ask for a larger one, or stream the data with input_mode: FastFile.",
        "compute.volume: the channels in File mode hold 84.2 GiB, and the volume of ml.m5.xlarge has 30 GiB",
    ),
    QUOTA_TOO_SMALL: Explanation(
        "a quota that no waiting makes larger",
        "The account's quota of the instance type is zero, or smaller than the number of hosts: SageMaker refuses such "
        "a job for ever. Take another type, fewer hosts, or have the quota raised in Service Quotas (service code "
        "sagemaker).",
        "compute.instance_type: the quota is too small: ml.p5.48xlarge for training job usage is 0, and the run needs "
        "1",
    ),
    OVER_BUDGET: Explanation(
        "a run that could cost more than its team has left",
        "The team has so much money a month (budget.monthly_usd of its policy). A run sets aside what it could cost at "
        "most, on demand and with all the time that its limits allow, and gives back what it did not use when it ends. "
        "Lower the run's limits, or wait for others to end.",
        "limits.max_cost_usd: the team's month has 12.50 USD left of 500.00, and this run could cost 40.00",
    ),
    CONTRADICTION: Explanation(
        "a team policy that contradicts itself",
        "What `default` or `always` sets is outside what `allow` allows, or both set the same field: every run would "
        "be refused, or it would be open which one holds.",
        "default.compute.instance_type: default is outside allow",
    ),
}
