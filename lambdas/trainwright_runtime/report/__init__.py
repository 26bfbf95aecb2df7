"""The run report: what a run leaves for people and for tools. Pure functions of the run's record and documents."""

from trainwright_runtime.hiding import without_secrets
from trainwright_runtime.report.charts import charts
from trainwright_runtime.report.content import Report, build
from trainwright_runtime.report.ending import CAUSE_LIMIT, answer, cause
from trainwright_runtime.report.sources import Sources

__all__ = ["CAUSE_LIMIT", "Report", "Sources", "answer", "build", "cause", "charts", "without_secrets"]
