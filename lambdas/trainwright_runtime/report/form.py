"""The form of report.json, as models: for its JSON schema and its reference (docs/report-json.md), and for programs in
Python that read it. What builds a report does not import this: to describe is not needed to write."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trainwright_runtime.schema import schema_of

Moment = str | None
Number = float | None


class _Part(BaseModel):
    """Every key is always there."""

    model_config = ConfigDict(extra="forbid")


class ReportCost(_Part):
    """Money, in US dollars at on-demand prices less what spot saved."""

    usd: Number
    """What the jobs cost as far as it is known. Null: nothing is known."""
    on_demand_usd: Number
    """What the same training time would have cost without spot."""
    saved_usd: Number
    """What spot saved. Null: no attempt ran on spot, or nothing is known."""
    pool_usd: Number
    """What keeping machines warm cost beside it, once that is known."""
    worst_usd: Number
    """What the run could have cost at most, as it was known before it began."""
    best_usd: Number
    """What it would have cost on its first machines."""
    best_assumption: str | None
    """What `best_usd` takes for granted."""
    cap_usd: Number
    """The run's cap. Null: it had none."""
    price_source: str | None
    """Where the prices are from."""
    complete: bool
    """Whether all of it is known and final."""


class ReportParts(_Part):
    """Seconds by part; together the run's whole time within a second."""

    productive: float
    """Training that was kept, and what nobody knows better."""
    waiting: float
    """For capacity, for a quota, for AWS, after an interruption."""
    start_up: float
    """Of the state machine, machines, containers and the script."""
    download: float
    """Of data and image."""
    lost_work: float
    """Training after the last checkpoint that the next start went on from."""
    checkpoints: float
    """Spent on saving checkpoints, as the script says."""
    upload: float
    """Of the model and what else the job left."""


class ReportGoodput(_Part):
    """Where the run's time went."""

    whole_seconds: float
    """From the run's start to its end."""
    parts: ReportParts
    share: Number
    """Productive time by whole time, 0 to 1. Null: the run made no attempt."""
    notes: list[str]
    """What is not known, a sentence each."""


class ReportHeadline(_Part):
    """The metric that the run is judged by: the first that its request defines, else the first that its script
    reported, one of validation before one of training."""

    name: str
    value: float
    previous: Number
    """Its value in the last run of that name (`comparison`)."""
    change: Number
    """`value` less `previous`."""


class ReportChange(_Part):
    """One difference from the last run of that name."""

    what: Literal["settings", "code", "image", "data"]
    field: str
    """The setting by its long name, `inputs.NAME` for what lies at an input's address."""
    was: Any
    is_: Any = Field(alias="is")


class ReportMetricPair(_Part):
    """A metric of both runs."""

    name: str
    was: Number
    is_: Number = Field(alias="is")


class ReportPair(_Part):
    """A figure of both runs."""

    was: Number
    is_: Number = Field(alias="is")


class ReportComparison(_Part):
    """This run against the last one of that name that ended before it and had begun to train."""

    run: str
    status: str | None
    ended_at: Moment
    changes: list[ReportChange]
    """Code, image, data, then settings. Values that are hidden are not compared."""
    metrics: list[ReportMetricPair]
    seconds: ReportPair
    cost_usd: ReportPair


class ReportAdvice(_Part):
    """The one change that is worth most."""

    change: str | None
    """What to change, a sentence. Null: nothing that was measured is worth a change."""
    why: str
    worth_usd: Number
    """What it would have saved at most."""
    worth_seconds: Number
    """What time it would have saved at most."""
    from_: Literal["problem", "diagnosis", "finding", "goodput", "none"] = Field(alias="from")
    """What it was concluded from."""


class ReportFinding(_Part):
    """What the system metrics or the script's own times show about how an attempt ran."""

    rule: str
    title: str
    attempt: int
    host: str | None
    """Null: all of them."""
    device: str | None
    severity: Literal["high", "medium", "low"]
    measured: str
    value: Number
    threshold: str
    start: Moment
    end: Moment
    change: str
    """The one change to try."""
    worth_seconds: Number
    """Time that the change could save at the very most. Null: nobody can say."""
    source: str
    """Who found it: the platform's own rules on the system metrics, or SageMaker's."""
    documentation: str | None


class ReportRule(_Part):
    """A profiler rule that SageMaker evaluates."""

    attempt: int
    name: str
    status: str
    """RuleEvaluationStatus of DescribeTrainingJob."""
    details: str | None
    report_uri: str | None
    """The page that the rule wrote, in S3."""


class ReportProfile(_Part):
    """How much is known of how busy the machines were. The series are in charts.json."""

    status: Literal["off", "pending", "partial", "complete"]
    pending: list[str]
    """What is not known yet."""
    missing: list[str]
    """What will not come."""
    rules: list[ReportRule]
    summary: dict[str, Any]
    """By host and metric: mean, p95 and max, of the last attempt that has one."""
    source: str | None
    """profiler or cloudwatch. Null: neither."""


class ReportField(_Part):
    """One setting of the run: what it is, and who set it."""

    field: str
    value: Any
    set_by: Literal["run", "policy default", "policy always", "default", "platform"]
    """platform: taken out, since it would have had no effect (`warnings` says why)."""
    asked: Any
    """What the run asked for, where it got something else."""


class ReportPlace(_Part):
    """What lay at an address in S3 when the run was prepared."""

    uri: str
    objects: int | None
    """Null: it could not be looked at."""
    bytes: int | None
    newest: Moment
    """When the newest of them was written."""
    fingerprint: str | None
    """A hash of keys, sizes and ETags."""
    complete: bool
    """Whether those are all of them. Counting ends after 1,000 objects, or 20,000 of a channel in File mode."""


class ReportStart(_Part):
    """One process of the training script."""

    attempt: int
    resumed_from: int | None
    """The step that it went on from. Null: from nothing."""
    step: int | None
    """How far it came."""
    began_at: Moment
    saved_at: Moment
    """When it saved its last checkpoint."""


class ReportCheckpoints(_Part):
    """Checkpoints that survive a job."""

    s3_uri: str
    kept_step: int | None
    """The last step that has one, as far as the script says."""
    starts: list[ReportStart]


class ReportLink(_Part):
    """A page of the AWS console."""

    title: str
    url: str


class ReportModel(_Part):
    """What training left."""

    s3_uri: str


class ReportResume(_Part):
    """An attempt that began beside a checkpoint."""

    attempt: int
    checkpoint_step: int | None
    """The last step that attempts before it had saved."""
    resumed_from_step: int | None
    lost_steps: int | None
    """Steps that were trained twice."""
    from_zero: bool


class ReportWait(_Part):
    """Waits of one kind, one after another."""

    reason: str
    times: int
    seconds: int


class ReportDecision(_Part):
    """What was decided after an attempt."""

    attempt: int
    decision: str | None


class ReportPool(_Part):
    """The machines that the run kept, or took over."""

    attempt: int
    reused: bool
    status: str | None
    reused_by: str | None
    kept_billable_seconds: int | None
    kept_usd: Number


class ReportDiagnosis(_Part):
    """Why the run did not succeed."""

    label: str
    fault: str
    """Who has to act: nobody, code, data, request, person, capacity, account, platform, aws or unknown."""
    retry: str
    summary: str
    remedy: str
    evidence: str | None
    """The words that showed it."""
    log_tail: list[str]


class ReportProblem(_Part):
    """Why the run was refused."""

    code: str
    """`trainwright explain CODE` says more."""
    field: str
    path: list[str | int]
    problem: str
    value: str | None
    allowed: str | None
    remedy: str | None
    sure: bool
    """Whether `edit` is known to help."""
    edit: Any


class ReportTransition(_Part):
    """A state of a training job (SecondaryStatusTransitions)."""

    status: str | None
    start: Moment
    end: Moment
    message: str | None


class ReportLog(_Part):
    """Where an attempt's log is, in CloudWatch Logs."""

    group: str
    stream_prefix: str


class ReportProcess(_Part):
    """One process of an attempt, as trainkit's progress file has it; times are epoch seconds."""

    resumed_from: int | None
    step: int | None
    began_at: Number
    ready_at: Number
    saved_at: Number
    checkpoint_seconds: Number


class ReportAttempt(_Part):
    """One start of a training job. Without `job_arn`, it was refused and made no job."""

    number: int
    redrive: int
    """In which redrive of the execution."""
    rung: int
    """On which rung of the run's ladder of machines, from 0."""
    job_name: str
    job_arn: str | None
    capacity: str | None
    """spot or on_demand."""
    launch: str
    """sync or callback: by Step Functions' integration, or by the Launch function."""
    status: str | None
    """TrainingJobStatus."""
    secondary_status: str | None
    outcome: str
    looks: int
    diagnosis: dict[str, Any] | None
    decision: str | None
    """What was decided after it."""
    instance_type: str | None
    instance_count: int | None
    volume_gb: int | None
    max_runtime_seconds: int | None
    max_wait_seconds: int | None
    then_wait_seconds: int
    """How long the run waited after it."""
    interruptions: int
    """How often spot capacity was taken away."""
    checkpoint_step: int | None
    resumed_from_step: int | None
    restarted_from_zero: bool
    processes: int
    starts: list[ReportProcess]
    has_checkpoints: bool
    last_step: int | None
    total_steps: int | None
    started_at: Moment
    ended_at: Moment
    training_seconds: int | None
    billable_seconds: int | None
    waiting_seconds: int
    warm_pool: dict[str, Any] | None
    reused_pool: bool | None
    transitions: list[ReportTransition]
    failure_reason: str | None
    log: ReportLog
    usd_per_hour: Number
    """On demand, all hosts together."""
    cost_usd: Number
    on_demand_usd: Number
    saved_usd: Number


class Report(_Part):
    """report.json, which each run leaves beside report.html in `runs/RUN/` of the team's reports bucket."""

    schema_: Literal[3] = Field(alias="schema")
    """The version of this form; a key is never taken away or given another meaning without a new one."""
    run: str
    """The run's id."""
    team: str
    name: str | None
    """What its author calls it. Null: the request names none."""
    execution_arn: str
    status: Literal["SUCCEEDED", "FAILED", "STOPPED", "REFUSED"]
    verdict: str
    """How it ended, in a sentence or two."""
    started_at: Moment
    """ISO 8601 in UTC, as all moments that are text."""
    ended_at: Moment
    seconds: Number
    """From start to end."""
    cost: ReportCost
    goodput: ReportGoodput | None
    """Null: the run has no start or no end."""
    headline: ReportHeadline | None
    """Null: there are no metrics."""
    comparison: ReportComparison | None
    """Null: there is no earlier run of that name."""
    advice: ReportAdvice
    command: str | None
    """Runs the same request again, on the command line. Null: the execution's input was no request at all."""
    links: list[ReportLink]
    """None of them presigned; empty where the partition's console is not known."""
    diagnosis: ReportDiagnosis | None
    problems: list[ReportProblem]
    """Why it was refused; of very many, as many as the record keeps."""
    warnings: list[str]
    model: ReportModel | None
    metrics: dict[str, float | None]
    """The last value of each: SageMaker's FinalMetricDataList, and what the script reported."""
    findings: list[ReportFinding]
    """Of all attempts, the worst first."""
    profile: ReportProfile
    checkpoints: ReportCheckpoints | None
    """Null: the run keeps none in S3."""
    resume: list[ReportResume]
    """How each attempt went on that began beside a checkpoint."""
    restarted_from_zero: bool
    """Whether an attempt began at step 0 although there was a checkpoint."""
    waits: list[ReportWait]
    decisions: list[ReportDecision]
    pool: ReportPool | None
    """Null: the run kept no machines, and took none over."""
    attempts: list[ReportAttempt]
    request: Any
    """The execution's input, with values hidden whose names look like secrets."""
    fields: list[ReportField]
    """Every setting as it was worked out; empty where the request could not be read to its end."""
    inputs: dict[str, ReportPlace]
    """By channel, what lay in S3."""
    code: ReportPlace | None
    """The scripts' archive. Null: the image holds them."""
    image: str | None
    """The training image, by digest where it was found."""
    sent: dict[str, Any] | None
    """The last start's CreateTrainingJob request, values hidden as in `request`. Null: none was made."""


def json_schema() -> dict[str, Any]:
    """The JSON schema of report.json; docs/report.schema.json is this."""
    names = [field.alias or name for name, field in Report.model_fields.items()]
    return schema_of(Report, title="Trainwright run report", required=names, nullable=True)
