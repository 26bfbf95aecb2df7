"""A line of a chart as its summary, for those who do not see the chart."""

from collections.abc import Mapping
from typing import Any

from trainwright_runtime.page import figures


def row(series: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """A line of a chart as its summary: average, lowest, highest."""
    mean = [value for value in series["mean"] if value is not None]
    low = [value for value in series.get("min", mean) if value is not None]
    high = [value for value in series.get("max", mean) if value is not None]
    average = figures.amount(sum(mean) / len(mean) if mean else None, unit)
    lowest, highest = figures.amount(min(low, default=None), unit), figures.amount(max(high, default=None), unit)
    label = series["label"]
    words = f"{label}: {average} on average, {lowest} to {highest}." if mean else f"{label}: no value."
    return {"label": label, "mean": average, "low": lowest, "high": highest, "p95": figures.UNKNOWN, "words": words}
