"""Which faults of a file a run cannot meet, whatever happens: known before anything starts."""

from __future__ import annotations

from collections.abc import Iterator

from trainwright.rehearsal.faults import Faults, JobFault, SpotInterruption, matches
from trainwright_runtime.resolved import ResolvedRequest


def out_of_reach(faults: Faults, request: ResolvedRequest) -> list[str]:
    """A sentence for each fault about training jobs that this request's jobs cannot meet."""
    return [
        f"{fault.place} cannot strike: {why}"
        for fault in faults.all()
        if isinstance(fault, JobFault) and (why := next(_reasons(fault, request), None))
    ]


def _reasons(fault: JobFault, request: ResolvedRequest) -> Iterator[str]:
    if not request.spot and (fault.market == "spot" or isinstance(fault, SpotInterruption)):
        yield "the run is not on spot"
    if fault.market == "on_demand" and request.spot and not request.falls_back:
        yield "the run is on spot only"
    types = request.all_instance_types
    if types and not any(matches(fault.instance_types, each) for each in types):
        yield f"the run asks for {', '.join(types)}"
    host = getattr(fault, "host", None)
    if host and int(host.removeprefix("algo-")) > request.instance_count:
        yield f"the run has {request.instance_count} host{'' if request.instance_count == 1 else 's'}"
