"""What a report is made of beside the run's record: the documents that its run left, read by a handler."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Sources:
    """The documents of one run, None for what is not there.

    `request`: the execution's input as it came. `prepared`: what Prepare found (prepared.json: which field was set by
    whom, and what the inputs held). `sent`: the last start's CreateTrainingJob request. `previous`: report.json of the
    last run of that name that ended before this one. `profiles`: profile/<n>.json by attempt. `curves`: metrics over
    steps. `folder`: the S3 URI under which all of them lie.
    """

    request: object = None
    prepared: Document | None = None
    sent: Document | None = None
    previous: Document | None = None
    profiles: Mapping[int, Document] = field(default_factory=dict)
    curves: Document | None = None
    folder: str | None = None
