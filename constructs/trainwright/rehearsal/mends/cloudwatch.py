"""CloudWatch: alarms that go off, and say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainwright.rehearsal.mends import Mend, find, replace
from trainwright.rehearsal.metrics import alarms

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest"
_BACKEND = "moto.cloudwatch.models:CloudWatchBackend"
_PUT_DATA, _PUT_ALARM, _SET = (
    f"{_BACKEND}.{name}" for name in ("put_metric_data", "put_metric_alarm", "set_alarm_state")
)


def _wrap(target: str, make: Callable[[Any], Any]) -> Callable[[], None]:
    return lambda: replace(target, make(find(target)))


def _judging(original: Any) -> Any:
    def put_metric_data(self: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        original(self, namespace, metric_data)
        alarms.received(self.alarms.values(), namespace, metric_data)

    return put_metric_data


def _beginning(original: Any) -> Any:
    def put_metric_alarm(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        before = self.alarms.get(name)
        alarm = original(self, name, *args, **kwargs)
        alarms.created(alarm, before)
        return alarm

    return put_metric_alarm


def _telling(original: Any) -> Any:
    def set_alarm_state(self: Any, alarm_name: str, reason: str, reason_data: str, state_value: str) -> None:
        alarm = self.alarms.get(alarm_name)
        before = alarms.state_of(alarm) if alarm is not None else None
        original(self, alarm_name, reason, reason_data, state_value)
        if before is not None and before["value"] != state_value:
            alarms.announce(alarm, before)

    return set_alarm_state


MENDS = (
    Mend(
        "cloudwatch-data",
        _PUT_DATA,
        "300dda002442b818cba5f1296fd0f2703a8eeeea5300c3cbe02bde3c1f057ee9",
        f"{_GUIDE}/monitoring/alarm-evaluation.html",
        "moto judges no alarm.",
        _wrap(_PUT_DATA, _judging),
    ),
    Mend(
        "cloudwatch-alarm",
        _PUT_ALARM,
        "aff786ddccbc9f135373cec565c38ac5016cbdf68a3e8196fa36ec2325829fbb",
        f"{_GUIDE}/APIReference/API_PutMetricAlarm.html",
        "moto begins with OK, and forgets the state of an alarm that is changed.",
        _wrap(_PUT_ALARM, _beginning),
    ),
    Mend(
        "cloudwatch-set-state",
        _SET,
        "a25532144b2a458c71a552544136bfc408fb2f76ff4c54b748db39a2b598c29e",
        f"{_GUIDE}/monitoring/cloudwatch-and-eventbridge.html",
        "moto tells nobody of an alarm's change of state.",
        _wrap(_SET, _telling),
    ),
)
