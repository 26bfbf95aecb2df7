"""What of a run request cannot work, each rule a small function: refusals before anything costs money, and cautions.

docs/refusals.md is the table of them all; a test holds the two equal by running each row.
"""

from collections.abc import Iterator

from trainwright_runtime.problems import Problem
from trainwright_runtime.rules import channels, containers, launch, machines, network, observation, processes, time
from trainwright_runtime.rules.look import Look

_MODULES = (time, machines, containers, processes, channels, network, observation, launch)


def refusals(look: Look) -> Iterator[Problem]:
    """Every problem of settings that do not go together."""
    for module in _MODULES:
        for rule in module.REFUSALS:
            yield from rule(look)


def cautions(look: Look) -> Iterator[str]:
    """What its author should know of a request that is not refused, a sentence each."""
    for module in _MODULES:
        for rule in module.CAUTIONS:
            yield from rule(look)
