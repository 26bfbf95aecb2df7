"""What a run's attempts come to: its cost, how it went on after each end, its waits, its warm pool. For the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from trainwright_runtime import money as amounts

Row = Mapping[str, Any]

WAITED_FOR = {
    "quota_busy": "a free quota",
    "throttled": "AWS to take more requests",
    "service_unavailable": "SageMaker to answer",
}
"""What a run waits for after a refusal, by the outcome's label."""
_NEXT_TRY = "another try"

HEADLINES = {
    "SUCCEEDED": "The run succeeded.",
    "FAILED": "The run failed.",
    "STOPPED": "The run was stopped.",
    "REFUSED": "The run was refused before anything started.",
}


def verdict(report: Mapping[str, Any]) -> str:
    """How a run ended, in a sentence or two: with the figure it is judged by, or with the reason."""
    status = report["status"]
    said = HEADLINES[status].removesuffix(".")
    if status == "SUCCEEDED":
        found = report["headline"]
        return f"{said}: {found['name']} {found['value']:.4g}." if found else f"{said}."
    if status == "REFUSED":
        count = len(report["problems"])
        return f"{said}: its request has {count} problem{'' if count == 1 else 's'}." if count else f"{said}."
    reason = str((report["diagnosis"] or {}).get("summary") or "")
    return f"{said}. {reason}".strip()


def cost(rows: Sequence[Row], money: Mapping[str, Any] | None) -> dict[str, Any]:
    """The `cost` of report.json, in US dollars. `usd` is what the jobs cost as far as it is known (null: nothing is),
    `pool_usd` what keeping machines cost beside it, `complete` whether both are final."""
    known = {name: _total(rows, name) for name in ("cost_usd", "on_demand_usd", "saved_usd")}
    said = money or {}
    return {
        "usd": known["cost_usd"],
        "on_demand_usd": known["on_demand_usd"],
        "saved_usd": known["saved_usd"],
        "pool_usd": _total([_pool(row) for row in rows], "kept_usd"),
        "worst_usd": said.get("worst_usd"),
        "best_usd": said.get("best_usd"),
        "best_assumption": said.get("best_assumption"),
        "cap_usd": said.get("cap_usd"),
        "price_source": said.get("price_source"),
        "complete": amounts.is_complete(rows),
    }


def _total(rows: Sequence[Row], name: str) -> float | None:
    found = [row[name] for row in rows if row.get(name) is not None]
    return round(sum(found), 6) if found else None


def _pool(row: Row) -> Row:
    return row.get("warm_pool") or {}


def resume(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For each job that began beside a checkpoint, from which step it went on and how many steps were lost (null:
    unknown)."""
    return [_resumed(row) for row in rows if row["job_arn"] and (_had(row) or row["restarted_from_zero"])]


def _had(row: Row) -> bool:
    return row["checkpoint_step"] is not None


def _resumed(row: Row) -> dict[str, Any]:
    from_zero, saved = bool(row["restarted_from_zero"]), row["checkpoint_step"]
    step = 0 if from_zero else row["resumed_from_step"]
    return {
        "attempt": row["number"],
        "checkpoint_step": saved,
        "resumed_from_step": step,
        "lost_steps": None if saved is None or step is None else max(saved - step, 0),
        "from_zero": from_zero,
    }


def from_zero_words(resumed: Sequence[Row]) -> list[str]:
    """A sentence for each attempt that threw away what was saved."""
    return [_from_zero(each) for each in resumed if each["from_zero"]]


def _from_zero(each: Row) -> str:
    if each["checkpoint_step"] is None:
        return f"Attempt {each['attempt']} began at step 0 again after an interruption although it had checkpoints."
    return (
        f"Attempt {each['attempt']} began at step 0 although a checkpoint of step {each['checkpoint_step']} existed: "
        f"{each['lost_steps']} steps were trained for nothing."
    )


def waits(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """How long the run waited after its attempts, and for what; waits of one kind in a row are one entry."""
    waited = [row for row in rows if row["then_wait_seconds"]]
    return [_wait(reason, list(group)) for reason, group in groupby(waited, key=waited_for)]


def _wait(reason: str, group: Sequence[Row]) -> dict[str, Any]:
    return {"reason": reason, "times": len(group), "seconds": sum(row["then_wait_seconds"] for row in group)}


def waited_for(row: Row) -> str:
    """What the run waited for after an attempt."""
    return WAITED_FOR.get(row["outcome"], _NEXT_TRY)


def decisions(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What was decided after each attempt, a sentence each."""
    return [{"attempt": row["number"], "decision": row["decision"]} for row in rows]


def pool(rows: Sequence[Row]) -> dict[str, Any] | None:
    """The machines that the run kept or took over; null where it did neither. What keeping them cost is known once the
    pool has ended."""
    touched = [row for row in rows if row["warm_pool"] or row["reused_pool"] is not None]
    if not touched:
        return None
    last, kept = touched[-1], _pool(touched[-1])
    return {
        "attempt": last["number"],
        "reused": any(bool(row["reused_pool"]) for row in touched),
        "status": kept.get("status"),
        "reused_by": kept.get("reused_by"),
        "kept_billable_seconds": kept.get("kept_billable_seconds"),
        "kept_usd": kept.get("kept_usd"),
    }


def lines(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The attempts as people read them: each by itself, but for refusals that were waited out one after another, which
    are one line."""
    for queued, group in groupby(rows, key=_queued):
        if queued is not None:
            yield list(group)
        else:
            yield from ([row] for row in group)


def _queued(row: Row) -> str | None:
    return row["outcome"] if row["job_arn"] is None and row["then_wait_seconds"] else None


def usd_words(usd: float | None) -> str:
    """`1,234.50 USD`; four digits below a cent, an em dash where nothing is known."""
    if usd is None:
        return "—"
    return f"{usd:.4f} USD" if 0 < usd < 0.01 else f"{usd:,.2f} USD"


def cost_words(found: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """What a run cost, in a sentence or two."""
    if not any(row["job_arn"] for row in rows):
        return "It cost nothing: no training job was made."
    if found["usd"] is None:
        return "What it cost is not known: there is no price of its machines, or they have not ended."
    parts = [f"It cost {usd_words(found['usd'])}{'' if found['complete'] else ' so far'}"]
    if found["pool_usd"]:
        parts.append(f"and {usd_words(found['pool_usd'])} for machines that were kept")
    saved, full = found["saved_usd"], found["on_demand_usd"]
    if saved and full:
        parts.append(f"after spot saved {usd_words(saved)} of {usd_words(full)} ({saved / full * 100:.0f} %)")
    return f"{' '.join(parts)}."


def duration_words(seconds: int | None) -> str:
    """Seconds as `1 h 5 min`, `3 min 20 s`, `12 s`; an em dash where nothing is known."""
    if seconds is None:
        return "—"
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
