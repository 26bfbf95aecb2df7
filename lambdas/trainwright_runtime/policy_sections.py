"""The sections of a team policy, each with its defaults: what runs may ask for, what they may use and cost, and what
they do about what training runs die of."""

import re
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from trainwright_runtime import problems as codes
from trainwright_runtime.fields import (
    Arn,
    FileSystem,
    Gigabytes,
    InstanceType,
    SecurityGroup,
    Subnet,
    Switch,
    length,
)
from trainwright_runtime.reach import ANY_NAMED, ANY_URI
from trainwright_runtime.reading import refusal
from trainwright_runtime.sections import Section
from trainwright_runtime.units import parse_duration, spell_duration

TEAM_NAME = re.compile(r"[a-z][a-z0-9]{0,23}", re.ASCII)
_GLOB = re.compile(r"[a-z0-9.*?-]+", re.ASCII)
_IMAGE_GLOB = re.compile(r"[a-z0-9][A-Za-z0-9._:/@*?-]*", re.ASCII)
_KINDS = ("framework", "algorithm")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_LONGEST_ADDRESS = 254
"""Characters of an address (RFC 5321, 4.5.3.1, with the angle brackets of a path taken off)."""


def team_name(value: str) -> str:
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
        raise _no_duration()
    return timedelta(seconds=seconds)


def _duration_or_none(value: object) -> object:
    """A duration that may be nothing at all: `0s`."""
    return timedelta() if isinstance(value, str) and parse_duration(value) == 0 else _duration(value)


def _no_duration() -> Exception:
    allowed, remedy = "a number with its unit", "write 12h or 5d"
    return refusal(codes.UNIT_MISSING, "this is no duration", allowed=allowed, remedy=remedy)


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


def _s3_prefixes(value: list[str]) -> list[str]:
    if wrong := [prefix for prefix in value if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+/(\S*/)?", prefix)]:
        allowed = "s3://BUCKET/ or s3://BUCKET/FOLDER/"
        problem = f"{wrong[0]} is no prefix in S3"
        raise refusal(codes.OUT_OF_RANGE, problem, allowed=allowed, remedy="end it in /")
    return value


def _addresses(value: list[str]) -> list[str]:
    """As SNS takes them: one address an entry, nothing around it."""
    if wrong := [address for address in value if len(address) > _LONGEST_ADDRESS or not _EMAIL.fullmatch(address)]:
        problem, allowed = f"{wrong[0]!r} is no e-mail address", "addresses such as vision-team@example.com"
        raise refusal(codes.OUT_OF_RANGE, problem, allowed=allowed)
    if len({address.lower() for address in value}) < len(value):
        raise refusal(codes.CONTRADICTION, "an address is listed twice", remedy="list each address once")
    return value


def _once(value: list[str]) -> list[str]:
    return list(dict.fromkeys(value))


def zone(value: str) -> str:
    """Checked against the machine's own time-zone data, where it has any."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if available_timezones():
            allowed = "IANA names such as Europe/Berlin or UTC"
            raise refusal(codes.OUT_OF_RANGE, "no time zone has this name", allowed=allowed) from None
    return value


_SPELLED = PlainSerializer(lambda value: spell_duration(int(value.total_seconds())), return_type=str)
_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?[smhd])+$", "examples": ["12h"]})
LongestRuntime: TypeAlias = Annotated[timedelta, BeforeValidator(_duration), _SPELLED, _DURATION_SCHEMA]
LongestWait: TypeAlias = Annotated[timedelta, BeforeValidator(_duration_or_none), _SPELLED, _DURATION_SCHEMA]
Usd: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=False)]
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
    images: Annotated[Names, AfterValidator(_image_words)] = Field([ANY_NAMED, ANY_URI, *_KINDS])
    """`platform` (any image of the platform, by name), `uri` (any ECR URI, and any algorithm resource), one image's
    name, or a pattern with `*` of URIs or of algorithm resources' ARNs; `framework` and `algorithm` (AWS's own
    containers and built-in algorithms). Left out: all four kinds; the execution role decides which repositories can be
    pulled from."""
    data: Annotated[Names, AfterValidator(_data_prefixes)] = Field(["data://"])
    """Prefixes that inputs, and source in other buckets, may be read from, each ending in `/`. Left out: `data://`, the
    team's own data bucket."""
    overrides: Switch = False
    """Whether runs may set raw CreateTrainingJob fields. Left out: false."""
    fallback: Switch = True
    """Whether spot runs may go on on demand. Left out: true."""


class Vpc(Section):
    """Network parts that runs may name besides the team's own."""

    subnets: Annotated[list[Subnet], length(100, "subnets")] = Field([])
    security_group_ids: Annotated[list[SecurityGroup], length(50, "security groups")] = Field([])


class Capabilities(Section):
    """What a team's runs may use beside the platform's own parts. Each line is one named grant on the execution role,
    made when the team is deployed; a run that needs one that is not there is refused with the line to add."""

    vpc: Vpc | None = None
    """Subnets and security groups that runs may name. Left out: only the team's own."""
    efs: list[FileSystem] = Field([])
    """EFS file systems that channels may read or write."""
    fsx: list[FileSystem] = Field([])
    """FSx for Lustre file systems, likewise."""
    mlflow: list[Arn] = Field([])
    """MLflow tracking servers and apps that jobs may report to."""
    model_package: list[Arn] = Field([])
    """Model package groups that jobs may register models in."""
    remote_debug: Switch = False
    """Whether people may open a shell in a running container. Left out: false."""
    session_tags: Switch = False
    """Whether jobs may carry the caller's session tags on. Left out: false."""
    experiments: Switch = False
    """Whether jobs may write to SageMaker Experiments. Left out: false."""
    repositories: list[Arn] = Field([])
    """ECR repositories that images may be pulled from, beside what `allow.images` says."""
    secrets: list[Arn] = Field([])
    """Secrets that scripts may read; an ARN may end in `*`."""
    keys: list[Arn] = Field([])
    """KMS keys that runs may name for outputs and volumes."""
    training_plans: list[Arn] = Field([])
    """Training plans whose capacity runs may use."""
    write: Annotated[list[str], AfterValidator(_s3_prefixes)] = Field([])
    """S3 prefixes outside the team's buckets that jobs may write to, each ending in `/`."""
    keep_alive: LongestRuntime | None = None
    """How long a run may keep its machines for the next job, such as `1h`. Left out: no warm pools."""


class Budget(Section):
    """What a team's runs may cost, in US dollars at on-demand prices."""

    max_cost_usd: Usd | None = None
    """The cap of one run: it holds where the run names none, and a run that asks for more is refused. Left out: no
    cap."""
    monthly_usd: Usd | None = None
    """What a team's runs may cost in a calendar month of its time zone. Each run sets aside what it may cost at worst;
    one that does not fit is refused. Left out: no limit."""
    spot_price: Annotated[float, Field(gt=0, le=1, strict=False)] = 0.4
    """The share of the on-demand price that spot is assumed to cost in forecasts, because no SageMaker spot price is
    published. Left out: 0.4."""


class WarmPool(Section):
    """The warm pool that a team is promised: its quota is asked for when the platform is deployed."""

    instance_type: InstanceType
    """The type whose instances are kept."""
    instances: Annotated[int, Field(ge=1)]
    """How many may be kept at a time."""
    keep_after_stop: Switch = False
    """Whether a pool stays after its run was stopped. Left out: false, it is ended."""
    without_quota: Literal["drop", "refuse"] = "drop"
    """What happens to a run that asks to keep machines while the account's warm-pool quota does not cover it: drop
    runs it without, refuse does not run it. Left out: drop."""


class Recovery(Section):
    """What a run does about what training runs die of."""

    internal_errors: Annotated[int, Field(ge=0, le=30)] = 3
    """How often a run repeats an attempt, from its checkpoint, after a fault that is not its own: an internal error of
    SageMaker's, faulty hardware, hosts that lost each other. Left out: 3."""
    queue: LongestWait = timedelta(hours=12)
    """How long a run waits for a busy quota, or a service that takes no more requests; `0s` not at all. Left out:
    12h."""
    bigger_volume: Switch = True
    """Whether a run goes on once with twice the volume after its disk was full. Left out: true."""
    max_volume: Gigabytes = 1024
    """To what such a volume may grow. Left out: 1 TB, the AWS default quota "Size of EBS volume for a training job
    instance"."""
    launch: Literal["sync", "callback"] = "sync"
    """How attempts are started: by Step Functions' own integration with SageMaker, or by a function that is called back
    at the job's end, which passes every field on. Left out: sync, but callback where a request has a field that the
    integration is not known to pass."""
    on_demand: Literal["ladder", "preferences"] = "ladder"
    """How several types are tried on demand: one attempt after the other, or SageMaker's own instance preferences in
    one attempt. Left out: ladder."""
    infra_check: Switch | None = None
    """Whether machines of accelerated types are checked before training, where a run does not say. Left out: no
    check."""
    retries: Annotated[int, Field(ge=1, le=30)] | None = None
    """SageMaker's own retries after an InternalServerError on accelerated types, where a run does not say. Left out:
    none."""


NoticeEvent: TypeAlias = Literal["failed", "finished", "budget", "finding", "refused"]
"""What notices tell of; see docs/notices.md."""


class Notices(Section):
    """What the team hears of its runs, beside their reports; see docs/notices.md."""

    email: Annotated[list[str], AfterValidator(_addresses), length(100, "addresses")] = Field([])
    """Addresses that get every notice; SNS asks the owner of each to confirm. Left out: none. Queues, functions and
    chat are subscribed in the app."""
    events: Annotated[list[NoticeEvent], AfterValidator(_once)] = Field(["failed", "finished", "budget", "finding"])
    """Which notices are sent: `failed` (a run that failed, or was stopped by a limit or the platform), `finished`
    (succeeded, or stopped by a person), `budget` (80 and 100 % of `budget.monthly_usd`), `finding` (the profiler's, of
    high and medium severity), `refused` (before anything started; whoever started the run knows already). Left out:
    all but `refused`; an empty list sends none."""
