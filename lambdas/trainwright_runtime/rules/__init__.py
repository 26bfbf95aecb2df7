"""What of a run request cannot work, each rule a small function: refusals before anything costs money, and cautions.

docs/refusals.md is the table of them all; a test holds the two equal by running each row.
"""

from collections.abc import Collection, Iterator

from trainwright_runtime.problems import Path, Problem
from trainwright_runtime.rules import channels, containers, launch, machines, network, observation, processes, time
from trainwright_runtime.rules.look import Look

_MODULES = (time, machines, containers, processes, channels, network, observation, launch)


def refusals(look: Look, refused: Collection[Path] = ()) -> Iterator[Problem]:
    """Every problem of settings that do not go together.

    A rule that looks at a setting which was refused itself (`refused`, by long names) says nothing: what it would say
    may not be so.
    """
    for module in _MODULES:
        for rule in module.REFUSALS:
            look.request.looked_at.clear()
            found = list(rule(look))
            if found and not any(_meet(seen, path) for seen in look.request.looked_at for path in refused):
                yield from found


def _meet(seen: Path, refused: Path) -> bool:
    """Whether one of the two is the other, or a section that holds it."""
    return all(one == other for one, other in zip(seen, refused, strict=False))


def cautions(look: Look) -> Iterator[str]:
    """What its author should know of a request that is not refused, a sentence each."""
    for module in _MODULES:
        for rule in module.CAUTIONS:
            yield from rule(look)
