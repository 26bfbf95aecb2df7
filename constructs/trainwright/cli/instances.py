"""`trainwright instances`: which instance type to take, with price, memory and accelerators. Offline."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from trainwright.cli.errors import BadInput
from trainwright_runtime import prices
from trainwright_runtime.instances import Instance
from trainwright_runtime.recommend import WORKLOADS, Recommendation, first_choices, recommend

WIDTH = 100
"""Columns, where the terminal has them: the table reads the same in a pipe and in a document."""


def command(workload: str | None, json_: bool) -> int:
    """Print the short list for `workload`, or every workload's first choice; the exit code.

    Raises:
        BadInput: there is no such workload.
    """
    rows = _rows(workload)
    console = _console()
    if json_:
        console.out(json.dumps([as_json(row) for row in rows], indent=2, ensure_ascii=False))
        return 0
    if workload is not None:
        console.print(f"[bold]{workload}[/]: {WORKLOADS[workload].title}. {WORKLOADS[workload].note}\n")
    console.print(_table(rows, with_workload=workload is None))
    for line in _footnotes(rows, more=workload is None):
        console.print(line)
    return 0


def as_json(row: Recommendation) -> dict[str, Any]:
    """One recommendation as an object, every key always present; null is what nobody knows or what a CPU lacks."""
    instance = row.instance
    return {
        "workload": row.workload,
        "instance_type": instance.name,
        "reason": row.reason,
        "usd_per_hour": row.usd_per_hour,
        "price_lowered_since": row.lowered_since,
        "price_source": None if row.usd_per_hour is None else prices.SOURCE,
        "vcpus": instance.vcpus,
        "memory_gib": instance.memory_gib,
        "accelerators": instance.accelerators,
        "accelerator": instance.accelerator,
        "accelerator_memory_gib": instance.accelerator_memory_gib,
        "bf16": instance.bf16,
        "efa": instance.efa,
        "local_storage_gb": instance.local_storage_gb,
    }


def _rows(workload: str | None) -> tuple[Recommendation, ...]:
    if workload is None:
        return first_choices()
    if workload not in WORKLOADS:
        near = difflib.get_close_matches(workload, WORKLOADS, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise BadInput(f"--workload {workload}: no such workload; one of {', '.join(WORKLOADS)}{meant}")
    return recommend(workload)


def _console() -> Console:
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def _table(rows: Sequence[Recommendation], *, with_workload: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    if with_workload:
        table.add_column("Workload", no_wrap=True)
    table.add_column("Instance type", no_wrap=True)
    for heading in ("USD/h", "vCPU", "GiB"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Accelerators", no_wrap=True)
    table.add_column("GiB each", justify="right", no_wrap=True)
    table.add_column("Why")
    for row in rows:
        table.add_row(*([row.workload] if with_workload else []), *_cells(row))
    return table


def _cells(row: Recommendation) -> tuple[str, ...]:
    instance = row.instance
    return (
        instance.name,
        _price(row),
        str(instance.vcpus),
        f"{instance.memory_gib:g}",
        _accelerators(row.instance),
        str(instance.accelerator_memory_gib or ""),
        row.reason,
    )


def _price(row: Recommendation) -> str:
    if row.usd_per_hour is None:
        return "unknown"
    return f"{row.usd_per_hour:.3f}{'*' if row.lowered_since else ''}"


def _accelerators(instance: Instance) -> str:
    """How many a host has and which, such as `4 x A10G`: the maker and a word that tells nothing are left out."""
    if instance.accelerator is None:
        return "none"
    model = instance.accelerator.removeprefix("NVIDIA ").replace(" Server", "")
    return f"{instance.accelerators} x {model}"


def _footnotes(rows: Sequence[Recommendation], *, more: bool) -> Iterator[str]:
    yield f"\nUSD/h: one host, on demand. {prices.SOURCE}."
    if any(row.usd_per_hour is None for row in rows):
        yield "unknown: not in that list; AWS's page of SageMaker prices has it."
    if any(row.lowered_since for row in rows):
        yield "*: AWS has lowered EC2's price of this hardware since (June 2025)."
    if more:
        yield f"First choices. The others: trainwright instances --workload {'|'.join(WORKLOADS)}"
