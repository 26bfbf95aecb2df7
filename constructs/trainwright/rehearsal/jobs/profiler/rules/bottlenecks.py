"""CPUBottleneck and IOBottleneck: moments at which GPUs idle while processors work or wait for input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from trainwright.rehearsal.jobs.profiler.rules.base import SNAPSHOT_SECONDS, Finding, Parameters, Row


def cpu(rows: Sequence[Row], parameters: Parameters) -> Finding:
    """Too many moments with a busy core and an idle GPU."""
    return _judge(rows, parameters, "CPUUtilization", parameters["cpu_threshold"])


def io(rows: Sequence[Row], parameters: Parameters) -> Finding:
    """Too many moments with a core that waits for input or output and an idle GPU."""
    return _judge(rows, parameters, "I/OWaitPercentage", parameters["io_threshold"])


def _judge(rows: Sequence[Row], parameters: Parameters, dimension: str, busy: float) -> Finding:
    """ "if there is a bottleneck more than 50% of the time during the training" (threshold, by default)."""
    idle: dict[float, int] = {}
    held: dict[float, int] = {}
    moments = set()
    for moment, row in snapshots(rows):
        moments.add(moment)
        if row.dimension == "GPUUtilization" and row.value < parameters["gpu_threshold"]:
            idle[moment] = idle.get(moment, 0) + 1
        elif row.dimension == dimension and row.value > busy:
            held[moment] = held.get(moment, 0) + 1
    found = {str(moment): {"GPUs": idle[moment], "CPUs": held[moment]} for moment in held if moment in idle}
    enough = len(moments) > parameters["patience"]
    triggered = enough and len(found) / len(moments) * 100 > parameters["threshold"]
    return Finding(int(triggered), len(found), len(moments), {"bottlenecks": found, "low_gpu_utilization": len(idle)})


def snapshots(rows: Sequence[Row]) -> Iterator[tuple[float, Row]]:
    """Every row with the moment that it belongs to."""
    moment = 0.0
    when: Callable[[Row], float] = lambda row: row.timestamp  # noqa: E731
    for row in sorted(rows, key=when):
        if abs(moment - row.timestamp) > SNAPSHOT_SECONDS:
            moment = row.timestamp
        yield moment, row
