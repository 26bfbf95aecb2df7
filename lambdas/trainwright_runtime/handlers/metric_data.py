"""CloudWatch's values (GetMetricData), page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from trainwright_runtime.handlers.aws import Services


def results(
    clients: Services, queries: Sequence[Any], start: datetime, end: datetime, *, pages: int | None = None
) -> Iterator[Any]:
    """The entries of MetricDataResults, from so many pages at most; left out: from all. Raises ClientError."""
    token: dict[str, str] = {}
    for page in count(1):
        answer = clients.cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end, **token)
        yield from answer["MetricDataResults"]
        if page == pages or not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}
