"""Alarms on one metric: judged when data comes and when the data they were judged by grows old, in account time.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html

Composite alarms, metric math, percentiles and anomaly detection are only kept.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from trainwright.rehearsal import clock, facade, permissions
from trainwright.rehearsal.metrics import judging

LOG = logging.getLogger("trainwright.rehearsal")
STATE_CHANGE = "CloudWatch Alarm State Change"
PRINCIPAL = "cloudwatch.amazonaws.com"
_lock = threading.RLock()


def created(alarm: Any, before: Any | None) -> None:
    """PutMetricAlarm: a new alarm has no data yet, one that is changed keeps its state.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    alarm.samples = getattr(before, "samples", [])
    if before is not None:
        for name in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
            setattr(alarm, name, getattr(before, name))
    else:
        alarm.state_value = judging.INSUFFICIENT_DATA
    _look_again(alarm)


def received(alarms: Iterable[Any], namespace: str, data: Iterable[dict[str, Any]]) -> None:
    """PutMetricData, from whomever: judge the alarms that the data is about."""
    given = list(data)
    for alarm in list(alarms):
        rule = rule_of(alarm)
        mine = [datum for datum in given if rule and _is_about(alarm, namespace, datum)]
        if mine:
            with _lock:
                alarm.samples += [sample for datum in mine for sample in _samples(datum)]
            _judge(alarm)


def rule_of(alarm: Any) -> judging.Rule | None:
    """What the alarm watches for; None: it is not of the simple kind."""
    if alarm.rule is not None or alarm.metric_data_queries or not alarm.metric_name or alarm.extended_statistic:
        return None
    rule = judging.Rule(
        statistic=str(alarm.statistic),
        period=int(alarm.period or 0),
        periods=int(alarm.evaluation_periods),
        to_alarm=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        missing=alarm.treat_missing_data or "missing",
    )
    return rule if rule.can_be_judged else None


def _is_about(alarm: Any, namespace: str, datum: dict[str, Any]) -> bool:
    wanted = {(dimension.name, dimension.value) for dimension in alarm.dimensions}
    given = {(dimension["Name"], dimension["Value"]) for dimension in datum.get("Dimensions") or ()}
    same_unit = not alarm.unit or alarm.unit == (datum.get("Unit") or "None")
    return (alarm.namespace, alarm.metric_name) == (namespace, datum["MetricName"]) and wanted == given and same_unit


def _samples(datum: dict[str, Any]) -> list[judging.Sample]:
    when = _seconds(datum.get("Timestamp"))
    if datum.get("Values"):
        counts = datum.get("Counts") or [1] * len(datum["Values"])
        pairs = zip(datum["Values"], counts, strict=True)
        return [(float(value), when) for value, count in pairs for _ in range(int(float(count)))]
    if datum.get("StatisticValues"):
        found = {name: float(value) for name, value in datum["StatisticValues"].items()}
        number = max(1, int(found["SampleCount"]))
        return [(found["Sum"] / number, when)] * number
    return [(float(datum.get("Value", 0)), when)]


def _seconds(instant: datetime | str | None) -> float:
    if instant is None:
        return clock.time()
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


# --- judging -------------------------------------------------------------------------------------------------------


def _judge(alarm: Any) -> None:
    rule = rule_of(alarm)
    if rule is None:
        return
    with _lock:
        now = clock.time()
        alarm.samples = [sample for sample in alarm.samples if sample[1] >= rule.window_begins(now)]
        verdict = judging.judge(rule, alarm.samples, now, alarm.state_value)
        before = state_of(alarm)
        if verdict.state != alarm.state_value:
            alarm.update_state(verdict.reason, _reason_data(rule, verdict, now), verdict.state)
    if verdict.state != before["value"]:
        announce(alarm, before)
    if alarm.samples:  # without any, nothing changes until new data comes
        _look_again(alarm)


def _look_again(alarm: Any) -> None:
    """Judge once more when the current period is over."""
    rule = rule_of(alarm)
    with _lock:
        if rule is None or getattr(alarm, "is_watched", False):
            return
        alarm.is_watched = True
    clock.thread(_wait, f"alarm {alarm.name}", alarm, rule)


def _wait(alarm: Any, rule: judging.Rule) -> None:
    now = clock.time()
    due = (now // rule.period + 1) * rule.period
    clock.Event(weak=True).wait(due - now)
    alarm.is_watched = False
    if clock.time() >= due and _is_there(alarm):
        _judge(alarm)


def _is_there(alarm: Any) -> bool:
    from moto.cloudwatch.models import cloudwatch_backends  # noqa: PLC0415  (loads slowly)

    alarms = cloudwatch_backends[facade.account_id()][facade.region()].alarms
    return alarms.get(alarm.name) is alarm


def _reason_data(rule: judging.Rule, verdict: judging.Verdict, now: float) -> str:
    told = {
        "version": "1.0",
        "queryDate": _stamp(now),
        "statistic": rule.statistic,
        "period": rule.period,
        "recentDatapoints": list(verdict.points),
        "threshold": rule.threshold,
    }
    return json.dumps(told if verdict.began is None else {**told, "startDate": _stamp(verdict.began)})


def _stamp(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{int(seconds % 1 * 1000):03d}+0000"


# --- telling -------------------------------------------------------------------------------------------------------


def state_of(alarm: Any) -> dict[str, str]:
    """A state as the event has it."""
    return {
        "value": alarm.state_value,
        "reason": alarm.state_reason,
        "reasonData": alarm.state_reason_data or "{}",
        "timestamp": _stamp(_seconds(alarm.state_updated_timestamp)),
    }


def announce(alarm: Any, before: dict[str, str]) -> None:
    """Emit the change of state, and send it to the topics among the alarm's actions."""
    now = state_of(alarm)
    detail = {
        "alarmName": alarm.name,
        "configuration": _configuration(alarm),
        "previousState": before,
        "state": now,
    }
    facade.put_event("aws.cloudwatch", STATE_CHANGE, detail, [alarm.alarm_arn])
    actions = {
        judging.ALARM: alarm.alarm_actions,
        judging.OK: alarm.ok_actions,
        judging.INSUFFICIENT_DATA: alarm.insufficient_data_actions,
    }
    for action in (actions[now["value"]] or ()) if alarm.actions_enabled else ():
        _act(action, alarm, before, now)


def _configuration(alarm: Any) -> dict[str, Any]:
    metric = {
        "namespace": alarm.namespace,
        "name": alarm.metric_name,
        "dimensions": {dimension.name: dimension.value for dimension in alarm.dimensions},
    }
    stat = {"metric": metric, "period": int(alarm.period or 0), "stat": alarm.statistic}
    described = {"description": alarm.description} if alarm.description else {}
    return {**described, "metrics": [{"id": "m1", "metricStat": stat, "returnData": True}]}


def _act(action: str, alarm: Any, before: dict[str, str], now: dict[str, str]) -> None:
    if action.split(":")[2] != "sns":
        LOG.warning("alarm %s: the rehearsal takes no action %s", alarm.name, action)
        return
    why = permissions.refused_service(PRINCIPAL, action, alarm.alarm_arn)
    if why:
        LOG.error("alarm %s cannot notify: %s", alarm.name, why)
        return
    try:
        subject = f'{now["value"]}: "{alarm.name}" in {facade.region()}'[:100]
        message = json.dumps(_message(alarm, before, now))
        facade.client("sns").publish(TopicArn=action, Subject=subject, Message=message)
    except Exception:
        LOG.exception("alarm %s could not notify %s", alarm.name, action)


def _message(alarm: Any, before: dict[str, str], now: dict[str, str]) -> dict[str, Any]:
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": facade.account_id(),
        "NewStateValue": now["value"],
        "NewStateReason": now["reason"],
        "StateChangeTime": now["timestamp"],
        "Region": facade.region(),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before["value"],
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic",
            "Statistic": str(alarm.statistic).upper(),
            "Dimensions": [{"value": each.value, "name": each.name} for each in alarm.dimensions],
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data or "missing",
        },
    }
