"""An SDK v2 estimator as a run request of this project, with what it cannot carry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trainwright.cli.sdk.estimator.advice import local_storage
from trainwright.cli.sdk.estimator.channels import present
from trainwright.cli.sdk.estimator.distribution import Distribution, enabled
from trainwright.cli.sdk.estimator.document import TIMESTAMP, Call
from trainwright.cli.sdk.estimator.report import Report, listed
from trainwright.cli.sdk.estimator.request import Settled, render_settled, settle
from trainwright.cli.sdk.objects import Imported
from trainwright_runtime import images
from trainwright_runtime.units import scalar_text, spell_duration

Run = dict[str, Any]

_CHANNEL_NAMES: Mapping[str, str] = {
    "ContentType": "content_type",
    "CompressionType": "compression_type",
    "RecordWrapperType": "record_wrapper_type",
    "InputMode": "input_mode",
}
_DEFAULT_VOLUME = 30
_AN_HOUR = 3600
_RESERVED = "sagemaker_"
_DEFAULT_CHECKPOINTS = "/opt/ml/checkpoints"


def import_estimator(data: object) -> Imported:
    """The run request that renders the same, as far as the platform lets it, and what it could not carry.

    What the SDK's call is warned of (`render_estimator`) is not repeated here. Raises SdkRefusal as rendering does.
    """
    report = Report()
    settled = settle(data, report)
    request = render_settled(settled, report)
    run = {
        "name": _name(settled),
        **_image(settled, request),
        **_code(settled.call),
        **_algorithm(settled.call, request),
        **_given("hyperparameters", _hyperparameters(settled)),
        **_given("inputs", _inputs(settled.call, request)),
        "compute": _compute(settled.call, request),
        "limits": _limits(request),
        **_given("distributed", _distributed(settled.call, settled.distribution)),
        **_given("compilation", _compilation(settled)),
        **_checkpoints(settled.call, request),
        **_given("health", _health(request)),
        **_debugger(request),
        **_profiler(request),
        **_given("network", _network(request)),
        **_rest(request),
    }
    return Imported(run, list(_not_carried(settled, request)))


def _given(name: str, value: Any) -> Run:
    return {name: value} if value else {}


def _name(settled: Settled) -> str:
    """The base name, else the job's, else the image's repository: what people call the run."""
    name = settled.call["base_job_name"] or settled.job_name.removesuffix(f"-{TIMESTAMP}")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("._-")[:63] or settled.call.estimator.lower()


# ---- image and script ----------------------------------------------------------------------------------------------


def _image(settled: Settled, request: Mapping[str, Any]) -> Run:
    """`framework`, `algorithm` or `image`: whichever stands for exactly the image that the SDK chose."""
    call, uri = settled.call, settled.image
    specification = request["AlgorithmSpecification"]
    repository = specification.get("TrainingImageConfig")
    if repository:
        return {"image": uri, "training_image_config": snake(repository)}
    if call["image_uri"] or _is_compiler_switched_off(settled):
        algorithm = images.family_of(uri)
        builtin = algorithm is not None and algorithm[0] in images.ALGORITHMS and not _has_script(call)
        return {"algorithm": ":".join(algorithm)} if builtin and algorithm else {"image": uri}
    return {"framework": _framework(call)}


def _is_compiler_switched_off(settled: Settled) -> bool:
    return settled.compiler is not None and not settled.compiler["enabled"]


def _framework(call: Call) -> Any:
    if call.estimator == "HuggingFace":
        base = "tensorflow" if call["tensorflow_version"] else "pytorch"
        version = call["transformers_version"]
        return {
            "name": "huggingface",
            "version": version,
            "py_version": call["py_version"],
            "base_framework_version": f"{base}{call[f'{base}_version']}",
        }
    name, version, python = str(call.framework), call["framework_version"], call["py_version"]
    if python in (None, "py3") or images.python_versions(name, version)[:1] == (python,):
        return f"{name}:{version}"
    return {"name": name, "version": version, "py_version": python}


def _hyperparameters(settled: Settled) -> Run:
    """The user's own, as text where the SDK writes them otherwise than the platform would.

    TensorFlow's scripts are also told `model_dir`, which is carried unless it lies below the job.
    """
    call = settled.call
    given = call["hyperparameters"] or {}
    own = {name: value for name, value in given.items() if not (_has_script(call) and name.startswith(_RESERVED))}
    if not _has_script(call):
        own = {name: _as_text(value) for name, value in own.items()}
    if call.estimator != "TensorFlow" or call["model_dir"] is False:
        return own
    in_container = "/opt/ml/model" if enabled(settled.distribution, "mpi") else None
    return own | present({"model_dir": call["model_dir"] or in_container})


def _as_text(value: Any) -> Any:
    """A value of a container of one's own: Python's text of it, where the platform's would be another."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return value if plain and scalar_text(value) == str(value) else str(value)


def _has_script(call: Call) -> bool:
    return bool(call["entry_point"] or call["source_dir"])


def _code(call: Call) -> Run:
    source, script = call["source_dir"], call["entry_point"]
    if not script:
        return {}
    if not source:
        folder, _, script = script.rpartition("/")
        source = folder or "."
    return {"source_code": {"source_dir": source, "entry_script": script}}


def _algorithm(call: Call, request: Mapping[str, Any]) -> Run:
    specification = request["AlgorithmSpecification"]
    mode = specification["TrainingInputMode"]
    metrics = {entry["Name"]: entry["Regex"] for entry in specification.get("MetricDefinitions", ())}
    return {
        **_given("container_entrypoint", specification.get("ContainerEntrypoint")),
        **_given("container_arguments", specification.get("ContainerArguments")),
        **({"input_mode": mode} if mode != "File" else {}),
        **_given("metrics_time_series", specification.get("EnableSageMakerMetricsTimeSeries")),
        **_given("metrics", metrics),
    }


# ---- inputs --------------------------------------------------------------------------------------------------------


def _inputs(call: Call, request: Mapping[str, Any]) -> Run:
    channels = request.get("InputDataConfig", ())
    return {channel["ChannelName"]: _channel(channel) for channel in channels if not _is_code(call, channel)}


def _is_code(call: Call, channel: Mapping[str, Any]) -> bool:
    """The channel that network isolation adds for the script; the platform adds it itself."""
    uri = channel["DataSource"].get("S3DataSource", {}).get("S3Uri", "")
    isolated = call["enable_network_isolation"] and call["entry_point"]
    return bool(isolated) and channel["ChannelName"] == "code" and uri.endswith((".tar.gz", str(call["source_dir"])))


def _channel(channel: Mapping[str, Any]) -> Any:
    found = {name: channel[api] for api, name in _CHANNEL_NAMES.items() if api in channel}
    if "ShuffleConfig" in channel:
        found["shuffle_seed"] = channel["ShuffleConfig"]["Seed"]
    files = channel["DataSource"].get("FileSystemDataSource")
    if files is not None:
        return {**snake(files), **found}
    source = snake(channel["DataSource"]["S3DataSource"])
    if source["s3_data_type"] == "S3Prefix":
        del source["s3_data_type"]
    if source.get("s3_data_distribution_type") == "FullyReplicated":
        del source["s3_data_distribution_type"]
    whole = {"s3_uri": source.pop("s3_uri"), **source, **found}
    return whole["s3_uri"] if list(whole) == ["s3_uri"] else whole


# ---- machines ------------------------------------------------------------------------------------------------------


def _compute(call: Call, request: Mapping[str, Any]) -> Run:
    resources = request["ResourceConfig"]
    groups = [snake(group) for group in resources.get("InstanceGroups", ())]
    count, volume = resources.get("InstanceCount"), resources["VolumeSizeInGB"]
    keep_alive = resources.get("KeepAlivePeriodInSeconds")
    return {
        **_given("instance_type", resources.get("InstanceType")),
        **({"instance_count": count} if count not in (None, 1) else {}),
        **_given("instance_groups", groups),
        **({"volume": f"{volume} GB"} if volume != _DEFAULT_VOLUME else {}),
        **_given("volume_kms_key_id", None if local_storage(call) else resources.get("VolumeKmsKeyId")),
        **({"keep_alive": spell_duration(min(keep_alive, _AN_HOUR))} if keep_alive else {}),
        **({"spot": True} if call["use_spot_instances"] else {}),
        **_given("training_plan", resources.get("TrainingPlanArn")),
        **_given("instance_placement_config", snake(resources.get("InstancePlacementConfig"))),
    }


def _limits(request: Mapping[str, Any]) -> Run:
    stopping = request["StoppingCondition"]
    wait = stopping.get("MaxWaitTimeInSeconds")
    found = {"max_runtime": spell_duration(stopping["MaxRuntimeInSeconds"])}
    spot = request.get("EnableManagedSpotTraining")
    return found | ({"max_wait": spell_duration(wait)} if wait and spot else {})


_ON_GROUPS = ("mpi", "smddp", "smp_v1")
_LAUNCHERS: Mapping[str, str] = {
    "pytorchddp": "pytorchddp",
    "pytorchxla": "xla",
    "parameter_server": "parameter_server",
    "multi_worker_mirrored_strategy": "multi_worker_mirrored",
}


def _distributed(call: Call, distribution: Distribution | None) -> Any:
    if not distribution:
        return None
    launcher = _launcher(call, distribution)
    if launcher is None:
        return None
    mpi, smdistributed = distribution.get("mpi", {}), distribution.get("smdistributed", {})
    takes_mpi = launcher in ("mpi", "smp_v1")
    options = mpi.get("custom_mpi_options") if takes_mpi else None
    if launcher == "smddp":
        options = smdistributed["dataparallel"].get("custom_mpi_options")
    parameters = smdistributed.get("modelparallel", {}).get("parameters")
    found = {
        "launcher": launcher,
        **_given("process_count_per_node", mpi.get("processes_per_host") if takes_mpi else None),
        **_given("mpi_additional_options", str(options).split() if options else None),
        **_given("parameters", parameters if launcher in ("smp", "smp_v1") else None),
        **_given("instance_groups", distribution.get("instance_groups") if launcher in _ON_GROUPS else None),
    }
    return launcher if list(found) == ["launcher"] else found


def _launcher(call: Call, distribution: Distribution) -> str | None:
    """The launcher that the SDK's hyperparameters would start, by this project's name."""
    torch = call.estimator in ("PyTorch", "HuggingFace")
    library = enabled(distribution, "smdistributed", "modelparallel")
    if torch and enabled(distribution, "pytorchddp"):
        return "pytorchddp"
    if torch and enabled(distribution, "torch_distributed"):
        return "smp" if library and call.estimator == "PyTorch" else "torchrun"
    if call.estimator != "MXNet" and enabled(distribution, "smdistributed", "dataparallel"):
        return "smddp"
    if call.estimator != "MXNet" and library:
        return "smp_v1"
    if enabled(distribution, "mpi"):
        return "mpi"
    return next((launcher for name, launcher in _LAUNCHERS.items() if enabled(distribution, name)), None)


def _compilation(settled: Settled) -> Any:
    if settled.compiler is None or not settled.compiler["enabled"]:
        return None
    return {"training_compiler": {"debug": True}} if settled.compiler["debug"] else "training_compiler"


def _checkpoints(call: Call, request: Mapping[str, Any]) -> Run:
    """The platform's own prefix takes the place of the SDK's URI, which `not_carried` names."""
    config = request.get("CheckpointConfig")
    if config is None:
        return {"checkpoints": False} if call["use_spot_instances"] and not _gets_checkpoints(call, request) else {}
    path = config.get("LocalPath")
    return {"checkpoints": {"local_path": path} if path and path.rstrip("/") != _DEFAULT_CHECKPOINTS else True}


def _gets_checkpoints(call: Call, request: Mapping[str, Any]) -> bool:
    """Whether the platform adds checkpoints: it runs nothing of over an hour on spot without them."""
    long = request["StoppingCondition"]["MaxRuntimeInSeconds"] > _AN_HOUR
    return bool(call["use_spot_instances"] and long and "CheckpointConfig" not in request)


# ---- debugger, profiler, the rest ----------------------------------------------------------------------------------


def _health(request: Mapping[str, Any]) -> Run:
    return present(
        {
            "infra_check": request.get("InfraCheckConfig", {}).get("EnableInfraCheck"),
            "retries": request.get("RetryStrategy", {}).get("MaximumRetryAttempts"),
        }
    )


def _debugger(request: Mapping[str, Any]) -> Run:
    hook = _without_output(request.get("DebugHookConfig"))
    rules = [_without_output(rule) for rule in request.get("DebugRuleConfigurations", ())]
    if rules:
        return {**_given("debug_hook_config", hook), "debug_rule_configurations": rules}
    if hook is None:
        return {}
    return {"debugger": True} if not any(hook.values()) else {"debug_hook_config": hook}


def _profiler(request: Mapping[str, Any]) -> Run:
    config = _without_output(request["ProfilerConfig"]) or {}
    rules = [_without_output(rule) for rule in request.get("ProfilerRuleConfigurations", ())]
    return {"profiler_config": config, **_given("profiler_rule_configurations", rules)}


def _without_output(section: Mapping[str, Any] | None) -> Run | None:
    """A section without its place in S3, which is the platform's to choose."""
    return None if section is None else snake({name: section[name] for name in section if name != "S3OutputPath"})


def _network(request: Mapping[str, Any]) -> Run:
    return {
        **snake(request.get("VpcConfig") or {}),
        **_given("enable_network_isolation", request.get("EnableNetworkIsolation")),
        **_given("enable_inter_container_traffic_encryption", request.get("EnableInterContainerTrafficEncryption")),
    }


def _rest(request: Mapping[str, Any]) -> Run:
    output, experiment = request["OutputDataConfig"], snake(request.get("ExperimentConfig") or {})
    tensorboard = _without_output(request.get("TensorBoardOutputConfig"))
    short = list(experiment) == ["experiment_name"]
    return {
        **({"output_compression": "none"} if output.get("CompressionType") == "NONE" else {}),
        **({"output_data_config": {"kms_key_id": output["KmsKeyId"]}} if output.get("KmsKeyId") else {}),
        **({"tensorboard": tensorboard or True} if tensorboard is not None else {}),
        **({"experiment": experiment["experiment_name"]} if short else _given("experiment_config", experiment)),
        **present({"remote_debug": request.get("RemoteDebugConfig", {}).get("EnableRemoteDebug")}),
        **present({"session_tags": request.get("SessionChainingConfig", {}).get("EnableSessionTagChaining")}),
        **_given("environment", request.get("Environment")),
        **_given("tags", {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}),
    }


_SPELLED: Mapping[str, str] = {"VolumeSizeInGB": "volume_size_in_gb", "S3Uri": "s3_uri"}
# Maps whose keys are the user's own, not the API's.
_OPEN = ("CollectionParameters", "HookParameters", "RuleParameters", "ProfilingParameters")


def snake(value: Any) -> Any:
    """An API structure with its members in snake case, as run requests write them."""
    if isinstance(value, list):
        return [snake(entry) for entry in value]
    if not isinstance(value, Mapping):
        return value
    return {_snake(name): dict(entry) if name in _OPEN else snake(entry) for name, entry in value.items()}


def _snake(name: str) -> str:
    return _SPELLED.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# ---- what cannot be carried ----------------------------------------------------------------------------------------


def _not_carried(settled: Settled, request: Mapping[str, Any]) -> Iterator[str]:
    call = settled.call
    yield "role: the platform gives each team's jobs a role of its own"
    for name in ("output_path", "code_location"):
        if call[name]:
            yield f"{name} ({call[name]}): the platform has prefixes of its own for each run"
    if call["checkpoint_s3_uri"]:
        yield (
            f"checkpoint_s3_uri ({call['checkpoint_s3_uri']}): checkpoints lie at the run's own prefix; write "
            "checkpoint_config.s3_uri to keep this one, where the team's policy allows it"
        )
    if call["max_wait"] and not call["use_spot_instances"]:
        yield "max_wait: a waiting time needs spot, and use_spot_instances is off"
    yield from _script_not_carried(call)
    yield from _machine_not_carried(call, settled, request)
    if any("s3_output_path" in _keywords(entry) for entry in _holders(call)):
        yield "s3_output_path of debugger, profiler and rules: the platform has prefixes of its own for each run"
    if call["tensorboard_output_config"] is not None:
        yield "tensorboard_output_config.s3_output_path: the platform has prefixes of its own for each run"
    if call.named or call["base_job_name"]:
        yield "the job's name: the platform names its jobs; the run has the name that people see"


def _holders(call: Call) -> list[Any]:
    return [call["debugger_hook_config"], call["profiler_config"], *(call["rules"] or ())]


def _keywords(value: Any) -> Mapping[str, Any]:
    return getattr(value, "keywords", {}) or {}


def _script_not_carried(call: Call) -> Iterator[str]:
    reserved = [name for name in call["hyperparameters"] or () if name.startswith(_RESERVED)]
    if reserved and _has_script(call):
        yield f"hyperparameters {listed(reserved)}: names that begin so are the toolkit's own"
    if call["dependencies"]:
        yield f"dependencies ({', '.join(map(str, call['dependencies']))}): copy these folders into source_dir"
    if call["entry_point"] and not call["source_dir"]:
        yield "entry_point without source_dir: the whole folder is packed, not the script alone"
        if call.estimator == "Estimator" and call["hyperparameters"]:
            yield "hyperparameters: with a script they travel as JSON, not as plain text"
    if call["source_dir"] and not call["entry_point"]:
        yield "source_dir without entry_point: name the script in source_code.entry_script"
    if _has_script(call) and call["container_log_level"] != 20:
        yield f"container_log_level ({call['container_log_level']}): the platform's is 20"
    if call.estimator == "TensorFlow" and call["model_dir"] in (None, "", True):
        yield (
            "model_dir: the SDK tells the script a place below the job's own in S3, unless mpi is on; the platform "
            "takes the model from SM_MODEL_DIR"
        )


def _machine_not_carried(call: Call, settled: Settled, request: Mapping[str, Any]) -> Iterator[str]:
    distribution = settled.distribution or {}
    if _launcher(call, distribution) == "smp_v1" and not enabled(distribution, "mpi"):
        yield "distribution: smp_v1 brings the mpi that is missing here"
    if local_storage(call) and call["volume_kms_key"]:
        yield f"volume_kms_key: AWS takes none for {listed(local_storage(call))}, whose storage is built in"
    if (call["keep_alive_period_in_seconds"] or 0) > _AN_HOUR:
        yield "keep_alive_period_in_seconds: it is an hour, the most that AWS keeps machines for"
    if _gets_checkpoints(call, request):
        yield "no checkpoints: the platform runs nothing of over an hour on spot without them, and adds its own"
    if distribution.get("instance_groups") and _launcher(call, distribution) not in _ON_GROUPS:
        yield "distribution.instance_groups: the SDK does not send them here either"
    if _is_compiler_switched_off(settled):
        yield "compiler_config: it is switched off, and only the image that the SDK chose is carried"
    for rule in request.get("ProfilerRuleConfigurations", ()):
        if TIMESTAMP in rule["RuleConfigurationName"]:
            yield "profiler_config.profile_params: its rule is carried with a fixed time in its name"
