"""What a diagnosis is made from, and what it says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trainwright_runtime.outcome import Fault

Retry = Literal["no_retry", "retry_same", "retry_other_capacity", "retry_bigger_volume"]
"""Whether the same request may succeed when it is sent again, and what has to differ."""


@dataclass(frozen=True)
class Texts:
    """What was said about an attempt; every part may be missing.

    Args:
        failure_reason: DescribeTrainingJob's FailureReason (1,024 characters at most).
        error: the error's name as Step Functions or the API has it.
        cause: its text.
        log_tail: the last lines of the log, oldest first.
        metrics: the highest value of each metric of the instances, in per cent, by CloudWatch's names
            (``MemoryUtilization``, ``DiskUtilization``, ``GPUMemoryUtilization`` of one GPU).
    """

    failure_reason: str | None = None
    error: str | None = None
    cause: str | None = None
    log_tail: tuple[str, ...] = ()
    metrics: Mapping[str, float] | None = None


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
class Cause:
    """A cause that words can prove: its label, who has to act, whether to try again, a sentence, and what to do."""

    label: str
    fault: Fault
    summary: str
    remedy: str
    retry: Retry = "no_retry"

    def shown_by(self, evidence: str | None, summary: str | None = None) -> Diagnosis:
        return Diagnosis(self.label, self.fault, self.retry, summary or self.summary, self.remedy, evidence)
