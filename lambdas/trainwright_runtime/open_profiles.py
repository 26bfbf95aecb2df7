"""The team's jobs whose profile is not complete yet.

Rules are evaluated after their training job has ended, and an event about one may be lost; until everything is known,
or nothing more can come, the job is listed here for the hourly look.
"""

from collections.abc import Mapping
from typing import Any

from trainwright_runtime.open_jobs import OpenJobs

PROFILES = OpenJobs("profiles:open")


def listed(item: Mapping[str, Any] | None) -> list[str]:
    """The jobs of the item, the longest listed first."""
    jobs = PROFILES.entries(item)
    return sorted(jobs, key=lambda job: (jobs[job], job))
