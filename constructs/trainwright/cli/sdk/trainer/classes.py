"""The SDK v3's own classes, as far as a training job's request depends on them.

They are pydantic models there and here, with the same fields, defaults and validators, so that what the SDK takes,
fills in and raises for is what happens here. Sources: sagemaker SDK v3 (3.27.0), core/shapes, core/training/configs.py,
core/training/utils.py, train/distributed.py, train/model_trainer.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, InstanceOf, model_validator


class Unassigned:
    """The SDK's mark of an argument that was not given: false, empty, and not the same as None."""

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter(())


UNASSIGNED: Any = Unassigned()
NOTHING: Any = None
"""A default of None for a field whose type does not take None: the SDK refuses None when it is written out."""


class Shape(BaseModel):
    """Any of the SDK's classes: unknown fields refused, values taken as pydantic's lax mode takes them."""

    model_config = ConfigDict(
        extra="forbid", protected_namespaces=(), arbitrary_types_allowed=True, hide_input_in_errors=True
    )


class StoppingCondition(Shape):
    max_runtime_in_seconds: int | None = UNASSIGNED
    max_wait_time_in_seconds: int | None = UNASSIGNED
    max_pending_time_in_seconds: int | None = UNASSIGNED


class RetryStrategy(Shape):
    maximum_retry_attempts: int


class InfraCheckConfig(Shape):
    enable_infra_check: bool | None = UNASSIGNED


class RemoteDebugConfig(Shape):
    enable_remote_debug: bool | None = UNASSIGNED


class SessionChainingConfig(Shape):
    enable_session_tag_chaining: bool | None = UNASSIGNED


class MetricDefinition(Shape):
    name: str
    regex: str


class Tag(Shape):
    key: str
    value: str


class ModelPackageConfig(Shape):
    model_package_group_arn: str
    source_model_package_arn: str | None = UNASSIGNED


class TrainingRepositoryAuthConfig(Shape):
    training_repository_credentials_provider_arn: str


class TrainingImageConfig(Shape):
    training_repository_access_mode: str
    training_repository_auth_config: TrainingRepositoryAuthConfig | None = UNASSIGNED


class AlgorithmSpecification(Shape):
    training_input_mode: str
    training_image: str | None = UNASSIGNED
    algorithm_name: str | None = UNASSIGNED
    metric_definitions: list[MetricDefinition] | None = UNASSIGNED
    container_entrypoint: list[str] | None = UNASSIGNED
    container_arguments: list[str] | None = UNASSIGNED
    training_image_config: TrainingImageConfig | None = UNASSIGNED


# --- input ---------------------------------------------------------------------------------------------------------


class HubAccessConfig(Shape):
    hub_content_arn: str


class ModelAccessConfig(Shape):
    accept_eula: bool


class S3DataSource(Shape):
    s3_data_type: str
    s3_uri: str
    s3_data_distribution_type: str | None = UNASSIGNED
    attribute_names: list[str] | None = UNASSIGNED
    instance_group_names: list[str] | None = UNASSIGNED
    model_access_config: ModelAccessConfig | None = UNASSIGNED
    hub_access_config: HubAccessConfig | None = UNASSIGNED


class FileSystemDataSource(Shape):
    file_system_id: str
    file_system_access_mode: str
    file_system_type: str
    directory_path: str


class DatasetSource(Shape):
    dataset_arn: str


class DataSource(Shape):
    s3_data_source: S3DataSource | None = UNASSIGNED
    file_system_data_source: FileSystemDataSource | None = UNASSIGNED
    dataset_source: DatasetSource | None = UNASSIGNED


class ShuffleConfig(Shape):
    seed: int


class Channel(Shape):
    channel_name: str
    data_source: DataSource
    content_type: str | None = UNASSIGNED
    compression_type: str | None = UNASSIGNED
    record_wrapper_type: str | None = UNASSIGNED
    input_mode: str | None = UNASSIGNED
    shuffle_config: ShuffleConfig | None = UNASSIGNED


class InputData(Shape):
    channel_name: str = NOTHING
    data_source: str | FileSystemDataSource | S3DataSource | DatasetSource = NOTHING
    content_type: str = NOTHING


# --- output --------------------------------------------------------------------------------------------------------


class CoreCheckpointConfig(Shape):
    """sagemaker.core.shapes.CheckpointConfig, which has no defaults."""

    s3_uri: str
    local_path: str | None = UNASSIGNED


class CheckpointConfig(CoreCheckpointConfig):
    """sagemaker.core.training.configs.CheckpointConfig."""

    s3_uri: str | None = None  # type: ignore[assignment]
    local_path: str | None = "/opt/ml/checkpoints"


class CoreOutputDataConfig(Shape):
    """sagemaker.core.shapes.OutputDataConfig, which has no defaults."""

    s3_output_path: str
    kms_key_id: str | None = UNASSIGNED
    compression_type: str | None = UNASSIGNED


class OutputDataConfig(CoreOutputDataConfig):
    """sagemaker.core.training.configs.OutputDataConfig."""

    s3_output_path: str | None = None  # type: ignore[assignment]
    kms_key_id: str | None = None
    compression_type: str | None = None


class CoreTensorBoardOutputConfig(Shape):
    """sagemaker.core.shapes.TensorBoardOutputConfig, which has no defaults."""

    s3_output_path: str
    local_path: str | None = UNASSIGNED


class TensorBoardOutputConfig(CoreTensorBoardOutputConfig):
    """sagemaker.core.training.configs.TensorBoardOutputConfig."""

    s3_output_path: str | None = None  # type: ignore[assignment]
    local_path: str | None = "/opt/ml/output/tensorboard"


# --- machines ------------------------------------------------------------------------------------------------------


class InstanceGroup(Shape):
    instance_type: str
    instance_count: int
    instance_group_name: str


class InstancePreference(Shape):
    instance_type: str
    instance_count: int | None = UNASSIGNED
    training_plan_arns: list[str] | None = UNASSIGNED


class PlacementSpecification(Shape):
    instance_count: int
    ultra_server_id: str | None = UNASSIGNED


class InstancePlacementConfig(Shape):
    enable_multiple_jobs: bool | None = UNASSIGNED
    placement_specifications: list[PlacementSpecification] | None = UNASSIGNED


class ResourceConfig(Shape):
    instance_type: str | None = UNASSIGNED
    instance_count: int | None = UNASSIGNED
    volume_size_in_gb: int | None = UNASSIGNED
    volume_kms_key_id: str | None = UNASSIGNED
    keep_alive_period_in_seconds: int | None = UNASSIGNED
    instance_groups: list[InstanceGroup] | None = UNASSIGNED
    training_plan_arn: str | None = UNASSIGNED
    instance_placement_config: InstancePlacementConfig | None = UNASSIGNED
    instance_preferences: list[InstancePreference] | None = UNASSIGNED
    selected_instance_type: str | None = UNASSIGNED
    selected_instance_count: int | None = UNASSIGNED


class Compute(ResourceConfig):
    volume_size_in_gb: int | None = 30
    enable_managed_spot_training: bool | None = None

    @model_validator(mode="after")
    def _settle(self) -> Self:
        _unassigned_to_none(self)
        refuse_conflicting_preferences(self)
        return self

    def resource_config(self) -> ResourceConfig | None:
        """What of it is sent as ResourceConfig.

        The way through a dump and a second validation is the SDK's own: it makes the SDK refuse a placement
        specification without an ultra server.
        """
        given = {
            name: value
            for name, value in self.model_dump(warnings=False).items()
            if name in ResourceConfig.model_fields and value is not None
        }
        if self.instance_preferences:
            given["instance_preferences"] = self.instance_preferences
        return ResourceConfig(**given) if given else None


def refuse_conflicting_preferences(compute: Compute) -> None:
    """ValueError where instance preferences come with what they exclude (core/training/utils.py)."""
    preferences = compute.instance_preferences
    if not preferences:
        return
    for name in ("instance_type", "instance_groups", "instance_placement_config"):
        if getattr(compute, name) is not None:
            raise ValueError(f"instance_preferences and {name} exclude each other; keep one of them")
    if compute.enable_managed_spot_training is True:
        raise ValueError("instance_preferences and enable_managed_spot_training exclude each other; keep one of them")
    _refuse_doubled_types([preference.instance_type for preference in preferences])
    _refuse_mixed_counts(compute.instance_count, [_given(entry.instance_count) for entry in preferences])
    if compute.training_plan_arn is not None and any(_given(entry.training_plan_arns) for entry in preferences):
        raise ValueError("training_plan_arn and the preferences' training_plan_arns exclude each other; keep one")


def _refuse_doubled_types(types: list[str]) -> None:
    doubled = sorted({name for name in types if types.count(name) > 1})
    if doubled:
        raise ValueError(f"instance_preferences names {', '.join(doubled)} more than once")


def _refuse_mixed_counts(count: int | None, counts: list[Any]) -> None:
    if count is not None and any(entry is not None for entry in counts):
        raise ValueError("instance_count stands beside instance_preferences and within them; keep one of the two")
    if count is None and any(entry is None for entry in counts):
        raise ValueError(
            "with instance_preferences every entry needs its own instance_count, or none has one and compute has it"
        )


class VpcConfig(Shape):
    security_group_ids: list[str]
    subnets: list[str]


class Networking(Shape):
    security_group_ids: list[str] | None = None
    subnets: list[str] | None = None
    enable_network_isolation: bool | None = None
    enable_inter_container_traffic_encryption: bool | None = None

    @model_validator(mode="after")
    def _settle(self) -> Self:
        _unassigned_to_none(self)
        return self

    def vpc_config(self) -> VpcConfig | None:
        """What of it is sent as VpcConfig; None where it names neither subnets nor security groups."""
        given = {name: getattr(self, name) for name in ("security_group_ids", "subnets")}
        given = {name: value for name, value in given.items() if value is not None}
        return VpcConfig(**given) if given else None


def _unassigned_to_none(shape: Shape) -> None:
    for name, value in list(vars(shape).items()):
        if value is UNASSIGNED:
            setattr(shape, name, None)


def _given(value: Any) -> Any:
    return None if value is UNASSIGNED else value


# --- script and launcher -------------------------------------------------------------------------------------------

DEFAULT_IGNORE_PATTERNS = (".env", ".git", "__pycache__", ".DS_Store", ".cache", ".ipynb_checkpoints")


class SourceCode(Shape):
    source_dir: str | None = None
    requirements: str | None = None
    entry_script: str | None = None
    command: str | None = None
    args: list[str | int | float] | None = None
    ignore_patterns: list[str] | None = list(DEFAULT_IGNORE_PATTERNS)


class SMP(Shape):
    hybrid_shard_degree: int | None = None
    sm_activation_offloading: bool | None = None
    activation_loading_horizon: int | None = None
    fsdp_cache_flush_warnings: bool | None = None
    allow_empty_shards: bool | None = None
    tensor_parallel_degree: int | None = None
    context_parallel_degree: int | None = None
    expert_parallel_degree: int | None = None
    random_seed: int | None = None


class Torchrun(Shape):
    process_count_per_node: int | None = None
    smp: SMP | None = None


class MPI(Shape):
    process_count_per_node: int | None = None
    mpi_additional_options: list[str] | None = None


class Mode(Enum):
    """Where the trainer trains."""

    LOCAL_CONTAINER = "LOCAL_CONTAINER"
    SAGEMAKER_TRAINING_JOB = "SAGEMAKER_TRAINING_JOB"


class ModelTrainer(Shape):
    """The trainer's arguments; `sagemaker_session` is read before, so None here."""

    training_mode: Mode = Mode.SAGEMAKER_TRAINING_JOB
    role: str | None = None
    base_job_name: str | None = None
    input_s3_key_prefix: str | None = None
    source_code: SourceCode | None = None
    distributed: InstanceOf[Torchrun] | InstanceOf[MPI] | None = None
    compute: Compute | None = None
    networking: Networking | None = None
    stopping_condition: StoppingCondition | None = None
    training_image: str | None = None
    training_image_config: TrainingImageConfig | None = None
    algorithm_name: str | None = None
    output_data_config: CoreOutputDataConfig | None = None
    input_data_config: list[Channel | InputData] | None = None
    checkpoint_config: CoreCheckpointConfig | None = None
    training_input_mode: str | None = "File"
    environment: dict[str, str] | None = {}
    hyperparameters: dict[str, Any] | str | None = {}
    tags: list[Tag] | None = None
    local_container_root: str | None = None
    model_package_config: ModelPackageConfig | None = None


class Fit(Shape):
    """The arguments of `train`."""

    input_data_config: list[Channel | InputData] | None = None
    wait: bool | None = True
    logs: bool | None = True
    dry_run: bool = False


class Session(Shape):
    """What of a SageMaker session the request depends on."""

    default_bucket: str | None = None
    default_bucket_prefix: str | None = None


class Additions(Shape):
    """What the trainer's `with_*` methods set, as TrainingJob.create and AlgorithmSpecification take it."""

    retry_strategy: RetryStrategy | None = None
    infra_check_config: InfraCheckConfig | None = None
    session_chaining_config: SessionChainingConfig | None = None
    remote_debug_config: RemoteDebugConfig | None = None
    tensorboard_output_config: CoreTensorBoardOutputConfig | None = None
    checkpoint_config: CoreCheckpointConfig | None = None
    metric_definitions: list[MetricDefinition] | None = None


_CONFIGS: tuple[type[Shape], ...] = (
    StoppingCondition,
    RetryStrategy,
    InfraCheckConfig,
    RemoteDebugConfig,
    SessionChainingConfig,
    MetricDefinition,
    Tag,
    ModelPackageConfig,
    TrainingRepositoryAuthConfig,
    TrainingImageConfig,
    HubAccessConfig,
    ModelAccessConfig,
    S3DataSource,
    FileSystemDataSource,
    DatasetSource,
    DataSource,
    ShuffleConfig,
    Channel,
    InputData,
    CheckpointConfig,
    OutputDataConfig,
    TensorBoardOutputConfig,
    InstanceGroup,
    InstancePreference,
    PlacementSpecification,
    InstancePlacementConfig,
    ResourceConfig,
    Compute,
    VpcConfig,
    Networking,
    SourceCode,
    SMP,
    Torchrun,
    MPI,
)
BY_NAME: Mapping[str, type[Shape]] = {cls.__name__: cls for cls in _CONFIGS} | {"TrainingJobCompute": Compute}
"""The classes that a document can name."""

_CORE_SHAPES: Mapping[str, type[Shape]] = {
    "CheckpointConfig": CoreCheckpointConfig,
    "OutputDataConfig": CoreOutputDataConfig,
    "TensorBoardOutputConfig": CoreTensorBoardOutputConfig,
}


def find(module: str, name: str) -> type[Shape] | None:
    """The class of that name; three names mean one thing in sagemaker.core.shapes and another in the configs."""
    if module.startswith("sagemaker.core.shapes") and name in _CORE_SHAPES:
        return _CORE_SHAPES[name]
    return BY_NAME.get(name)
