"""The parts of a run's settings that have the API's own structure: one class a shape, its names those of the SDK v3.

A name is the API's in snake case; `api_name` leads back. What each part means is said here in a line; the rules are
SageMaker's (API reference, CreateTrainingJob).
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from trainwright_runtime.fields import (
    Arn,
    ExperimentName,
    InstanceType,
    S3Uri,
    SecurityGroup,
    Subnet,
    Switch,
    Text,
    absolute_path,
    at_most,
    length,
)

_SPELLED = {"gb": "GB"}


def api_name(name: str) -> str:
    """The API's name of a field: `volume_size_in_gb` is VolumeSizeInGB."""
    return "".join(_SPELLED.get(word, word[:1].upper() + word[1:]) for word in name.split("_"))


def api_value(value: Any) -> Any:
    """A section, or a list of them, as the API writes it; what was left out stays out."""
    if isinstance(value, BaseModel):
        return {api_name(name): api_value(getattr(value, name)) for name in value.model_fields_set}
    if isinstance(value, list | tuple):
        return [api_value(entry) for entry in value]
    return dict(value) if isinstance(value, Mapping) else value


class Section(BaseModel):
    """A part of a document: unknown fields refused, types exact, written back without what was left out."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    @model_serializer(mode="wrap")
    def _without_silence(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in write(self).items() if value is not None}


Count = Annotated[int, Field(ge=1)]
LocalPath = Annotated[str, AfterValidator(absolute_path)]
Parameters = Annotated[dict[Text, Text], length(20, "parameters")]
RuleParameters = Annotated[dict[Text, Text], length(100, "parameters")]


class InstanceGroup(Section):
    """One group of a heterogeneous cluster."""

    instance_group_name: Annotated[str, at_most(64, one_line=True)]
    """Its name, for channels and distribution."""
    instance_type: InstanceType
    instance_count: Count


class InstancePreference(Section):
    """A type that would do; SageMaker takes the first of a list that it has on demand."""

    instance_type: InstanceType
    instance_count: Count | None = None
    """On every preference, or once in `compute.instance_count`."""
    training_plan_arns: Annotated[list[Arn], length(1, "training plans")] | None = None


class PlacementSpecification(Section):
    """How many instances of an UltraServer."""

    ultra_server_id: Annotated[str, at_most(256)] | None = None
    instance_count: Annotated[int, Field(ge=0)]


class InstancePlacementConfig(Section):
    """Placement on UltraServers."""

    enable_multiple_jobs: Switch | None = None
    placement_specifications: list[PlacementSpecification] | None = None


class StoppingCondition(Section):
    """How long the run may take, in the API's names."""

    max_runtime_in_seconds: Count | None = None
    """Training time of the job in seconds; SageMaker takes 28 days at most."""
    max_wait_time_in_seconds: Count | None = None
    """Waiting for spot capacity and training together, in seconds; not less than max_runtime_in_seconds."""
    max_pending_time_in_seconds: Annotated[int, Field(ge=1800, le=2_419_200)] | None = None
    """How long a job on accelerated types may be Pending, 1,800 to 2,419,200 seconds. Left out: SageMaker decides."""


class ShuffleConfig(Section):
    """Shuffling of a channel's objects or manifest entries at each epoch."""

    seed: int


class ModelAccessConfig(Section):
    """Agreement to a model's licence, for channels that hold a JumpStart model."""

    accept_eula: Switch


class HubAccessConfig(Section):
    """Hub content that a channel reads."""

    hub_content_arn: Annotated[str, at_most(255)]


class TrainingRepositoryAuthConfig(Section):
    """How to sign in to a private registry."""

    training_repository_credentials_provider_arn: Arn


class TrainingImageConfig(Section):
    """An image in a private registry of one's own VPC."""

    training_repository_access_mode: Literal["Platform", "Vpc"]
    training_repository_auth_config: TrainingRepositoryAuthConfig | None = None


class OutputDataConfig(Section):
    """How the model is written; where is the platform's decision."""

    kms_key_id: Annotated[str, at_most(2048)] | None = None
    """A key other than the team's; the policy's capability `keys` must have it."""
    compression_type: Literal["GZIP", "NONE"] | None = None
    """NONE leaves the model's files as they are, instead of model.tar.gz. Left out: GZIP."""


class Networking(Section):
    """The job's network. Left out: what the team's deployment has."""

    subnets: Annotated[list[Subnet], length(16, "subnets", 1)] | None = None
    """Subnets other than the team's; the policy's capability `vpc` must have them."""
    security_group_ids: Annotated[list[SecurityGroup], length(5, "security groups", 1)] | None = None
    """Security groups other than the team's, likewise."""
    enable_network_isolation: Switch | None = None
    """No network at all inside the container; SageMaker itself still moves data, model and checkpoints."""
    enable_inter_container_traffic_encryption: Switch | None = None
    """Encrypts what the hosts of a job say to each other; slower for distributed training."""


class CheckpointConfig(Section):
    """Checkpoints at an S3 prefix of one's own, instead of the platform's (`checkpoints`)."""

    s3_uri: S3Uri
    """The prefix; the policy's capability `write` must have it."""
    local_path: LocalPath | None = None
    """The folder that SageMaker keeps in step with it. Left out: /opt/ml/checkpoints."""


class InfraCheckConfig(Section):
    """A health check of the machines before training."""

    enable_infra_check: Switch


class RetryStrategy(Section):
    """SageMaker's own retries of a job that failed with InternalServerError."""

    maximum_retry_attempts: Annotated[int, Field(ge=1, le=30)]


class CollectionConfiguration(Section):
    """Tensors that the debugger hook saves."""

    collection_name: Annotated[str, at_most(256)] | None = None
    collection_parameters: Parameters | None = None


class DebugHookConfig(Section):
    """The debugger hook, in the API's form."""

    local_path: LocalPath | None = None
    hook_parameters: Parameters | None = None
    collection_configurations: Annotated[list[CollectionConfiguration], length(20, "collections")] | None = None


class RuleConfiguration(Section):
    """A debugger or profiler rule, in the API's form."""

    rule_configuration_name: Annotated[str, at_most(256)]
    rule_evaluator_image: Annotated[str, at_most(255)]
    local_path: LocalPath | None = None
    instance_type: Annotated[str, at_most(64)] | None = None
    """The processing instance of a custom rule."""
    volume_size_in_gb: Count | None = None
    rule_parameters: RuleParameters | None = None


class ProfilerConfig(Section):
    """The profiler, in the API's form."""

    profiling_interval_in_milliseconds: Literal[100, 200, 500, 1000, 5000, 60000] | None = None
    """How often system metrics are taken. Left out: 500."""
    profiling_parameters: Parameters | None = None
    disable_profiler: Switch | None = None


class TensorBoardOutputConfig(Section):
    """Where the script writes TensorBoard files; SageMaker copies them to the run's prefix in S3."""

    local_path: LocalPath | None = None
    """Left out: /opt/ml/output/tensorboard."""


class ExperimentConfig(Section):
    """Where SageMaker Experiments files the job."""

    experiment_name: ExperimentName | None = None
    trial_name: ExperimentName | None = None
    trial_component_display_name: ExperimentName | None = None
    run_name: ExperimentName | None = None


class MlflowConfig(Section):
    """The MLflow tracking server or app that the job reports to."""

    mlflow_resource_arn: Arn
    mlflow_experiment_name: Annotated[str, at_most(256)] | None = None
    mlflow_run_name: Annotated[str, at_most(256)] | None = None


class ModelPackageConfig(Section):
    """The model package group that the model becomes a version of."""

    model_package_group_arn: Arn
    source_model_package_arn: Arn | None = None


class SessionChainingConfig(Section):
    """Session tags of the caller go on to the job."""

    enable_session_tag_chaining: Switch


class RemoteDebugConfig(Section):
    """A shell in the running container, through AWS Systems Manager."""

    enable_remote_debug: Switch


class ServerlessJobConfig(Section):
    """A serverless customisation or evaluation of a base model."""

    base_model_arn: Arn
    job_type: Literal["FineTuning", "Evaluation"]
    accept_eula: Switch | None = None
    customization_technique: Literal["SFT", "DPO", "RLVR", "RLAIF"] | None = None
    peft: Literal["LORA"] | None = None
    evaluation_type: Literal["LLMAJEvaluation", "CustomScorerEvaluation", "BenchmarkEvaluation"] | None = None
    evaluator_arn: Arn | None = None
    sequence_length: Annotated[str, at_most(50)] | None = None
    """Such as `4K`."""


class MetricDefinition(Section):
    """A metric that SageMaker reads from the job's log."""

    name: Annotated[str, at_most(255, one_line=True)]
    regex: Annotated[str, at_most(500, one_line=True)]
    """A regular expression with one group, the value."""
