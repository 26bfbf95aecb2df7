"""What a run does after each way in which an attempt can end."""

from dataclasses import replace

import pytest

from trainwright_runtime.decision import MOST_STARTS, Decision, History, Start, decide, reopen
from trainwright_runtime.facts import Run
from trainwright_runtime.history import MAX_EVENTS
from trainwright_runtime.outcome import ERRORS, Outcome
from trainwright_runtime.pauses import MAX_LOOKS
from trainwright_runtime.plan import Bounds, Next, Plan, Rung

KEPT = {"S3Uri": "s3://checkpoints/runs/a-0123456789/"}


def rung(capacity="spot", kind="ml.m5.large", usd=1.0, *, grows=True, checkpoints=True):
    request = {"ResourceConfig": {"InstanceType": kind, "VolumeSizeInGB": 30}, "Tags": []}
    request |= {"CheckpointConfig": KEPT} if checkpoints else {}
    return Rung(capacity, kind, "sync", usd, grows, request)


BOUNDS = Bounds(
    runtime_seconds=3600,
    waiting_seconds=3600,
    queue_seconds=12 * 3600,
    cost_usd=None,
    internal_errors=3,
    volume_gb=1024,
    starts=100,
)
LADDER = (rung(), rung(kind="ml.m5.xlarge"), rung("on_demand"), rung("on_demand", "ml.m5.xlarge", usd=2.0))


def plan(*rungs, **bounds):
    return Plan(Run("a-0123456789", "a", "n"), rungs or LADDER, replace(BOUNDS, **bounds))


def starts(*outcomes, rung=0, **last):
    made = [Start(number, 0, rung, outcome.label, volume_gb=30) for number, outcome in enumerate(outcomes, 1)]
    return History((*made[:-1], replace(made[-1], **last)))


def after(outcome, retry="no_retry", laid_out=None, history=None):
    return decide(laid_out or plan(), history or starts(outcome), outcome, retry)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.COMPLETED, "SUCCEEDED"),
        (Outcome.STOPPED_BY_PERSON, "STOPPED"),
        (Outcome.SCRIPT_FAILED, "FAILED"),
        (Outcome.SETUP_FAILED, "FAILED"),
        (Outcome.SERVICE_FAILED, "FAILED"),
        (Outcome.FAILED, "FAILED"),
        (Outcome.OUT_OF_TIME, "FAILED"),
        (Outcome.OUT_OF_MONEY, "FAILED"),
        (Outcome.TIMED_OUT, "FAILED"),
        (Outcome.DENIED, "FAILED"),
        (Outcome.INVALID, "FAILED"),
        (Outcome.NEVER_STARTED, "FAILED"),
    ],
)
def test_what_cannot_go_better_next_time_ends_the_run(outcome, status):
    assert after(outcome) == Decision("report", outcome.sentence, status=status)
    assert status in ERRORS


@pytest.mark.parametrize("retry", ["no_retry", "retry_same", "retry_other_capacity", "retry_bigger_volume"])
@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_decided_and_told(outcome, retry):
    decision = after(outcome, retry)
    assert decision.reason.endswith(".")
    assert (decision.status is not None) == (decision.next == "report")
    assert (decision.wait_seconds is not None) == (decision.after_wait is not None) == (decision.next == "wait")
    assert (decision.attempt is not None) == (decision.next == "train" or decision.after_wait == "train")


@pytest.mark.parametrize("outcome", [Outcome.DENIED, Outcome.INVALID, Outcome.OUT_OF_TIME, Outcome.OUT_OF_MONEY])
def test_no_diagnosis_brings_back_what_must_not_be_retried(outcome):
    for retry in ("retry_same", "retry_other_capacity", "retry_bigger_volume"):
        assert after(outcome, retry).next == "report"


# --- the ladder ---


@pytest.mark.parametrize(
    "outcome", [Outcome.NO_CAPACITY, Outcome.NO_SPOT, Outcome.NO_MACHINES, Outcome.QUOTA_ZERO], ids=str
)
def test_what_another_capacity_may_have_is_tried_there_at_once(outcome):
    decision = after(outcome)
    assert (decision.next, decision.attempt.rung) == ("train", 1)
    last = after(outcome, history=starts(outcome, rung=3))
    assert (last.next, last.status) == ("report", "FAILED")
    assert "Nothing else is left to try." in last.reason


def test_the_sentence_names_what_was_tried_and_what_comes():
    history = starts(Outcome.NO_SPOT, rung=1, waiting_seconds=7153, training_seconds=60)
    assert after(Outcome.NO_SPOT, history=history).reason == (
        "Spot capacity did not suffice within max_wait, and the job was stopped. Tried ml.m5.xlarge on spot for 2h. "
        "Going on with ml.m5.large on demand from the checkpoint."
    )
    bare = plan(rung(checkpoints=False), rung("on_demand", checkpoints=False))
    trained = starts(Outcome.NO_SPOT, training_seconds=60)
    assert after(Outcome.NO_SPOT, laid_out=bare, history=trained).reason.endswith("ml.m5.large on demand.")
    never_trained = starts(Outcome.NO_SPOT, waiting_seconds=7213)
    assert after(Outcome.NO_SPOT, history=never_trained).reason.endswith("Going on with ml.m5.xlarge on spot.")


def test_a_diagnosis_may_send_the_run_to_other_capacity():
    assert after(Outcome.FAILED, "retry_other_capacity").attempt.rung == 1


def test_a_rung_that_the_money_left_does_not_buy_is_passed_over():
    laid_out = plan(rung(), rung("on_demand", usd=900.0), rung("on_demand", "ml.m5.xlarge", usd=2.0), cost_usd=5)
    decision = after(Outcome.NO_CAPACITY, laid_out=laid_out)
    assert decision.attempt.rung == 2
    poor = starts(Outcome.NO_CAPACITY, cost_usd=4.99)
    ended = after(Outcome.NO_CAPACITY, laid_out=laid_out, history=poor)
    assert (ended.next, ended.status) == ("report", "FAILED")
    assert "4.99 of 5.00 USD are used" in ended.reason


def test_time_that_is_used_up_ends_the_run():
    used = starts(Outcome.SERVICE_FAILED, training_seconds=3550)
    ended = after(Outcome.SERVICE_FAILED, "retry_same", history=used)
    assert (ended.next, ended.status) == ("report", "FAILED")
    assert "59m of 1h are used" in ended.reason


# --- queues ---


def queue(outcome, laid_out=None, limit=200):
    """Decisions while nothing but `outcome` happens on the first rung, until the run leaves it."""
    laid_out, made, found = laid_out or plan(), [], []
    while len(found) < limit:
        made.append(Start(len(made) + 1, 0, 0, outcome.label, volume_gb=30))
        looks = 1 if outcome is Outcome.SERVICE_UNAVAILABLE else 0
        decision = decide(laid_out, History(tuple(made), looks), outcome, "retry_same")
        found.append(decision)
        if decision.next != "wait" or decision.attempt.rung != 0:
            return found
        made[-1] = replace(made[-1], then_wait=decision.wait_seconds)
    raise AssertionError("it never ends")


@pytest.mark.parametrize(
    ("outcome", "first", "longest"),
    [(Outcome.THROTTLED, 5, 300), (Outcome.QUOTA_BUSY, 60, 900), (Outcome.SERVICE_UNAVAILABLE, 30, 300)],
)
def test_waits_grow_to_a_bound_and_leave_for_the_next_rung(outcome, first, longest):
    *waits, last = queue(outcome)
    seconds = [each.wait_seconds for each in waits]
    assert first / 2 <= seconds[0] <= first
    assert longest / 2 <= max(seconds) <= longest
    assert sorted(seconds[:4]) == seconds[:4]
    assert sum(seconds) == 12 * 3600 // 4, "a quarter of the queue: four rungs are left"
    assert (last.next, last.attempt.rung) == ("train", 1)
    assert all(each.after_wait == "train" and "asked again in" in each.reason for each in waits)


def test_a_queue_that_does_not_clear_on_the_only_rung_ends_the_run():
    *waits, last = queue(Outcome.QUOTA_BUSY, plan(rung("on_demand")))
    assert sum(each.wait_seconds for each in waits) == 12 * 3600
    assert (last.next, last.status) == ("report", "FAILED")
    assert "waited 12h for it" in last.reason


def test_a_policy_may_have_no_queue():
    assert after(Outcome.QUOTA_BUSY, laid_out=plan(rung(), queue_seconds=0)).status == "FAILED"
    assert after(Outcome.THROTTLED, laid_out=plan(queue_seconds=0)).attempt.rung == 1


def test_what_earlier_rungs_left_of_the_queue_is_the_later_ones():
    waited = (Start(1, 0, 0, "quota_busy", then_wait=60), Start(2, 0, 1, "quota_busy"))
    laid_out = plan(rung(), rung("on_demand"), queue_seconds=100)
    assert decide(laid_out, History(waited), Outcome.QUOTA_BUSY, "retry_same").wait_seconds <= 40


def test_two_runs_do_not_wait_alike_and_one_always_does():
    other = replace(plan(), run=Run("a-9876543210", "a", "n"))
    history = starts(*[Outcome.QUOTA_BUSY] * 5)
    mine = [decide(plan(), history, Outcome.QUOTA_BUSY, "retry_same") for _ in range(2)]
    assert mine[0] == mine[1]
    assert mine[0].wait_seconds != decide(other, history, Outcome.QUOTA_BUSY, "retry_same").wait_seconds


def test_an_unanswered_call_is_looked_after_before_another_is_made():
    first = after(Outcome.SERVICE_UNAVAILABLE)
    assert (first.next, first.after_wait, first.attempt) == ("wait", "assess", None)
    second = after(Outcome.SERVICE_UNAVAILABLE, history=replace(starts(Outcome.SERVICE_UNAVAILABLE), looks=1))
    assert (second.next, second.after_wait, second.attempt.rung) == ("wait", "train", 0)


# --- faults and full disks ---


def test_a_fault_of_awss_is_tried_again_a_bounded_number_of_times():
    made = []
    for number in range(1, 4):
        made.append(Outcome.SERVICE_FAILED)
        decision = decide(plan(), starts(*made, training_seconds=60), Outcome.SERVICE_FAILED, "retry_same")
        assert (decision.next, decision.after_wait, decision.attempt.rung) == ("wait", "train", 0)
        assert "from the checkpoint" in decision.reason
        assert 15 * 2 ** (number - 1) <= decision.wait_seconds <= 30 * 2 ** (number - 1)
    last = decide(plan(), starts(*made, Outcome.SERVICE_FAILED), Outcome.SERVICE_FAILED, "retry_same")
    assert (last.next, last.status) == ("report", "FAILED")
    assert "tried again 3 times" in last.reason
    assert after(Outcome.SERVICE_FAILED, "retry_same", laid_out=plan(internal_errors=0)).next == "report"


def test_waits_in_a_queue_are_no_faults():
    made = [Outcome.QUOTA_BUSY] * 6 + [Outcome.SERVICE_FAILED]
    assert decide(plan(), starts(*made), Outcome.SERVICE_FAILED, "retry_same").next == "wait"


def test_faulty_hardware_under_a_script_is_tried_again():
    assert after(Outcome.SCRIPT_FAILED, "retry_same").attempt.rung == 0


def test_another_job_of_the_same_name_costs_a_try_and_no_wait():
    decision = after(Outcome.NAME_IN_USE)
    assert (decision.next, decision.attempt.rung) == ("train", 0)
    assert decide(plan(), starts(*[Outcome.NAME_IN_USE] * 4), Outcome.NAME_IN_USE, "no_retry").next == "report"


def test_a_full_disk_gets_twice_the_volume_once():
    trained = starts(Outcome.SCRIPT_FAILED, training_seconds=60)
    decision = after(Outcome.SCRIPT_FAILED, "retry_bigger_volume", history=trained)
    assert (decision.next, decision.attempt.rung, decision.attempt.volume_gb) == ("train", 0, 60)
    assert decision.reason == "The volume of 30 GB was full. It is tried again from the checkpoint, with 60 GB."
    again = History((*starts(Outcome.SCRIPT_FAILED).starts, Start(2, 0, 0, "script_failed", volume_gb=60)))
    ended = decide(plan(), again, Outcome.SCRIPT_FAILED, "retry_bigger_volume")
    assert (ended.next, ended.status) == ("report", "FAILED")
    assert "60 GB does not grow further" in ended.reason


@pytest.mark.parametrize(
    ("laid_out", "words"),
    [
        (plan(volume_gb=None), "policy does not let"),
        (plan(rung(grows=False)), "storage of its own"),
        (plan(volume_gb=30), "30 GB does not grow further"),
    ],
)
def test_a_volume_that_may_not_grow_ends_the_run(laid_out, words):
    decision = after(Outcome.SCRIPT_FAILED, "retry_bigger_volume", laid_out=laid_out)
    assert (decision.next, decision.status) == ("report", "FAILED")
    assert words in decision.reason


def test_a_volume_grows_to_the_policys_bound_and_stays_large():
    assert after(Outcome.SCRIPT_FAILED, "retry_bigger_volume", laid_out=plan(volume_gb=50)).attempt.volume_gb == 50
    large = starts(Outcome.NO_SPOT, volume_gb=60)
    assert after(Outcome.NO_SPOT, history=large).attempt.volume_gb == 60
    own = plan(rung(), rung(grows=False))
    assert after(Outcome.NO_SPOT, laid_out=own, history=large).attempt.volume_gb is None


# --- jobs that have not ended ---


def looks(outcome, laid_out=None):
    """Waits between looks at a job that never ends."""
    found = []
    while True:
        decision = decide(
            laid_out or plan(), History((Start(1, 0, 0, outcome.label),), len(found)), outcome, "no_retry"
        )
        if decision.next == "report":
            assert (decision.status, "being stopped" in decision.reason) == ("FAILED", True)
            return found
        assert decision.after_wait == "assess"
        found.append(decision.wait_seconds)


def test_a_job_that_should_have_ended_is_looked_at_for_some_minutes():
    waits = looks(Outcome.STILL_RUNNING)
    assert len(waits) == MAX_LOOKS
    assert 20 * 60 < sum(waits) < 60 * 60


@pytest.mark.parametrize("runtime", [600, 86_400, 28 * 86_400])
def test_a_job_that_was_found_running_is_waited_for_as_long_as_it_may_take(runtime):
    laid_out = plan(rung("on_demand"), runtime_seconds=runtime, waiting_seconds=0)
    waits = looks(Outcome.FOUND_RUNNING, laid_out)
    most = runtime + 3 * 3600
    assert most <= sum(waits) <= most + max(300, most // 1000)
    assert waits[0] == 30
    assert len(waits) * 12 < MAX_EVENTS


def test_what_a_job_was_given_bounds_how_long_it_is_waited_for():
    laid_out = plan(rung("on_demand"), runtime_seconds=86_400, waiting_seconds=0)
    before = Start(1, 0, 0, "service_failed", training_seconds=86_000)
    many = History((before, Start(2, 0, 0, "found_running")), looks=60)
    assert decide(laid_out, many, Outcome.FOUND_RUNNING, "no_retry").next == "report"
    assert decide(laid_out, replace(many, starts=many.starts[1:]), Outcome.FOUND_RUNNING, "no_retry").next == "wait"


# --- bounds of the execution ---


def test_a_run_makes_so_many_starts_and_no_more():
    decision = decide(plan(starts=5), starts(*[Outcome.THROTTLED] * 5), Outcome.THROTTLED, "retry_same")
    assert (decision.next, decision.status) == ("report", "FAILED")
    assert "asked for 5 jobs" in decision.reason


def test_a_run_ends_before_its_execution_is_full():
    made = tuple(Start(number, 0, 0, "no_capacity", looks=500) for number in range(1, 6))
    decision = decide(plan(), History(made), Outcome.NO_CAPACITY, "retry_other_capacity")
    assert (decision.next, decision.status) == ("report", "FAILED")
    assert "history is nearly full" in decision.reason
    alive = decide(plan(), History(made), Outcome.STILL_RUNNING, "no_retry")
    assert alive.next == "report"


# --- redrive ---


def test_a_redrive_begins_at_the_first_rung_with_what_is_left():
    made = tuple(Start(number, 0, number - 1, "no_capacity", training_seconds=500) for number in range(1, 5))
    decision = reopen(plan(), History(made, redrive=1))
    assert (decision.next, decision.attempt) == ("train", Next(0, 1600, 1600 + 1800, None, "time"))
    assert decide(plan(), History(made, redrive=1), Outcome.REDRIVEN, "no_retry") == decision


def test_a_redrive_leaves_spot_out_when_its_waiting_is_used_up():
    waited = (Start(1, 0, 1, "no_spot", waiting_seconds=3600),)
    assert reopen(plan(), History(waited, redrive=1)).attempt.rung == 2
    only = plan(rung(), rung(kind="ml.m5.xlarge"))
    assert reopen(only, History(waited, redrive=1)).attempt.rung == 0


def test_a_redrive_counts_tries_and_queues_anew_and_keeps_a_large_volume():
    before = [Start(number, 0, 0, "service_failed", volume_gb=60) for number in range(1, 101)]
    again = reopen(plan(), History(tuple(before), redrive=1))
    assert (again.next, again.attempt.volume_gb) == ("train", 60)
    now = (*before, Start(101, 1, 0, "service_failed", volume_gb=60))
    assert decide(plan(), History(now, redrive=1), Outcome.SERVICE_FAILED, "retry_same").next == "wait"
    busy = (Start(1, 0, 0, "quota_busy", then_wait=12 * 3600), Start(2, 1, 0, "quota_busy"))
    assert decide(plan(), History(busy, redrive=1), Outcome.QUOTA_BUSY, "retry_same").next == "wait"


def test_a_redrive_of_a_run_without_time_or_money_ends_at_once():
    spent = History((Start(1, 0, 0, "out_of_time", training_seconds=3600),), redrive=1)
    assert reopen(plan(), spent).status == "FAILED"
    poor = History((Start(1, 0, 0, "out_of_money", cost_usd=5),), redrive=1)
    assert reopen(plan(cost_usd=5), poor).status == "FAILED"


def test_a_redrive_of_a_run_that_never_began_begins():
    assert reopen(plan(), History((), redrive=1)).attempt.rung == 0


def test_rows_of_the_record_are_the_history():
    row = {
        "number": 2, "redrive": 0, "rung": 1, "outcome": "no_spot", "job_arn": None, "training_seconds": None,
        "waiting_seconds": 30, "cost_usd": None, "then_wait_seconds": 0, "volume_gb": 30,
    }  # fmt: skip
    first = {**row, "number": 1, "job_arn": "arn", "training_seconds": 7, "cost_usd": 0.5, "looks": 3}
    history = History.of([row, first], looks=1, redrive=0)
    assert history.starts[0] == Start(1, 0, 1, "no_spot", True, 7, 30, 0.5, 0, 30, 3)
    assert (history.last.number, history.used.waiting_seconds, history.looks) == (2, 60, 1)


def test_the_record_of_a_run_that_is_redriven_again_and_again_has_an_end():
    many = [Start(number, number // 50, 0, Outcome.THROTTLED.label) for number in range(1, MOST_STARTS + 1)]
    decision = decide(plan(), History(tuple(many), 0, many[-1].redrive), Outcome.THROTTLED, "retry_same")
    assert (decision.status, decision.attempt) == ("FAILED", None)
    assert "its record is full" in decision.reason
    before = decide(plan(), History(tuple(many[1:]), 0, many[-1].redrive), Outcome.THROTTLED, "retry_same")
    assert before.attempt is not None
