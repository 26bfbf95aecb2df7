"""Texts as they are read: bounded, without colours, line prefixes and warnings, so that only what a failure says is
left.
"""

import json
import re
from collections.abc import Iterator

HEAD, TAIL = 8_192, 49_152
"""How much of a text is read, in characters: its beginning names the kind of failure, its end the cause."""

_COLOURS = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\x1b\][^\x07\n]{0,200}\x07")
_PREFIX = re.compile(
    r"\s{0,40}(?:"
    r"\[[\w.,:<>-]{1,60}\]\s?<std(?:out|err)>:"  # mpirun --tag-output: [1,15]<stderr>:
    r"|\[\d{1,4}\]:"  # torchrun --redirects: [0]:
    r"|\[rank\d{1,5}\]:"
    r"|\((?:pid|ip|[A-Z]\w{0,60} pid)=[^)\n]{1,80}\)"  # Ray
    r"|(?:[\w-]{1,20}-)?algo-\d{1,4}[\w-]{0,40}\s{0,10}\|"  # docker compose, local mode
    r"|\|?\s?\d{13}\s?[|,]\s?\"?"  # CloudWatch Logs' own time, as tables and CSV have it
    r"|\[(?!Errno|FATAL|ERROR|WARN|INFO|DEBUG|W[\d ])[^\]\n]{0,60}\d[^\]\n]{0,60}\]:?(?=\s)"
    r"|[\[(]?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?(?: UTC)?[\])]?[:,]?"
    r"|[\[(]?\d{2}/\d{2}/\d{2,4} \d\d:\d\d:\d\d(?:[.,]\d{1,6})?[\])]?:?"
    r"|\[?\d\d:\d\d:\d\d(?:[.,]\d{1,6})?\]?:?"
    r"|[IEWF]\d{4} \d\d:\d\d:\d\d\.\d{1,9}\s{1,4}\d{1,9} [^\]\n]{1,120}\]"  # glog: torch elastic, NCCL
    r"|sagemaker(?:-training-toolkit|-containers|_training|[\w.-]{0,40})?\s{1,4}(?=ERROR|INFO|WARN|DEBUG)"
    r"|(?:ERROR|CRITICAL|FATAL)\s{1,8}(?=\S)(?!:)"
    r"|- (?:ERROR|CRITICAL) -"
    r")\s?"
)
_NOISE = re.compile(
    r"\s{0,40}\[?(?:INFO|DEBUG|WARN|WARNING|NOTICE)\b\]?[\s:|-]"
    r"|[^\n]{0,200}\s[-|\[]\s?(?:INFO|DEBUG|WARN|WARNING)\s?[-|\]]"
    r"|[^\n]{0,300}\b(?:User|Future|Deprecation|PendingDeprecation|Runtime|Import|Resource|Syntax|Convergence|"
    r"DataConversion|Undefined\w{0,10}|Settings\w{0,10})Warning: "
    r"|[^\n]{0,120}\bNCCL (?:INFO|TRACE)\b"
    r"|\s{0,40}warnings?\.warn\("
    r"|\[W[\s\d]"
    r"|W\d{4} \d\d:"
    r"|SM_[A-Z_]{1,60}="  # the toolkit shows its environment
)
_COMMAND = re.compile(r'\bCommand "(?![^"\n]{0,200}\bpip\b)[^"\n]{1,4000}"?')
"""The script's own arguments say nothing of why it failed."""
_SDK_ADVICE = re.compile(r"\.? ?Check troubleshooting guide for common errors: \S{0,200}")
_RAISED_BY_CLIENT = re.compile(
    r"^[\w.]{1,80}(?:Error|Exception): (?=.{0,300}\bFail(?:ed|ure)\.? Reason: )", re.MULTILINE
)
"""What a client raises for a job that failed is not what the script raised."""
_LINE_ENDS = re.compile(r"\r\n?|\\n|\\r\\n|#015|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_PROSE = re.compile(r"(?:[\w.]{0,80}\w(?:Error|Exception):\s.{0,200})?(?:ClientError:\s|An\s+error\s+occurred\s+\()")
_SCRIPTS_OWN = re.compile(r"Traceback|AlgorithmError|ExecuteUserScript|\n\s{1,12}File ")
_PROSE_LENGTH = 1_100
"""Of a FailureReason (1,024 characters at most) and what clients put before it."""
_TELLING_WARNINGS = re.compile(r"NCCL WARN|Retrying \(Retry\(total=0")
"""Warnings that are the failure itself: NCCL has no level of its own for errors; pip's last try."""


def plain(text: str) -> str:
    """`text` without what decorates it, cut in its middle where it is very long."""
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    text = _unwrapped(text)
    for pattern, instead in (
        (_COLOURS, ""),
        (_SDK_ADVICE, ""),
        (_LINE_ENDS, "\n"),
        (_RAISED_BY_CLIENT, ""),
        (_COMMAND, "Command"),
    ):
        text = pattern.sub(instead, text)
    return "\n".join(_without_prefixes(line) for line in text.split("\n"))


def telling(text: str) -> str:
    """The lines of a plain text that are no warnings and no progress; a text of one line is told whole."""
    lines = [line for line in text.split("\n") if line.strip()]
    return "\n".join(line for line in lines if len(lines) == 1 or not _is_noise(line))


def prose(text: str) -> str:
    """What AWS says in sentences, in one line where a console or a page has broken it; other texts as they are."""
    if len(text) > _PROSE_LENGTH or not _PROSE.match(text) or _SCRIPTS_OWN.search(text):
        return text
    return " ".join(line.strip() for line in text.split("\n"))


def _is_noise(line: str) -> bool:
    return bool(_NOISE.match(line)) and not _TELLING_WARNINGS.search(line)


def _without_prefixes(line: str) -> str:
    for _ in range(4):
        found = _PREFIX.match(line)
        if not found:
            break
        line = line[found.end() :]
    return line.rstrip()


def _unwrapped(text: str) -> str:
    """Step Functions' Cause is the job's description as JSON: of that, what it says of the end."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        job = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return "\n".join(_said(job)) or text


def _said(job: object) -> Iterator[str]:
    if isinstance(job, dict):
        for name in ("FailureReason", "Error", "Cause", "errorMessage", "Message", "message"):
            if isinstance(job.get(name), str):
                yield job[name]
        if job.get("TrainingJobStatus") == "Stopped":
            yield f"TrainingJobStatus=Stopped SecondaryStatus={job.get('SecondaryStatus')}"
