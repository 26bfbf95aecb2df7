"""Why an attempt failed and whose fault it is, from what SageMaker, Step Functions and the log say. Unknown stays
unknown.

The order is that in which people debug: what the API said when it refused, then the log, then the failure reason. A
rule that names a cause goes before one that only says that the script raised.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trainwright_runtime.outcome import Fault, Outcome

Retry = Literal["no_retry", "retry_same", "retry_other_capacity", "retry_bigger_volume"]


@dataclass(frozen=True)
class Texts:
    """What was said about an attempt; `log_tail` are the last lines of its log, oldest first."""

    failure_reason: str | None = None
    error: str | None = None
    cause: str | None = None
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """Why: a label, whose fault, a sentence, what to do, and the words that showed it (None for an unknown cause)."""

    label: str
    fault: Fault
    retry: Retry
    summary: str
    remedy: str
    evidence: str | None

    def to_dict(self, log_tail: Iterable[str] = ()) -> dict[str, Any]:
        """As it stands in report.json."""
        return {
            "label": self.label,
            "fault": self.fault.value,
            "retry": self.retry,
            "summary": self.summary,
            "remedy": self.remedy,
            "evidence": self.evidence,
            "log_tail": list(log_tail),
        }


@dataclass(frozen=True)
class Rule:
    """Words that prove a cause."""

    label: str
    fault: Fault
    pattern: re.Pattern[str]
    summary: str
    remedy: str
    retry: Retry = "no_retry"


def _rule(label: str, fault: Fault, words: str, summary: str, remedy: str, retry: Retry = "no_retry") -> Rule:
    return Rule(label, fault, re.compile(words, re.IGNORECASE | re.DOTALL), summary, remedy, retry)


_TELL_PLATFORM = "Tell the platform team: the words below say what is missing."

_RULES = (
    _rule(
        "quota_exceeded",
        Fault.ACCOUNT,
        r"service limit '[^']+' is 0 ",
        "The account may not use this instance type at all: its quota is zero.",
        "Ask for a quota increase for this instance type, or choose another type.",
    ),
    _rule(
        "quota_exceeded",
        Fault.ACCOUNT,
        r"ResourceLimitExceeded|account-level service limit",
        "The account's quota for this instance type is used up.",
        "Start again when other jobs have ended, or ask for a quota increase.",
        "retry_same",
    ),
    _rule(
        "throttled",
        Fault.AWS,
        r"ThrottlingException|TooManyRequestsException|Rate exceeded",
        "AWS takes no more requests at this moment.",
        "Start the run again in a few minutes.",
        "retry_same",
    ),
    _rule(
        "capacity_unavailable",
        Fault.CAPACITY,
        r"CapacityError|InsufficientInstanceCapacity|InsufficientCapacity|Unable to provision requested ML compute",
        "AWS had no machines of this type free.",
        "Start the run again later, choose another instance type, or set spot: false.",
        "retry_other_capacity",
    ),
    _rule(
        "image_pull",
        Fault.REQUEST,
        r"Cannot find repository|Access denied for repository|ecr:BatchGetImage|ecr:GetDownloadUrlForLayer|"
        r"(requested|training) image .{0,300}(not found|does not exist|could not be)|manifest unknown|"
        r"failed to pull|pull access denied",
        "The training image could not be pulled.",
        "Check that the image exists under exactly this address, and that the team's execution role may pull it.",
    ),
    _rule(
        "kms_denied",
        Fault.PLATFORM,
        r"customer master key|kms:(Decrypt|GenerateDataKey|CreateGrant|Encrypt)|KMS\.?(AccessDenied|NotFound|Disabled)|"
        r"KMSKey",
        "A key could not be used.",
        "The execution role needs kms:Decrypt and kms:GenerateDataKey on the key, and the key's policy must allow it.",
    ),
    _rule(
        "permission_denied_role",
        Fault.PLATFORM,
        r"unable to (perform: sts:AssumeRole|assume the role)|iam:PassRole|Could not assume role|sts:AssumeRole",
        "SageMaker could not act as the execution role.",
        "The role must trust sagemaker.amazonaws.com, and the workflow role must be allowed to pass it.",
    ),
    _rule(
        "gpu_out_of_memory",
        Fault.CODE,
        r"CUDA out of memory|torch\.(cuda\.)?OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED|"
        r"OOM when allocating tensor|ResourceExhaustedError",
        "The model and a batch did not fit into the GPU's memory.",
        "Use a smaller batch or sequence, lower precision, or an instance type with more GPU memory.",
    ),
    _rule(
        "hardware_fault",
        Fault.AWS,
        r"uncorrectable ECC|Xid .{0,40}(48|63|64|74|79)\b|GPU has fallen off the bus|NVLink error|hardware failure",
        "A machine had a hardware fault.",
        "Start the run again: it gets another machine.",
        "retry_same",
    ),
    _rule(
        "disk_full",
        Fault.REQUEST,
        r"No space left on device|Insufficient disk space|disk quota exceeded|received a failed archive status",
        "The volume was full.",
        "Ask for a larger volume, for instance compute.volume: 100 GB, or keep fewer checkpoints.",
        "retry_bigger_volume",
    ),
    _rule(
        "host_out_of_memory",
        Fault.CODE,
        r"\bMemoryError\b|Cannot allocate memory|std::bad_alloc|ran out of memory|Out of memory: Kill|oom-kill|"
        r"exit code:? '?137\b|ExitCode 137\b",
        "The container ran out of memory.",
        "Load less at once, or use an instance type with more memory.",
    ),
    _rule(
        "container_start",
        Fault.REQUEST,
        r"exec .{0,60}failed: No such file|exec format error|executable file not found|env: '?python.{0,3}'?: No such|"
        r"\\r': No such file|exit code:? 12[67]\b|permission denied: unknown",
        "The container could not start its command.",
        "Check the image's ENTRYPOINT (exec form, an executable of this architecture, LF line endings).",
    ),
    _rule(
        "user_code_import",
        Fault.CODE,
        r"ModuleNotFoundError|ImportError|InstallModuleError|InstallRequirementsError|No module named|"
        r"Could not find a version that satisfies",
        "The script could not import what it needs.",
        "Put the missing package into the training image.",
    ),
    _rule(
        "data_access_denied",
        Fault.PLATFORM,
        r"(AccessDenied|Forbidden|\b403\b).{0,120}(GetObject|PutObject|HeadObject|ListObjects|ListBucket|S3)|"
        r"(GetObject|PutObject|HeadObject|S3|s3://).{0,160}(AccessDenied|Access Denied|Forbidden|\b403\b)",
        "The job may not read or write objects it needs.",
        "Read from data:// or from what the team's policy allows; else ask the platform team for the prefix.",
    ),
    _rule(
        "data_not_found",
        Fault.DATA,
        r"No S3 objects found|NoSuchKey|NoSuchBucket|no file found in path|"
        r"no such file or directory.{0,40}/opt/ml/input|FileNotFoundError.{0,200}/opt/ml/input|"
        r"S3 key: .{0,200} matched no files",
        "There is no data where the request points to.",
        "Check the address of the channel: its prefix must hold at least one object.",
    ),
    _rule(
        "network_unreachable",
        Fault.CODE,
        r"Network is unreachable|Temporary failure in name resolution|Name or service not known|"
        r"Cannot assign requested address|couldn't connect to 'https?://|Max retries exceeded with url|"
        r"Connect timeout on endpoint",
        "The script wanted something from the network and could not reach it.",
        "Put what it downloads into the image or into an input channel.",
    ),
    _rule(
        "distributed_communication",
        Fault.UNKNOWN,
        r"Watchdog caught collective operation timeout|Unable to connect to port 22|Cannot connect to host algo-",
        "The hosts of the job lost each other.",
        "Start the run again from its checkpoint; if it happens again, look for a host that stalls.",
        "retry_same",
    ),
    _rule(
        "distributed_communication",
        Fault.CODE,
        r"NCCL (WARN )?NET/|ncclSystemError|NCCL error|DistBackendError",
        "The hosts of the job could not talk to each other.",
        "Check the network interface and the security group, which must allow its own members in both directions.",
    ),
    _rule(
        "data_format",
        Fault.DATA,
        r"Unable to parse record|does not start with the magic number|label size mismatched|Empty \.?\w+ file|"
        r"could not convert string to float|UnicodeDecodeError|Could not parse .{0,40}(csv|record|libsvm)",
        "The data is not in the form that the training expects.",
        "Check the objects of the channel, the column order and the content type.",
    ),
    _rule(
        "bad_request",
        Fault.REQUEST,
        r"ValidationException|failed to satisfy constraint|required hyperparameter|use a GPU instance|"
        r"BucketRegionError|is not supported by algorithm|hyperparameter.{0,80}(invalid|not allowed)",
        "SageMaker refused what was asked for.",
        "The words below say which setting; correct it in the run request.",
    ),
    _rule(
        "access_denied",
        Fault.PLATFORM,
        r"AccessDenied|not authorized to perform",
        "AWS denied the platform what this job needs.",
        _TELL_PLATFORM,
    ),
)
_INTERNAL = _rule(
    "internal_error",
    Fault.AWS,
    r"\AInternalServerError: We encountered an internal error\.\s+Please try again\.?\s*\Z",
    "SageMaker had an internal error.",
    "Start the run again; it resumes from its checkpoint.",
    "retry_same",
)
_INTERNAL_WITH_WORDS = _rule(
    "internal_error",
    Fault.AWS,
    r"\AInternalServerError|Platform Error:",
    "SageMaker had an internal error, which may come from the request: see the words below.",
    "Start the run again once; if it fails the same way, the input is the cause.",
)
_WRAPPERS = "AlgorithmError|ExecuteUserScriptError|UnexpectedStatusException|InternalServerError|ClientError"
_RAISED = re.compile(
    r"^(?:ErrorMessage \")?(?:\[[^\]]*\]:?\s*)?"
    rf"(?P<what>(?!{_WRAPPERS})(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning)(?::.*)?)$",
    re.MULTILINE,
)
_SCRIPT_SIGNS = re.compile(
    r"Traceback \(most recent call last\)|^\s+File \"[^\"]+\", line \d+|uncaught exception during training|"
    r"exit code:? '?(13[0246-9]|1[4-9]\d)|ErrorMessage \"\S",
    re.MULTILINE,
)

_BY_OUTCOME: Mapping[Outcome, tuple[str, Retry, str]] = {
    Outcome.OUT_OF_TIME: (
        "runtime_exceeded",
        "no_retry",
        "Raise limits.max_runtime, or make the training shorter; its checkpoints are kept.",
    ),
    Outcome.NO_SPOT: (
        "spot_wait_exceeded",
        "retry_other_capacity",
        "Raise limits.max_wait, choose another instance type, or set spot: false.",
    ),
    Outcome.STOPPED_BY_PERSON: (
        "stopped_by_user",
        "no_retry",
        "If nobody of the team did: look in CloudTrail for StopTrainingJob; account clean-up tools stop jobs too.",
    ),
    Outcome.TIMED_OUT: ("timed_out", "no_retry", "Look at the job in SageMaker: it outlived its own limits."),
    Outcome.NAME_IN_USE: ("name_in_use", "no_retry", "Start the run again: it gets a name of its own."),
    Outcome.STILL_RUNNING: ("lost_track", "no_retry", "Look at the job in SageMaker."),
}
_LOOK_AT_LOG = "Read the end of the log; the report says where it is."


def diagnose(texts: Texts, outcome: Outcome) -> Diagnosis:
    """The diagnosis of an attempt that did not complete. What no rule proves is `unknown`."""
    if outcome in _BY_OUTCOME:
        label, retry, remedy = _BY_OUTCOME[outcome]
        return Diagnosis(label, outcome.fault, retry, outcome.sentence, remedy, _first_line(texts))
    sources = list(_sources(texts))
    return _by_rule(sources) or _by_script(sources, outcome) or _unknown(outcome, texts)


def _sources(texts: Texts) -> Iterator[str]:
    """In the order in which they are believed: the log, SageMaker's reason, what Step Functions heard."""
    yield from (text for text in ("\n".join(texts.log_tail), texts.failure_reason) if text)
    if not texts.failure_reason:
        said = " ".join(text for text in (texts.error, texts.cause) if text)
        if said:
            yield said


def _by_rule(sources: list[str]) -> Diagnosis | None:
    if internal := next((text for text in sources if _INTERNAL.pattern.search(text)), None):
        return _from_rule(_INTERNAL, internal)
    for text in sources:
        for rule in (*_RULES, _INTERNAL_WITH_WORDS):
            if rule.pattern.search(text):
                return _from_rule(rule, text)
    return None


def _from_rule(rule: Rule, text: str) -> Diagnosis:
    return Diagnosis(rule.label, rule.fault, rule.retry, rule.summary, rule.remedy, _around(rule.pattern, text))


def _by_script(sources: list[str], outcome: Outcome) -> Diagnosis | None:
    for text in sources:
        raised = [match["what"] for match in _RAISED.finditer(text)]
        if not (_SCRIPT_SIGNS.search(text) or (raised and outcome is Outcome.SCRIPT_FAILED)):
            continue
        last = raised[-1] if raised else None
        summary = f"The training script raised {_cut(last)}" if last else "The training script failed."
        remedy = "Correct the script: the last log lines show where it failed. Data and checkpoints are kept."
        return Diagnosis("user_code_exception", Fault.CODE, "no_retry", summary, remedy, last or _last_line(text))
    return None


def _unknown(outcome: Outcome, texts: Texts) -> Diagnosis:
    return Diagnosis("unknown", outcome.fault, "no_retry", outcome.sentence, _LOOK_AT_LOG, _first_line(texts))


def _around(pattern: re.Pattern[str], text: str) -> str:
    """The line that holds the first words a rule matched, cut."""
    match = pattern.search(text)
    start = match.start() if match else 0
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    return _cut(text[begin : end if end >= 0 else len(text)].strip(), 500)


def _first_line(texts: Texts) -> str | None:
    said = texts.failure_reason or texts.cause or texts.error
    return _cut(said, 500) if said else None


def _last_line(text: str) -> str:
    return _cut(text.strip().splitlines()[-1].strip(), 500)


def _cut(text: str | None, longest: int = 200) -> str:
    text = (text or "").strip()
    return text if len(text) <= longest else f"{text[:longest]}..."
