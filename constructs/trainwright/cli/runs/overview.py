"""What a run will be, before it is started: its attempts, its price at worst, where its data and its source go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from trainwright.cli.problems import printable
from trainwright.cli.requests import RunRequest
from trainwright.cli.teams import Team
from trainwright_runtime import prices
from trainwright_runtime.plan import Plan, Rung
from trainwright_runtime.resolved import ResolvedRequest
from trainwright_runtime.units import spell_duration

Row = tuple[str, str]
_NAME_WIDTH = 12


def show(console: Console, request: RunRequest, planned: Plan, team: Team) -> None:
    """Print it, a line each: addresses are copied from it."""
    title = f"{request.value['name']} for team {team.name} in {team.region}"
    console.print(Text(printable(title), style="bold"), soft_wrap=True)
    for name, text in rows(request, planned, team):
        console.print(Text.assemble((name.ljust(_NAME_WIDTH), "bold"), printable(text)), soft_wrap=True)


def rows(request: RunRequest, planned: Plan, team: Team) -> list[Row]:
    """The same as pairs of words."""
    resolved = request.checked.resolved
    first = planned.rungs[0].request
    found = [
        (f"{'attempt' if number == 1 else 'then'}", f"{_capacity(rung)}, {_machines(rung.request)}")
        for number, rung in enumerate(planned.rungs, 1)
    ]
    found.append(("time", f"{_time(resolved)}{', all attempts together' if len(planned.rungs) > 1 else ''}"))
    found += list(_data(first))
    found += list(_source(request, team))
    found.append(("model", f"{first['OutputDataConfig']['S3OutputPath'].rpartition('runs/')[0]}runs/RUN/"))
    found.append(("price", price(planned, resolved)))
    found += list(_filled_in(request))
    found += [("warning", warning) for warning in request.checked.warnings]
    return found


def _capacity(rung: Rung) -> str:
    return rung.capacity.replace("_", "-")


def price(planned: Plan, resolved: ResolvedRequest) -> str:
    """What the run costs at most: every host on demand for all of max_runtime, at the dearest rung's price."""
    hosts = [_hosts(rung.request) for rung in planned.rungs]
    if not all(hosts):
        return "not known before the run: it says no instance types"
    unknown = {kind for each in hosts for kind, _ in each if prices.on_demand_usd_per_hour(kind) is None}
    if unknown:
        return f"no price is known for {', '.join(sorted(unknown))}"
    dearest = max(hosts, key=_per_hour)
    parts = " + ".join(f"{count} x {prices.on_demand_usd_per_hour(kind):.4g} USD/h" for kind, count in dearest)
    worst = _per_hour(dearest) * resolved.max_runtime / 3600
    capped = planned.bounds.cost_usd is not None and planned.bounds.cost_usd < worst
    most = min(worst, planned.bounds.cost_usd) if planned.bounds.cost_usd is not None else worst
    why = "its cap" if capped else f"{parts} on demand for {spell_duration(resolved.max_runtime)}"
    spot = "; spot usually costs less" if resolved.spot else ""
    return f"at most {most:,.2f} USD ({why}{spot})"


def _per_hour(hosts: list[tuple[str, int]]) -> float:
    return sum(count * (prices.on_demand_usd_per_hour(kind) or 0.0) for kind, count in hosts)


def _hosts(request: dict[str, Any]) -> list[tuple[str, int]]:
    """Types and counts of an attempt: of preferences, of which SageMaker takes one, the dearest."""
    resources = request.get("ResourceConfig") or {}
    if preferences := resources.get("InstancePreferences"):
        count = int(resources.get("InstanceCount") or 1)
        choices = [(each["InstanceType"], int(each.get("InstanceCount") or count)) for each in preferences]
        return [max(choices, key=lambda choice: _per_hour([choice]))]
    groups = resources.get("InstanceGroups") or [resources]
    return [(each["InstanceType"], int(each["InstanceCount"])) for each in groups if "InstanceType" in each]


def _machines(request: dict[str, Any]) -> str:
    shown = " + ".join(f"{count} x {kind}" for kind, count in _hosts(request))
    if len((request.get("ResourceConfig") or {}).get("InstancePreferences") or ()) > 1:
        return f"{shown} or another of its preferences"
    return shown or "machines that SageMaker chooses"


def _time(resolved: ResolvedRequest) -> str:
    waiting = f", {spell_duration(resolved.max_wait)} with waiting" if resolved.max_wait is not None else ""
    return f"at most {spell_duration(resolved.max_runtime)} of training{waiting}"


def _data(request: dict[str, Any]) -> Iterator[Row]:
    for channel in request.get("InputDataConfig") or ():
        source = channel["DataSource"]
        if "S3DataSource" in source:
            place = source["S3DataSource"]["S3Uri"]
        else:
            place = " ".join(str(value) for value in next(iter(source.values())).values())
        yield "data", f"{channel['ChannelName']}: {place}"


def _source(request: RunRequest, team: Team) -> Iterator[Row]:
    if source := request.source:
        size = -(-source.size // 1024)
        count = f"{len(source.members)} file{'' if len(source.members) == 1 else 's'}, {size:,} KiB"
        yield "source", f"{source.folder} ({count}) to s3://{team.data_bucket}/{source.key}"
        for member in source.large:
            yield "note", f"{member.name} has {member.size / 1024**2:,.0f} MiB: data is better in an input channel"


def _filled_in(request: RunRequest) -> Iterator[Row]:
    """What the policy decided; the defaults are for `render --why`."""
    settings = request.checked.resolved.settings
    for leaf, value in sorted(settings.items()):
        if request.checked.provenance[".".join(leaf)] == "policy":
            yield "policy", f"{'.'.join(leaf)}: {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
