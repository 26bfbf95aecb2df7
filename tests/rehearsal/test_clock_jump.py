"""The clock that jumps: in which order everything happens, and when it stands still."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.rehearsal import clock
from trainwright.rehearsal.clock import starting
from trainwright.rehearsal.clock.jump import START_NS, JumpClock

START = START_NS / 1e9
PATIENCE = 20.0  # seconds of the wall for what takes none


@pytest.fixture
def jumping() -> Iterator[JumpClock]:
    before, jumping = clock.current(), JumpClock(seed=7)
    clock.use(jumping)
    yield jumping
    jumping.stop()
    clock.use(before)


def now() -> float:
    return round(clock.time() - START, 6)


def until(check) -> None:
    end = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.002)


def together(*works) -> list:
    """Start these as counted threads at one instant and wait for their ends; what they noted, in order."""
    noted, ended = [], [threading.Event() for _ in works]

    def run(work, end):
        work(noted)
        end.set()

    with clock.counted():
        for number, (work, end) in enumerate(zip(works, ended, strict=True)):
            clock.thread(run, f"work {number}", work, end)
    for end in ended:
        assert end.wait(PATIENCE)
    return noted


def simulated(pauses: list[list[int]]) -> list[tuple[float, int]]:
    """What sleepers note, worked out with one queue of deadlines and no thread."""
    order, queue, noted = 0, [], []
    for number, mine in enumerate(pauses):
        if mine:
            heapq.heappush(queue, (mine[0], order, number, 0))
            order += 1
    while queue:
        moment, _, number, step = heapq.heappop(queue)
        noted.append((float(moment), number))
        if step + 1 < len(pauses[number]):
            heapq.heappush(queue, (moment + pauses[number][step + 1], order, number, step + 1))
            order += 1
    return noted


def test_a_weak_deadline_is_passed_and_never_jumped_to(jumping):
    """A schedule without an end: three hours of somebody's work see it three times, and then the clock rests."""
    seen = []

    def schedule():
        while now() < 100_000:
            clock.Event(weak=True).wait(3600)
            seen.append(now())

    def work(noted):
        clock.sleep(3.5 * 3600)
        noted.append(now())

    clock.thread(schedule, "schedule")
    assert together(work) == [3.5 * 3600]
    assert seen == [3600, 7200, 10_800]
    until(lambda: jumping.state()["running"] is None)
    assert (now(), jumping.state()["waiting"]) == (3.5 * 3600, 0)
    assert together(work) == [7 * 3600]
    assert seen[3:] == [4 * 3600, 5 * 3600, 6 * 3600]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(1, 5), max_size=6), min_size=1, max_size=6))
def test_sleepers_wake_in_the_order_of_their_deadlines_and_of_their_coming(pauses):
    before = clock.current()
    clock.use(JumpClock())

    def sleeper(number):
        def work(noted):
            for pause in pauses[number]:
                clock.sleep(pause)
                noted.append((now(), number))

        return work

    try:
        assert together(*map(sleeper, range(len(pauses)))) == simulated(pauses)
    finally:
        clock.use(before)


def test_who_is_woken_goes_on_before_the_clock_does(jumping):
    event = clock.Event()

    def waiter(noted):
        event.wait()
        noted.append(("woken", now()))
        clock.sleep(5)
        noted.append(("slept", now()))

    def setter(noted):
        clock.sleep(1)
        event.set()

    def sleeper(noted):
        clock.sleep(3)
        noted.append(("other", now()))

    assert together(waiter, setter, sleeper) == [("woken", 1), ("other", 3), ("slept", 6)]


def test_waiters_of_one_event_go_on_in_the_order_of_their_coming(jumping):
    event = clock.Event()

    def waiter(number):
        def work(noted):
            clock.sleep(10 - number)
            event.wait(1000)
            noted.append(number)

        return work

    def setter(noted):
        clock.sleep(20)
        event.set()

    assert together(*map(waiter, range(4)), setter) == [3, 2, 1, 0]
    assert now() == 20


def test_a_wait_ends_with_its_event_or_with_its_time(jumping):
    never, soon = clock.Event(), clock.Event()
    clock.Timer(2, soon.set, "soon").start()

    def work(noted):
        noted.append((never.wait(7.5), now()))
        noted.append((soon.wait(7.5), now()))
        noted.append((never.wait(0), now()))

    assert together(work) == [(False, 7.5), (True, 7.5), (False, 7.5)]


def test_a_cancelled_timer_does_nothing(jumping):
    fired = clock.Event()
    timer = clock.Timer(5, fired.set, "timer")

    def work(noted):
        timer.start()
        clock.sleep(4)
        timer.cancel()
        clock.sleep(10)
        noted.append(fired.is_set())

    assert together(work) == [False]


def test_a_task_without_a_time_out_makes_nobody_jump_three_years(jumping):
    answered = clock.Event()
    clock.thread(answered.wait, "for ever", 99_999_999)
    until(lambda: jumping.state()["running"] is None)
    assert now() == 0
    answered.set()


def test_the_clock_stands_still_while_anybody_from_outside_is_at_work(jumping):
    woken = threading.Event()
    with clock.counted():
        clock.thread(lambda: (clock.sleep(60), woken.set()), "sleeper")
        assert not woken.wait(0.1)
        assert now() == 0
    assert woken.wait(PATIENCE)
    assert now() == 60


def test_who_waits_idly_lets_the_clock_jump_and_others_work(jumping):
    done = threading.Event()

    def work(noted):
        clock.thread(lambda: (clock.sleep(30), done.set()), "other")
        with clock.idle():
            assert done.wait(PATIENCE)
        noted.append(now())

    assert together(work) == [30]


def test_a_request_of_who_is_away_is_part_of_his_work(jumping):
    """As a function's sandbox: its process asks the account for something that takes an hour there."""
    arrived = threading.Event()
    order = []

    def request():
        with clock.counted(name="request"):
            order.append("request")
            clock.sleep(3600)
            order.append("answer")
        arrived.set()

    def caller(noted):
        with clock.away():
            threading.Thread(target=request).start()
            assert arrived.wait(PATIENCE)
        noted.append(("caller", now()))

    def other(noted):
        clock.sleep(60)
        order.append("other")

    assert together(caller, other) == [("caller", 3600)]
    assert order == ["request", "other", "answer"]


def test_requests_of_requests_take_their_turns_and_give_them_back(jumping):
    """Three deep, as a Task that calls a function, which calls another, which calls again."""

    def call(depth):
        def handle():
            with clock.counted("request"):
                if depth:
                    call(depth - 1)
                clock.sleep(10)
            done.set()

        done = threading.Event()
        with clock.away():
            threading.Thread(target=handle).start()
            assert done.wait(PATIENCE)

    def work(noted):
        call(2)
        noted.append(now())
        clock.sleep(1)
        noted.append(now())

    assert together(work, lambda noted: clock.sleep(5)) == [30, 31]


def test_who_comes_back_waits_for_the_turn_that_was_given_up_in_his_name(jumping):
    begun, go, order = threading.Event(), threading.Event(), []

    def request():
        with clock.counted(name="request"):
            clock.sleep(3600)

    def caller(noted):
        with clock.away():
            threading.Thread(target=request).start()
            assert begun.wait(PATIENCE)
        order.append("caller")

    def other(noted):
        begun.set()
        assert not go.wait(0.1)
        order.append("other")

    together(caller, other)
    assert order == ["other", "caller"]


def test_nobody_else_is_let_in_while_a_task_has_the_turn(jumping):
    begun, go, inside = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        go.wait(PATIENCE)

    def request():
        with clock.counted():
            inside.set()

    clock.thread(work, "work")
    assert begun.wait(PATIENCE)
    threading.Thread(target=request).start()
    assert not inside.wait(0.1)
    go.set()
    assert inside.wait(PATIENCE)


def test_what_is_started_while_the_clock_is_held_begins_together(jumping):
    jumping.hold(held=True)
    noted = []
    for number in range(3):
        with clock.counted(name="start"):
            clock.thread(lambda number=number: noted.append((number, now())), "work")
        time.sleep(0.01)
    assert noted == []
    jumping.hold(held=False)
    until(lambda: len(noted) == 3)
    assert noted == [(0, 0), (1, 0), (2, 0)]


def test_work_given_to_a_lane_is_done_in_order_and_a_failure_stops_nothing(jumping, caplog):
    lane, noted, done = clock.Lane("lane"), [], threading.Event()

    def slow(number):
        clock.sleep(10 - number)
        noted.append(number)

    with clock.counted():
        for number in range(3):
            lane.submit(slow, number)
        lane.submit(lambda: 1 / 0)
        lane.submit(done.set)
    assert done.wait(PATIENCE)
    assert noted == [0, 1, 2]
    assert now() == 27
    assert "a piece of work of lane failed" in caplog.text


def test_random_numbers_belong_to_the_task_and_not_to_who_comes_first():
    def drawn(*pauses):
        before = clock.current()
        clock.use(JumpClock(seed=7))

        def work(pause):
            def run(noted):
                clock.sleep(pause)
                noted.append((pause, clock.random().random()))

            return run

        try:
            return sorted(together(*map(work, pauses)))
        finally:
            clock.use(before)

    first, second = drawn(1, 2), drawn(2, 1)
    assert {number for _, number in first} == {number for _, number in second}
    assert first != second  # the tasks were started the other way round
    assert drawn(1, 2) == first


def test_numbers_for_a_purpose_depend_on_nothing_else(jumping):
    first = clock.random("name", "a").random()
    clock.random("name", "b")
    second = clock.random("name", "a").random()
    again = JumpClock(seed=7)
    assert [again.random("name", "a").random() for _ in range(2)] == [first, second]
    assert first != second
    assert JumpClock(seed=8).random("name", "a").random() != first


def test_who_keeps_the_turn_is_named_with_his_place(jumping, caplog):
    leave = threading.Event()

    def forgetful_worker():
        leave.wait(PATIENCE)

    clock.thread(forgetful_worker, "an execution")
    jumping.watch(seconds=0.1)
    until(lambda: "the clock stands still" in caplog.text)
    leave.set()
    assert "an execution" in caplog.text
    assert "forgetful_worker" in caplog.text


def test_everybody_may_go_when_the_account_goes_down(jumping):
    gone = threading.Event()
    jumping.hold(held=True)
    clock.thread(gone.set, "frozen")
    assert not gone.wait(0.05)
    jumping.stop()
    assert gone.wait(PATIENCE)
    clock.sleep(1e6)  # returns


def test_a_sandbox_learns_what_time_it_is(jumping):
    assert starting.for_sandbox(30) == {"mode": "jump", "now_ns": START_NS, "timeout": 30}
