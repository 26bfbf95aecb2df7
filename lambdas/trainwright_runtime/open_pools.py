"""The team's warm pools that are still kept.

What a pool costs is known once it has ended, long after its run has reported; until then the job that left it is
listed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime.open_jobs import OpenJobs

POOLS = OpenJobs("pools:open")


@dataclass(frozen=True)
class OpenPool:
    """A job that left machines behind: of which run and attempt, what they cost an hour together, and since when."""

    job: str
    run: str
    number: int
    usd_per_hour: float | None
    since: str

    @property
    def entry(self) -> dict[str, Any]:
        """What the list keeps beside the job's name."""
        return {"run": self.run, "number": self.number, "usd_per_hour": self.usd_per_hour, "since": self.since}


def listed(item: Mapping[str, Any] | None) -> list[OpenPool]:
    """The pools of the item, the longest kept first."""
    found = [
        OpenPool(job, each["run"], int(each["number"]), each["usd_per_hour"], each["since"])
        for job, each in POOLS.entries(item).items()
    ]
    return sorted(found, key=lambda pool: (pool.since, pool.job))
