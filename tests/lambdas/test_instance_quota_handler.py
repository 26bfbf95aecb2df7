"""Custom::TrainwrightInstanceQuota: what it asks of Service Quotas and of Parameter Store, and what it answers."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber
from team_in_memory import Context

from trainwright_runtime.handlers import instance_quota
from trainwright_runtime.handlers.aws import Services

SPOT, POOL = "ml.g5.xlarge for spot training job usage", "ml.g5.xlarge for training warm pool usage"
WANTED = [("spot", 4), ("warm_pool", 1)]


@pytest.fixture
def clients():
    """Botocore's own stubs: each call must come, in order, with these very parameters."""
    services, keys = Services(), {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    services.__dict__["quotas"] = boto3.client("service-quotas", region_name="eu-west-1", **keys)
    services.__dict__["ssm"] = boto3.client("ssm", region_name="eu-west-1", **keys)
    made = {name: Stubber(getattr(services, name)) for name in ("quotas", "ssm")}
    for stub in made.values():
        stub.activate()
    yield services, made["quotas"], made["ssm"]
    for stub in made.values():
        stub.assert_no_pending_responses()


def event(kind="Create", quotas=WANTED, old=None, **properties):
    listed = [{"InstanceType": "ml.g5.xlarge", "Kind": name, "Instances": str(count)} for name, count in quotas]
    said = {"Quotas": listed, "ParameterPrefix": "/trainwright/quotas/", "SupportCaseAllowed": "false", **properties}
    return {
        "RequestType": kind,
        "ResponseURL": "http://127.0.0.1/",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Quota",
        "ResourceProperties": said,
        **({"OldResourceProperties": {**said, **old}, "PhysicalResourceId": "mine"} if old is not None else {}),
    }


def quota(name, value, code):
    return {"QuotaName": name, "QuotaCode": code, "Value": value, "Adjustable": True}


def made(code, desired, status, day=1):
    return {"QuotaCode": code, "DesiredValue": desired, "Status": status, "Created": datetime(2026, 1, day, tzinfo=UTC)}


def looks(quotas, applied, asked=(), defaults=None):
    """What every request but Delete begins with: all pages of the quotas, then those asked for so far."""
    service = {"ServiceCode": "sagemaker"}
    quotas.add_response("list_service_quotas", {"Quotas": [], "NextToken": "more"}, service)
    quotas.add_response("list_service_quotas", {"Quotas": applied}, {**service, "NextToken": "more"})
    if defaults is not None:
        quotas.add_response("list_aws_default_service_quotas", {"Quotas": defaults}, service)
    answer = {"RequestedQuotas": list(asked)}
    quotas.add_response("list_requested_service_quota_change_history", answer, service)


def publishes(ssm, **codes):
    for kind, code in codes.items():
        name = f"/trainwright/quotas/ml.g5.xlarge/{kind.replace('_', '-')}"
        said = {"Name": name, "Value": code, "Type": "String", "Overwrite": True}
        ssm.add_response("put_parameter", {}, said)


def asks(quotas, code, desired, status="PENDING", *, cases=False):
    said = {"ServiceCode": "sagemaker", "QuotaCode": code, "DesiredValue": desired, "SupportCaseAllowed": cases}
    quotas.add_response("request_service_quota_increase", {"RequestedQuota": made(code, desired, status)}, said)


def test_what_is_too_small_is_asked_for_and_every_code_is_published(clients):
    services, quotas, ssm = clients
    looks(quotas, [quota("something else", 1, "L-9"), quota(SPOT, 1, "L-1"), quota(POOL, 1, "L-2")])
    publishes(ssm, spot="L-1", warm_pool="L-2")
    asks(quotas, "L-1", 4.0)
    answer = instance_quota.ask(event(), services)
    assert (answer.failure, answer.physical_id) == (None, "instance-quota:Quota")
    assert answer.data["Pending"] == "1"
    assert answer.data["Warnings"] == f"{SPOT} is 1 and should be 4; the request for 4 is open (PENDING)"


def test_a_quota_without_an_applied_value_has_a_default_one(clients):
    services, quotas, ssm = clients
    looks(quotas, [quota(SPOT, 4, "L-1")], defaults=[quota(SPOT, 0, "L-1"), quota(POOL, 0, "L-2")])
    publishes(ssm, spot="L-1", warm_pool="L-2")
    asks(quotas, "L-2", 1.0, "CASE_OPENED", cases=True)
    answer = instance_quota.ask(event(SupportCaseAllowed="true"), services)
    assert answer.data["Warnings"].startswith(f"{POOL} is 0 and should be 1; the request for 1 is open")


@pytest.mark.parametrize("asked", [[], [made("L-1", 4, "APPROVED")]])
def test_enough_is_left_alone(clients, asked):
    services, quotas, ssm = clients
    looks(quotas, [quota(SPOT, 8, "L-1"), quota(POOL, 1, "L-2")], asked)
    publishes(ssm, spot="L-1", warm_pool="L-2")
    answer = instance_quota.ask(event("Update", old={}), services)
    assert answer == instance_quota.Answer("mine", {"Warnings": "none", "Pending": "0"})


def test_a_second_deployment_asks_nothing_twice(clients):
    services, quotas, ssm = clients
    looks(
        quotas,
        [quota(SPOT, 1, "L-1"), quota(POOL, 0, "L-2")],
        [made("L-2", 1, "DENIED", day=9), made("L-1", 4, "PENDING"), made("L-2", 1, "PENDING", day=8)],
    )
    publishes(ssm, spot="L-1", warm_pool="L-2")
    answer = instance_quota.ask(event("Update", old={}), services)
    assert answer.data["Pending"] == "1"
    spot, pool = answer.data["Warnings"].splitlines()
    assert "the request for 4 is open" in spot
    assert "AWS turned the request for 1 down (DENIED)" in pool


def test_another_revision_repeats_what_was_turned_down(clients):
    services, quotas, ssm = clients
    looks(quotas, [quota(SPOT, 4, "L-1"), quota(POOL, 0, "L-2")], [made("L-2", 1, "DENIED")])
    publishes(ssm, spot="L-1", warm_pool="L-2")
    asks(quotas, "L-2", 1.0, "APPROVED")
    answer = instance_quota.ask(event("Update", old={"Revision": "1"}, Revision="2"), services)
    assert "the request for 1 is approved and not in force yet" in answer.data["Warnings"]


def test_a_request_that_aws_does_not_take_is_a_warning_and_the_next_is_still_made(clients):
    services, quotas, ssm = clients
    looks(quotas, [quota(SPOT, 1, "L-1"), quota(POOL, 0, "L-2")])
    publishes(ssm, spot="L-1", warm_pool="L-2")
    quotas.add_client_error("request_service_quota_increase", "QuotaExceededException", "too many requests are open")
    asks(quotas, "L-2", 1.0)
    answer = instance_quota.ask(event(), services)
    spot, _ = answer.data["Warnings"].splitlines()
    assert "AWS did not take the request" in spot
    assert "too many requests are open" in spot
    assert answer.data["Pending"] == "1"


def test_a_type_without_such_a_quota_is_a_warning(clients):
    services, quotas, ssm = clients
    looks(quotas, [quota(SPOT, 4, "L-1")], defaults=[])
    publishes(ssm, spot="L-1")
    answer = instance_quota.ask(event(), services)
    assert answer.data["Warnings"].startswith(f"{POOL}: there is no quota of this name here")


def test_fails_when_asked_to_and_only_after_asking(clients):
    services, quotas, ssm = clients
    looks(quotas, [quota(SPOT, 1, "L-1"), quota(POOL, 1, "L-2")])
    publishes(ssm, spot="L-1", warm_pool="L-2")
    asks(quotas, "L-1", 4.0)
    answer = instance_quota.ask(event(FailUnlessGranted="true"), services)
    assert answer.failure == (
        f"Quotas for training instances are not granted: {SPOT} is 1 and should be 4; "
        "the request for 4 is open (PENDING)"
    )


@pytest.mark.parametrize("fails", ["true", "false"])
def test_what_may_not_be_looked_at_is_said(clients, fails):
    services, quotas, _ = clients
    quotas.add_client_error("list_service_quotas", "AccessDeniedException", "explicitly denied by your organization")
    answer = instance_quota.ask(event(FailUnlessGranted=fails), services)
    said = answer.failure if fails == "true" else answer.data["Warnings"]
    assert "explicitly denied by your organization" in said


def test_deleting_the_resource_touches_nothing(clients, monkeypatch):
    said = []
    monkeypatch.setattr(instance_quota, "services", clients[0])
    monkeypatch.setattr(instance_quota, "respond", lambda target, answer: said.append((target.request_id, answer)))
    instance_quota.handler(event("Delete", old={}), Context())
    assert said == [("request", instance_quota.Answer("mine"))]
