"""The checkpoints of a run in the report: where they are, the last step that has one, and each process that began."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainwright_runtime.report.clean import mapping, mappings, moment

Row = Mapping[str, Any]


def checkpoints(rows: Sequence[Row], sent: object) -> dict[str, Any] | None:
    """The `checkpoints` of report.json; null for a run that keeps none in S3. `sent` is CreateTrainingJob's request."""
    uri = mapping(mapping(sent).get("CheckpointConfig")).get("S3Uri")
    if not isinstance(uri, str):
        return None
    return {"s3_uri": uri, "kept_step": _kept_step(rows), "starts": [each for row in rows for each in _starts(row)]}


def _kept_step(rows: Sequence[Row]) -> int | None:
    """What the last attempt reached, else what it began beside. A script reports a step once it is saved."""
    known = [step for row in rows for step in (row["checkpoint_step"], row["last_step"]) if step is not None]
    return known[-1] if known else None


def _starts(row: Row) -> Iterator[dict[str, Any]]:
    """The attempt's processes as the script wrote them down; for one that wrote no list, the attempt itself."""
    written = mappings(row.get("starts"))
    alone = [{"resumed_from": row["resumed_from_step"], "step": row["last_step"]}] if row["processes"] else []
    for each in written or alone:
        yield {
            "attempt": row["number"],
            "resumed_from": each.get("resumed_from"),
            "step": each.get("step"),
            "began_at": moment(each.get("began_at")),
            "saved_at": moment(each.get("saved_at")),
        }
