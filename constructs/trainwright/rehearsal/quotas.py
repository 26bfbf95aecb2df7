"""Service Quotas: SageMaker's quotas, those that CreateTrainingJob is held to here, and requests to raise one.

Shapes and errors: botocore's model and https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/. Words of
errors: those of the model, and those that public reports have (hashicorp/terraform-provider-aws#19657,
cloud-custodian/cloud-custodian#8939). No other service has quotas here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from trainwright.rehearsal import clock, facade, faults, gate, permissions, quota_names, wire
from trainwright.rehearsal.jobs.engine import engine
from trainwright.rehearsal.jobs.limits import SPOT, TRAINING, WARM_POOL, Increase, Limits, quota_name

SERVICE = "sagemaker"
#: "Active requests per account", https://docs.aws.amazon.com/servicequotas/latest/userguide/reference_limits.html
MOST_OPEN = 20
_MOST = 100
Params = Mapping[str, Any]
Shown = dict[str, Any]


class Refused(Exception):
    """An error that a client is to read."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def serve() -> None:
    """Answer the service's calls here."""
    gate.service("service-quotas", answer)


def answer(call: wire.Call, environ: dict[str, Any]) -> wire.Answer:
    """Answer one call."""
    operation = _OPERATIONS.get(call.operation)
    if operation is None:
        message = f"{call.operation} is not answered here"
        return wire.error(call.service, "NotImplemented", message, environ, 501)
    try:
        return wire.result(call, operation(call.params, engine().fleet.limits), environ)
    except Refused as refused:
        return wire.error(call.service, refused.code, str(refused), environ, 400)


# --- quotas --------------------------------------------------------------------------------------------------------


def list_quotas(params: Params, limits: Limits) -> Shown:
    """ListServiceQuotas: "If the applied quota value is not available for a quota, the quota is not retrieved"."""
    _known_service(params)
    wanted = params.get("QuotaCode")
    listed = [_applied(name, limits) for name, code in quota_names.codes().items() if wanted in (None, code)]
    return _page("Quotas", [quota for quota in listed if quota], params)


def list_defaults(params: Params, limits: Limits) -> Shown:
    """ListAWSDefaultServiceQuotas."""
    _known_service(params)
    return _page("Quotas", [_quota(name, limits.default(name)) for name in quota_names.codes()], params)


def get_quota(params: Params, limits: Limits) -> Shown:
    """GetServiceQuota."""
    found = _applied(_name(params), limits)
    if found is None:
        raise _missing()
    return {"Quota": found}


def get_default(params: Params, limits: Limits) -> Shown:
    """GetAWSDefaultServiceQuota."""
    name = _name(params)
    return {"Quota": _quota(name, limits.default(name))}


def _applied(name: str, limits: Limits) -> Shown | None:
    """None for a warm pool's quota of which nobody ever said anything: it has its default and no applied value, so that
    who reads quotas meets both kinds."""
    if name.endswith(f"{WARM_POOL} usage") and limits.said(name) is None:
        return None
    return _quota(name, min([limits.value(name), *_small(name)]))


def _small(name: str) -> list[int]:
    """Limits of `busy_quotas` that are about every job of a type."""
    found = []
    for fault in faults.active().busy_quotas:
        for kind in (TRAINING, SPOT):
            instance_type = name.removesuffix(quota_name(kind, ""))
            every = not fault.jobs and fault.chance == 1 and instance_type != name
            if every and fault.selects("", instance_type, is_spot=kind == SPOT):
                found.append(fault.limit)
    return found


def _quota(name: str, value: float) -> Shown:
    code = quota_names.codes()[name]
    return {
        **_named(name, code),
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _named(name: str, code: str) -> Shown:
    arn = f"arn:aws:servicequotas:{facade.region()}:{facade.account_id()}:{SERVICE}/{code}"
    return {
        "ServiceCode": SERVICE,
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": arn,
        "QuotaCode": code,
        "QuotaName": name,
    }


# --- requests ------------------------------------------------------------------------------------------------------


def ask(params: Params, limits: Limits) -> Shown:
    """RequestServiceQuotaIncrease."""
    name, desired = _name(params), float(params["DesiredValue"])
    now = clock.time()
    is_open = [each for each in limits.asked() if each.status(now) == "PENDING"]
    if any(each.quota == name for each in is_open):
        said = "Only one open service quota increase request is allowed per quota."
        raise Refused("ResourceAlreadyExistsException", said)
    if desired <= limits.value(name):
        raise Refused("IllegalArgumentException", "You must provide a quota value greater than the current quota value")
    if len(is_open) >= MOST_OPEN:
        raise Refused("QuotaExceededException", "You have exceeded your service quota.")
    cases = params.get("SupportCaseAllowed", True)
    made = limits.ask(name, desired, support_case_allowed=bool(cases), requester=_requester())
    return {"RequestedQuota": _request(made)}


def _requester() -> str:
    session = permissions.caller.get()
    arn = session.role_arn if session else f"arn:aws:iam::{facade.account_id()}:root"
    return json.dumps({"accountId": facade.account_id(), "callerArn": arn})


def history(params: Params, limits: Limits) -> Shown:
    """ListRequestedServiceQuotaChangeHistory, of a service or of all."""
    if params.get("ServiceCode") is not None:
        _known_service(params)
    return _requests(limits.asked(), params)


def history_of_quota(params: Params, limits: Limits) -> Shown:
    """ListRequestedServiceQuotaChangeHistoryByQuota."""
    return _requests(limits.asked(_name(params)), params)


def get_request(params: Params, limits: Limits) -> Shown:
    """GetRequestedServiceQuotaChange."""
    found = [each for each in limits.asked() if each.id == params.get("RequestId")]
    if not found:
        raise _missing()
    return {"RequestedQuota": _request(found[0])}


def _requests(asked: Sequence[Increase], params: Params) -> Shown:
    shown = [_request(each) for each in asked]
    return _page("RequestedQuotas", [each for each in shown if params.get("Status") in (None, each["Status"])], params)


def _request(made: Increase) -> Shown:
    now = clock.time()
    return {
        **_named(made.quota, quota_names.codes()[made.quota]),
        "Id": made.id,
        "DesiredValue": made.desired,
        "Status": made.status(now),
        "Created": datetime.fromtimestamp(made.created, UTC),
        "LastUpdated": datetime.fromtimestamp(made.changed(now), UTC),
        "Requester": made.requester,
        "GlobalQuota": False,
        "Unit": "None",
        "QuotaRequestedAtLevel": "ACCOUNT",
    }


# --- what all of them check ----------------------------------------------------------------------------------------


def _known_service(params: Params) -> None:
    if params.get("ServiceCode") != SERVICE:
        raise _missing()


def _name(params: Params) -> str:
    _known_service(params)
    name = quota_names.names().get(str(params.get("QuotaCode")))
    if name is None:
        raise _missing()
    return name


def _missing() -> Refused:
    return Refused("NoSuchResourceException", "The specified resource does not exist.")


def _page(key: str, found: Sequence[Shown], params: Params) -> Shown:
    size, token = params.get("MaxResults") or _MOST, params.get("NextToken") or "0"
    if not 1 <= size <= _MOST:
        raise Refused("IllegalArgumentException", f"MaxResults must be between 1 and {_MOST}")
    if not token.isdigit() or int(token) > len(found):
        raise Refused("InvalidPaginationTokenException", "Invalid input was provided.")
    begin = int(token)
    page = {key: list(found[begin : begin + size])}
    return page if begin + size >= len(found) else {**page, "NextToken": str(begin + size)}


_OPERATIONS: Mapping[str, Callable[[Params, Limits], Shown]] = {
    "ListServiceQuotas": list_quotas,
    "ListAWSDefaultServiceQuotas": list_defaults,
    "GetServiceQuota": get_quota,
    "GetAWSDefaultServiceQuota": get_default,
    "RequestServiceQuotaIncrease": ask,
    "ListRequestedServiceQuotaChangeHistory": history,
    "ListRequestedServiceQuotaChangeHistoryByQuota": history_of_quota,
    "GetRequestedServiceQuotaChange": get_request,
}
