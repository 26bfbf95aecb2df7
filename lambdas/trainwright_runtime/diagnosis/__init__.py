"""Why an attempt failed and whose fault it is, from what SageMaker, Step Functions, the log and the metrics say.

The order is that in which people debug: what the API said when it refused, then the traceback in the log, then the
instances' metrics, then data access and container start-up. Unknown stays unknown.
"""

import re
from collections.abc import Iterator, Mapping

from trainwright_runtime.diagnosis import causes, raised, rules
from trainwright_runtime.diagnosis.model import Cause, Diagnosis, Retry, Texts
from trainwright_runtime.diagnosis.reading import plain, prose, telling
from trainwright_runtime.outcome import Fault, Outcome

__all__ = ["Diagnosis", "Retry", "Texts", "diagnose"]

_UNKNOWN = Cause("unknown", Fault.UNKNOWN, "", "Read the end of the log; the report says where it is.")
_TOLD: Mapping[str, Cause] = {
    "out_of_time": causes.OUT_OF_TIME,
    "out_of_money": causes.OUT_OF_MONEY,
    "no_spot": causes.NO_SPOT,
    "no_machines": causes.NO_CAPACITY,
    "stopped_by_person": causes.STOPPED,
    "timed_out": causes.TIMED_OUT,
    "name_in_use": causes.NAME_IN_USE,
    "still_running": causes.LOST_TRACK,
    "found_running": causes.LOST_TRACK,
    "redriven": causes.REDRIVEN,
}
"""Outcomes that need no words."""
_ELSE: Mapping[str, Cause] = {
    "no_capacity": causes.NO_CAPACITY,
    "throttled": causes.THROTTLED,
    "service_unavailable": causes.INTERNAL,
    "quota_busy": causes.QUOTA_BUSY,
    "quota_zero": causes.QUOTA_ZERO,
    "denied": causes.ROLE,
    "invalid": causes.BAD_REQUEST,
}
"""What outcomes say where their words say nothing more."""
_FULL = 99.0
"""Per cent; CloudWatch's values are averages of a minute, so that 100 is rarely seen."""
_SCRIPTS = re.compile(r"Algorithm ?Error|ExecuteUserScriptError|exit ?code", re.IGNORECASE)
_SCRIPT_SIGNS = re.compile(
    r"ErrorMessage \"(?!Command\b)[\w(\['<:]|failed with exception|terminate called after|core dumped|"
    r"uncaught exception during training|exit ?code:? ['\"]?(?:13[0246-9]|14[0-24-9]|1[5-9]\d)\b|"
    r"exit ?code:? ['\"]?-(?:4|6|8|11)\b|"
    r"AlgorithmError: (?!ExecuteUserScriptError|framework error|exit|Command|See )\w[^\n]{8}|"
    r"error: (?:unrecognized arguments|the following arguments are required|argument )|Segmentation fault|"
    r"\b(?:Key|Value|Type|Attribute|Index|Name|Runtime|Assertion|Syntax|Indentation|ZeroDivision|NotImplemented|"
    r"FileNotFound|OS|IO|Permission|EOF|Recursion|Overflow|UnboundLocal|Lookup)Error\b|"
    r"Signals\.SIG(?:SEGV|ABRT|FPE|ILL)|SyntaxError|device-side assert",
    re.IGNORECASE,
)


def diagnose(texts: Texts, outcome: Outcome) -> Diagnosis:
    """The diagnosis of an attempt that did not complete. What nothing proves is `unknown`, and is not retried."""
    if cause := _TOLD.get(outcome.label):
        return _from_outcome(cause, outcome, texts)
    sources = [plain(text) for text in _sources(texts)]
    return (
        _internal(sources)
        or _gpu_full(texts, sources)
        or _first(map(_proved, sources))
        or _first(map(_by_script, sources))
        or _by_metrics(texts)
        or _first(map(_by_signs, sources))
        or _from_outcome(_ELSE.get(outcome.label, _UNKNOWN), outcome, texts)
    )


def _sources(texts: Texts) -> Iterator[str]:
    """In the order in which they are believed: the log where the script failed, SageMaker's reason, what Step Functions
    heard. A reason that is not the script's is about what happened before the script or after it."""
    log, reason = "\n".join(texts.log_tail), texts.failure_reason or ""
    heard = "" if reason else "\n".join(text for text in (texts.error, texts.cause) if text)
    said = (log, reason) if not reason or _SCRIPTS.search(reason) else (reason, log)
    yield from (text for text in (*said, heard) if text.strip())


def _first(found: Iterator[Diagnosis | None]) -> Diagnosis | None:
    return next((each for each in found if each), None)


def _internal(sources: list[str]) -> Diagnosis | None:
    """SageMaker's own error says so and nothing more."""
    return _first(_shown(rules.first(rules.INTERNAL, text), text) for text in map(prose, sources))


def _proved(source: str) -> Diagnosis | None:
    """What ended everything else, then what was raised, then the words of the whole text."""
    text = prose(telling(source))
    verdicts = () if rules.REFUSED.search(text) else rules.VERDICTS
    if proof := rules.first((*verdicts, *rules.KILLERS), text):
        return _shown(proof, text)
    if was_raised := raised.exceptions(text):
        blamed, proof = _blamed(was_raised)
        return _shown(proof, blamed.words)
    return _shown(rules.first((*rules.RULES, *rules.INTERNAL_WITH_WORDS), text), text)


def _blamed(was_raised: list[raised.Raised]) -> tuple[raised.Raised, rules.Proof | None]:
    """The exception to believe and what it proves: the last one, or what led to it where only that proves something.

    A rank that lost the others says little where another rank says why it went.
    """
    proofs = [rules.first(rules.RULES, each.words) for each in was_raised]
    last = len(was_raised) - 1
    last = next((at for at in range(last, -1, -1) if not _lost_others(proofs[at])), last)
    first = last
    while first > 0 and proofs[first] is None and was_raised[first].because:
        first -= 1
    at = last if proofs[first] is None else first
    return was_raised[at], proofs[at]


def _lost_others(proof: rules.Proof | None) -> bool:
    return proof is not None and proof.cause.label == "distributed_communication"


def _by_script(source: str) -> Diagnosis | None:
    """The last exception that no rule knows: the script's own."""
    was_raised = raised.exceptions(telling(source))
    if not was_raised:
        return None
    line = _blamed(was_raised)[0].line
    return causes.SCRIPT.shown_by(_cut(line, 500), f"The training script raised {_cut(line)}")


def _gpu_full(texts: Texts, sources: list[str]) -> Diagnosis | None:
    """A GPU whose memory is full makes CUDA's libraries fail with words that do not say so. Full by itself proves
    nothing: frameworks take all there is."""
    if (texts.metrics or {}).get("GPUMemoryUtilization", 0.0) < _FULL:
        return None
    return _first(_shown(rules.first(rules.GPU_LIBRARIES, text), text) for text in sources)


def _by_metrics(texts: Texts) -> Diagnosis | None:
    metrics = texts.metrics or {}
    for name, cause in (("MemoryUtilization", causes.HOST_MEMORY), ("DiskUtilization", causes.DISK)):
        if metrics.get(name, 0.0) >= _FULL:
            return cause.shown_by(f"{name} {metrics[name]:.0f} %")
    return None


def _by_signs(source: str) -> Diagnosis | None:
    text = telling(source)
    if found := _SCRIPT_SIGNS.search(text):
        return causes.SCRIPT.shown_by(_line_at(text, found.start()))
    return causes.SCRIPT.shown_by(_last_line(text)) if raised.has_traceback(text) else None


def _from_outcome(cause: Cause, outcome: Outcome, texts: Texts) -> Diagnosis:
    return Diagnosis(
        cause.label, outcome.fault, cause.retry, outcome.sentence, cause.remedy, _cut(_said(texts), 500) or None
    )


def _shown(proof: rules.Proof | None, text: str) -> Diagnosis | None:
    return proof.cause.shown_by(_line_at(text, proof.start)) if proof else None


def _line_at(text: str, start: int) -> str:
    """The line that holds the first words a rule matched, cut."""
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    return _cut(text[begin : end if end >= 0 else len(text)], 500)


def _last_line(text: str) -> str:
    return _cut(text.strip().rsplit("\n", 1)[-1], 500)


def _said(texts: Texts) -> str:
    return texts.failure_reason or texts.cause or texts.error or ""


def _cut(text: str, longest: int = 200) -> str:
    text = text.strip()
    return text if len(text) <= longest else f"{text[:longest]}..."
