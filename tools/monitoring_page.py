"""Keeps docs/monitoring.md true: its tables are the library's own, its example is a part of examples/teams/app.py.

python tools/monitoring_page.py           # writes the page anew
python tools/monitoring_page.py --check   # exit code 1 where it is stale
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import trainwright  # noqa: F401  points jsii at a node

# isort: split
from trainwright.monitoring import DEFAULT_ALARMS, AlarmThreshold
from trainwright.team_metrics import TeamMetrics
from trainwright_runtime.run_metrics import METRICS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/monitoring.md"
EXAMPLE = ROOT / "examples/teams/app.py"
_BLOCK = re.compile(r"<!-- made: (?P<name>\w+) -->\n.*?<!-- /made -->", re.DOTALL)
_SAID = {
    "end": "once for each end",
    "level": "once for each end, when it is known",
    "total": "when it ends; later, what it has grown by",
    "event": "when it happens",
}


def main() -> int:
    new = page(PAGE.read_text(encoding="utf-8"))
    if "--check" in sys.argv:
        return int(new != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(new, encoding="utf-8")
    return 0


def page(text: str) -> str:
    """The page with its tables and its example as they are now."""
    return _BLOCK.sub(lambda found: f"<!-- made: {found['name']} -->\n{PARTS[found['name']]()}\n<!-- /made -->", text)


def metrics() -> str:
    named = methods()
    rows = (
        (f"`{each.name}`", each.unit, each.statistic, _SAID[each.kind], named.get(each.name, ""), each.description)
        for each in METRICS
    )
    return table(("Metric", "Unit", "Statistic", "Said", "Method", "What it is"), rows)


def methods() -> dict[str, str]:
    """The method of TrainingTeam for each metric that has one."""
    source = inspect.getsource(TeamMetrics)
    found = re.findall(r'def (metric_\w+)\(.*?return self\.metric\("(\w+)"', source, re.DOTALL)
    return {name: f"`{method}`" for method, name in found}


def alarms() -> str:
    rows = ((f"`{name}`", when(row), row.text("…")) for name, row in DEFAULT_ALARMS.items())
    return table(("Alarm", "Goes off", "What its text says"), rows)


def when(row: AlarmThreshold) -> str:
    """`Sum of FailedCount in 1 h >= 3`."""
    sign = {"GREATER_THAN_OR_EQUAL_TO_THRESHOLD": "≥", "GREATER_THAN_THRESHOLD": ">", "LESS_THAN_THRESHOLD": "<"}
    what = f"`{row.metric}`" + (f" of the function {row.function.capitalize()}" if row.function else "")
    minutes = int(row.period.to_minutes())
    period = f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
    return f"{row.statistic} of {what} in {period} {sign[row.comparison.name]} {row.threshold:g}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def example() -> str:
    """The part of the example app that changes alarms."""
    text = EXAMPLE.read_text(encoding="utf-8")
    changes = re.search(r"^ALARMS = \{\n.*?^\}$", text, re.DOTALL | re.MULTILINE)
    sent = re.search(r"^.*send_alarms\(.*\)$", text, re.MULTILINE)
    if changes is None or sent is None:
        raise SystemExit(f"{EXAMPLE} has no ALARMS or send_alarms any more")
    return f"```python\n{changes[0]}\n\nTrainingTeam(stack, ..., alarms=ALARMS)\n{sent[0]}\n```"


PARTS: dict[str, Callable[[], str]] = {"metrics": metrics, "alarms": alarms, "example": example}


if __name__ == "__main__":
    sys.exit(main())
