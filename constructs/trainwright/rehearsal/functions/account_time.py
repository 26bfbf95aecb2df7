"""The account's time inside a sandbox, which is a process of its own; imported there by itself, without its package.

With a clock that jumps, time stands still while a function works. It learns what time it is with every event (from
the deadline, which is its time-out away), and when it sleeps, it asks the account to let time pass. Its random numbers
are the same for the same event.
"""

from __future__ import annotations

import json
import os
import random
import time
from typing import Any, SupportsIndex

import time_machine


def see(wish: dict[str, Any]) -> None:
    """Have this process see the time."""
    traveller = time_machine.travel(0, tick=False).start()
    vars(traveller)["time_ns"] = _fast(wish) if wish["mode"] == "speed" else _still(wish)


def _fast(wish: dict[str, Any]) -> Any:
    sleep, speed, origin, began = time.sleep, wish["speed"], wish["origin_ns"], wish["began_ns"]
    time.sleep = lambda seconds: sleep(seconds / speed)
    return lambda: origin + round((time.monotonic_ns() - began) * speed)


def _still(wish: dict[str, Any]) -> Any:
    now = [wish["now_ns"]]
    _tell_from_events(now, wish["timeout"])

    def sleep(seconds: float | SupportsIndex, /) -> None:
        now[0] = _pass(float(seconds))

    time.sleep = sleep
    return lambda: now[0]


def _tell_from_events(now: list[int], timeout: float) -> None:
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient  # noqa: PLC0415

    wait = LambdaRuntimeClient.wait_next_invocation

    def wait_next_invocation(self: Any) -> Any:
        event = wait(self)
        now[0] = max(now[0], int(event.deadline_time_in_ms) * 1_000_000 - round(timeout * 1e9))
        random.seed(event.invoke_id)  # an SDK waits for a random time before it tries again
        return event

    LambdaRuntimeClient.wait_next_invocation = wait_next_invocation


def _pass(seconds: float) -> int:
    import urllib.request  # noqa: PLC0415

    request = urllib.request.Request(  # noqa: S310  (the account's own address)
        f"{os.environ['AWS_ENDPOINT_URL']}/_trainwright/clock",
        data=json.dumps({"sleep": seconds}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=None) as answer:
        return int(round(json.load(answer)["time"] * 1e6) * 1000)
