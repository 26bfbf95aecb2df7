"""`make soak`: many runs at once, and runs under random faults; prints figures, and what does not hold.

python tools/soak many [--runs 200]           real processes, all at once: none lost, stuck or doubled
python tools/soak empty [--runs 1000]         jobs without processes: runs a second, memory, threads
python tools/soak chaos [--runs 300] [--seed N]      real processes under random faults
python tools/soak replay [--runs 100] [--seed N]     no processes, the clock that jumps: twice the same history
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from itertools import zip_longest
from typing import Any

import chaos
from deployed import Platform, Watch, deployed
from judge import judge

DEFAULT_RUNS = {"many": 200, "empty": 1000, "chaos": 300, "replay": 100}
SECONDS = 1200.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kind", choices=DEFAULT_RUNS)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    runs = asked.runs or DEFAULT_RUNS[asked.kind]
    problems = {"many": many, "empty": empty, "chaos": in_chaos, "replay": replay}[asked.kind](runs, asked.seed)
    for problem in problems[:40]:
        say(problem)
    if problems:
        again = f"python tools/soak {asked.kind} --runs {runs} --seed {asked.seed}"
        say(f"{len(problems)} promises broken; once more: {again}")
    return 1 if problems else 0


def many(runs: int, seed: int) -> list[str]:
    """All at once, each with processes of its own."""
    with deployed({}) as platform:
        return _loaded(platform, runs, hyperparameters={"steps": 2})


def empty(runs: int, seed: int) -> list[str]:
    """What the account itself needs for a run."""
    with deployed({"fake_jobs": {"seconds": 0.01, "steps": 1, "checkpoint_every": 1}}) as platform:
        platform.start(["warm-up"])
        platform.finish(1, 60)
        return _loaded(platform, runs, before=["warm-up"])


def _loaded(platform: Platform, runs: int, before: list[str] | None = None, **changes: Any) -> list[str]:
    names = [f"run-{number}" for number in range(runs)]
    everything = [*(before or []), *names]
    with Watch(platform.account.process.pid).watching() as watch:
        began = time.monotonic()
        platform.start(names, **changes)
        platform.finish(len(everything), SECONDS)
        took = time.monotonic() - began
    say(f"{runs} runs in {took:.1f} s: {runs / took:.1f} a second")
    say(f"the account's process: {watch.megabytes:.0f} MB, {watch.threads} threads at most")
    own, functions = watch.cpu_seconds / runs * 1000, watch.function_seconds / runs * 1000
    say(f"CPU a run: {own:.0f} ms of the account's own, {functions:.0f} ms of the Lambda functions")
    return judge(platform, everything, all_well=True)


def in_chaos(runs: int, seed: int) -> list[str]:
    """Random faults, and people who stop runs."""
    drawn = chaos.faults(seed, fake=False)
    say(f"seed {seed}: {json.dumps(drawn)}")
    draw = random.Random(seed)  # noqa: S311
    names = [f"run-{number}" for number in range(runs)]
    with deployed(drawn) as platform:
        half = runs // 2
        spot = {
            "compute": {"instance_type": "ml.m5.large", "spot": True},
            "limits": {"max_runtime": "10m", "max_wait": "20m"},
        }
        slow = {"hyperparameters": {"steps": 4, "seconds": 0.2}}
        arns = platform.start(names[:half], **slow, **spot) + platform.start(names[half:], **slow)
        client = platform.account.client("stepfunctions")
        for arn in draw.sample(arns, runs // 10):
            client.stop_execution(executionArn=arn, error="Stopped", cause="by somebody")
        statuses = platform.finish(runs, SECONDS)
        _settle(platform)
        say(_counted(statuses))
        return judge(platform, names, all_well=False)


def _settle(platform: Platform) -> None:
    """Rules that start `close`, and its retries, come after the executions' ends."""
    names = list(platform.statuses())
    end = time.monotonic() + 60
    while judge(platform, names, all_well=False) and time.monotonic() < end:
        time.sleep(1)


def replay(runs: int, seed: int) -> list[str]:
    """The same seed twice: the same histories, to the byte."""
    first, second = _histories(runs, seed), _histories(runs, seed)
    return [problem for name in first for problem in _differences(name, first[name], second.get(name, []))]


def _differences(name: str, first: list[str], second: list[str]) -> list[str]:
    for number, (one, other) in enumerate(zip_longest(first, second), start=1):
        if one != other:
            return [f"{name}: event {number} differs between two runs of one seed:\n  {one}\n  {other}"]
    return []


def _histories(runs: int, seed: int) -> dict[str, list[str]]:
    names = [f"run-{number}" for number in range(runs)]
    with deployed(chaos.faults(seed, fake=True)) as platform:
        began = time.monotonic()
        platform.hold(held=True)
        arns = [arn for name in names for arn in platform.start([name])]
        platform.hold(held=False)
        say(f"{_counted(platform.finish(runs, SECONDS))} in {time.monotonic() - began:.1f} s")
        pages = platform.account.client("stepfunctions").get_paginator("get_execution_history")
        return {
            name: [
                json.dumps(event, default=str) for page in pages.paginate(executionArn=arn) for event in page["events"]
            ]
            for name, arn in zip(names, arns, strict=True)
        }


def _counted(statuses: dict[str, str]) -> str:
    kinds = sorted(set(statuses.values()))
    return ", ".join(f"{sum(value == kind for value in statuses.values())} {kind}" for kind in kinds)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what a tool is for


if __name__ == "__main__":
    sys.exit(main())
