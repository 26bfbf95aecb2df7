"""What Step Functions' own integration is not known to pass on to CreateTrainingJob.

The integration has a schema of its own that lags behind the API, and no page lists it any more; a field that it does
not know ends the execution with States.Runtime before a job exists. The fields below are those for which no working
example was found (docs/unverified.md).
"""

from collections.abc import Iterator

from trainwright_runtime.observation import profiles
from trainwright_runtime.resolved import KEEP_ALIVE
from trainwright_runtime.rules.look import Look

_FIELDS = {
    ("networking", "enable_inter_container_traffic_encryption"): "EnableInterContainerTrafficEncryption",
    ("infra_check_config", "enable_infra_check"): "InfraCheckConfig",
    ("mlflow_config", "mlflow_resource_arn"): "MlflowConfig",
    ("model_package_config", "model_package_group_arn"): "ModelPackageConfig",
    ("remote_debug_config", "enable_remote_debug"): "RemoteDebugConfig",
    ("serverless_job_config", "job_type"): "ServerlessJobConfig",
    ("session_chaining_config", "enable_session_tag_chaining"): "SessionChainingConfig",
    ("tensorboard", "enabled"): "TensorBoardOutputConfig",
    ("tensor_board_output_config", "local_path"): "TensorBoardOutputConfig",
    ("container_entrypoint",): "ContainerEntrypoint",
    ("container_arguments",): "ContainerArguments",
    ("source_code", "command"): "ContainerEntrypoint",
    ("compute", "instance_preferences"): "InstancePreferences",
    ("compute", "training_plan_arn"): "TrainingPlanArn",
    ("stopping_condition", "max_pending_time_in_seconds"): "MaxPendingTimeInSeconds",
}


def _not_known_to_pass(look: Look) -> Iterator[str]:
    request = look.request
    found = {_FIELDS[leaf]: look.word(leaf) for leaf in _FIELDS if request.get(*leaf) is not None}
    if request.get(*KEEP_ALIVE) is not None and not request.spot:
        found["KeepAlivePeriodInSeconds"] = look.word(KEEP_ALIVE)
    if profiles(request):
        found["ProfilerConfig"] = "profiler"
    for name, word in found.items():
        yield (
            f"{word}: Step Functions is not known to pass {name} on; where it does not, the run ends at once, with "
            "States.Runtime and before a job exists"
        )


REFUSALS = ()
CAUTIONS = (_not_known_to_pass,)
