"""Quotas at run time: by the platform's codes or by name, applied before default, and unknown rather than lost."""

import pytest
from team_in_memory import client_error

from trainwright_runtime.handlers import quotas as module
from trainwright_runtime.handlers.quotas import Quotas

NAME = "ml.g5.xlarge for training warm pool usage"


class FakeQuotas:
    """Service Quotas as far as a run asks: applied values, defaults, lists in pages of two."""

    def __init__(self, applied=None, defaults=None, names=None, default_names=None):
        self.applied, self.defaults = applied or {}, defaults or {}
        self.names, self.default_names = names or {}, default_names or {}
        self.calls = []
        self.fails = None

    def _quota(self, values, code):
        if self.fails:
            raise client_error(self.fails, "no", "GetServiceQuota")
        if code not in values:
            raise client_error("NoSuchResourceException", "The request failed because ...", "GetServiceQuota")
        return {"Quota": {"QuotaCode": code, "Value": values[code]}}

    def get_service_quota(self, *, ServiceCode, QuotaCode):
        self.calls.append(("get", QuotaCode))
        return self._quota(self.applied, QuotaCode)

    def get_aws_default_service_quota(self, *, ServiceCode, QuotaCode):
        self.calls.append(("default", QuotaCode))
        return self._quota(self.defaults, QuotaCode)

    def _page(self, names, token):
        start = int(token or 0)
        listed = [{"QuotaName": name, "QuotaCode": code} for name, code in names.items()]
        more = {"NextToken": str(start + 2)} if start + 2 < len(listed) else {}
        return {"Quotas": listed[start : start + 2], **more}

    def list_service_quotas(self, *, ServiceCode, MaxResults, NextToken=None):
        self.calls.append(("list", NextToken))
        return self._page(self.names, NextToken)

    def list_aws_default_service_quotas(self, *, ServiceCode, MaxResults, NextToken=None):
        self.calls.append(("list defaults", NextToken))
        return self._page(self.default_names, NextToken)


@pytest.fixture
def quotas(team, monkeypatch):
    module.forget()

    def make(fake, clock=lambda: 0.0):
        monkeypatch.setitem(team.services.__dict__, "quick_quotas", fake)
        return Quotas(team.services, team.environment, clock=clock)

    yield make
    module.forget()


def test_the_platforms_code_leads_to_the_applied_value(team, quotas):
    team.parameter("/trainwright/quotas/ml.g5.xlarge/warm-pool", "L-1")
    fake = FakeQuotas(applied={"L-1": 3.0}, defaults={"L-1": 0.0})
    found = quotas(fake)
    assert found.applied("ml.g5.xlarge", "warm_pool") == 3
    assert found.applied("ml.g5.xlarge", "warm_pool") == 3
    assert fake.calls == [("get", "L-1")]
    assert found.warnings == ()


def test_without_a_value_of_the_accounts_own_the_default_holds(team, quotas):
    team.parameter("/trainwright/quotas/ml.g5.xlarge/spot", "L-2")
    assert quotas(FakeQuotas(defaults={"L-2": 0.0})).applied("ml.g5.xlarge", "spot") == 0


def test_without_a_parameter_the_quota_is_found_by_its_name_on_any_page(quotas):
    names = {f"other {number}": f"L-{number}" for number in range(5)} | {NAME: "L-9"}
    fake = FakeQuotas(applied={"L-9": 2.0}, names=names)
    assert quotas(fake).applied("ml.g5.xlarge", "warm_pool") == 2
    assert [call for call in fake.calls if call[0] == "list"] == [("list", None), ("list", "2"), ("list", "4")]


def test_a_quota_that_has_a_default_only_is_found_among_the_defaults(quotas):
    fake = FakeQuotas(defaults={"L-9": 0.0}, names={"another": "L-1"}, default_names={NAME: "L-9"})
    assert quotas(fake).applied("ml.g5.xlarge", "warm_pool") == 0


def test_the_lists_are_read_once_an_hour_and_the_value_at_every_run(quotas):
    time = [0.0]
    fake = FakeQuotas(applied={"L-9": 2.0}, names={NAME: "L-9"})
    assert quotas(fake, lambda: time[0]).applied("ml.g5.xlarge", "warm_pool") == 2
    fake.applied["L-9"] = 5.0
    assert quotas(fake, lambda: time[0]).applied("ml.g5.xlarge", "warm_pool") == 5
    assert fake.calls.count(("list", None)) == 1
    time[0] = 3601.0
    quotas(fake, lambda: time[0]).applied("ml.g5.xlarge", "warm_pool")
    assert fake.calls.count(("list", None)) == 2


def test_a_type_without_such_a_quota_is_not_known(quotas):
    found = quotas(FakeQuotas(names={"another": "L-1"}))
    assert found.applied("ml.new9.large", "spot") is None
    assert found.warnings == ()


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException"])
def test_a_look_up_that_fails_is_unknown_and_one_warning(team, quotas, code):
    fake = FakeQuotas()
    fake.fails = code
    for kind in ("training", "spot"):
        team.parameter(f"/trainwright/quotas/ml.g5.xlarge/{kind}", "L-1")
    found = quotas(fake)
    assert (found.applied("ml.g5.xlarge", "training"), found.applied("ml.g5.xlarge", "spot")) == (None, None)
    assert len(found.warnings) == 1
    assert code.removesuffix("Exception") in found.warnings[0]


def test_a_list_that_takes_too_long_is_given_up_and_not_taken_for_the_whole(quotas):
    fake = FakeQuotas(applied={"L-9": 2.0}, names={f"other {number}": "L-1" for number in range(9)} | {NAME: "L-9"})
    time = iter(range(0, 100, 3))
    slow = quotas(fake, lambda: float(next(time)))
    assert slow.applied("ml.g5.xlarge", "warm_pool") is None
    assert len(fake.calls) < 4
    assert "TimeoutError" in slow.warnings[0]
    assert quotas(fake).applied("ml.g5.xlarge", "warm_pool") == 2
