"""The JSON schema of a notice, from models that say what each entry means. Notices are not made by these models: one
that a report has no words for is sent all the same."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trainwright_runtime.notices.events import Event


def _said(text: str) -> Any:
    return Field(description=text)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunPart(_Part):
    """The run that the notice is about."""

    id: str = _said("The run's id, such as vision-0123456789.")
    name: str | None = _said("What its author calls it. User text.")
    status: Literal["SUCCEEDED", "FAILED", "STOPPED", "REFUSED"]
    execution_arn: str | None
    started_at: str | None = _said("ISO 8601, UTC.")
    ended_at: str | None = _said("ISO 8601, UTC.")
    seconds: float | None = _said("From its start to its end.")
    attempts: int = _said("Training jobs that it made.")
    last_job_arn: str | None


class DiagnosisPart(_Part):
    """Why the run ended as it did."""

    label: str
    fault: str = _said("nobody, code, data, request, person, capacity, account, platform, aws or unknown.")
    summary: str = _said("A sentence; of a script's exception its last line, without what looks like a secret.")
    remedy: str = _said("What to do.")


class CostPart(_Part):
    """What the run cost, in US dollars; null where no price is known."""

    usd: float | None
    on_demand_usd: float | None = _said("The same time on demand alone.")
    saved_usd: float | None
    cap_usd: float | None = _said("The run's limits.max_cost_usd.")
    complete: bool = _said("Whether it is final: no job runs, no machines are kept.")


class HeadlinePart(_Part):
    """The run's first metric."""

    name: str
    value: float | None
    previous: float | None = _said("Of the last run of that name.")
    change: float | None


class AdvicePart(_Part):
    """The one change worth most."""

    change: str | None
    why: str | None
    worth_usd: float | None
    worth_seconds: float | None
    from_: str | None = Field(alias="from", description="finding, goodput, diagnosis or none.")


class FindingPart(_Part):
    """A finding of the profiler, as in report.json."""

    rule: str
    title: str
    attempt: int | None
    host: str | None
    device: str | None
    severity: Literal["high", "medium"]
    measured: str
    value: float | str | None
    threshold: float | str | None
    start: str | None
    end: str | None
    change: str
    worth_seconds: float | None
    source: str | None
    documentation: str | None


class MonthPart(_Part):
    """The team's month."""

    month: str = _said("Such as 2026-11.")
    time_zone: str
    limit_usd: float = _said("budget.monthly_usd of the team's policy.")
    committed_usd: float = _said("What ended runs cost and what those under way may cost at worst.")
    spent_usd: float = _said("What ended runs cost.")
    threshold_percent: Literal[80, 100]


class ReportPart(_Part):
    """Where the run's report is, in S3."""

    html: str | None
    json_: str | None = Field(alias="json")


class LinkPart(_Part):
    """An address in the AWS console, for people who are signed in; never a presigned one."""

    title: str
    url: str


class NoticeDocument(_Part):
    """What queues, functions and web hooks get of a notice. Every key is always there."""

    schema_: Literal[1] = Field(alias="schema")
    id: str = _said("The same for the same notice: SNS may deliver one twice.")
    event: Event
    team: str
    at: str = _said("When it was made. ISO 8601, UTC.")
    subject: str = _said("ASCII, one line, fewer than 100 characters.")
    verdict: str = _said("What happened, in a sentence.")
    fault: str | None = _said("Whose turn it is: the diagnosis' fault.")
    run: RunPart | None = _said("null for `budget`.")
    diagnosis: DiagnosisPart | None
    cost: CostPart | None
    headline: HeadlinePart | None
    goodput: float | None = _said("The share of the run's time that it trained, 0 to 1.")
    advice: AdvicePart | None
    findings: list[FindingPart] = _said("For `finding`: the first 20, fewer where the message would be too long.")
    month: MonthPart | None = _said("For `budget`.")
    report: ReportPart | None
    command: str | None = _said("What runs it again.")
    links: list[LinkPart]


def schema() -> dict[str, Any]:
    """The JSON schema (2020-12)."""
    made = NoticeDocument.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made | {"title": "Trainwright notice"}
