"""The team's month in the runs table: set aside before, settled after, by whoever comes and however often."""

from team_in_memory import ARN, STARTED

from trainwright_runtime import months
from trainwright_runtime import record as records
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import ledger
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.problems import Problem
from trainwright_runtime.rungs import Bounds, Plan, Rung

MONTH = "2026-11"


def policy(monthly=100.0, **more):
    return TeamPolicy.from_data({"team": "vision", "budget": {"monthly_usd": monthly} if monthly else {}, **more})


def planned(number=1, usd_per_hour=4.0, hours=10, keep_alive=None, cap=None):
    resources = {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "KeepAlivePeriodInSeconds": keep_alive}
    rung = Rung("on_demand", "ml.g5.xlarge", "sync", usd_per_hour, True, {"ResourceConfig": resources})
    bounds = Bounds(hours * 3600, 0, 3600, cap, 3, None, 100)
    return Plan(Run(f"vision-{number:010}", "vision", "digits"), (rung,), bounds)


def reserved(team, plan, policy_=None, started=STARTED):
    return ledger.reserve(plan, policy_ or policy(), started, team.store, price_source="a list")


def month(team, name=MONTH):
    """What the month's runs cost or may cost, and what each may cost still, in US dollars."""
    item = team.store.record(f"money:{name}") or {}
    shares = {name: value / 1e6 for name, value in item.items() if name.startswith("vision-")}
    return item.get("committed", 0) / 1e6, shares


def begun(team, plan, money, *rows):
    """The record of a run with these attempts."""
    item = records.new(plan.run, ARN, STARTED, STARTED) | {"money": money}
    item["attempts"] = {str(number): {"number": number, **row} for number, row in enumerate(rows, 1)}
    team.store.put({"Item": item})
    return team.store.record(plan.run.id)


def cost(usd, status="Completed", seconds=3600, pool=None):
    return {"status": status, "cost_usd": usd, "training_seconds": seconds, "warm_pool": pool}


def test_what_a_run_may_cost_is_set_aside_and_what_it_cost_takes_its_place(team):
    plan = planned()
    money = reserved(team, plan)
    assert (money["reserved_usd"], money["month"], money["price_source"]) == (40.0, MONTH, "a list")
    assert month(team) == (40.0, {plan.run.id: 40.0})
    record = ledger.settle(begun(team, plan, money, cost(1.5), cost(2.25)), team.store)
    assert month(team) == (3.75, {})
    assert record["money"]["settled_usd"] == 3.75


def test_whoever_comes_twice_changes_nothing(team):
    plan = planned()
    money = reserved(team, plan)
    assert reserved(team, plan) == money
    assert month(team) == (40.0, {plan.run.id: 40.0})
    record = begun(team, plan, money, cost(1.5))
    for _ in range(2):
        ledger.settle(record, team.store)
    assert month(team) == (1.5, {})


def test_a_run_that_does_not_fit_is_refused_with_what_would(team):
    reserved(team, planned(1))
    reserved(team, planned(2))
    found = reserved(team, planned(3, keep_alive=3600))
    assert isinstance(found, Problem)
    assert found.field == "limits.max_cost_usd"
    assert "the team's month 2026-11 has 20.00 USD left of 100.00, and this run could cost 44.00 USD" in found.problem
    assert "4.00 of it for machines kept alive" in found.problem
    assert found.allowed == "20.00 USD until 2026-12-01 (UTC)"
    assert "write limits.max_cost_usd: 16, or limits.max_runtime: 240m or less" in found.remedy
    assert month(team)[0] == 80.0
    assert not isinstance(reserved(team, planned(3, keep_alive=3600, cap=16.0)), Problem), "as the remedy says"


def test_where_nothing_is_left_no_cap_is_offered(team):
    reserved(team, planned(1, hours=25))
    found = reserved(team, planned(2))
    assert "has 0.00 USD left" in found.problem
    assert found.remedy.startswith("wait until runs that are under way have ended")


def test_without_a_price_a_budget_cannot_be_held(team):
    found = reserved(team, planned(usd_per_hour=None))
    assert "no price of these machines is known" in found.problem
    assert month(team) == (0, {})


def test_without_a_budget_the_month_is_still_kept(team):
    plans = [planned(1, hours=1000), planned(2, usd_per_hour=None)]
    for plan in plans:
        money = reserved(team, plan, policy(monthly=None))
        assert money["monthly_usd"] is None
        ledger.settle(begun(team, plan, money, cost(3.0)), team.store)
    assert month(team) == (6.0, {})
    assert isinstance(reserved(team, planned(3, hours=25)), Problem), "a budget that comes later knows what was spent"


def test_the_month_is_the_teams_own(team):
    tokyo = policy(time_zone="Asia/Tokyo")
    assert reserved(team, planned(), tokyo, "2026-11-30T20:00:00.000Z")["month"] == "2026-12"
    assert month(team, "2026-12")[0] == 40.0


def test_as_long_as_a_job_runs_all_of_it_stays_set_aside(team):
    plan = planned()
    money = reserved(team, plan)
    ledger.settle(begun(team, plan, money, cost(None, "Stopping")), team.store)
    assert month(team) == (40.0, {plan.run.id: 40.0})
    ledger.settle(begun(team, plan, money, cost(2.0, "Stopped")), team.store)
    assert month(team) == (2.0, {})


def test_a_kept_pool_stays_set_aside_until_it_has_ended(team):
    plan = planned(keep_alive=1800)
    money = reserved(team, plan)
    assert money["reserved_usd"] == 42.0
    record = begun(team, plan, money, cost(3.0, pool={"status": "Available", "kept_usd": None}))
    for _ in range(2):
        ledger.settle(record, team.store)
        assert month(team) == (5.0, {plan.run.id: 5.0})
    ledger.settle(begun(team, plan, money, cost(3.0, pool={"status": "Terminated", "kept_usd": 0.5})), team.store)
    assert month(team) == (3.5, {})


def test_a_redrive_sets_aside_what_may_still_be_spent_and_settles_the_rest(team):
    plan = planned()
    record = ledger.settle(begun(team, plan, reserved(team, plan), cost(12.0, "Failed", 3 * 3600)), team.store)
    assert month(team) == (12.0, {})
    assert ledger.reserve_again(record, plan, team.store) is None
    assert ledger.reserve_again(record, plan, team.store) is None
    assert month(team) == (40.0, {plan.run.id: 40.0})
    money = team.store.record(plan.run.id)["money"]
    ledger.settle(begun(team, plan, money, cost(12.0, "Failed", 3 * 3600), cost(8.0)), team.store)
    assert month(team) == (20.0, {})


def test_a_redrive_without_money_left_is_refused(team):
    plan = planned()
    record = ledger.settle(begun(team, plan, reserved(team, plan), cost(12.0, "Failed", 3 * 3600)), team.store)
    reserved(team, planned(2, hours=20))
    problem = ledger.reserve_again(record, plan, team.store)
    assert "has 20.00 USD left of 100.00" in problem.problem
    assert month(team)[0] == 92.0


def test_money_of_a_run_whose_record_never_came_to_be_is_given_back(team):
    plan = planned()
    assert not isinstance(reserved(team, plan, started="2026-11-30T23:30:00.000Z"), Problem)
    item = records.new(plan.run, ARN, "2026-11-30T23:30:00.000Z", STARTED)
    ledger.settle(item, team.store)
    assert month(team) == (0.0, {})
    ledger.settle({**item, "started_at": None}, team.store)


def test_a_month_that_changes_between_look_and_settlement_is_looked_at_again(team, monkeypatch):
    plan = planned()
    record = begun(team, plan, reserved(team, plan), cost(1.0))
    read, raised = team.store.record, []

    def record_then_raise(key):
        found = read(key)
        if key.startswith("money:") and not raised:
            raised.append(team.store.update(months.raise_share(plan.run.id, MONTH, 40_000_000, 50_000_000, None)))
        return found

    monkeypatch.setattr(team.store, "record", record_then_raise)
    ledger.settle(record, team.store)
    monkeypatch.undo()
    assert raised
    assert month(team) == (1.0, {})
