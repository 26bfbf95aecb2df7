"""Where a run's time went, as a bar and its legend."""

from collections.abc import Mapping
from typing import Any

from trainwright_runtime.page import figures
from trainwright_runtime.page.shapes import listed, mapping

PARTS = {
    "productive": ("Training", "training that was kept"),
    "start_up": ("Starting", "machines, containers and the script getting ready"),
    "download": ("Downloading", "the training image and the input data"),
    "checkpoints": ("Checkpoints", "the script saving its progress"),
    "upload": ("Uploading", "the model and the output"),
    "lost_work": ("Lost work", "training that had to be done again"),
    "waiting": ("Waiting", "for machines, a free quota or the next try"),
}
"""The parts of a run's time in the order of the bar: what each is called, and what it holds."""


def bar(goodput: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The bar of a run's time; None where the time is not known. Every part is in the legend, those of no time too."""
    if not goodput or not mapping(goodput.get("parts")):
        return None
    parts = mapping(goodput.get("parts"))
    whole = goodput.get("whole_seconds") or 0
    spent = {name: value if figures.known(value := parts.get(name)) else 0.0 for name in PARTS}
    total = sum(spent.values())
    return {
        "whole": whole,
        "share": goodput.get("share"),
        "notes": [str(note) for note in listed(goodput.get("notes"))],
        "parts": [_part(name, value, total) for name, value in spent.items()],
        "spans": _spans(spent, total),
        "words": _words(goodput.get("share"), spent, total),
    }


def _part(name: str, value: float, total: float) -> dict[str, Any]:
    title, meaning = PARTS[name]
    share = value / total if total else None
    return {"name": name, "title": title, "meaning": meaning, "seconds": value, "share": share}


def _spans(spent: Mapping[str, float], total: float) -> list[dict[str, Any]]:
    """Where each part lies on a bar of 100: a share of less than a thousandth could not be seen."""
    spans, at = [], 0.0
    for name, value in spent.items():
        width = value / total * 100 if total else 0.0
        if width >= 0.1:
            spans.append({"name": name, "at": round(at, 3), "width": round(width, 3)})
        at += width
    return spans


def _words(share: float | None, spent: Mapping[str, float], total: float) -> str:
    """The bar in a sentence, for those who do not see it."""
    told = [
        f"{PARTS[name][0].lower()} {figures.seconds(value)} ({figures.percent(value / total)})"
        for name, value in spent.items()
        if total and value / total >= 0.001
    ]
    return f"Goodput {figures.percent(share)}: {', '.join(told)}."
