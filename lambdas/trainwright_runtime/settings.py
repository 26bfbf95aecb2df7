"""The settings of a run as users write them: the pydantic model that the run request and the team policy share.

Every setting has the name that the SageMaker SDK v3 gives it and, where that is long, one short form. All are optional
here, because silence has a meaning: the team's policy or a default fills it.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from trainwright_runtime import problems as codes
from trainwright_runtime import rules_by_name
from trainwright_runtime.fields import (
    CHANNELS,
    HYPERPARAMETERS,
    USER_TAGS,
    VARIABLES,
    Address,
    Arn,
    ChannelName,
    FileSystem,
    Gigabytes,
    HyperparameterKey,
    HyperparameterValue,
    Image,
    InstanceTypes,
    Milliseconds,
    Seconds,
    Switch,
    TagKey,
    TagValue,
    VariableKey,
    VariableValue,
    at_most,
    checkpoint_path,
    length,
)
from trainwright_runtime.launchers import LAUNCHERS
from trainwright_runtime.reading import nearest_choice, refusal
from trainwright_runtime.sections import (
    CheckpointConfig,
    Count,
    DebugHookConfig,
    ExperimentConfig,
    HubAccessConfig,
    InfraCheckConfig,
    InstanceGroup,
    InstancePlacementConfig,
    InstancePreference,
    MetricDefinition,
    MlflowConfig,
    ModelAccessConfig,
    ModelPackageConfig,
    Networking,
    OutputDataConfig,
    Parameters,
    ProfilerConfig,
    RemoteDebugConfig,
    RetryStrategy,
    RuleConfiguration,
    RuleParameters,
    Section,
    ServerlessJobConfig,
    SessionChainingConfig,
    ShuffleConfig,
    StoppingCondition,
    TensorBoardOutputConfig,
    TrainingImageConfig,
)
from trainwright_runtime.shortforms import OneWord

InputMode = Literal["File", "Pipe", "FastFile"]
_TEXT = {"type": "string"}
_SWITCH = {"type": "boolean"}


def _named_version(example: str) -> OneWord:
    """`NAME:VERSION` as one word."""

    def convert(value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise refusal(codes.WRONG_TYPE, "this is a number", allowed=f'"NAME:VERSION", such as {example}')
        if not isinstance(value, str):
            return value
        name, separator, version = value.partition(":")
        if not name or (separator and not version):
            raise refusal(codes.OUT_OF_RANGE, "this is no NAME:VERSION", allowed=f"such as {example}")
        return {"name": name, "version": version} if separator else {"name": name}

    return OneWord(convert, {**_TEXT, "examples": [example]})


def _word(field: str, schema: dict[str, Any]) -> OneWord:
    """A section written as the value of its one main field."""

    def convert(value: object) -> object:
        return {field: value} if isinstance(value, str | bool) else value

    return OneWord(convert, schema)


def _compilation(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in ("torch_compile", "training_compiler", "off"):
        return {"torch_compile": None, value: {}}  # refused below as an unknown field, with the near one
    return {} if value == "off" else {value: {}}


def _launcher(value: str) -> str:
    if value not in LAUNCHERS:
        near = nearest_choice(value, LAUNCHERS)
        problem, allowed = "there is no launcher of this name", ", ".join(LAUNCHERS)
        if near is None:
            raise refusal(codes.OUT_OF_RANGE, problem, allowed=allowed)
        raise refusal(codes.OUT_OF_RANGE, problem, allowed=allowed, remedy=f"write {near}", replacement=near)
    return value


class Framework(Section):
    """A framework container of AWS's, by name and version."""

    name: Annotated[str, at_most(64, one_line=True)]
    """pytorch, tensorflow, huggingface, xgboost, sklearn or mxnet."""
    version: Annotated[str, at_most(64, one_line=True)] | None = None
    """Such as `2.8.0`; in quotes, so that 2.10 never turns into 2.1."""
    py_version: Annotated[str, at_most(16, one_line=True)] | None = None
    """Such as `py312`. Left out: the newest that the version has."""
    base_framework_version: Annotated[str, at_most(64, one_line=True)] | None = None
    """For huggingface: such as `pytorch2.5.1`. Left out: the newest that the version has."""


class Algorithm(Section):
    """A built-in algorithm of SageMaker's, by name and version."""

    name: Annotated[str, at_most(64, one_line=True)]
    version: Annotated[str, at_most(64, one_line=True)] | None = None
    """Left out: the only one, where there is only one."""


class SourceCode(Section):
    """A script of one's own, run in an image that has a launcher for it."""

    source_dir: Annotated[str, at_most(900, one_line=True)] | None = None
    """A local folder, which the command line uploads once for its content; or the `data://` or `s3://` address of a
    sourcedir.tar.gz."""
    entry_script: Annotated[str, at_most(256, one_line=True)] | None = None
    """The script to start, a path inside source_dir."""
    requirements: Annotated[str, at_most(256, one_line=True)] | None = None
    """A file inside source_dir whose packages are installed first. Left out: requirements.txt, where there is one."""
    command: Annotated[str, at_most(256, one_line=True)] | None = None
    """A shell command to start instead of entry_script, in the unpacked source_dir."""
    ignore_patterns: list[str] | None = None
    """What of a local folder is not uploaded. Left out: .env, .git, __pycache__, .DS_Store, .cache,
    .ipynb_checkpoints."""


class Channel(Section):
    """An input channel: S3 objects or a file system's folder, at /opt/ml/input/data/NAME."""

    s3_uri: Address | None = None
    """Where the objects are: `data://FOLDER/` in the team's data bucket, a plain `FOLDER/`, or `s3://BUCKET/KEY`
    where the team's policy allows it."""
    s3_data_type: Literal["S3Prefix", "ManifestFile", "AugmentedManifestFile", "Converse"] | None = None
    """What s3_uri names. Left out: S3Prefix."""
    s3_data_distribution_type: Literal["FullyReplicated", "ShardedByS3Key"] | None = None
    """Whether every host gets all objects. Left out: FullyReplicated."""
    attribute_names: list[Annotated[str, at_most(256)]] | None = None
    """Attributes of an augmented manifest, in the order in which the script reads them."""
    instance_group_names: list[Annotated[str, at_most(64)]] | None = None
    """Instance groups that get the channel. Left out: all."""
    model_access_config: ModelAccessConfig | None = None
    hub_access_config: HubAccessConfig | None = None
    dataset_arn: Arn | None = None
    """A data set of a SageMaker hub, instead of s3_uri."""
    file_system_id: FileSystem | None = None
    """An EFS or FSx for Lustre file system, instead of s3_uri."""
    file_system_type: Literal["EFS", "FSxLustre"] | None = None
    file_system_access_mode: Literal["ro", "rw"] | None = None
    """Left out: ro."""
    directory_path: Annotated[str, at_most(4096, one_line=True)] | None = None
    """The folder of the file system; for FSx it begins with the mount name."""
    content_type: Annotated[str, at_most(256, one_line=True)] | None = None
    """The MIME type of the objects, told to the container (`text/csv`). Left out: none."""
    compression_type: Literal["None", "Gzip"] | None = None
    """Gzip unpacks objects on the way; for Pipe mode."""
    record_wrapper_type: Literal["None", "RecordIO"] | None = None
    """RecordIO wraps each object as a record; for Pipe mode."""
    input_mode: InputMode | None = None
    """File copies first; FastFile streams behind a read-only file system; Pipe streams through a FIFO. Left out: the
    job's training_input_mode."""
    shuffle_config: ShuffleConfig | None = None
    shuffle_seed: int | None = None
    """Short for shuffle_config.seed."""


ChannelForm = Annotated[Channel, _word("s3_uri", {**_TEXT, "examples": ["data://digits/train/"]})]


class Compute(Section):
    """The machines of the run."""

    instance_type: InstanceTypes | None = None
    """A SageMaker training instance type, such as `ml.m5.large`; or several, tried in this order. Left out: the team's
    policy must name one."""
    instance_count: Count | None = None
    """How many instances. Left out: 1."""
    volume: Gigabytes | None = None
    """Storage of each instance, such as `30 GB` (short for volume_size_in_gb). Left out: 30 GB."""
    volume_size_in_gb: Count | None = None
    """Storage of each instance in GB. Types with NVMe storage of their own ignore it."""
    volume_kms_key_id: Annotated[str, at_most(2048)] | None = None
    """A key other than the team's; the policy's capability `keys` must have it."""
    spot: Switch | None = None
    """Managed spot training, cheaper and interruptible; brings checkpoints with it (short for
    enable_managed_spot_training). Left out: false."""
    enable_managed_spot_training: Switch | None = None
    """The long name of `spot`."""
    fallback: Literal["on_demand", "none"] | None = None
    """Whether a spot run may go on on demand when spot can no longer make it. Left out: none."""
    keep_alive: Seconds | None = None
    """How long the machines are kept for the next job, at most 1h (short for keep_alive_period_in_seconds).
    Left out: not at all."""
    keep_alive_period_in_seconds: Annotated[int, Field(ge=0)] | None = None
    """The long name of `keep_alive`."""
    instance_groups: Annotated[list[InstanceGroup], length(5, "instance groups", 1)] | None = None
    """A heterogeneous cluster, instead of instance_type."""
    instance_preferences: Annotated[list[InstancePreference], length(5, "instance preferences", 1)] | None = None
    """Types that SageMaker tries in this order on demand, instead of instance_type."""
    instance_placement_config: InstancePlacementConfig | None = None
    training_plan: Arn | None = None
    """Capacity that was reserved (short for training_plan_arn)."""
    training_plan_arn: Arn | None = None


class Limits(Section):
    """What the run may take as a whole, in short forms."""

    max_runtime: Seconds | None = None
    """Training time, of all attempts together, such as `30m` or `6h` (short for
    stopping_condition.max_runtime_in_seconds). Left out: 1 day, or what the team's policy allows if that is less."""
    max_wait: Seconds | None = None
    """Waiting for spot capacity and training together (short for stopping_condition.max_wait_time_in_seconds). Several
    types share the waiting; each waits at least as long as it may train, because SageMaker wants that. Left out, with
    spot: max_runtime and as long again, at least an hour and at most a week more."""
    max_pending: Seconds | None = None
    """How long a job on accelerated types may be Pending, half an hour to 28 days (short for
    stopping_condition.max_pending_time_in_seconds)."""
    max_cost_usd: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=False)] | None = None
    """What the run may cost at on-demand prices; the training time of each attempt is cut to what is left of it. What
    SageMaker bills beside training (downloads, the up to two minutes of a stop, uploads) can come on top. Left out: the
    policy's cap, or none."""


class Distributed(Section):
    """How the processes of a job find each other."""

    launcher: Annotated[str, AfterValidator(_launcher)]
    process_count_per_node: Count | None = None
    """Processes a host. Left out: one an accelerator."""
    mpi_additional_options: list[Annotated[str, at_most(1024, one_line=True)]] | None = None
    """Further words for mpirun."""
    parameters: dict[str, Any] | None = None
    """Parameters of the model-parallel library (smp, smp_v1)."""
    instance_groups: list[str] | None = None
    """Instance groups that train together, on a heterogeneous cluster. Left out: all."""
    zero_stage: Annotated[int, Field(ge=0, le=3)] | None = None
    """DeepSpeed's ZeRO stage, 0 to 3. Left out: 2, unless `config` says."""
    config: Annotated[str, at_most(256, one_line=True)] | None = None
    """DeepSpeed's configuration, a JSON file inside source_dir."""


class TorchCompile(Section):
    """torch.compile, for scripts that use Accelerate, the Trainer, or trainkit."""

    backend: Annotated[str, at_most(64, one_line=True)] | None = None
    """Left out: inductor."""
    mode: Literal["default", "reduce-overhead", "max-autotune"] | None = None


class TrainingCompiler(Section):
    """SageMaker Training Compiler, which AWS no longer develops."""

    debug: Switch | None = None


class Compilation(Section):
    """How the model is compiled."""

    torch_compile: TorchCompile | None = None
    training_compiler: TrainingCompiler | None = None


class Checkpoints(Section):
    """Checkpoints at the run's own prefix."""

    enabled: Switch | None = None
    """Left out: true."""
    local_path: Annotated[str, AfterValidator(checkpoint_path)] | None = None
    """The folder that SageMaker keeps in step with S3. Left out: /opt/ml/checkpoints."""
    every: Seconds | None = None
    """How often a script that uses trainkit saves one. Left out: the script decides."""
    keep: Count | None = None
    """How many a script that uses trainkit keeps. Left out: the script decides."""
    reshard: Switch | None = None
    """Says that the script's checkpoints can be read by another number of processes, so that a ladder of types may
    differ in accelerators a host. Left out: false."""


class NamedRule(Section):
    """A built-in rule, by name."""

    name: Annotated[str, at_most(256, one_line=True)]
    parameters: RuleParameters | None = None
    """Left out: the rule's own defaults."""


def _rule_named(what: str, known: tuple[str, ...]) -> AfterValidator:
    def check(rule: NamedRule) -> NamedRule:
        if rule.name not in known:
            raise rules_by_name.unknown(what, rule.name, known)
        return rule

    return AfterValidator(check)


ProfilerRule = Annotated[
    NamedRule, _rule_named("profiler", (*rules_by_name.PROFILER, *rules_by_name.MEANT)), _word("name", _TEXT)
]
DebuggerRule = Annotated[NamedRule, _rule_named("debugger", tuple(rules_by_name.DEBUGGER)), _word("name", _TEXT)]


class Profiler(Section):
    """The profiler, in short forms. Its files go to the run's prefix in the reports bucket; the report has what they
    say. It is a part of SageMaker Debugger, which AWS closed to new customers on 2026-07-30 ("Debugger availability
    change", developer guide): where SageMaker refuses a job for it, leave it off; the report's charts then come from
    CloudWatch's minutes."""

    enabled: Switch | None = None
    """Left out: true."""
    interval: Milliseconds | None = None
    """How often system metrics are taken (short for profiler_config.profiling_interval_in_milliseconds).
    Left out: 500ms."""
    parameters: Parameters | None = None
    """Framework profiling (short for profiler_config.profiling_parameters); deprecated by AWS from PyTorch 2.0."""
    rules: list[ProfilerRule] | None = None
    """Built-in rules. Left out: ProfilerReport. Their thresholds hold for the platform's own rules of the same kind,
    too, which judge the same files."""


class Debugger(Section):
    """The debugger, in short forms."""

    enabled: Switch | None = None
    """Left out: true."""
    collections: dict[str, Parameters] | None = None
    """Tensors to save, with their parameters: `losses: {save_interval: 100}`."""
    hook_parameters: Parameters | None = None
    """Of the hook (short for debug_hook_config.hook_parameters)."""
    rules: list[DebuggerRule] | None = None
    """Built-in rules, such as VanishingGradient. Left out: none."""


class TensorBoard(TensorBoardOutputConfig):
    """TensorBoard, in short form."""

    enabled: Switch | None = None
    """Left out: true."""


class Health(Section):
    """Health of the machines, in short forms."""

    infra_check: Switch | None = None
    """Checks the machines before training (short for infra_check_config.enable_infra_check). Left out: no check."""
    retries: Annotated[int, Field(ge=1, le=30)] | None = None
    """SageMaker's own retries after an InternalServerError (short for retry_strategy.maximum_retry_attempts).
    Left out: none."""


class Settings(Section):
    """What both a run request and a team policy's `default` and `always` can set."""

    image: Image | None = None
    """The training image: one of the platform's by name, or an ECR URI (short for training_image). Left out:
    `platform`, the platform's own."""
    training_image: Image | None = None
    """The long name of `image`."""
    training_image_config: TrainingImageConfig | None = None
    framework: Annotated[Framework, _named_version("pytorch:2.8.0")] | None = None
    """A framework container of AWS's instead of an image: `pytorch:2.8.0`."""
    algorithm: Annotated[Algorithm, _named_version("xgboost:1.7-1")] | None = None
    """A built-in algorithm instead of an image: `xgboost:1.7-1`."""
    algorithm_name: Annotated[str, at_most(170, one_line=True)] | None = None
    """An algorithm resource of one's own or from AWS Marketplace, by name or ARN, instead of an image."""
    container_entrypoint: Annotated[list[Annotated[str, at_most(256)]], length(100, "words", 1)] | None = None
    """Starts this in the container instead of the image's own entry point."""
    container_arguments: Annotated[list[Annotated[str, at_most(256)]], length(100, "words", 1)] | None = None
    """Arguments of the entry point."""
    source_code: SourceCode | None = None
    hyperparameters: (
        Annotated[dict[HyperparameterKey, HyperparameterValue], length(HYPERPARAMETERS, "hyperparameters")] | None
    ) = None
    """Values for the script or algorithm. With source_code they travel as JSON; else as text, numbers in their shortest
    spelling, booleans as true and false."""
    inputs: Annotated[dict[ChannelName, ChannelForm], length(CHANNELS, "input channels", 1)] | None = None
    """Input channels by name: an address, or a section. Left out: the job gets no data."""
    input_mode: InputMode | None = None
    """How channels that do not say arrive: File, FastFile or Pipe (short for training_input_mode). Left out: File."""
    training_input_mode: InputMode | None = None
    compute: Compute | None = None
    limits: Limits | None = None
    stopping_condition: StoppingCondition | None = None
    distributed: Annotated[Distributed, _word("launcher", {"enum": list(LAUNCHERS)})] | None = None
    """How several processes train together: `torchrun`, or a section. Left out: one process a host."""
    precision: Literal["bf16", "fp16", "off"] | None = None
    """Mixed precision, for scripts that use Accelerate, the Trainer, or trainkit. Left out: off."""
    compilation: (
        Annotated[Compilation, OneWord(_compilation, {"enum": ["torch_compile", "training_compiler", "off"]})] | None
    ) = None
    """`torch_compile`, `training_compiler`, `off`, or a section. Left out: off."""
    checkpoints: Annotated[Checkpoints, _word("enabled", _SWITCH)] | None = None
    """true, false, or `{local_path, every, keep}`. Left out: on with spot, off without."""
    checkpoint_config: CheckpointConfig | None = None
    """Checkpoints at a prefix of one's own, instead of `checkpoints`."""
    health: Health | None = None
    infra_check_config: InfraCheckConfig | None = None
    retry_strategy: RetryStrategy | None = None
    debugger: Annotated[Debugger, _word("enabled", _SWITCH)] | None = None
    """true, false, or `{collections, hook_parameters, rules}`. Left out: off."""
    debug_hook_config: DebugHookConfig | None = None
    debug_rule_configurations: Annotated[list[RuleConfiguration], length(20, "rules")] | None = None
    profiler: Annotated[Profiler, _word("enabled", _SWITCH)] | None = None
    """true, false, or `{interval, parameters, rules}`. Left out: off, and nothing of it is sent."""
    profiler_config: ProfilerConfig | None = None
    profiler_rule_configurations: Annotated[list[RuleConfiguration], length(20, "rules")] | None = None
    network: Networking | None = None
    """Short for networking."""
    networking: Networking | None = None
    output_compression: Literal["gzip", "none"] | None = None
    """none leaves the model's files as they are (short for output_data_config.compression_type). Left out: gzip."""
    output_data_config: OutputDataConfig | None = None
    secrets: dict[VariableKey, Arn] | None = None
    """Secrets of AWS Secrets Manager for the script, by the variable that it finds each in. Only the ARN travels."""
    metrics: dict[Annotated[str, at_most(255, one_line=True)], Annotated[str, at_most(500, one_line=True)]] | None = (
        None
    )
    """Metrics that SageMaker reads from the log: a name and a regular expression with one group (short for
    metric_definitions)."""
    metric_definitions: Annotated[list[MetricDefinition], length(40, "metrics")] | None = None
    metrics_time_series: Switch | None = None
    """Keeps metrics as a time series (short for enable_sage_maker_metrics_time_series)."""
    enable_sage_maker_metrics_time_series: Switch | None = None
    tensorboard: Annotated[TensorBoard, _word("enabled", _SWITCH)] | None = None
    """true, or `{local_path}` (short for tensor_board_output_config). Left out: off."""
    tensor_board_output_config: TensorBoardOutputConfig | None = None
    experiment: Annotated[str, at_most(120, one_line=True)] | None = None
    """A SageMaker experiment's name (short for experiment_config.experiment_name)."""
    experiment_config: ExperimentConfig | None = None
    mlflow: Arn | None = None
    """A tracking server or app (short for mlflow_config.mlflow_resource_arn)."""
    mlflow_config: MlflowConfig | None = None
    model_package: Arn | None = None
    """A model package group (short for model_package_config.model_package_group_arn)."""
    model_package_config: ModelPackageConfig | None = None
    session_tags: Switch | None = None
    """Short for session_chaining_config.enable_session_tag_chaining."""
    session_chaining_config: SessionChainingConfig | None = None
    remote_debug: Switch | None = None
    """Short for remote_debug_config.enable_remote_debug."""
    remote_debug_config: RemoteDebugConfig | None = None
    serverless_job_config: ServerlessJobConfig | None = None
    environment: Annotated[dict[VariableKey, VariableValue], length(VARIABLES, "environment variables")] | None = None
    """Environment variables of the container. They are readable by whoever can describe the job: no secrets here."""
    tags: Annotated[dict[TagKey, TagValue], length(USER_TAGS, "tags")] | None = None
    """Tags of the training job, beside the platform's own (`trainwright:...`)."""
    overrides: dict[str, Any] | None = None
    """Raw fields of CreateTrainingJob, merged last; where the team's policy allows it."""
