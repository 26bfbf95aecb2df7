"""Places that are taken in the order of asking, by at most so many at once, with every clock."""

import threading

import pytest

from trainwright.rehearsal import clock
from trainwright.rehearsal.clock.jump import JumpClock
from trainwright.rehearsal.clock.slots import Slots
from trainwright.rehearsal.clock.wall import WallClock


@pytest.fixture(params=[WallClock, JumpClock])
def clocked(request):
    before = clock.current()
    clock.use(request.param())
    yield clock.current()
    clock.use(before)


def test_no_more_than_so_many_at_once_and_the_longest_waiter_first(clocked):
    slots, inside, most, order = Slots(2), set(), [0], []
    lock, over = threading.Lock(), [threading.Event() for _ in range(6)]

    def work(number):
        clock.sleep(number * 0.03)  # they ask one after the other
        with slots:
            with lock:
                inside.add(number)
                most[0] = max(most[0], len(inside))
                order.append(number)
            clock.sleep(0.4)
            with lock:
                inside.discard(number)
        over[number].set()

    for number in range(6):
        clock.thread(work, f"worker-{number}", number)
    assert all(event.wait(20) for event in over)
    assert (order, most) == ([0, 1, 2, 3, 4, 5], [2])


def test_a_place_is_free_again_after_a_failure(clocked):
    slots = Slots(1)
    with pytest.raises(ValueError, match="inside"), slots:
        raise ValueError("inside")
    with slots:
        pass
