"""The run report: what a run leaves for people and for tools. Pure functions of the run's record and documents."""

from trainwright_runtime.report.content import Report, build, without_secrets
from trainwright_runtime.report.ending import CAUSE_LIMIT, answer, cause
from trainwright_runtime.report.sources import Sources

__all__ = ["CAUSE_LIMIT", "Report", "Sources", "answer", "build", "cause", "without_secrets"]
