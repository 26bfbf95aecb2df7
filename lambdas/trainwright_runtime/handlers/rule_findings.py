"""What the rules of a job left in S3: the JSON reports of each, and the page of ProfilerReport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import profiled
from trainwright_runtime.handlers import objects, throttling
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.profile import Rule
from trainwright_runtime.profiled import Found, Place

_MOST = 20
"""Reports of one rule that are read: ProfilerReport has one of each built-in rule, eleven."""
_LARGEST = 8 << 20


@dataclass
class Findings:
    """How the rules stand, and the reports by rule and name; what could not be had is in `missing`."""

    rules: list[Rule] = field(default_factory=list)
    reports: dict[str, dict[str, bytes]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def found(clients: Services, job: Mapping[str, Any]) -> Findings:
    """What there is now. Raises ClientError only where AWS throttles."""
    result = Findings()
    for rule in profiled.rules(job):
        name = str(rule.get("RuleConfigurationName"))
        place, keys = _place(clients, job, rule, result)
        page = next((each.key for each in keys if profiled.is_page(each.key)), None)
        result.reports[name] = _reports(clients, place, keys, result) if place else {}
        uri = f"s3://{place.bucket}/{page}" if place and page else None
        result.rules.append(
            Rule(name, str(rule.get("RuleEvaluationStatus")), rule.get("StatusDetails"), report_uri=uri)
        )
    return result


def _place(
    clients: Services, job: Mapping[str, Any], rule: Mapping[str, Any], result: Findings
) -> tuple[Place | None, list[Found]]:
    """The first place that holds something; of a rule that is still evaluated, nothing is read."""
    if profiled.is_under_way(rule):
        return None, []
    name = str(rule.get("RuleConfigurationName"))
    why = None
    for place in profiled.findings(job, name, _processing(clients, rule)):
        try:
            if keys := objects.listed(clients, place):
                return place, keys
        except (ClientError, BotoCoreError) as error:
            why = throttling.said(error)
    if why is not None:
        result.missing.append(f"the findings of the rule {name} could not be listed: {why}")
    return None, []


def _processing(clients: Services, rule: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """DescribeProcessingJob's answer, None where there is none."""
    name = profiled.processing_job(rule)
    if name is None:
        return None
    try:
        return clients.sagemaker.describe_processing_job(ProcessingJobName=name)
    except (ClientError, BotoCoreError) as error:
        logger.info("processing job not described", extra={"job": name, "why": throttling.said(error)})
        return None


def _reports(clients: Services, place: Place, keys: list[Found], result: Findings) -> dict[str, bytes]:
    named = {name: each for each in keys if (name := profiled.report_name(each.key)) and each.size <= _LARGEST}
    reports: dict[str, bytes] = {}
    wanted = list(named.items())[:_MOST]
    for (name, _), read in zip(
        wanted, objects.read(clients, place.bucket, [each for _, each in wanted], lambda: False), strict=True
    ):
        if read.content is None:
            result.missing.append(f"{read.key} could not be read: {read.why}")
        else:
            reports[name] = read.content
    return reports
