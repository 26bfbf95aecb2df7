"""Custom::TrainwrightInstanceQuota: quotas for training instances, found by name, compared, and asked to be raised.

Quotas are found by name because codes are not documented. Their codes go to Parameter Store, where Prepare reads them.
Nothing is lowered, and nothing is deleted with the resource: a request that is under way stays one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.custom_resource import Answer, Target, respond
from trainwright_runtime.handlers.telemetry import handling, logger
from trainwright_runtime.quota_request import (
    Increase,
    Promises,
    Quota,
    Wish,
    is_asked,
    pending,
    text,
    warning,
    wishes,
)
from trainwright_runtime.quotas import SERVICE, parameter

Event = dict[str, Any]


@handling
def handler(event: Event, _context: object) -> None:
    """The Lambda function: does what the event asks, and answers CloudFormation in any case."""
    respond(Target.of(event), ask(event, services))


def ask(event: Event, clients: Services) -> Answer:
    """Look, and ask where a quota is too small, on Create and Update; nothing on Delete.

    What stands in the way is the attribute `Warnings`; it fails the deployment where `FailUnlessGranted` says so.
    """
    physical_id = event.get("PhysicalResourceId") or f"instance-quota:{event['LogicalResourceId']}"
    if event["RequestType"] == "Delete":
        return Answer(physical_id)
    properties = event["ResourceProperties"]
    found: list[Wish] = []
    try:
        found = _looked_up(_promised(properties), clients)
        _publish(found, properties["ParameterPrefix"], clients)
        found = [_asked(wish, event, clients) for wish in found]
        warnings = [line for wish in found if (line := warning(wish))]
    except (ClientError, BotoCoreError) as error:
        logger.exception("quotas not asked for")
        warnings = [f"The quotas could not be looked at or asked for: {error}"]
    return _answer(physical_id, found, warnings, fails=_is_set(properties, "FailUnlessGranted"))


def _answer(physical_id: str, found: list[Wish], warnings: list[str], *, fails: bool) -> Answer:
    for line in warnings:
        logger.warning(line)
    said = text(warnings)
    if warnings and fails:
        return Answer(physical_id, failure=f"Quotas for training instances are not granted: {said}")
    return Answer(physical_id, {"Warnings": said, "Pending": str(pending(found))})


def _is_set(properties: Mapping[str, Any], name: str) -> bool:
    """CloudFormation hands every property over as text."""
    return bool(properties.get(name) == "true")


def _promised(properties: Mapping[str, Any]) -> Promises:
    return {(each["InstanceType"], each["Kind"]): int(each["Instances"]) for each in properties["Quotas"]}


# --- what there is -------------------------------------------------------------------------------------------------


def _looked_up(promised: Promises, clients: Services) -> list[Wish]:
    """Quotas without an applied value have a default one: "If the applied quota value is not available for a quota, the
    quota is not retrieved" (ListServiceQuotas)."""
    names = {wish.name for wish in wishes(promised, {}, {})}
    quotas = _named(names, "list_service_quotas", clients)
    if names - quotas.keys():
        quotas = _named(names, "list_aws_default_service_quotas", clients) | quotas
    return wishes(promised, quotas, _newest(clients))


def _named(names: set[str], operation: str, clients: Services) -> dict[str, Quota]:
    listed = _pages(clients, operation, "Quotas")
    return {each["QuotaName"]: _quota(each) for each in listed if each.get("QuotaName") in names}


def _quota(listed: Mapping[str, Any]) -> Quota:
    return Quota(listed["QuotaCode"], float(listed.get("Value", 0)), bool(listed.get("Adjustable")))


def _newest(clients: Services) -> dict[str, Increase]:
    """The newest request of each quota, by the quota's code; "within 90 days" (the API)."""
    listed = _pages(clients, "list_requested_service_quota_change_history", "RequestedQuotas")
    return {each["QuotaCode"]: _increase(each) for each in sorted(listed, key=lambda each: each["Created"])}


def _increase(listed: Mapping[str, Any]) -> Increase:
    return Increase(float(listed["DesiredValue"]), listed["Status"])


def _pages(clients: Services, operation: str, key: str) -> Iterator[dict[str, Any]]:
    for page in clients.quotas.get_paginator(operation).paginate(ServiceCode=SERVICE):
        yield from page.get(key, [])


# --- what is done --------------------------------------------------------------------------------------------------


def _publish(found: list[Wish], prefix: str, clients: Services) -> None:
    for wish in found:
        if wish.quota is not None:
            name = parameter(prefix, wish.instance_type, wish.kind)
            clients.ssm.put_parameter(Name=name, Value=wish.quota.code, Type="String", Overwrite=True)


def _asked(wish: Wish, event: Event, clients: Services) -> Wish:
    properties = event["ResourceProperties"]
    cases = _is_set(properties, "SupportCaseAllowed")
    if wish.quota is None or not is_asked(wish, support_case_allowed=cases, again=_again(event)):
        return wish
    try:
        answer = clients.quotas.request_service_quota_increase(
            ServiceCode=SERVICE,
            QuotaCode=wish.quota.code,
            DesiredValue=float(wish.instances),
            SupportCaseAllowed=cases,
        )
    except ClientError as error:  # one is open already, too many are, this quota cannot have this value
        return replace(wish, refusal=str(error))
    logger.info("quota increase asked for", extra={"quota": wish.name, "instances": wish.instances})
    return replace(wish, increase=_increase(answer["RequestedQuota"]))


def _again(event: Event) -> bool:
    """Whether somebody changed the revision, which is how a request that was turned down is repeated."""
    old, new = event.get("OldResourceProperties"), event["ResourceProperties"]
    return old is not None and bool(old.get("Revision") != new.get("Revision"))
