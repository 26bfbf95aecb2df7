"""Looking before the run starts: its inputs in S3 and the account's quotas. Bounded in time and in calls; what cannot
be seen is a warning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from trainwright_runtime.forms import as_written
from trainwright_runtime.handlers.aws import Services, error_code
from trainwright_runtime.handlers.environment import Environment
from trainwright_runtime.handlers.quotas import Quotas
from trainwright_runtime.handlers.together import Deadline, Trouble, together
from trainwright_runtime.plan import Plan
from trainwright_runtime.preflight import Count, Inspected, Place, Seen, inputs, places, regions, room
from trainwright_runtime.problems import Problem
from trainwright_runtime.quotas import Kind, RungNeeds, judge, ways
from trainwright_runtime.resolved import GROUPS, PREFERENCES, TYPES, ResolvedRequest

__all__ = ["Inspected", "inspect"]

SECONDS = 15
"""What all look-ups together may take of Prepare's time."""

PAGE, PAGES = 1000, 20
"""ListObjectsV2 answers 1,000 objects a call; more than 20,000 are not counted."""

Key = tuple[str, Any]


def inspect(
    plan: Plan,
    resolved: ResolvedRequest,
    data: object,
    clients: Services,
    environment: Environment,
    quotas: Quotas,
    deadline: Deadline | None = None,
) -> Inspected:
    """Everything that can be seen to be wrong with a run before it starts, all at once; never raises.

    `data` is the author's document, for the words of problems. `deadline` left out: SECONDS from now.
    """
    wanted = places(plan.rungs[0].request)
    until = deadline or Deadline.after(SECONDS)
    answers = together(_tasks(plan, wanted, clients, environment, quotas, until), until)
    found = {place: _seen(answers[("place", place)]) for place in wanted}
    region = environment.deployment.region
    elsewhere = regions(_regions(answers), wanted, region, data)
    there = {place: seen for place, seen in found.items() if not _told(place, elsewhere, data)}
    parts = (
        inputs(there, data),
        room(found, [rung.request.get("ResourceConfig") or {} for rung in plan.rungs], data),
        _quotas(plan, resolved, data, answers),
    )
    problems = [*elsewhere, *(problem for part in parts for problem in part.problems)]
    warnings = [warning for part in parts for warning in part.warnings]
    return Inspected(problems, (*warnings, *quotas.warnings), found)


def _told(place: Place, elsewhere: Iterable[Problem], data: object) -> bool:
    path = as_written(data, place.leaf)
    return any(problem.path == path for problem in elsewhere)


def _tasks(
    plan: Plan, wanted: Iterable[Place], clients: Services, environment: Environment, quotas: Quotas, until: Deadline
) -> dict[Key, Callable[[], Any]]:
    """The look-ups, by what they look at. Clients are made here: making them is not for several threads at once."""
    s3, own = clients.s3, environment.deployment.data_bucket
    _ = (clients.ssm, clients.quick_quotas)
    tasks: dict[Key, Callable[[], Any]] = {("place", place): partial(_look, s3, place, until) for place in wanted}
    tasks |= {("region", bucket): partial(_region, s3, bucket) for bucket in {each.bucket for each in wanted} - {own}}
    for rung in plan.rungs:
        kind = _kind(rung.capacity)
        for way in ways(rung.request.get("ResourceConfig") or {}):
            tasks |= {("quota", (name, kind)): partial(quotas.applied, name, kind) for name in way}
    return tasks


def _kind(capacity: str) -> Kind:
    return "spot" if capacity == "spot" else "training"


def _look(s3: Any, place: Place, until: Deadline) -> Seen:
    """What lies at a place. Only ListBucket is needed: an object of exactly this name is the first of its prefix."""
    try:
        return _object(s3, place) if place.whole else _prefix(s3, place, until)
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            return Seen(bucket=False)
        raise


def _object(s3: Any, place: Place) -> Seen:
    count = Count()
    page = s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
    for entry in page.get("Contents", ()):
        if entry["Key"] == place.key:
            count.add(entry)
    return count.seen()


def _prefix(s3: Any, place: Place, until: Deadline) -> Seen:
    """Counted to the end where the data is copied to volumes, at most 20 pages; else the first page says enough."""
    count = Count()
    more: dict[str, Any] = {}
    for _ in range(PAGES if place.copied else 1):
        page = s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=PAGE, **more)
        for entry in page.get("Contents", ()):
            count.add(entry)
        if not page.get("IsTruncated"):
            return count.seen()
        if not until.left:
            break
        more = {"ContinuationToken": page["NextContinuationToken"]}
    return count.seen(complete=False)


def _region(s3: Any, bucket: str) -> str | None:
    """HeadBucket tells the region whatever the permissions are: "regardless of the permissions on the bucket, you will
    receive a response header with the correct bucket location" (Amazon S3 API reference)."""
    try:
        region: str | None = s3.head_bucket(Bucket=bucket).get("BucketRegion")
    except ClientError as error:
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = headers.get("x-amz-bucket-region")
    return region


def _seen(answer: Any) -> Seen:
    return Seen(trouble=answer.why) if isinstance(answer, Trouble) else answer


def _regions(answers: Mapping[Key, Any]) -> dict[str, str | None]:
    return {
        name: None if isinstance(answer, Trouble) else answer
        for (what, name), answer in answers.items()
        if what == "region"
    }


def _quotas(plan: Plan, resolved: ResolvedRequest, data: object, answers: Mapping[Key, Any]) -> Inspected:
    def quota_of(instance_type: str, kind: Kind) -> int | None:
        answer = answers.get(("quota", (instance_type, kind)))
        return None if isinstance(answer, Trouble) else answer

    rungs = [RungNeeds(_kind(rung.capacity), rung.request.get("ResourceConfig") or {}) for rung in plan.rungs]
    leaf = next((leaf for leaf in (GROUPS, PREFERENCES) if resolved.get(*leaf)), TYPES)
    judged = judge(rungs, quota_of, as_written(data, leaf))
    return Inspected([judged]) if isinstance(judged, Problem) else Inspected([], tuple(judged))
