"""What AWS's rules left: `rule-output/<rule>/profiler-output/profiler-reports/<Rule>.json`, one for each that was run.

Shape: RuleTriggered, Violations, Datapoints, RuleParameters ("name:value" lines) and Details, as the rules' source of
2020 writes them (awslabs/sagemaker-debugger, smdebug/profiler/analysis/rules). Today's image may write more or other
things: only the first three are counted on, and what is odd is said.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic_core import from_json

from trainwright_runtime.profile.findings import Finding
from trainwright_runtime.profile.rules import DOCUMENTATION, Context, catalogue

_LARGEST = 2**25
_PARAMETERS = 300


@dataclass(frozen=True)
class Rule:
    """One of a training job's ProfilerRuleEvaluationStatuses (API reference, ProfilerRuleEvaluationStatus)."""

    name: str
    """RuleConfigurationName."""
    status: str
    """InProgress, NoIssuesFound, IssuesFound, Error, Stopping or Stopped."""
    details: str | None = None
    report_uri: str | None = None
    """Where the page lies that the rule wrote; None where it wrote none."""

    def data(self) -> dict[str, Any]:
        """As the document has it."""
        return asdict(self)

    @property
    def is_pending(self) -> bool:
        """Whether it is still being evaluated."""
        return self.status in ("InProgress", "Stopping")


class Reports:
    """The reports of all rules of an attempt, as far as they can be read."""

    def __init__(self, files: Mapping[str, Mapping[str, bytes]], context: Context) -> None:
        self._files, self._context = files, context
        self.missing: list[str] = []
        self.findings = [finding for name in sorted(files) for finding in self._of(name)]

    def _of(self, name: str) -> Iterator[Finding]:
        for file, content in sorted(self._files[name].items()):
            rule = file.rpartition("/")[2].removesuffix(".json")
            try:
                yield from self._finding(name, rule, content)
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                self.missing.append(f"the report {rule[:80]} of the rule {name} could not be read: {str(error)[:120]}")

    def _finding(self, name: str, rule: str, content: bytes) -> Iterator[Finding]:
        said = _parsed(content)
        triggered, violations, datapoints = (
            _count(said, each) for each in ("RuleTriggered", "Violations", "Datapoints")
        )
        if not triggered:
            return
        known = catalogue.of_aws(rule)
        share = violations / datapoints if known.is_share_of_time and 0 < violations <= datapoints else None
        yield Finding(
            rule=known.rule,
            title=known.title,
            severity=known.severity,
            measured=f"AWS's rule {rule[:80]} was triggered: {violations:,} violations in {datapoints:,} readings",
            value=float(violations),
            threshold=_threshold(said),
            change=catalogue.change(known, self._context.channels),
            worth_seconds=self._context.seconds * share if share else None,
            source=name,
            documentation=DOCUMENTATION,
        )


def unread(rules: list[Rule], files: Mapping[str, Mapping[str, bytes]]) -> Iterator[str]:
    """What the rules' own statuses say is not there."""
    for rule in rules:
        why = f": {rule.details[:300]}" if rule.details else ""
        if rule.status == "Error":
            yield f"the rule {rule.name} could not be evaluated{why}"
        elif rule.status == "Stopped":
            yield f"the rule {rule.name} was stopped before it was done{why}"
        elif rule.status == "IssuesFound" and not files.get(rule.name):
            yield f"the rule {rule.name} found issues, and left no report that says which{why}"
        elif rule.status not in ("InProgress", "Stopping", "NoIssuesFound", "IssuesFound"):
            yield f"the rule {rule.name} has the status {rule.status[:80]}, which is not known"


def _parsed(content: bytes) -> Mapping[str, Any]:
    if len(content) > _LARGEST:
        raise ValueError(f"it has {len(content):,} bytes")
    said = from_json(content)
    if not isinstance(said, dict):
        raise TypeError("it is no JSON object")
    return said


def _count(said: Mapping[str, Any], name: str) -> int:
    """0 where it is not said."""
    value = said.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise TypeError(f"{name} is no count")
    return int(value)


def _threshold(said: Mapping[str, Any]) -> str:
    text = said.get("RuleParameters")
    return ", ".join(text.split("\n"))[:_PARAMETERS] if isinstance(text, str) and text else "AWS's default"
