"""The CreateTrainingJob request that an SDK v2 estimator's `fit` sends (estimator._TrainingJob, session.train)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from botocore.validate import ParamValidator

from trainwright.cli.sdk.estimator import advice, distribution
from trainwright.cli.sdk.estimator.channels import channels, own_input_mode
from trainwright.cli.sdk.estimator.constructor import check
from trainwright.cli.sdk.estimator.debugger import debugging
from trainwright.cli.sdk.estimator.distribution import Distribution
from trainwright.cli.sdk.estimator.document import TIMESTAMP, Call, bound, read_call
from trainwright.cli.sdk.estimator.image import image
from trainwright.cli.sdk.estimator.members import blamed
from trainwright.cli.sdk.estimator.report import Report, kwarg
from trainwright.cli.sdk.objects import Rendered
from trainwright_runtime import launchers
from trainwright_runtime import problems as codes
from trainwright_runtime.handlers.api_model import create_training_job_shape

Request = dict[str, Any]

_CODE_IN_CONTAINER = "/opt/ml/input/data/code/sourcedir.tar.gz"
_MAX_NAME = 63


def render_estimator(data: object) -> Rendered:
    """What the SDK would send for `{"estimator", "region", "kwargs", "fit"}`, and what AWS would refuse or ignore.

    Raises SdkRefusal for what the SDK itself refuses and for what cannot be carried. The job's name is `job_name` of
    the document or of `fit`, else `golden-<case>` for a recording with a `case`, else the base name with a fixed time.
    """
    report = Report()
    settled = settle(data, report)
    request = render_settled(settled, report)
    report.warn(*advice.sentences(settled.call, settled.distribution, settled.compiler, request))
    return Rendered(request, report.warnings)


def render_settled(settled: Settled, report: Report) -> Request:
    """The request of a settled call; raises SdkRefusal for what only the call of `fit` shows."""
    request = _request(settled, report)
    report.settle()
    _check_types(request, report)
    report.settle()
    return request


@dataclass(frozen=True)
class Settled:
    """A call with everything decided that several members of the request depend on."""

    call: Call
    distribution: Distribution | None
    compiler: dict[str, Any] | None
    image: str
    job_name: str


def settle(data: object, report: Report) -> Settled:
    """The call a document describes, checked as the SDK's constructors check it; raises SdkRefusal."""
    call = read_call(data, report)
    check(call, report)
    report.settle()
    asked = distribution.settle(call, report)
    compiler = distribution.compiler(call, report)
    if compiler is not None:
        distribution.check_compiler(call, asked, report)
    elif asked and "pytorchxla" in asked and call.estimator in ("PyTorch", "HuggingFace"):
        problem = "pytorchxla works with the Training Compiler only"
        report.refuse(kwarg("distribution", "pytorchxla"), problem, remedy="give compiler_config")
    report.settle()
    uri = image(call, asked, compiler, report)
    report.settle()
    return Settled(call, asked, compiler, uri, _job_name(call, uri))


def _job_name(call: Call, uri: str) -> str:
    """The name given, else `<base>-<time>` as utils.name_from_base makes it, the time being a fixed one."""
    if call.named:
        return call.named
    base = call["base_job_name"] or uri.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return f"{base[: _MAX_NAME - len(TIMESTAMP) - 1]}-{TIMESTAMP}"


def _request(settled: Settled, report: Report) -> Request:
    call = settled.call
    output_path = call["output_path"] if call["output_path"] is not None else f"s3://{call.default_bucket}/"
    code = _code(call, output_path, settled.job_name, report)
    debug = debugging(call, settled.distribution, output_path, settled.job_name, report)
    if report.problems:
        return {}
    return {
        "AlgorithmSpecification": _algorithm(call, settled.image),
        "OutputDataConfig": _output(call, output_path),
        "TrainingJobName": settled.job_name,
        "StoppingCondition": _stopping(call),
        "ResourceConfig": _resources(call),
        "RoleArn": _role(call, report),
        **_present("InfraCheckConfig", "EnableInfraCheck", call["enable_infra_check"]),
        **_given("InputDataConfig", channels(call, code.uri if code.isolated else None, report)),
        **_filled("HyperParameters", _hyperparameters(settled, code, output_path)),
        **_given("Environment", call["environment"]),
        **_given("Tags", _tags(call["tags"])),
        **_given("VpcConfig", _network(call)),
        **_filled("ExperimentConfig", call.experiment_config),
        **_filled("EnableNetworkIsolation", call["enable_network_isolation"]),
        **_filled("EnableInterContainerTrafficEncryption", call["encrypt_inter_container_traffic"]),
        **_filled("EnableManagedSpotTraining", call["use_spot_instances"]),
        **_checkpoints(call),
        **_given("DebugRuleConfigurations", debug.rules),
        **_given("DebugHookConfig", debug.hook),
        **_given("TensorBoardOutputConfig", _tensorboard(call)),
        **_given("ProfilerRuleConfigurations", debug.profiler_rules),
        "ProfilerConfig": debug.profiler,
        **_present("RemoteDebugConfig", "EnableRemoteDebug", call["enable_remote_debug"]),
        **_present("SessionChainingConfig", "EnableSessionTagChaining", call["enable_session_tag_chaining"]),
        **_present("RetryStrategy", "MaximumRetryAttempts", call["max_retry_attempts"]),
    }


def _given(name: str, value: Any) -> Request:
    return {} if value is None else {name: value}


def _filled(name: str, value: Any) -> Request:
    return {name: value} if value else {}


def _present(name: str, member: str, value: Any) -> Request:
    return {} if value is None else {name: {member: value}}


def _algorithm(call: Call, uri: str) -> Request:
    mode = call["training_repository_access_mode"]
    credentials = call["training_repository_credentials_provider_arn"]
    auth = _present("TrainingRepositoryAuthConfig", "TrainingRepositoryCredentialsProviderArn", credentials)
    repository = None if mode is None else {"TrainingRepositoryAccessMode": mode, **auth}
    return {
        "TrainingInputMode": own_input_mode(call.inputs) or call["input_mode"],
        "TrainingImage": uri,
        **_given("TrainingImageConfig", repository),
        **_given("ContainerEntrypoint", call["container_entry_point"]),
        **_given("ContainerArguments", call["container_arguments"]),
        **_given("MetricDefinitions", call["metric_definitions"]),
        **_given("EnableSageMakerMetricsTimeSeries", _metrics_time_series(call)),
    }


# sagemaker SDK v2, `__init__` of pytorch.estimator, tensorflow.estimator and mxnet.estimator
_METRICS_SINCE: Mapping[str, tuple[int, ...]] = {"PyTorch": (1, 3), "TensorFlow": (1, 15), "MXNet": (1, 6)}


def _metrics_time_series(call: Call) -> Any:
    """On by default for the frameworks that report them; what is given holds, null included."""
    if "enable_sagemaker_metrics" in call.given:
        return call["enable_sagemaker_metrics"]
    if call.estimator == "HuggingFace":
        return True
    since, version = _METRICS_SINCE.get(call.estimator), call["framework_version"]
    return True if since and version and distribution.release(version) >= since else None


def _output(call: Call, output_path: str) -> Request:
    compression = {"CompressionType": "NONE"} if call["disable_output_compression"] else {}
    return {"S3OutputPath": output_path, **_given("KmsKeyId", call["output_kms_key"]), **compression}


def _stopping(call: Call) -> Request:
    return {"MaxRuntimeInSeconds": call["max_run"], **_filled("MaxWaitTimeInSeconds", call["max_wait"])}


def _resources(call: Call) -> Request:
    groups = call["instance_groups"]
    if groups is None:
        machines = {"InstanceCount": call["instance_count"], "InstanceType": call["instance_type"]}
    else:
        machines = {"InstanceGroups": [_group(bound(group)) for group in groups]}
    return {
        "VolumeSizeInGB": call["volume_size"],
        **_given("VolumeKmsKeyId", call["volume_kms_key"]),
        **_given("KeepAlivePeriodInSeconds", call["keep_alive_period_in_seconds"]),
        **machines,
        **_given("TrainingPlanArn", call["training_plan"]),
        **_given("InstancePlacementConfig", call["instance_placement_config"]),
    }


def _group(values: Mapping[str, Any]) -> Request:
    names = {"InstanceGroupName": "instance_group_name", "InstanceType": "instance_type"}
    return {**{name: values[given] for name, given in names.items()}, "InstanceCount": values["instance_count"]}


def _role(call: Call, report: Report) -> str:
    """The role's ARN; for a bare name the SDK asks IAM, so a path below the role's name cannot be known here."""
    role = str(call["role"])
    if "/" in role:
        return role
    partition = "aws-cn" if call.region.startswith("cn-") else "aws-us-gov" if "-gov-" in call.region else "aws"
    report.warn(f"role is a bare name, for which the SDK asks IAM: account {call.account} and no path are assumed")
    return f"arn:{partition}:iam::{call.account}:role/{role}"


def _tags(tags: Any) -> Any:
    return [{"Key": str(key), "Value": str(value)} for key, value in tags.items()] if isinstance(tags, dict) else tags


def _network(call: Call) -> Request | None:
    if call["subnets"] is None or call["security_group_ids"] is None:
        return None
    return {"Subnets": call["subnets"], "SecurityGroupIds": call["security_group_ids"]}


def _checkpoints(call: Call) -> Request:
    if not call["checkpoint_s3_uri"]:
        return {}
    path = _filled("LocalPath", call["checkpoint_local_path"])
    return {"CheckpointConfig": {"S3Uri": call["checkpoint_s3_uri"], **path}}


def _tensorboard(call: Call) -> Request | None:
    given = call["tensorboard_output_config"]
    if given is None:
        return None
    values = bound(given)
    return {"S3OutputPath": values["s3_output_path"], **_given("LocalPath", values["container_local_output_path"])}


# ---- the script ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Code:
    """Where the script's archive lies, what is run of it, and whether it travels as a channel of its own."""

    uri: str | None = None
    script: str | None = None
    isolated: bool = False


def _code(call: Call, output_path: str, job_name: str, report: Report) -> _Code:
    """estimator.EstimatorBase._stage_user_code_in_s3 and fw_utils.tar_and_upload_dir, without the upload."""
    source, script = call["source_dir"], call["entry_point"]
    if not (source or script or call["dependencies"]):
        return _Code()
    isolated = bool(call["enable_network_isolation"] and script)
    if source and source.lower().startswith("s3://"):
        return _Code(source, script, isolated)
    if not script:
        report.refuse(kwarg("entry_point"), "source_dir and dependencies need it", code=codes.MISSING)
        return _Code()
    place = call["code_location"] if call["code_location"] is not None else output_path
    parsed = urlparse(place)
    if parsed.scheme != "s3":
        name = "output_path" if call["code_location"] is None else "code_location"
        report.refuse(kwarg(name), "this is no s3:// URI", code=codes.WRONG_TYPE)
        return _Code()
    prefix = parsed.path.lstrip("/") if call["code_location"] is not None else ""
    key = s3_path_join(prefix, job_name, "source")
    return _Code(f"s3://{parsed.netloc}/{key}/sourcedir.tar.gz", script if source else _base_name(script), isolated)


def _base_name(path: str) -> str:
    return path.rpartition("/")[2]


def s3_path_join(*parts: str) -> str:
    """Parts of an S3 path joined by single slashes, as the SDK does it (s3_utils.s3_path_join)."""
    joined = "/".join(part for part in parts if part)
    head, text = ("s3://", joined[5:]) if joined.startswith("s3://") else ("", joined)
    return head + "/".join(part for part in text.split("/") if part)


def _hyperparameters(settled: Settled, code: _Code, output_path: str) -> dict[str, str]:
    """The user's own, the script's, the distribution's and the compiler's, encoded by the estimator's rule.

    Framework estimators send JSON; the generic Estimator does so for a source_dir, and else Python's `str`
    (estimator.Estimator.set_hyperparameters, estimator._TrainingJob._get_train_args).
    """
    call = settled.call
    framework = call.framework is not None
    own = call["hyperparameters"] or {}
    encoded = launchers.encode_json(own) if framework or call["source_dir"] else launchers.encode_text(own)
    if call.estimator == "MXNet":
        encoded |= launchers.encode_json(distribution.configuration(call, settled.distribution))
    if code.uri:
        encoded |= launchers.encode_json(_script(settled, code))
    if call.estimator == "MXNet":
        return encoded
    added = distribution.configuration(call, settled.distribution)
    encoded |= launchers.encode_json(added)
    if call.estimator == "TensorFlow":
        encoded |= launchers.encode_json(_model_dir(settled, added, output_path))
    if settled.compiler is not None:
        switches = {"enabled": "sagemaker_training_compiler_enabled", "debug": "sagemaker_training_compiler_debug_mode"}
        encoded |= launchers.encode_json({name: settled.compiler[given] for given, name in switches.items()})
    return encoded


def _script(settled: Settled, code: _Code) -> dict[str, Any]:
    return {
        "sagemaker_submit_directory": _CODE_IN_CONTAINER if code.isolated else code.uri,
        "sagemaker_program": code.script,
        "sagemaker_container_log_level": settled.call["container_log_level"],
        "sagemaker_job_name": settled.job_name,
        "sagemaker_region": settled.call.region,
    }


def _model_dir(settled: Settled, added: Mapping[str, Any], output_path: str) -> dict[str, Any]:
    """tensorflow.estimator.hyperparameters: false leaves it out, MPI writes into the container."""
    given = settled.call["model_dir"]
    if given is False:
        return {}
    default = s3_path_join(output_path, settled.job_name, "model")
    return {"model_dir": given or ("/opt/ml/model" if added.get("sagemaker_mpi_enabled") else default)}


def _check_types(request: Request, report: Report) -> None:
    """botocore's own check, which the SDK's call runs into: types, members that do not exist, minima."""
    found = ParamValidator().validate(request, create_training_job_shape())
    for line in found.generate_report().splitlines() if found.has_errors() else ():
        problem = f"botocore, which the SDK calls, refuses the request: {line}"
        report.refuse(blamed(line, request), problem, code=codes.REFUSED_BY_API_MODEL)
