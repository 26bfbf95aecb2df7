"""The attempt that a run is making: small enough for the run record, enough to say the rest with the plan."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trainwright_runtime.attempts import Planned
from trainwright_runtime.plan import Next, Plan, step_attempt


@dataclass(frozen=True)
class Underway:
    """Attempt `number` of a run, what was decided about it, and in which redrive of the execution it began."""

    number: int
    redrive: int
    next: Next

    def to_dict(self, plan: Plan) -> dict[str, Any]:
        """As the record's `current`; the job's name is for readers."""
        name = self.attempt(plan)["job_name"]
        return {"number": self.number, "redrive": self.redrive, "job_name": name, "next": asdict(self.next)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Underway":
        """The inverse of `to_dict`."""
        return cls(int(data["number"]), int(data["redrive"]), Next(**data["next"]))

    def attempt(self, plan: Plan) -> dict[str, Any]:
        """The `attempt` of a step."""
        return step_attempt(plan, self.next, self.number, self.redrive)

    def planned(self, plan: Plan, log_group: str) -> Planned:
        """What was asked for, for the attempt's row."""
        attempt = self.attempt(plan)
        return Planned(
            number=self.number,
            job_name=attempt["job_name"],
            capacity=attempt["capacity"],
            request=attempt["request"],
            log_group=log_group,
            redrive=self.redrive,
            rung=self.next.rung,
            launch=attempt["launch"],
            cut_by=self.next.cut_by,
            usd_per_hour=plan.rungs[self.next.rung].usd_per_hour,
            timeout_seconds=attempt["timeout_seconds"],
        )
