"""What AWS would refuse or ignore of a request that the SDK sends, a sentence each that names the keyword.

Sources: CreateTrainingJob and its members, SageMaker API reference; "Managed Spot Training" and "SageMaker AI-managed
warm pools", developer guide; the modules of the SDK v2 that are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainwright.cli.sdk.estimator.debugger import hook_dropped
from trainwright.cli.sdk.estimator.distribution import Distribution, enabled, ignored, release
from trainwright.cli.sdk.estimator.document import Call, bound, short
from trainwright.cli.sdk.estimator.members import origin
from trainwright.cli.sdk.estimator.report import listed
from trainwright_runtime import images, launchers, rules_by_name, shapes
from trainwright_runtime.handlers.api_model import create_training_job_shape
from trainwright_runtime.problems import dotted
from trainwright_runtime.rules.observation import WITHOUT_PROFILER

_KEEP_ALIVE_SECONDS = 3600
_KEEP_ALIVE_MODEL_SECONDS = 21600
_MAX_RUN_SECONDS = 28 * 24 * 60 * 60
_ALGORITHM_WAIT_SECONDS = 3600
_MAX_CHANNELS = 20
# sagemaker SDK v2, utils.volume_size_supported
_LOCAL_STORAGE_FAMILIES = ("g5", "g6", "p5", "trn1")
# sagemaker SDK v2, fw_utils.SINGLE_GPU_INSTANCE_TYPES
_ONE_GPU = ("ml.p2.xlarge", "ml.p3.2xlarge")
# sagemaker SDK v2, fw_utils.profiler_config_deprecation_warning
_FRAMEWORK_PROFILING_ENDS: Mapping[str, tuple[int, ...]] = {"pytorch": (2,), "tensorflow": (2, 12)}
_OF_THE_SCRIPT = (
    "sagemaker_submit_directory",
    "sagemaker_program",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_region",
)


@dataclass(frozen=True)
class Sent:
    """An estimator's call together with the request that it leads to."""

    call: Call
    distribution: Distribution | None
    compiler: Mapping[str, Any] | None
    request: Mapping[str, Any]


def sentences(
    call: Call, distribution: Distribution | None, compiler: Mapping[str, Any] | None, request: Mapping[str, Any]
) -> list[str]:
    """Every sentence there is to say about a request, in the order of the keywords' weight."""
    sent = Sent(call, distribution, compiler, request)
    parts: tuple[Callable[[Sent], Iterator[str]], ...] = (
        _spot,
        _checkpoints,
        _warm_pool,
        _distribution,
        _compiler,
        _storage,
        _inputs,
        _debugger,
        _script,
        _limits,
    )
    return [sentence for part in parts for sentence in part(sent)]


def _spot(sent: Sent) -> Iterator[str]:
    call = sent.call
    spot, wait, run = call["use_spot_instances"], call["max_wait"], call["max_run"]
    if wait and not spot:
        yield (
            "max_wait is given without use_spot_instances, and AWS refuses that: Invalid MaxWaitTimeInSeconds. It is "
            "only supported when EnableManagedSpotTraining is set to true"
        )
    if spot and not wait:
        yield "use_spot_instances is on without max_wait: AWS refuses a spot job without MaxWaitTimeInSeconds"
    if spot and wait and run and wait < run:
        yield f"max_wait ({wait} s) is less than max_run ({run} s): AWS refuses it, for the waiting time holds both"
    if run and run > _MAX_RUN_SECONDS:
        yield f"max_run ({run} s) is over 28 days, the longest time that AWS lets a job train"


def _checkpoints(sent: Sent) -> Iterator[str]:
    call = sent.call
    uri, path = call["checkpoint_s3_uri"], call["checkpoint_local_path"]
    if path and not uri:
        yield "checkpoint_local_path is dropped by the SDK, which does not say so: it needs checkpoint_s3_uri"
    if not call["use_spot_instances"] or uri:
        return
    yield "use_spot_instances is on without checkpoint_s3_uri: an interrupted job starts from the beginning"
    image = images.family_of(str(sent.request["AlgorithmSpecification"]["TrainingImage"]))
    builtin = image is not None and image[0] in images.ALGORITHMS and not call["entry_point"]
    if builtin and image and (call["max_wait"] or 0) > _ALGORITHM_WAIT_SECONDS:
        yield f"max_wait is over 3600 s, the most for the built-in algorithm {image[0]} without checkpoints"


def _warm_pool(sent: Sent) -> Iterator[str]:
    call = sent.call
    seconds = call["keep_alive_period_in_seconds"]
    if not seconds:
        return
    if call["use_spot_instances"]:
        yield "keep_alive_period_in_seconds does not go with use_spot_instances: spot instances have no warm pools"
    if call["instance_groups"]:
        yield "keep_alive_period_in_seconds does not go with instance_groups: there are no warm pools of such clusters"
    if seconds > _KEEP_ALIVE_SECONDS:
        limit = (
            f"the API's limit of {_KEEP_ALIVE_MODEL_SECONDS} s" if seconds > _KEEP_ALIVE_MODEL_SECONDS else "an hour"
        )
        yield f"keep_alive_period_in_seconds ({seconds} s) is over {limit}; AWS keeps a warm pool for 3600 s at most"


# ---- distribution and compiler -------------------------------------------------------------------------------------


def _distribution(sent: Sent) -> Iterator[str]:
    call, distribution = sent.call, sent.distribution
    yield from ignored(call, distribution)
    if not distribution:
        return
    for launcher in _launchers(call, distribution):
        for _, problem, allowed, _ in launchers.conflicts(
            launchers.Distribution(launcher, process_count_per_node=_processes(distribution)),
            framework=None if call["image_uri"] else call.framework,
            version=_version(call),
            py_version=call["py_version"],
            instance_types=_types(call, distribution),
            instance_count=call["instance_count"] or 2,
            training_compiler=sent.compiler is not None,
        ):
            yield f"distribution: {problem}" + (f"; what works: {allowed}" if allowed else "")
    model, torchrun = ("smdistributed", "modelparallel"), enabled(distribution, "torch_distributed")
    if enabled(distribution, *model) and not torchrun and not enabled(distribution, "mpi"):
        yield "distribution.smdistributed.modelparallel is on without mpi: nothing starts its processes; add mpi"
    if enabled(distribution, "parameter_server") and _has_several_gpus(call):
        yield "distribution.parameter_server starts one worker a host, however many GPUs the host has"


def _launchers(call: Call, distribution: Distribution) -> Iterator[str]:
    """The launchers in effect, by the names that run requests have for them."""
    torchrun = enabled(distribution, "torch_distributed") and call.estimator in ("PyTorch", "HuggingFace")
    library = enabled(distribution, "smdistributed", "modelparallel")
    if torchrun:
        yield "smp" if library and call.estimator == "PyTorch" else "torchrun"
        return
    if library:
        yield "smp_v1"
    elif enabled(distribution, "mpi"):
        yield "mpi"
    for path, launcher in (
        (("smdistributed", "dataparallel"), "smddp"),
        (("pytorchddp",), "pytorchddp"),
        (("pytorchxla",), "xla"),
        (("parameter_server",), "parameter_server"),
        (("multi_worker_mirrored_strategy",), "multi_worker_mirrored"),
    ):
        if enabled(distribution, *path):
            yield launcher


def _processes(distribution: Distribution) -> int | None:
    processes = distribution.get("mpi", {}).get("processes_per_host")
    return processes if isinstance(processes, int) else None


def _version(call: Call) -> str | None:
    if call.estimator != "HuggingFace":
        return None if call["framework_version"] is None else str(call["framework_version"])
    bases = ("pytorch_version", "tensorflow_version")
    return next((f"{name.partition('_')[0]}{call[name]}" for name in bases if call[name]), None)


def _types(call: Call, distribution: Distribution) -> tuple[str, ...]:
    chosen = distribution.get("instance_groups")
    if not chosen:
        return call.instance_types
    groups = map(bound, call["instance_groups"] or ())
    return tuple(str(group["instance_type"]) for group in groups if group["instance_group_name"] in chosen)


def _has_several_gpus(call: Call) -> bool:
    return any(launchers.family(name).startswith("p") and name not in _ONE_GPU for name in call.instance_types)


def _compiler(sent: Sent) -> Iterator[str]:
    if sent.compiler is None:
        return
    yield "compiler_config: AWS releases no new versions of the Training Compiler; torch.compile has taken its place"
    if not sent.compiler["enabled"] and sent.call.estimator != "TensorFlow":
        yield "compiler_config is switched off, and the SDK chooses the Training Compiler's image all the same"


# ---- machines, storage, inputs -------------------------------------------------------------------------------------


def _storage(sent: Sent) -> Iterator[str]:
    call = sent.call
    local = local_storage(call)
    if local and call["volume_kms_key"]:
        yield f"volume_kms_key: AWS refuses a volume key on {listed(local)}, whose storage is built in"
    if local and call.given.get("volume_size") is not None:
        yield f"volume_size is ignored on {listed(local)}, whose storage is built in"
    if call["training_repository_credentials_provider_arn"] and not call["training_repository_access_mode"]:
        yield (
            "training_repository_credentials_provider_arn is dropped by the SDK, which does not say so: it needs "
            "training_repository_access_mode"
        )


def local_storage(call: Call) -> list[str]:
    """The job's instance types whose storage is built in, so that they take neither a volume's size nor its key."""
    return [name for name in call.instance_types if _has_local_storage(name)]


def _has_local_storage(instance_type: str) -> bool:
    name = launchers.family(instance_type)
    return "d" in name or name.startswith(_LOCAL_STORAGE_FAMILIES)


def _inputs(sent: Sent) -> Iterator[str]:
    call, default = sent.call, sent.request["AlgorithmSpecification"]["TrainingInputMode"]
    channels = sent.request.get("InputDataConfig", [])
    for channel in channels:
        where, mode = f"fit.inputs.{channel['ChannelName']}", channel.get("InputMode") or default
        s3 = channel["DataSource"].get("S3DataSource")
        if s3 is None:
            if not sent.request.get("VpcConfig"):
                yield f"{where}: a file system is reached through a VPC only; give subnets and security_group_ids"
            if mode != "File":
                yield f"{where}: a file system is read in the mode File only, and the mode is {mode}"
        elif mode == "FastFile" and s3["S3DataType"] != "S3Prefix":
            yield f"{where}: FastFile works with S3Prefix only, not with {s3['S3DataType']}"
    if len(channels) > _MAX_CHANNELS:
        yield f"fit.inputs: a job takes {_MAX_CHANNELS} channels at most, and there are {len(channels)}"
    if "input_mode" in call.given and default != call["input_mode"]:
        yield f"input_mode is replaced by {default}, the mode of the only input"


# ---- debugger and profiler -----------------------------------------------------------------------------------------


def _debugger(sent: Sent) -> Iterator[str]:
    call = sent.call
    rules = [rule for rule in call["rules"] or () if short(rule).startswith("Rule.")]
    asked = rules or call["debugger_hook_config"]
    if asked and hook_dropped(call, sent.distribution) and call.region not in WITHOUT_PROFILER:
        name = "debugger_hook_config" if call["debugger_hook_config"] else "rules"
        reason = "a parameter server" if enabled(sent.distribution, "parameter_server") else "checkpoints"
        yield f"{name}: the SDK leaves the debugger's hook out beside {reason}, and does not say so"
    for rule in call["rules"] or ():
        name = short(bound(rule).get("base_config"))
        if name in rules_by_name.DISCONTINUED:
            yield f"rules: {name} looks at framework profiling, which AWS has discontinued"
    yield from _profiler(sent)


def _profiler(sent: Sent) -> Iterator[str]:
    config = sent.call["profiler_config"]
    if config is None:
        return
    values = bound(config)
    if values["framework_profile_params"] is not None:
        ends = _FRAMEWORK_PROFILING_ENDS.get(str(sent.call.framework))
        version = sent.call["framework_version"]
        ended = ends is not None and bool(version) and release(version) >= ends
        until = "is discontinued: no framework metrics will be collected" if ended else "is discontinued by AWS"
        yield f"profiler_config.framework_profile_params {until}"
    if values["profile_params"] is not None and any(
        rule["RuleConfigurationName"].startswith("DetailedProfiler")
        for rule in sent.request.get("ProfilerRuleConfigurations", ())
    ):
        yield "profiler_config.profile_params adds a processing job on ml.m5.4xlarge, which is paid for by itself"


# ---- the script, and the API's limits ------------------------------------------------------------------------------


def _script(sent: Sent) -> Iterator[str]:
    call = sent.call
    own = call["hyperparameters"] or {}
    if call["source_dir"] or call["entry_point"]:
        for name in _OF_THE_SCRIPT:
            if name in own:
                yield f"hyperparameters.{name} is replaced by the SDK's own"
    if call.estimator == "Estimator" and call["entry_point"] and not call["source_dir"] and own:
        yield (
            "hyperparameters are sent as plain text, because entry_point is given without source_dir; with source_dir "
            "the SDK sends them as JSON"
        )


def _limits(sent: Sent) -> Iterator[str]:
    """What the API's own model does not take: enums, patterns, lengths and ranges, which botocore leaves unchecked."""
    for problem in shapes.walk(create_training_job_shape(), dict(sent.request), ()):
        if problem.path in _SAID_BEFORE:
            continue
        place = dotted(origin(problem.path, sent.request)).removeprefix("kwargs.")
        allowed = f"; allowed: {problem.allowed}" if problem.allowed else ""
        yield f"{place}: AWS refuses {'.'.join(map(str, problem.path[:2]))}: {problem.problem}{allowed}"


# Those that `_warm_pool` has its own sentence for, and those that take their value from output_path.
_SAID_BEFORE = (
    ("ResourceConfig", "KeepAlivePeriodInSeconds"),
    ("DebugHookConfig", "S3OutputPath"),
    ("ProfilerConfig", "S3OutputPath"),
)
