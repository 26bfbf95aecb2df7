"""What a training script raised: the exceptions of a log or a reason, without those that only pass a failure on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WRAPPERS = re.compile(
    r"(?:AlgorithmError|ExecuteUserScriptError|UnexpectedStatusException|InternalServerError|ClientError|CapacityError|"
    r"InstallModuleError|InstallRequirementsError|TrainingJobError|CalledProcessError|ChildFailedError|SystemExit|"
    r"Process(?:Raised|Exited)Exception|KeyboardInterrupt|BrokenPipeError|CancelledError|SignalException|RayTaskError|"
    r"WorkerCrashedError|FailedTrainingJobError|TaskFailed|Error|Exception)\Z"
)
_REPORT = re.compile(
    r"Fail(?:ed|ure)\.? ?Reason|\bError (?:for|training) .{1,200}: (?:Failed|Stopped)|"
    r"\b(?:training|SageMaker) job\b.{0,80}\bfail",
    re.IGNORECASE,
)
"""What a client says of a job that failed: the reason is in its words, not in its name."""
_NAMED = re.compile(
    r"(?:ErrorMessage \")?(?:[\w\[\]]{0,20}:? )?"
    r"(?P<name>(?:[A-Za-z_]\w{0,60}\.){0,8}[A-Z]\w{0,60}(?:Error|Exception|Interrupt|Exit|Timeout|Fault|Failure|NotFound)"
    r"|AssertionError|StopIteration)(?::.{0,2000})?\"?\Z"
)
_ANY = re.compile(r"(?P<name>(?:[A-Za-z_]\w{0,60}\.){0,8}[A-Za-z_]\w{0,60})(?::.{0,2000})?\"?\Z")
_HEADING = re.compile(
    r"(?:ErrorMessage \")?Traceback \(most recent call last\)|During handling of|The above exception was"
)
_BECAUSE = re.compile(r"During handling of the above|The above exception was the direct cause")
_FRAME = re.compile(r"\s{0,12}File \"[^\"\n]{1,300}\", line \d")
_MESSAGE_LINES = 8


@dataclass(frozen=True)
class Raised:
    """An exception: its line, that line with those of its message that follow, and whether the exception before it led
    to it ("During handling of the above exception")."""

    line: str
    words: str
    because: bool = False


def exceptions(text: str) -> list[Raised]:
    """The exceptions of a plain text in the order in which they were raised, without wrappers."""
    lines = text.split("\n")
    found, before = [], 0
    for at in _places(lines):
        because = any(_BECAUSE.match(line) for line in lines[before:at])
        found.append(Raised(_bare(lines[at]), _words(lines, at), because))
        before = at
    return found


def has_traceback(text: str) -> bool:
    """Whether Python has shown where something was raised."""
    return any(_FRAME.match(line) or _HEADING.match(line) for line in text.split("\n"))


def _places(lines: list[str]) -> Iterator[int]:
    for at, line in enumerate(lines):
        found = _NAMED.match(line) or (_ANY.match(line) if _ends_frames(lines, at) else None)
        if found and not _is_wrapper(found["name"], line) and not _is_heading(lines, at):
            yield at


def _is_wrapper(name: str, line: str) -> bool:
    """botocore's ClientError says what failed; SageMaker's prefix of that name does not."""
    *_, last = name.split(".")
    if _REPORT.search(line):
        return True
    return bool(_WRAPPERS.match(last)) and not (last == "ClientError" and "An error occurred (" in line)


def _is_heading(lines: list[str], at: int) -> bool:
    """The training toolkit's own report: the exception's name, a colon, and `ExitCode` on the next line."""
    after = lines[at + 1] if at + 1 < len(lines) else "ExitCode"
    return lines[at].rstrip('"').endswith(":") and after.startswith(("ExitCode", "Command", "ErrorMessage"))


def _ends_frames(lines: list[str], at: int) -> bool:
    """A line without indentation after a traceback's frames."""
    return at > 0 and not lines[at][:1].isspace() and lines[at - 1][:1].isspace() and _in_frames(lines, at)


def _in_frames(lines: list[str], at: int) -> bool:
    return any(_FRAME.match(line) for line in lines[max(0, at - 6) : at])


def _words(lines: list[str], at: int) -> str:
    message = [lines[at]]
    for line in lines[at + 1 : at + _MESSAGE_LINES]:
        if _HEADING.match(line) or _FRAME.match(line) or _NAMED.match(line):
            break
        message.append(line)
    return "\n".join(message)


def _bare(line: str) -> str:
    return line.removeprefix('ErrorMessage "').rstrip('"').strip()
