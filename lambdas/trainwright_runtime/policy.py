"""The team policy: what the platform team allows, fills in and insists on for one team's runs (teams/<team>.yaml)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from trainwright_runtime import problems as codes
from trainwright_runtime.fields import image_is_uri
from trainwright_runtime.problems import Problem, shown
from trainwright_runtime.reading import READING, read, refusal
from trainwright_runtime.resolved import Values, fill_defaults, spelled
from trainwright_runtime.schema import schema_of
from trainwright_runtime.settings import Leaf, Section, Settings, leaves, written_as
from trainwright_runtime.units import parse_duration, spell_duration
from trainwright_runtime.vocabulary import Vocabulary
from trainwright_runtime.words import SETTINGS_WORDS

TEAM_NAME = re.compile(r"[a-z][a-z0-9]{0,23}", re.ASCII)
_GLOB = re.compile(r"[a-z0-9.*?-]+", re.ASCII)
_IMAGE_GLOB = re.compile(r"[a-z0-9][A-Za-z0-9._:/@*?-]*", re.ASCII)
_ANY_NAMED, _ANY_URI = "platform", "uri"
_LATER_KINDS = ("framework", "algorithm")


class PolicyError(ValueError):
    """A team policy that cannot be used; the message holds every problem, a sentence each."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.problems = problems
        lines = [f"- {problem.sentence()}" for problem in problems]
        super().__init__("\n".join([f"{source}: this team policy cannot be used:", *lines]))


def _team_name(value: str) -> str:
    if not TEAM_NAME.fullmatch(value):
        raise refusal(
            codes.OUT_OF_RANGE,
            "this is no team name",
            allowed="a lower-case letter, then up to 23 more letters or digits; no hyphen, because the IAM policy "
            "of team `a` on training-job/a-* must not match the jobs of a team `a-b`",
        )
    return value


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    seconds = parse_duration(value) if isinstance(value, str) else None
    if not seconds:
        raise refusal(
            codes.UNIT_MISSING, "this is no duration", allowed="a number with its unit", remedy="write 12h or 5d"
        )
    return timedelta(seconds=seconds)


def _not_empty(value: list[str]) -> list[str]:
    if not value:
        raise refusal(
            codes.CONTRADICTION,
            "an empty list allows nothing, so no run could start",
            remedy="list what is allowed, or leave the line out",
        )
    return value


def _instance_globs(value: list[str]) -> list[str]:
    if wrong := [glob for glob in value if not _GLOB.fullmatch(glob) or not glob.startswith(("ml.", "*"))]:
        raise refusal(
            codes.OUT_OF_RANGE, f"no instance type is called {wrong[0]}", allowed="ml.m5.large, ml.g5.*, ml.*"
        )
    return value


def _image_words(value: list[str]) -> list[str]:
    if later := [word for word in value if word in _LATER_KINDS]:
        raise refusal(
            codes.NOT_SUPPORTED, f"not supported yet: {later[0]} images", allowed="platform, uri, names, URI patterns"
        )
    if wrong := [word for word in value if not _IMAGE_GLOB.fullmatch(word)]:
        raise refusal(codes.OUT_OF_RANGE, f"{wrong[0]} is neither an image name nor a URI pattern")
    return value


def _data_prefixes(value: list[str]) -> list[str]:
    """A prefix ends in `/`: else `s3://acme-data` would let `s3://acme-data-of-others` through."""
    if wrong := [prefix for prefix in value if not prefix.startswith(("data://", "s3://")) or not prefix.endswith("/")]:
        raise refusal(
            codes.OUT_OF_RANGE,
            f"{wrong[0]} is no prefix of data",
            allowed="data://, data://FOLDER/, s3://BUCKET/ or s3://BUCKET/FOLDER/",
            remedy="end it in /",
        )
    return value


def _zone(value: str) -> str:
    """Checked against the machine's own time-zone data, where it has any."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if available_timezones():
            allowed = "IANA names such as Europe/Berlin or UTC"
            raise refusal(codes.OUT_OF_RANGE, "no time zone has this name", allowed=allowed) from None
    return value


LongestRuntime: TypeAlias = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(lambda value: spell_duration(int(value.total_seconds())), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?[smhd])+$", "examples": ["12h"]}),
]
Names: TypeAlias = Annotated[list[str], AfterValidator(_not_empty)]


class Allow(Section):
    """What runs may ask for; a run that asks for more is refused. A line that is left out keeps its default."""

    instance_types: Annotated[Names, AfterValidator(_instance_globs)] = Field(["ml.*"])
    """Instance types, `*` and `?` allowed. Left out: every training instance type."""
    max_instance_count: Annotated[int, Field(ge=1)] = 20
    """Instances of one job. Left out: 20, the AWS default quota "Maximum number of instances per training job"."""
    max_runtime: LongestRuntime = timedelta(days=5)
    """Training time of one job, such as `12h`. Left out: 5d, the AWS default quota "Longest run time for a training
    job"."""
    images: Annotated[Names, AfterValidator(_image_words)] = Field([_ANY_NAMED, _ANY_URI])
    """`platform` (any image of the platform, by name), `uri` (any ECR URI), one image's name, or a URI pattern with
    `*`. Left out: platform and uri; the execution role decides which repositories can be pulled from."""
    data: Annotated[Names, AfterValidator(_data_prefixes)] = Field(["data://"])
    """Prefixes that inputs may be read from, each ending in `/`. Left out: `data://`, the team's own data bucket."""


class TeamPolicy(Section):
    """What the platform team decides for a team: `allow` (refused outside it), `default` (filled in where a run is
    silent) and `always` (set whatever a run says, and said in its warnings).

    Made with `from_file`, `from_text` or `from_data`; made directly, it checks itself and raises pydantic's
    ValidationError. `model_dump(mode="json")` is the canonical form, which `from_data` reads back.
    """

    team: Annotated[str, AfterValidator(_team_name)]
    """The team's name: lower-case letters and digits, no hyphen."""
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    """An IANA time zone, such as `Europe/Berlin`, for clock times in requests and reports. Left out: UTC."""
    allow: Allow = Allow()
    default: Settings = Settings()
    """Settings filled in where a run is silent."""
    always: Settings = Settings()
    """Settings that hold whatever a run says."""

    @classmethod
    def from_file(cls, path: str | Path) -> "TeamPolicy":
        """Read a policy from a YAML 1.2 file; PolicyError (a ValueError) lists every problem, OSError if unreadable."""
        return cls.from_text(Path(path).read_text(encoding="utf-8"), str(path))

    @classmethod
    def from_text(cls, text: str, source: str = "policy") -> "TeamPolicy":
        """Read a policy from YAML 1.2 text, of which JSON is a part. `source` names it in messages."""
        from ruamel.yaml import YAML  # noqa: PLC0415  the Lambda layer has no YAML reader; policies reach it as JSON
        from ruamel.yaml.error import YAMLError  # noqa: PLC0415

        try:
            data = YAML(typ="safe", pure=True).load(text)
        except YAMLError as error:
            problem = Problem(codes.NOT_A_DOCUMENT, (), f"this is no YAML: {' '.join(str(error).split())}")
            raise PolicyError(source, [problem]) from error
        return cls.from_data(data, source)

    @classmethod
    def from_data(cls, data: object, source: str = "policy") -> "TeamPolicy":
        """A policy from parsed YAML or JSON; PolicyError lists every problem, contradictions included."""
        if not isinstance(data, Mapping):
            raise PolicyError(source, [_not_a_policy(data)])
        policy, found = read(cls, data, POLICY_WORDS, {"team": "unnamed"})
        found += contradictions(policy)
        if "team" not in data:
            found.insert(0, _NO_TEAM)
        if found:
            raise PolicyError(source, found)
        return policy

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "TeamPolicy":
        if info.context is not READING and (found := list(contradictions(self))):
            raise PolicyError("policy", found)
        return self


_NO_TEAM = Problem(
    codes.MISSING, ("team",), "this is missing", remedy="write the team's name, for instance team: vision"
)


def _not_a_policy(data: object) -> Problem:
    return Problem(codes.NOT_A_DOCUMENT, (), "this is no policy", value=shown(data), allowed="an object with `team`")


POLICY_WORDS = Vocabulary(
    names={
        (): tuple(TeamPolicy.model_fields),
        ("allow",): tuple(Allow.model_fields),
    },
    not_supported={
        ("budget",): "a team's budget",
        ("warm_pool",): "warm pools",
        ("capabilities",): "capabilities",
        ("allow", "overrides"): "raw CreateTrainingJob fields",
    },
).merged(SETTINGS_WORDS.below("default", "always"))


def contradictions(policy: TeamPolicy) -> Iterator[Problem]:
    """What the policy says against itself: each would refuse every run, or say two things about one field."""
    default, always = leaves(policy.default), leaves(policy.always)
    for section, settings in (("default", policy.default), ("always", policy.always)):
        values = Values()
        values.put(leaves(settings), "policy")
        yield from (_inside(section, problem) for problem in violations(values, settings, policy))
        yield from _impossible(section, settings)
    for leaf in default.keys() & always.keys():
        path = ("default", *written_as(policy.default, leaf))
        remedy = "take it out of default: always wins"
        yield Problem(codes.CONTRADICTION, path, "default and always both set this", remedy=remedy)


def _inside(section: str, problem: Problem) -> Problem:
    text = f"{section} is outside allow: {problem.problem}"
    return Problem(codes.CONTRADICTION, (section, *problem.path), text, problem.value, problem.allowed)


def _impossible(section: str, settings: Settings) -> Iterator[Problem]:
    said = leaves(settings)
    wait = ("stopping_condition", "max_wait_time_in_seconds")
    path = (section, *written_as(settings, wait))
    runtime = said.get(("stopping_condition", "max_runtime_in_seconds"))
    if wait in said and said.get(("compute", "enable_managed_spot_training")) is False:
        yield Problem(codes.CONTRADICTION, path, f"{section} sets a waiting time for spot and switches spot off")
    if wait in said and runtime and said[wait] < runtime:
        yield Problem(codes.CONTRADICTION, path, f"{section} sets max_wait below max_runtime")


@dataclass(frozen=True)
class Applied:
    """A request with its silences filled; `provenance` says for each field who set it: run, policy or default."""

    values: Values
    warnings: tuple[str, ...]

    @property
    def provenance(self) -> dict[str, str]:
        """Field (dotted, long names) -> run | policy | default."""
        return {".".join(leaf): source for leaf, source in sorted(self.values.sources.items())}


def apply(request: Settings, policy: TeamPolicy | None) -> Applied:
    """The run's settings over the policy's defaults, under what the policy always sets; then the defaults."""
    values = Values()
    said = leaves(request)
    said.pop(("name",), None)
    said.pop(("score",), None)
    always = leaves(policy.always) if policy else {}
    values.put(leaves(policy.default) if policy else {}, "policy")
    values.put(said, "run")
    values.put(always, "policy")
    fill_defaults(values, int(policy.allow.max_runtime.total_seconds()) if policy else None)
    return Applied(values, tuple(_overruled(request, said, always)))


def _overruled(request: Settings, said: Mapping[Leaf, Any], always: Mapping[Leaf, Any]) -> Iterator[str]:
    for leaf, value in always.items():
        if leaf in said and said[leaf] != value:
            field = ".".join(written_as(request, leaf))
            yield f"{field}: the team's policy always sets {spelled(leaf, value)}; the run's own value is not used"


def violations(values: Values, request: Settings, policy: TeamPolicy) -> Iterator[Problem]:
    """What of these settings the policy does not allow; paths are those that the author of `request` wrote."""
    allow = policy.allow
    for leaf, allowed, fits in (
        (("image",), allow.images, lambda image: _image_allowed(image, allow.images)),
        (("compute", "instance_type"), allow.instance_types, lambda kind: _any(kind, allow.instance_types)),
        (("compute", "instance_count"), [f"up to {allow.max_instance_count}"], lambda n: n <= allow.max_instance_count),
        (
            ("stopping_condition", "max_runtime_in_seconds"),
            [f"up to {spell_duration(int(allow.max_runtime.total_seconds()))}"],
            lambda seconds: seconds <= allow.max_runtime.total_seconds(),
        ),
        *((leaf, allow.data, _data_allowed(allow.data)) for leaf in values.settings if _is_address(leaf)),
    ):
        value = values.settings.get(leaf)
        if value is not None and not fits(value):
            yield _not_allowed(written_as(request, leaf), spelled(leaf, value), allowed)


def _not_allowed(path: Leaf, value: str, allowed: Iterable[str]) -> Problem:
    return Problem(
        codes.NOT_ALLOWED,
        path,
        "the team's policy does not allow this",
        value=shown(value),
        allowed=", ".join(allowed),
        remedy="ask for what is allowed, or the platform team for more",
    )


def _is_address(leaf: Leaf) -> bool:
    return leaf[0] == "inputs" and leaf[-1] == "s3_uri"


def _any(value: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(value, glob) for glob in globs)


def _image_allowed(image: str, words: list[str]) -> bool:
    if image_is_uri(image):
        return _ANY_URI in words or _any(image, [word for word in words if "/" in word])
    return _ANY_NAMED in words or image in words


def _data_allowed(prefixes: list[str]) -> Any:
    def fits(address: str) -> bool:
        spelled_out = address if "://" in address else f"data://{address}"
        return spelled_out.startswith(tuple(prefixes))

    return fits


def json_schema() -> dict[str, Any]:
    """The JSON schema of a team policy, for editors; docs/team-policy.schema.json is this."""
    return schema_of(TeamPolicy, title="Trainwright team policy", required=["team"])
