"""How a script is started on several processes or hosts: the toolkit's hyperparameters, and what cannot work.

The hyperparameters are those of the sagemaker SDK v2 (`estimator.Framework._distribution_configuration`,
`pytorch.estimator`, `huggingface.estimator`, `tensorflow.estimator`): the toolkits in AWS's containers read them. The
tables of what is supported are the SDK's own lists, each with its module beside it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Conflict = tuple[str, str, str | None, str | None]
"""Where (a path below `distributed`, empty for all of it), what is wrong, what is allowed, what to write instead."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LAUNCHERS = (
    "torchrun",
    "smddp",
    "smp",
    "smp_v1",
    "mpi",
    "horovod",
    "pytorchddp",
    "xla",
    "parameter_server",
    "multi_worker_mirrored",
    "deepspeed",
)

# sagemaker SDK v2, fw_utils.SM_DATAPARALLEL_SUPPORTED_INSTANCE_TYPES, without its local mode
SMDDP_INSTANCE_TYPES = ("ml.p3.16xlarge", "ml.p3dn.24xlarge", "ml.p4d.24xlarge", "ml.p4de.24xlarge")

# sagemaker SDK v2, fw_utils.SM_DATAPARALLEL_SUPPORTED_FRAMEWORK_VERSIONS
SMDDP_VERSIONS: Mapping[str, tuple[str, ...]] = {
    "tensorflow": _listed(
        "2.3 2.3.1 2.3.2 2.4 2.4.1 2.4.3 2.5 2.5.0 2.5.1 2.6 2.6.0 2.6.2 2.6.3 2.7 2.7.1 2.8 2.8.0 "
        "2.9 2.9.1 2.9.2 2.10 2.10.1 2.11 2.11.0"
    ),
    "pytorch": _listed(
        "1.6 1.6.0 1.7 1.7.1 1.8 1.8.0 1.8.1 1.9 1.9.0 1.9.1 1.10 1.10.0 1.10.2 1.11 1.11.0 1.12 1.12.0 1.12.1 "
        "1.13.1 2.0.0 2.0.1 2.1.0 2.1.2 2.2.0"
    ),
}

# sagemaker SDK v2, fw_utils.TORCH_DISTRIBUTED_GPU_SUPPORTED_FRAMEWORK_VERSIONS
TORCHRUN_GPU_VERSIONS = _listed("1.13.1 2.0.0 2.0.1 2.1.0 2.1.2 2.2.0 2.3.0 2.3.1 2.4.1 2.5.1 2.6.0 2.7.1 2.8.0")

# sagemaker SDK v2, fw_utils.TRAINIUM_SUPPORTED_TORCH_DISTRIBUTED_FRAMEWORK_VERSIONS
TORCHRUN_TRAINIUM_VERSIONS = _listed("1.11 1.11.0 1.12 1.12.0 1.12.1 1.13.1 2.0.0")

# sagemaker SDK v2, image_uri_config/pytorch-smp.json: the PyTorch versions and aliases that have an SMP v2 image
SMP_VERSIONS = _listed("2.0 2.0.1 2.1 2.1.2 2.2 2.2.0 2.3.0 2.3.1 2.4.1 2.5.0 2.5.1 2.7.0 2.8.0")

# "Supported Frameworks and AWS Regions", SageMaker model parallelism library v1: the first and the last version
SMP_V1_VERSIONS: Mapping[str, tuple[str, str]] = {"pytorch": ("1.6.0", "1.13.1"), "tensorflow": ("2.3.1", "2.6.3")}

# sagemaker SDK v2, estimator.Framework._validate_mwms_config
MULTI_WORKER_MIRRORED_SINCE = "2.9"

# sagemaker SDK v2, huggingface.training_compiler.config (1.11); pytorch.training_compiler.config says 1.12, which is
# also the first PyTorch image with the compiler
XLA_SINCE = "1.11"

# "Distributed PyTorch Training", sagemaker SDK v2: the option pytorchddp
PYTORCH_DDP_SINCE = "1.10"

_FRAMEWORKS: Mapping[str, tuple[str, ...]] = {
    "torchrun": ("pytorch", "huggingface"),
    "smddp": ("pytorch", "tensorflow", "huggingface"),
    "smp": ("pytorch",),
    "smp_v1": ("pytorch", "tensorflow", "huggingface"),
    "mpi": ("pytorch", "tensorflow", "huggingface", "mxnet"),
    "horovod": ("pytorch", "tensorflow", "huggingface", "mxnet"),
    "pytorchddp": ("pytorch", "huggingface"),
    "xla": ("pytorch", "huggingface"),
    "parameter_server": ("tensorflow", "mxnet"),
    "multi_worker_mirrored": ("tensorflow",),
    "deepspeed": ("pytorch", "huggingface"),
}
_NEEDS_ACCELERATORS = ("smddp", "smp", "smp_v1", "pytorchddp", "xla", "deepspeed")
_TAKES_INSTANCE_GROUPS = ("smddp", "smp_v1", "mpi", "horovod")
_FAMILY = re.compile(r"^ml[._]([a-z\d\-]+)\.?\w*$")


@dataclass(frozen=True)
class Distribution:
    """How processes are started: one launcher, how many a host, what is passed on to MPI or to the library."""

    launcher: str
    process_count_per_node: int | None = None
    mpi_options: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    instance_groups: tuple[str, ...] = ()


def family(instance_type: str) -> str:
    """`p4d` of `ml.p4d.24xlarge`; empty for what is no instance type (sagemaker SDK v2, fw_utils)."""
    match = _FAMILY.match(instance_type)
    return match[1] if match else ""


def is_gpu(instance_type: str) -> bool:
    """Whether the SDK takes a type for one with GPUs: its family starts with p or g (fw_utils._is_gpu_instance)."""
    return family(instance_type).startswith(("p", "g"))


def is_trainium(instance_type: str) -> bool:
    """Whether a type is one of AWS Trainium's (fw_utils._is_trainium_instance)."""
    return family(instance_type).startswith("trn")


# ---- encodings -----------------------------------------------------------------------------------------------------


def encode_json(values: Mapping[Any, Any]) -> dict[str, str]:
    """Every value as JSON, text in quotes: what framework containers read (EstimatorBase._json_encode_...)."""
    return {str(name): json.dumps(value) for name, value in values.items()}


def encode_text(values: Mapping[Any, Any]) -> dict[str, str]:
    """Every value as Python's `str` writes it: what the SDK v2 sends to built-in algorithms and other containers."""
    return {str(name): str(value) for name, value in values.items()}


def encode_v3(values: Mapping[Any, Any]) -> dict[str, str]:
    """Text as it is, all else as JSON: what the SDK v3's ModelTrainer sends."""
    return {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def script_hyperparameters(
    *, program: str, submit_directory: str, job_name: str, region: str, log_level: int = 20
) -> dict[str, str]:
    """What tells a framework container which script to run (estimator.Framework._script_mode_hyperparam_update)."""
    return encode_json(
        {
            "sagemaker_submit_directory": submit_directory,
            "sagemaker_program": program,
            "sagemaker_container_log_level": log_level,
            "sagemaker_job_name": job_name,
            "sagemaker_region": region,
        }
    )


# ---- distribution --------------------------------------------------------------------------------------------------


def hyperparameters(
    distribution: Distribution, instance_type: str | None, *, framework: str | None = None
) -> dict[str, str]:
    """The toolkit's keys for a launcher, as the SDK v2 sends them; `instance_type` None for instance groups.

    `framework` matters to pytorchddp alone: the SDK's PyTorch estimator turns it into SMDDP, its HuggingFace estimator
    does not.
    """
    untouched = distribution.launcher == "pytorchddp" and framework != "pytorch"
    asked = sdk_distribution(distribution)
    return encode_json(sdk_configuration(asked, instance_type, framework="huggingface" if untouched else "pytorch"))


def sdk_distribution(distribution: Distribution) -> dict[str, Any]:
    """A launcher as the `distribution` argument of the SDK v2's estimators. DeepSpeed's processes start by torchrun."""
    asked: dict[str, Any] = {}
    if distribution.launcher in ("torchrun", "deepspeed", "smp"):
        asked["torch_distributed"] = {"enabled": True}
    if distribution.launcher in ("mpi", "horovod", "smp_v1"):
        asked["mpi"] = _mpi(distribution)
    if distribution.launcher in ("smp", "smp_v1"):
        asked["smdistributed"] = {"modelparallel": {"enabled": True, "parameters": dict(distribution.parameters)}}
    if distribution.launcher == "smddp":
        asked["smdistributed"] = {"dataparallel": {"enabled": True, "custom_mpi_options": distribution.mpi_options}}
    simple = {
        "pytorchddp": "pytorchddp",
        "xla": "pytorchxla",
        "parameter_server": "parameter_server",
        "multi_worker_mirrored": "multi_worker_mirrored_strategy",
    }
    if distribution.launcher in simple:
        asked[simple[distribution.launcher]] = {"enabled": True}
    return asked | ({"instance_groups": list(distribution.instance_groups)} if distribution.instance_groups else {})


def _mpi(distribution: Distribution) -> dict[str, Any]:
    processes = distribution.process_count_per_node
    asked: dict[str, Any] = {"enabled": True, "custom_mpi_options": distribution.mpi_options}
    return asked | ({"processes_per_host": processes} if processes else {})


def sdk_configuration(
    distribution: Mapping[str, Any], instance_type: str | None, *, framework: str = "pytorch"
) -> dict[str, Any]:
    """The hyperparameters, not yet encoded, that an estimator of `framework` adds for its `distribution` argument.

    PyTorch and Hugging Face look at pytorchddp and torch_distributed first (`_pytorch_distribution_configuration`);
    PyTorch keeps what else is asked beside torch_distributed for SMP v2 only.
    """
    asked = dict(distribution)
    if framework == "pytorch" and "pytorchddp" in asked:
        asked["smdistributed"] = {"dataparallel": asked.pop("pytorchddp")}
    if framework not in ("pytorch", "huggingface"):
        return _common_configuration(asked, instance_type)
    typed = {} if instance_type is None else {"sagemaker_instance_type": instance_type}
    if "pytorchddp" in asked:
        if enabled := _enabled(asked, "pytorchddp"):
            return {"sagemaker_pytorch_ddp_enabled": enabled} | typed
    elif enabled := _enabled(asked, "torch_distributed"):
        library = framework == "pytorch" and "smdistributed" in asked
        before = _common_configuration(asked, instance_type) if library else {}
        return before | {"sagemaker_torch_distributed_enabled": enabled} | typed
    return _common_configuration(asked, instance_type)


def _common_configuration(asked: Mapping[str, Any], instance_type: str | None) -> dict[str, Any]:
    """What every framework estimator does with its distribution (estimator.Framework._distribution_configuration)."""
    found: dict[str, Any] = {}
    if "instance_groups" in asked:
        found["sagemaker_distribution_instance_groups"] = asked["instance_groups"]
    if "pytorchxla" in asked:
        found["sagemaker_pytorch_xla_multi_worker_enabled"] = _enabled(asked, "pytorchxla")
    if "parameter_server" in asked:
        found["sagemaker_parameter_server_enabled"] = _enabled(asked, "parameter_server")
    if "mpi" in asked:
        found |= mpi_configuration(asked["mpi"])
    if "smdistributed" in asked:
        found |= _smdistributed_configuration(asked["smdistributed"], instance_type)
    if "multi_worker_mirrored_strategy" in asked:
        enabled = _enabled(asked, "multi_worker_mirrored_strategy")
        found["sagemaker_multi_worker_mirrored_strategy_enabled"] = enabled
    return found


def mpi_configuration(mpi: Mapping[str, Any]) -> dict[str, Any]:
    """MPI's keys: the number of processes is absent where none is given, the options are always there."""
    found: dict[str, Any] = {"sagemaker_mpi_enabled": mpi.get("enabled", False)}
    if mpi.get("processes_per_host"):
        found["sagemaker_mpi_num_of_processes_per_host"] = mpi["processes_per_host"]
    return found | {"sagemaker_mpi_custom_mpi_options": mpi.get("custom_mpi_options", "")}


def _smdistributed_configuration(asked: Mapping[str, Any], instance_type: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    model = asked.get("modelparallel", {})
    if model.get("enabled", False) is True and model.get("parameters"):
        found["mp_parameters"] = model["parameters"]
    data = asked.get("dataparallel", {})
    enabled = data.get("enabled", False)
    found |= {"sagemaker_distributed_dataparallel_enabled": enabled, "sagemaker_instance_type": instance_type}
    if enabled:
        found["sagemaker_distributed_dataparallel_custom_mpi_options"] = data.get("custom_mpi_options", "")
    return found


def _enabled(asked: Mapping[str, Any], name: str) -> Any:
    return asked[name].get("enabled", False) if name in asked else False


# ---- what cannot work ----------------------------------------------------------------------------------------------


def conflicts(
    distribution: Distribution,
    *,
    framework: str | None,
    version: str | None,
    py_version: str | None = None,
    instance_types: Sequence[str],
    instance_count: int,
    training_compiler: bool = False,
) -> list[Conflict]:
    """Types, versions and pairs that cannot work, in the order in which a reader would mend them.

    `framework` and `version` are None for an image of one's own, of which nothing can be said; for Hugging Face
    `version` is PyTorch's or TensorFlow's. Every instance type of a ladder is looked at.
    """
    launcher = distribution.launcher
    if launcher not in LAUNCHERS:
        return [("launcher", f"{launcher} is no launcher", ", ".join(LAUNCHERS), None)]
    types = list(_type_conflicts(launcher, framework, instance_types))
    return [
        *_framework_conflicts(launcher, framework, version, py_version, instance_types),
        *(types or _one_process(distribution, instance_types, instance_count)),
        *_compiler_conflicts(launcher, framework, training_compiler),
        *_option_conflicts(distribution),
    ]


def _framework_conflicts(
    launcher: str, framework: str | None, version: str | None, py_version: str | None, instance_types: Sequence[str]
) -> Iterator[Conflict]:
    if framework is None:
        return
    known = _FRAMEWORKS[launcher]
    if framework not in known:
        yield "launcher", f"{launcher} does not start scripts of {framework}", f"{_any(known)} for {launcher}", None
        return
    if py_version == "py2":
        yield "launcher", f"{launcher} needs Python 3, and py_version is py2", None, None
    base, number = _base(framework, version)
    if number and _is_smddp(launcher, framework):
        if number not in SMDDP_VERSIONS[base]:
            yield _version(launcher, base, number, ", ".join(SMDDP_VERSIONS[base]))
    elif number:
        yield from _version_conflicts(launcher, base, number, instance_types)


def _is_smddp(launcher: str, framework: str | None) -> bool:
    """Whether SMDDP starts the processes; it does for pytorchddp in the SDK's PyTorch estimator (`hyperparameters`)."""
    return launcher == "smddp" or (launcher == "pytorchddp" and framework == "pytorch")


def _version_conflicts(launcher: str, base: str, version: str, instance_types: Sequence[str]) -> Iterator[Conflict]:
    if launcher == "smp" and version not in SMP_VERSIONS:
        yield _version("smp (version 2)", base, version, ", ".join(SMP_VERSIONS))
    if launcher == "smp_v1" and not _within(version, *SMP_V1_VERSIONS[base]):
        remedy = "use launcher: smp, version 2 of the library" if base == "pytorch" else None
        yield _version("smp_v1", base, version, " to ".join(SMP_V1_VERSIONS[base]), remedy)
    since = _since(launcher, instance_types)
    if since and not _within(version, since):
        yield _version(launcher, base, version, f"{since} and newer")


def _since(launcher: str, instance_types: Sequence[str]) -> str | None:
    """The first version of the framework that a launcher works with."""
    if launcher in ("torchrun", "deepspeed"):
        trainium = bool(instance_types) and all(map(is_trainium, instance_types))
        return TORCHRUN_TRAINIUM_VERSIONS[0] if trainium else TORCHRUN_GPU_VERSIONS[0]
    return {
        "pytorchddp": PYTORCH_DDP_SINCE,
        "multi_worker_mirrored": MULTI_WORKER_MIRRORED_SINCE,
        "xla": XLA_SINCE,
    }.get(launcher)


def _version(launcher: str, base: str, version: str, allowed: str, remedy: str | None = None) -> Conflict:
    return "launcher", f"{launcher} does not work with {base} {version}", f"{base} {allowed}", remedy


def _type_conflicts(launcher: str, framework: str | None, instance_types: Sequence[str]) -> Iterator[Conflict]:
    for instance_type in instance_types:
        if is_trainium(instance_type):
            if launcher != "torchrun":
                yield "launcher", f"{launcher} does not work on {instance_type}", "torchrun on Trainium", _TORCHRUN
        elif _is_smddp(launcher, framework) and instance_type not in SMDDP_INSTANCE_TYPES:
            allowed = ", ".join(SMDDP_INSTANCE_TYPES)
            yield "launcher", f"{launcher} does not work on {instance_type}", allowed, _TORCHRUN
        elif launcher == "smp_v1" and family(instance_type) == "p5":
            yield "launcher", f"{launcher} does not work on {instance_type}", None, "use launcher: smp"
        elif not is_gpu(instance_type) and (launcher in _NEEDS_ACCELERATORS or (launcher, framework) in _TORCHRUN_GPU):
            yield "launcher", f"{launcher} needs GPUs, and {instance_type} has none", "types with GPUs", None


_TORCHRUN = "use launcher: torchrun"
_TORCHRUN_GPU = (("torchrun", "pytorch"), ("torchrun", "huggingface"))


def _one_process(distribution: Distribution, instance_types: Sequence[str], instance_count: int) -> Iterator[Conflict]:
    """One host without accelerators has nothing to distribute, unless several processes are asked for."""
    launcher = distribution.launcher
    several = instance_count > 1 or (distribution.process_count_per_node or 1) > 1
    if several or launcher in _NEEDS_ACCELERATORS or not instance_types:
        return
    if not any(is_gpu(name) or is_trainium(name) for name in instance_types):
        problem = f"{launcher} has nothing to distribute on one {instance_types[0]}, which has no accelerators"
        yield "", problem, None, "leave distributed out, or set compute.instance_count to 2 or more"


def _compiler_conflicts(launcher: str, framework: str | None, training_compiler: bool) -> Iterator[Conflict]:
    """Sources: sagemaker SDK v2, training_compiler.config of PyTorch, TensorFlow and Hugging Face."""
    if launcher == "xla" and not training_compiler:
        yield (
            "launcher",
            "xla starts scripts for the Training Compiler only",
            None,
            "set compilation: training_compiler",
        )
    refused = ("smddp", "smp", "smp_v1", "multi_worker_mirrored")
    other = launcher != "xla" and framework == "pytorch"
    if training_compiler and (launcher in refused or other):
        remedy = "use launcher: xla" if framework in ("pytorch", "huggingface") else None
        yield "launcher", f"{launcher} does not work with the Training Compiler", None, remedy


def _option_conflicts(distribution: Distribution) -> Iterator[Conflict]:
    launcher = distribution.launcher
    if distribution.instance_groups and launcher not in _TAKES_INSTANCE_GROUPS:
        allowed = ", ".join(_TAKES_INSTANCE_GROUPS)
        yield "instance_groups", f"{launcher} starts on every host, not on chosen instance groups", allowed, None
    if len(distribution.instance_groups) > 1:
        yield "instance_groups", "a launcher starts on one instance group only", "one name", None
    if distribution.parameters and launcher not in ("smp", "smp_v1"):
        yield "parameters", f"{launcher} takes no parameters", "smp and smp_v1 do", None
    if launcher in ("smp", "smp_v1"):
        yield from parameter_conflicts(distribution.parameters)


def parameter_conflicts(parameters: Mapping[str, Any]) -> Iterator[Conflict]:
    """What is wrong with the model parallelism library's parameters (sagemaker SDK v2, fw_utils.validate_mp_config)."""
    for name, choices in _CHOICES.items():
        if name in parameters and parameters[name] not in choices:
            yield f"parameters.{name}", "this is none of its values", ", ".join(map(_shown, choices)), None
    for name in ("microbatches", "partitions", "active_microbatches"):
        value = parameters.get(name, 1)
        if not isinstance(value, int) or value < 1:
            yield f"parameters.{name}", "this is no positive whole number", None, None
    if not isinstance(parameters.get("partition_file", ""), str):
        yield "parameters.partition_file", "this is no path", None, None
    yield from _pairs(parameters)


_BOOLEANS = ("auto_partition", "contiguous", "load_partition", "horovod", "ddp", "deterministic_server")
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "pipeline": ("simple", "interleaved", "_only_forward"),
    "placement_strategy": ("spread", "cluster"),
    "optimize": ("speed", "memory"),
} | dict.fromkeys(_BOOLEANS, (True, False))


def _pairs(parameters: Mapping[str, Any]) -> Iterator[Conflict]:
    if parameters.get("auto_partition") is False and "default_partition" not in parameters:
        yield "parameters.default_partition", "this is needed where auto_partition is false", None, None
    default, partitions = parameters.get("default_partition"), parameters.get("partitions")
    if default is not None and not (_is_number(default) and _is_number(partitions) and default < partitions):
        yield "parameters.default_partition", "this must be less than partitions", None, None
    weight = parameters.get("memory_weight", 0)
    if not _is_number(weight) or not 0 <= weight <= 1:
        yield "parameters.memory_weight", "this must be between 0 and 1", None, None
    for name in ("ddp_port", "ddp_dist_backend"):
        if name in parameters and "ddp" not in parameters:
            yield f"parameters.{name}", "this needs ddp", None, "add ddp: true"
    port = parameters.get("ddp_port", 0)
    if not isinstance(port, int) or port < 0:
        yield "parameters.ddp_port", "this is no port number", None, None
    if parameters.get("horovod") and parameters.get("ddp"):
        yield "parameters.horovod", "horovod and ddp cannot both be on", None, "leave one of them out"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _shown(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _any(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _base(framework: str, version: str | None) -> tuple[str, str | None]:
    """The framework that the launcher meets, and its version if known.

    Hugging Face's containers hold another framework: `pytorch2.1.0`, `tensorflow2.6.3`, or PyTorch's bare number; a
    version of the transformers package (3 and up) says nothing of it.
    """
    for name in ("pytorch", "tensorflow"):
        if framework == "huggingface" and version and version.startswith(name):
            return name, version.removeprefix(name)
    base = "pytorch" if framework == "huggingface" else framework
    unknown = not _release(version or "") or (framework == "huggingface" and _release(version or "") >= (3,))
    return base, None if unknown else version


def _within(version: str, first: str, last: str | None = None) -> bool:
    """Whether a version lies in a span; 1.13 stands for the newest of its line, as the SDK's aliases do."""
    given = (*_release(version), 99, 99)[:3]
    return _release(first) <= given and (last is None or given <= (*_release(last), 99)[:3])


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
