"""What SageMaker's profiler says of an attempt: system metrics and the reports of its rules, read, judged, made small.

Use, in this order: `Digest(keys)` with everything that was listed, `plan()` for the keys worth reading, `read()` for
each of them in that order (`unreadable()` where it could not be had), then `document()`. An attempt without the
profiler has CloudWatch's minutes instead: `document(digest=None, host_metrics=...)`. Nothing here raises because of
what a file holds.
"""

from trainwright_runtime.profile.cloudwatch import HostMetrics, from_cloudwatch
from trainwright_runtime.profile.digest import Digest
from trainwright_runtime.profile.document import SCHEMA, document
from trainwright_runtime.profile.findings import Finding
from trainwright_runtime.profile.rule_reports import Rule
from trainwright_runtime.profile.settings import DEFAULTS, Instance, Settings

__all__ = [
    "DEFAULTS",
    "SCHEMA",
    "Digest",
    "Finding",
    "HostMetrics",
    "Instance",
    "Rule",
    "Settings",
    "document",
    "from_cloudwatch",
]
