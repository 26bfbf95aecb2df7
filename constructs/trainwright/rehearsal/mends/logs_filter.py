"""CloudWatch Logs' FilterLogEvents, which `aws logs tail` asks again and again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.logs import responses
from moto.logs.exceptions import InvalidParameterException

from trainwright.rehearsal.mends import Mend, replace

_TARGET = "moto.logs.responses:LogsResponse.filter_log_events"
_NOTHING: dict[str, Any] = {"events": [], "searchedLogStreams": []}


def filter_log_events(self: responses.LogsResponse) -> str:
    """FilterLogEvents: by names or by a prefix, of a group's name or ARN, all streams' events in the order of time."""
    asked = json.loads(self.body or "{}")
    group = asked.get("logGroupName") or _name(asked.get("logGroupIdentifier", ""))
    names = _streams(self, group, asked)
    if names == [] and asked.get("logStreamNamePrefix"):
        return json.dumps(_NOTHING)
    events, token, searched = self.logs_backend.filter_log_events(
        group,
        names,
        asked.get("startTime"),
        asked.get("endTime"),
        asked.get("limit"),
        asked.get("nextToken"),
        asked.get("filterPattern"),
        True,  # "all matched log events from multiple log streams are interleaved": the parameter is ignored
    )
    return json.dumps({"events": events, "searchedLogStreams": searched, **({"nextToken": token} if token else {})})


def _name(identifier: str) -> str:
    """A group's name or ARN as its name."""
    return identifier.partition(":log-group:")[2].removesuffix(":*") or identifier


def _streams(response: responses.LogsResponse, group: str, asked: Mapping[str, Any]) -> list[str]:
    prefix, names = asked.get("logStreamNamePrefix"), asked.get("logStreamNames")
    if prefix and names:
        raise InvalidParameterException(
            constraint="logStreamNames and logStreamNamePrefix cannot be given together",
            parameter="logStreamNamePrefix",
            value=prefix,
        )
    if not prefix or group not in response.logs_backend.groups:
        return list(names or ())
    return [name for name in response.logs_backend.groups[group].streams if name.startswith(prefix)]


def _put(new: Any) -> None:
    replace(_TARGET, new)


MENDS: tuple[Mend, ...] = (
    Mend(
        "logs-filter-events",
        _TARGET,
        "bcfea899647e0d0bcc81241a000b18e38fcc3962cddd171f1f1c550e88583cf9",
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html",
        "moto ignores the prefix of the streams' names and lists stream after stream",
        lambda: _put(filter_log_events),
    ),
)
