"""The wall's clock, the faster one, and a process that sees the account's time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from trainwright.rehearsal import clock
from trainwright.rehearsal.clock import starting
from trainwright.rehearsal.clock.wall import FastClock, WallClock


@pytest.fixture
def fast():
    before, fast = clock.current(), FastClock(1000)
    clock.use(fast)
    yield fast
    clock.use(before)


def test_the_walls_clock_is_the_default_and_patches_nothing():
    assert isinstance(clock.current(), WallClock)
    assert abs(clock.time() - time.time()) < 5
    assert clock.wall(7) == clock.account(7) == 7
    program = "import sys, trainwright.rehearsal.clock.starting as s; s.start(speed=1, jump=False, seed=0);"
    program += "print('time_machine' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_event_wakes_who_waits():
    event = clock.Event()
    timer = clock.Timer(0.01, event.set, "timer")
    timer.start()
    assert event.wait(20)
    event.clear()
    assert not event.wait(0.01)


def test_a_lane_keeps_its_order():
    lane, noted, done = clock.Lane("lane"), [], threading.Event()
    for number in range(50):
        lane.submit(noted.append, number)
    lane.submit(done.set)
    assert done.wait(20)
    assert noted == list(range(50))


def test_a_lane_is_as_wide_as_it_says():
    lane, arrived = clock.Lane("lane", width=3), threading.Barrier(4)
    for _ in range(3):
        lane.submit(arrived.wait, 20)
    arrived.wait(20)  # three of them work at one time, or this breaks


def test_a_fast_clock_passes_its_seconds_in_less_of_the_walls(fast):
    began, began_wall = clock.time(), time.monotonic()
    clock.sleep(100)
    passed, passed_wall = clock.time() - began, time.monotonic() - began_wall
    assert passed >= 100
    assert passed == pytest.approx(passed_wall * 1000, rel=0.2)
    assert clock.wall(100) == pytest.approx(0.1)
    assert clock.account(0.1) == pytest.approx(100)


def test_a_fast_event_is_waited_for_no_longer_than_asked(fast):
    began = time.monotonic()
    assert not clock.Event().wait(500)
    assert time.monotonic() - began >= 0.5


def test_a_sandbox_can_go_on_from_the_same_origin(fast):
    told = starting.for_sandbox(30)
    assert told["mode"] == "speed"
    other = FastClock(told["speed"], told["origin_ns"], told["began_ns"])
    assert abs(other.time() - fast.time()) < 60  # less than a tenth of a second of the wall


SEEN = """
import datetime, json, sys, time
monotonic = time.monotonic()
from time import time as imported_before
from trainwright.rehearsal.clock import processes
moment = [1_000_000_000 * 10**9]
processes.see(lambda: moment[0])
def seen():
    return [
        time.time(), time.time_ns() / 1e9, imported_before(), time.mktime(time.localtime()),
        datetime.datetime.now(datetime.UTC).timestamp(), datetime.datetime.now().timestamp(),
        datetime.datetime.today().timestamp(), time.clock_gettime(time.CLOCK_REALTIME),
    ]
first = seen()
moment[0] += 3600 * 10**9
print(json.dumps([first, seen(), time.monotonic() - monotonic]))
"""


def test_everything_in_a_process_sees_the_accounts_time():
    done = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=True)
    first, later, monotonic = json.loads(done.stdout)
    assert set(first) == {1_000_000_000.0}
    assert set(later) == {1_000_003_600.0}
    assert monotonic < 600  # what really takes time is measured as before
