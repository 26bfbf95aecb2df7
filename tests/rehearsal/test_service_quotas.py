"""Service Quotas shows what CreateTrainingJob is held to, and a granted request raises both."""

import pytest

from trainwright.rehearsal import quotas
from trainwright.rehearsal.faults import parse_faults
from trainwright.rehearsal.jobs.capacity import Fleet
from trainwright.rehearsal.jobs.limits import AMPLE, SPOT, TRAINING, WARM_POOL, Limits, quota_name
from trainwright.rehearsal.jobs.validation import InvalidRequest

G5 = "ml.g5.xlarge"
TYPES = {G5: {"quota": 4, "spot_quota": 0, "warm_pool_quota": 1}}


class Time:
    """An account's time that a test sets."""

    now = 1000.0

    def __call__(self):
        return self.now


def limits(time=None, **decides):
    return Limits(parse_faults({"instance_types": TYPES, "quota_requests": decides}), time or Time())


def test_a_quota_is_what_the_faults_file_says_and_ample_elsewhere():
    found = limits()
    assert [found.value(quota_name(kind, G5)) for kind in (TRAINING, SPOT, WARM_POOL)] == [4, 0, 1]
    assert found.value(quota_name(TRAINING, "ml.m5.large")) == AMPLE
    assert found.said(quota_name(TRAINING, "ml.m5.large")) is None
    assert found.default(quota_name(TRAINING, G5)) == 0


@pytest.mark.parametrize(
    ("decision", "cases", "status", "value"),
    [
        ("granted", False, "APPROVED", 9),
        ("denied", True, "DENIED", 4),
        ("denied", False, "NOT_APPROVED", 4),
        ("pending", True, "PENDING", 4),
    ],
)
def test_a_request_is_decided_when_its_time_has_come(decision, cases, status, value):
    time, quota = Time(), quota_name(TRAINING, G5)
    found = limits(time, decision=decision, after="1h")
    asked = found.ask(quota, 9, support_case_allowed=cases, requester="me")
    assert (asked.status(time.now), found.value(quota)) == ("PENDING", 4)
    time.now += 3600
    assert (asked.status(time.now), found.value(quota)) == (status, value)
    assert found.value(quota_name(SPOT, G5)) == 0


def test_training_jobs_are_held_to_what_was_granted():
    fleet = Fleet(parse_faults({"instance_types": TYPES, "quota_requests": {"decision": "granted"}}))
    with pytest.raises(InvalidRequest, match="for spot training job usage' is 0 Instances"):
        fleet.take("job-1", {G5: 2}, spot=True, busy=(), now=0.0)
    fleet.limits.ask(quota_name(SPOT, G5), 2, support_case_allowed=False, requester="me")
    fleet.take("job-1", {G5: 2}, spot=True, busy=(), now=0.0)
    with pytest.raises(InvalidRequest, match="for spot training job usage' is 2 Instances"):
        fleet.take("job-2", {G5: 1}, spot=True, busy=(), now=0.0)


# --- over the API --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def raised(helpers, tmp_path_factory):
    """An account of its own that grants at once: its root's client, and the account."""
    folder = tmp_path_factory.mktemp("quotas")
    faults = {
        "instance_types": TYPES,
        "quota_requests": {"decision": "granted"},
        "busy_quotas": [{"instance_types": "ml.p5.*", "limit": 0}, {"jobs": "other-*", "limit": 1}],
    }
    process = helpers.start_server(folder, faults=faults)
    account = helpers.Account(helpers.ready_line(process)["endpoint"], folder, process)
    yield account.client("service-quotas"), account
    helpers.stop_server(process)


def listed(client, operation, **more):
    pages = list(client.get_paginator(operation).paginate(ServiceCode="sagemaker", **more))
    return pages, {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}


def test_quotas_come_in_pages_with_what_is_applied(raised):
    pages, found = listed(raised[0], "list_service_quotas")
    assert len(pages) > 5
    values = {kind: found[quota_name(kind, G5)]["Value"] for kind in (TRAINING, SPOT, WARM_POOL)}
    assert values == {TRAINING: 4, SPOT: 0, WARM_POOL: 1}
    quota = found[quota_name(TRAINING, "ml.p4d.24xlarge")]
    assert quota["QuotaCode"] == "L-09B4A649"
    assert quota["QuotaArn"] == "arn:aws:servicequotas:us-east-1:123456789012:sagemaker/L-09B4A649"
    assert quota["Adjustable"]
    assert found[quota_name(TRAINING, "ml.p5.48xlarge")]["Value"] == 0  # busy_quotas, for every job
    assert found[quota_name(TRAINING, "ml.m5.large")]["Value"] == AMPLE  # not for jobs of other names


def test_a_quota_of_a_warm_pool_that_nobody_set_has_a_default_only(raised):
    client, name = raised[0], quota_name(WARM_POOL, "ml.m5.xlarge")
    assert name not in listed(client, "list_service_quotas")[1]
    assert listed(client, "list_aws_default_service_quotas")[1][name]["Value"] == AMPLE
    asked = {"ServiceCode": "sagemaker", "QuotaCode": "L-0BEF44E8"}
    with pytest.raises(client.exceptions.NoSuchResourceException):
        client.get_service_quota(**asked)
    assert client.get_aws_default_service_quota(**asked)["Quota"]["QuotaName"] == name


def test_an_increase_is_asked_for_once_and_raises_the_quota(raised):
    client = raised[0]
    code = listed(client, "list_service_quotas")[1][quota_name(SPOT, G5)]["QuotaCode"]
    asked = {"ServiceCode": "sagemaker", "QuotaCode": code}
    made = client.request_service_quota_increase(**asked, DesiredValue=8, SupportCaseAllowed=False)["RequestedQuota"]
    assert (made["Status"], made["DesiredValue"]) == ("APPROVED", 8)
    assert client.get_service_quota(**asked)["Quota"]["Value"] == 8
    with pytest.raises(client.exceptions.IllegalArgumentException, match="greater than the current quota value"):
        client.request_service_quota_increase(**asked, DesiredValue=8)
    by_quota = client.list_requested_service_quota_change_history_by_quota(**asked)["RequestedQuotas"]
    of_service = client.list_requested_service_quota_change_history(ServiceCode="sagemaker", Status="APPROVED")
    same = client.get_requested_service_quota_change(RequestId=made["Id"])["RequestedQuota"]
    assert by_quota == of_service["RequestedQuotas"] == [same]
    assert client.list_requested_service_quota_change_history(Status="DENIED")["RequestedQuotas"] == []


def test_what_cannot_be_answered_is_refused_in_the_apis_words(raised):
    client = raised[0]
    with pytest.raises(client.exceptions.NoSuchResourceException):
        client.list_service_quotas(ServiceCode="ec2")
    with pytest.raises(client.exceptions.NoSuchResourceException):
        client.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-00000000")
    with pytest.raises(client.exceptions.InvalidPaginationTokenException):
        client.list_service_quotas(ServiceCode="sagemaker", NextToken="abc")
    with pytest.raises(client.exceptions.ClientError, match="NotImplemented"):
        client.list_services()


def test_a_role_needs_the_quotas_arn_to_ask_and_none_to_list(raised, helpers):
    account = raised[1]
    arn = "arn:aws:servicequotas:us-east-1:123456789012:sagemaker/*"
    role = account.role(
        helpers.allow(["servicequotas:ListServiceQuotas", "servicequotas:GetAWSDefaultServiceQuota"], "*"),
        helpers.allow("servicequotas:GetServiceQuota", arn),
    )
    client = account.as_role(role, "service-quotas")
    assert client.list_service_quotas(ServiceCode="sagemaker", MaxResults=1)["Quotas"]
    assert client.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-09B4A649")["Quota"]["Value"] == AMPLE
    with pytest.raises(client.exceptions.ClientError, match="not authorized to perform: servicequotas:Request"):
        client.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode="L-09B4A649", DesiredValue=20_000)
    with pytest.raises(client.exceptions.ClientError, match="not authorized"):
        client.list_aws_default_service_quotas(ServiceCode="sagemaker")


# --- one request a quota, and twenty an account --------------------------------------------------------------------


def test_open_requests_are_bounded(monkeypatch):
    found = limits()
    monkeypatch.setattr(quotas.facade, "region", lambda: "us-east-1")
    monkeypatch.setattr(quotas.facade, "account_id", lambda: "123456789012")
    monkeypatch.setattr(quotas.clock, "time", Time())
    codes = list(quotas.quota_names.names())
    asked = [{"ServiceCode": "sagemaker", "QuotaCode": code, "DesiredValue": AMPLE + 1} for code in codes]
    quotas.ask(asked[0], found)
    with pytest.raises(quotas.Refused, match="Only one open") as one:
        quotas.ask(asked[0], found)
    for each in asked[1 : quotas.MOST_OPEN]:
        quotas.ask(each, found)
    with pytest.raises(quotas.Refused) as many:
        quotas.ask(asked[quotas.MOST_OPEN], found)
    assert (one.value.code, many.value.code) == ("ResourceAlreadyExistsException", "QuotaExceededException")
