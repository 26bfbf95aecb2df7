"""Warm pools on AWS: ended when nobody wants them, and told in the reports of runs long over."""

import pytest
from team_in_memory import STARTED, client_error, state

from trainwright_runtime import open_pools
from trainwright_runtime import record as records
from trainwright_runtime.attempts import Planned, Seen, row
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import pools
from trainwright_runtime.handlers.publishing import Publisher
from trainwright_runtime.handlers.reconcile import reconcile as run_reconcile
from trainwright_runtime.handlers.report import finished, report

FIRST, SECOND = "vision-0000000001", "vision-0000000002"


def pool(status, seconds=None, by=None):
    found = {"Status": status, "ResourceRetainedBillableTimeInSeconds": seconds, "ReusedByJob": by}
    return {"WarmPoolStatus": {name: value for name, value in found.items() if value is not None}}


def job(team, run, status=None, *, number=1, **more):
    name = f"{run}-{number}"
    done = state("Completed", TrainingTimeInSeconds=100, BillableTimeInSeconds=100, **more)
    team.sagemaker.has(name, {**done, "TrainingJobName": name})
    return team.sagemaker.describe_training_job(TrainingJobName=name)


def recorded(team, run, *, ended=True, with_row=True):
    """A run of one attempt in the table, settled or under way."""
    item = records.new(Run(run, "vision", "digits"), f"arn:{run}", STARTED, STARTED)
    if with_row:
        planned = Planned(1, f"{run}-1", "on_demand", {}, "/aws/sagemaker/TrainingJobs")
        made = row(planned, state("Completed"), Seen("completed"))
        item["attempts"] = {"1": {**made, "usd_per_hour": 2.0, "cost_usd": 1.0, "on_demand_usd": 1.0, "saved_usd": 0.0}}
    team.store.put(records.put_new(item))
    team.store.put_document(run, "request.json", {"name": "digits"})
    if ended:
        team.store.update(records.settle(run, "SUCCEEDED", None, STARTED))


class Reports(list):
    """Runs whose report was written."""

    def __call__(self, record):
        self.append(record["run"])


def settle(team, **more):
    reports = Reports()
    return pools.settle(team.store, team.services, reports, "vision", **more), reports


def listed(team):
    return [each.job for each in open_pools.listed(team.store.record(open_pools.POOLS.key))]


def the_row(team, run):
    return team.store.record(run)["attempts"]["1"]


@pytest.fixture
def updated(team):
    calls = []
    team.sagemaker.update_training_job = lambda **asked: calls.append(asked)
    return calls


def test_an_available_pool_is_ended(team, updated):
    assert pools.end_pool(team.services, job(team, FIRST, **pool("Available")))
    assert updated == [{"TrainingJobName": f"{FIRST}-1", "ResourceConfig": {"KeepAlivePeriodInSeconds": 0}}]


@pytest.mark.parametrize("status", ["InUse", "Reused", "Terminated"])
def test_any_other_pool_is_left_alone(team, updated, status):
    assert not pools.end_pool(team.services, job(team, FIRST, **pool(status)))
    assert not pools.end_pool(team.services, None)
    assert updated == []


def test_a_pool_that_cannot_be_ended_loses_no_run(team):
    def refuse(**_):
        raise client_error("ValidationException", "The warm pool is not available", "UpdateTrainingJob")

    team.sagemaker.update_training_job = refuse
    assert not pools.end_pool(team.services, job(team, FIRST, **pool("Available")))


def test_a_pool_is_remembered_once_and_a_job_without_one_is_not(team):
    assert pools.track(team.store, FIRST, 1, job(team, FIRST, **pool("Available")), 2.0)
    first = team.store.record(open_pools.POOLS.key)
    assert pools.track(team.store, FIRST, 1, job(team, FIRST, **pool("Available")), 3.0)
    assert team.store.record(open_pools.POOLS.key) == first
    assert pools.track(team.store, SECOND, 1, job(team, SECOND, **pool("InUse")), None)
    assert not pools.track(team.store, FIRST, 2, job(team, FIRST, number=2), 2.0)
    assert not pools.track(team.store, FIRST, 3, None, 2.0)
    assert sorted(listed(team)) == [f"{FIRST}-1", f"{SECOND}-1"]


def tracked(team, run=FIRST, usd=2.0):
    pools.track(team.store, run, 1, job(team, run, **pool("Available")), usd)


def test_a_pool_that_is_still_kept_stays_on_the_list(team):
    recorded(team, FIRST)
    tracked(team)
    assert settle(team) == ([], [])
    assert listed(team) == [f"{FIRST}-1"]


def test_what_a_pool_cost_is_put_into_the_report_once_it_has_ended(team):
    recorded(team, FIRST)
    tracked(team)
    job(team, FIRST, **pool("Terminated", 900))
    assert settle(team) == ([f"{FIRST}-1"], [FIRST])
    assert the_row(team, FIRST)["warm_pool"] == {
        "status": "Terminated",
        "reused_by": None,
        "kept_billable_seconds": 900,
        "kept_usd": 0.5,
    }
    assert listed(team) == []
    assert settle(team) == ([], [])


def test_the_run_that_took_a_pool_over_is_told(team):
    recorded(team, FIRST)
    recorded(team, SECOND)
    tracked(team)
    job(team, FIRST, **pool("Reused", 60, f"{SECOND}-1"))
    done, reports = settle(team)
    assert (done, sorted(reports)) == ([f"{FIRST}-1"], [FIRST, SECOND])
    assert the_row(team, SECOND)["reused_pool"] is True
    assert the_row(team, FIRST)["warm_pool"]["reused_by"] == f"{SECOND}-1"


def test_a_successor_without_a_row_yet_is_told_later(team):
    recorded(team, FIRST)
    recorded(team, SECOND, ended=False, with_row=False)
    tracked(team)
    job(team, FIRST, **pool("Reused", 60, f"{SECOND}-1"))
    assert settle(team) == ([], [FIRST])
    planned = Planned(1, f"{SECOND}-1", "on_demand", {}, "group")
    made = row(planned, state("Completed"), Seen("completed"))
    team.store.update(records.amend_row(SECOND, 1, made, STARTED))
    assert settle(team) == ([f"{FIRST}-1"], [])
    assert the_row(team, SECOND)["reused_pool"] is True
    assert listed(team) == []


def test_a_successor_that_is_nobodys_run_changes_nothing(team):
    recorded(team, FIRST)
    tracked(team)
    job(team, FIRST, **pool("Reused", 60, "somebodys-job"))
    assert settle(team)[0] == [f"{FIRST}-1"]


def test_a_job_that_is_gone_is_done_with(team):
    recorded(team, FIRST)
    tracked(team)
    team.sagemaker.jobs.clear()
    assert settle(team) == ([f"{FIRST}-1"], [])
    assert listed(team) == []


def test_a_job_that_cannot_be_looked_at_waits_and_holds_up_no_other(team, monkeypatch):
    recorded(team, FIRST)
    recorded(team, SECOND)
    tracked(team)
    tracked(team, SECOND)
    job(team, SECOND, **pool("Terminated", 10))
    plain = team.sagemaker.describe_training_job

    def describe(*, TrainingJobName):
        if TrainingJobName == f"{FIRST}-1":
            raise client_error("ThrottlingException", "slow", "DescribeTrainingJob")
        return plain(TrainingJobName=TrainingJobName)

    monkeypatch.setattr(team.sagemaker, "describe_training_job", describe)
    assert settle(team) == ([f"{SECOND}-1"], [SECOND])
    assert listed(team) == [f"{FIRST}-1"]


def test_one_call_looks_at_a_bounded_number(team):
    for run in (FIRST, SECOND):
        recorded(team, run)
        tracked(team, run)
        job(team, run, **pool("Terminated", 10))
    assert len(settle(team, limit=1)[0]) == 1
    assert len(listed(team)) == 1


def test_reconcile_writes_the_report_again(team):
    recorded(team, FIRST)
    tracked(team)
    job(team, FIRST, **pool("Terminated", 900))
    assert run_reconcile(team.store, team.services, team.environment) == {"schema": 2, "pools": [f"{FIRST}-1"]}
    written = team.document(FIRST, "report.json")
    assert written["attempts"][0]["warm_pool"]["kept_usd"] == 0.5
    assert team.page(FIRST)


def test_what_a_pool_cost_is_settled_in_the_teams_month(team):
    money = {"month": "2026-11", "settled_usd": 1.0, "pool_usd": 2.0}
    recorded(team, FIRST)
    team.store.update(records.put_money(FIRST, money))
    tracked(team)
    job(team, FIRST, **pool("Terminated", 900))
    settle(team)
    assert team.store.record(FIRST)["money"]["settled_usd"] == 1.5


def test_a_run_that_took_a_pool_over_says_so_in_its_first_report(team):
    recorded(team, FIRST)
    tracked(team)
    job(team, FIRST, **pool("Reused", 60, f"{SECOND}-1"))
    recorded(team, SECOND, ended=False)
    job(team, SECOND)
    report(Run(SECOND, "vision", "digits"), team.store, team.services, team.environment)
    assert team.document(SECOND, "report.json")["attempts"][0]["reused_pool"] is True
    assert team.document(FIRST, "report.json")["attempts"][0]["warm_pool"]["reused_by"] == f"{SECOND}-1"


@pytest.mark.parametrize(("keeps", "ended"), [(False, 2), (True, 0)])
def test_every_pool_of_a_stopped_run_is_ended_unless_the_policy_keeps_it(team, updated, keeps, ended):
    recorded(team, FIRST, ended=False)
    kept = {"status": "Available", "reused_by": None, "kept_billable_seconds": None, "kept_usd": None}
    for number in (1, 2):
        made = {**the_row(team, FIRST), "number": number, "job_name": f"{FIRST}-{number}", "warm_pool": kept}
        team.store.update(records.amend_row(FIRST, number, made, STARTED))
        job(team, FIRST, number=number, **pool("Available"))
    team.store.put_document(FIRST, "policy.json", {"warm_pool": {"keep_after_stop": keeps}})
    item = team.store.update(records.settle(FIRST, "STOPPED", None, STARTED))
    finished(item, Publisher(team.store, team.services, team.environment))
    assert len(updated) == ended
    assert listed(team) == [f"{FIRST}-1", f"{FIRST}-2"]


def test_reconcile_without_pools_does_nothing(team):
    assert run_reconcile(team.store, team.services, team.environment)["pools"] == []
