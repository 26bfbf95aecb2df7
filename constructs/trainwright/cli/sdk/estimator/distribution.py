"""The `distribution` and `compiler_config` arguments: as meant, as the SDK checks them, as hyperparameters."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainwright.cli.sdk.estimator.document import Call, bound, holds_objects, short
from trainwright.cli.sdk.estimator.report import Report, kwarg, listed
from trainwright.cli.sdk.objects import SdkObject
from trainwright_runtime import launchers
from trainwright_runtime import problems as codes
from trainwright_runtime.launchers import is_gpu, is_trainium

STRATEGIES = (
    "torch_distributed",
    "smdistributed",
    "mpi",
    "pytorchddp",
    "pytorchxla",
    "parameter_server",
    "multi_worker_mirrored_strategy",
)
_FLAT: Mapping[str, str] = {
    "smdistributed_dataparallel": "dataparallel",
    "smdistributed_modelparallel": "modelparallel",
}
_READ: Mapping[str, tuple[str, ...]] = {
    "PyTorch": STRATEGIES,
    "HuggingFace": STRATEGIES,
    "TensorFlow": ("smdistributed", "mpi", "pytorchxla", "parameter_server", "multi_worker_mirrored_strategy"),
    "MXNet": ("parameter_server", "mpi"),
}

# sagemaker SDK v2, training_compiler.config and those of the frameworks
COMPILER_FAMILIES = ("p3", "p3dn", "g4dn", "p4d", "g5")
_COMPILER_MODULES: Mapping[str, tuple[str, ...]] = {
    "PyTorch": ("sagemaker.pytorch",),
    "HuggingFace": ("sagemaker.huggingface",),
    "TensorFlow": ("sagemaker.tensorflow",),
}

# sagemaker SDK v2, estimator.Framework.UNSUPPORTED_DLC_IMAGE_FOR_SM_PARALLELISM
_IMAGE_WITHOUT_SMDISTRIBUTED = "2.0.1-gpu-py310-cu121"

Distribution = dict[str, Any]


def settle(call: Call, report: Report) -> Distribution | None:
    """The distribution with flat keys understood as meant and instance groups by name; None where none is given."""
    asked = call["distribution"]
    if asked is None:
        return None
    for name, value in asked.items():
        if name != "instance_groups" and name in (*STRATEGIES, *_FLAT) and not isinstance(value, Mapping):
            report.wrong_type(kwarg("distribution", name), 'an object such as {"enabled": true}', None)
        elif name != "instance_groups" and holds_objects(value):
            report.wrong_type(kwarg("distribution", name), "plain values, without objects of the SDK's", None)
    if report.problems:
        return None
    settled = _unflattened(asked, report)
    if call.estimator == "PyTorch" and "pytorchddp" in settled:
        if "smdistributed" in settled:
            report.refuse(kwarg("distribution"), "pytorchddp and smdistributed cannot be used together")
            return None
        # pytorch.estimator rewrites pytorchddp to smdistributed
        settled["smdistributed"] = {"dataparallel": settled.pop("pytorchddp")}
        report.warn(
            "distribution.pytorchddp: the SDK's PyTorch estimator sends it as smdistributed.dataparallel, SageMaker's "
            "data parallelism library"
        )
    if call.estimator != "MXNet":
        _check(call, settled, report)
    return settled


def configuration(call: Call, distribution: Distribution | None) -> dict[str, Any]:
    """The hyperparameters, not yet encoded, that a settled distribution adds."""
    if distribution is None:
        return {}
    if call.estimator == "MXNet":
        return _mxnet_configuration(distribution)
    # settle() has rewritten what PyTorch rewrites; None for instance groups
    return launchers.sdk_configuration(distribution, call["instance_type"], framework=str(call.framework))


def _mxnet_configuration(distribution: Distribution) -> dict[str, Any]:
    """mxnet.estimator._configure_distribution: MPI's options travel only where a number of processes is given."""
    found: dict[str, Any] = {}
    if "parameter_server" in distribution:
        found["sagemaker_parameter_server_enabled"] = distribution["parameter_server"].get("enabled", False)
    if "mpi" in distribution:
        mpi = launchers.mpi_configuration(distribution["mpi"])
        with_processes = "sagemaker_mpi_num_of_processes_per_host" in mpi
        found |= mpi if with_processes else {"sagemaker_mpi_enabled": mpi["sagemaker_mpi_enabled"]}
    return found


def enabled(distribution: Distribution | None, *path: str) -> bool:
    """Whether a strategy is switched on: `enabled(distribution, "smdistributed", "dataparallel")`."""
    found: Any = distribution or {}
    for part in path:
        found = found.get(part, {}) if isinstance(found, Mapping) else {}
    return isinstance(found, Mapping) and bool(found.get("enabled", False))


def _unflattened(asked: Mapping[str, Any], report: Report) -> Distribution:
    settled = {name: value for name, value in asked.items() if name not in _FLAT}
    for flat, nested in _FLAT.items():
        if flat in asked:
            settled["smdistributed"] = {**settled.get("smdistributed", {}), nested: asked[flat]}
            report.warn(
                f"distribution.{flat} is no key of the SDK's, which ignores it in silence and would run the plain "
                f"script: it is understood as distribution.smdistributed.{nested}"
            )
    for name in settled:
        if name not in (*STRATEGIES, "instance_groups"):
            near = difflib.get_close_matches(name, (*STRATEGIES, *_FLAT), n=1, cutoff=0.6)
            meant = f"; did you mean {near[0]}?" if near else ""
            report.warn(f"distribution.{name[:80]} is ignored by the SDK, which does not say so{meant}")
    return settled


def ignored(call: Call, distribution: Distribution | None) -> Iterator[str]:
    """What is asked for and has no effect, a sentence each."""
    if not distribution:
        return
    on = [name for name in STRATEGIES if _asked_for(distribution, name)]
    for name in on:
        if name not in _READ.get(call.estimator, ()):
            yield f"distribution.{name} is ignored: the SDK's {call.estimator} estimator does not read it"
    first = next((name for name in ("pytorchddp", "torch_distributed") if name in on), None)
    if first and call.estimator in ("PyTorch", "HuggingFace"):
        kept = (first, "smdistributed") if call.estimator == "PyTorch" else (first,)
        for name in on:
            if name not in kept:
                yield f"distribution.{name} is ignored by the SDK beside {first}"
    if "parameter_server" in on and call.estimator in ("PyTorch", "HuggingFace"):
        yield f"distribution.parameter_server is sent, and ignored by the containers of {call.estimator}"
    options = distribution.get("mpi", {}).get("custom_mpi_options")
    if call.estimator == "MXNet" and options and not distribution["mpi"].get("processes_per_host"):
        yield "distribution.mpi.custom_mpi_options is dropped by the SDK, because processes_per_host is not given"
    off = [name for name in distribution if name in STRATEGIES and name not in on]
    for name in off:
        yield f"distribution.{name} is given and not enabled: nothing is distributed by it"


def _asked_for(distribution: Distribution, name: str) -> bool:
    if name == "smdistributed":
        return any(enabled(distribution, name, part) for part in distribution.get(name, {}))
    return enabled(distribution, name)


# ---- what the SDK checks (fw_utils.validate_distribution) ----------------------------------------------------------


def _check(call: Call, settled: Distribution, report: Report) -> None:
    groups = _instance_groups(call, settled, report)
    if groups is None:
        return
    for instance_type in groups.values() or (call["instance_type"],):
        _check_trainium(settled, instance_type, report)
        _check_smdistributed(call, settled, instance_type, report)
        if _base_framework(call) == "pytorch":
            _check_torchrun(call, settled, instance_type, report)
    if groups:
        settled["instance_groups"] = list(groups)
    _check_library(call, settled, report)
    if not _skips_the_rest(call, settled):
        _check_mirrored(call, settled, report)
        on = enabled(settled, "mpi") or enabled(settled, "smdistributed", "dataparallel")
        if settled.get("instance_groups") and not on:
            report.refuse(
                kwarg("distribution", "instance_groups"), "instance groups are named and neither mpi nor smddp is on"
            )


def _skips_the_rest(call: Call, settled: Distribution) -> bool:
    """PyTorch and Hugging Face read nothing else beside torch_distributed or pytorchddp (SMP v2 apart)."""
    if call.estimator == "PyTorch":
        return enabled(settled, "torch_distributed") and "smdistributed" not in settled
    first = "pytorchddp" if "pytorchddp" in settled else "torch_distributed"
    return call.estimator == "HuggingFace" and enabled(settled, first)


def _instance_groups(call: Call, settled: Distribution, report: Report) -> dict[str, str] | None:
    """The groups to train on, name to type; empty where the job has none; None when they are refused."""
    path = kwarg("distribution", "instance_groups")
    chosen = settled.get("instance_groups", [])
    if not isinstance(chosen, list) or not all(short(group) == "InstanceGroup" for group in chosen):
        report.wrong_type(path, "a list of InstanceGroup", None)
        return None
    present = call["instance_groups"]
    if present is None:
        if chosen:
            report.refuse(path, "the estimator has no instance_groups")
        return None if chosen else {}
    if len(chosen) > len(present):
        report.refuse(path, "more instance groups than the estimator has")
        return None
    if len(present) == 1 and not chosen:
        chosen = present
    elif len(present) > 1 and len(chosen) != 1:
        report.refuse(path, "of several instance groups exactly one must be named", allowed="a list of one group")
        return None
    known = {_group(group) for group in present}
    if any(_group(group) not in known for group in chosen):
        report.refuse(path, "this is none of the estimator's instance_groups")
        return None
    return {str(bound(group)["instance_group_name"]): str(bound(group)["instance_type"]) for group in chosen}


def _group(group: SdkObject) -> tuple[str, ...]:
    return tuple(str(bound(group)[name]) for name in ("instance_group_name", "instance_type", "instance_count"))


def _base_framework(call: Call) -> str | None:
    if call.estimator == "HuggingFace":
        return "tensorflow" if call["tensorflow_version"] is not None else "pytorch"
    return call.framework


def _base_version(call: Call) -> str | None:
    if call.estimator == "HuggingFace":
        version = call["tensorflow_version"] if call["tensorflow_version"] is not None else call["pytorch_version"]
        return version if isinstance(version, str) else None
    version = call["framework_version"]
    return version if isinstance(version, str) else None


def _check_trainium(settled: Distribution, instance_type: str | None, report: Report) -> None:
    if instance_type and is_trainium(instance_type) and settled and list(settled) != ["torch_distributed"]:
        problem = f"on {instance_type} nothing but torch_distributed works, and {listed(settled)} is asked for"
        report.refuse(kwarg("distribution"), problem, allowed="torch_distributed alone")


def _check_smdistributed(call: Call, settled: Distribution, instance_type: str | None, report: Report) -> None:
    asked = settled.get("smdistributed")
    if asked is None:
        return
    path = kwarg("distribution", "smdistributed")
    if len(asked) > 1:
        report.refuse(path, "only one of dataparallel and modelparallel can be used")
        return
    for name, options in asked.items():
        if name not in ("dataparallel", "modelparallel"):
            report.refuse((*path, name), "there is no such strategy", allowed="dataparallel, modelparallel")
        elif not isinstance(options, Mapping):
            report.wrong_type((*path, name), 'an object such as {"enabled": true}', options)
    if not report.problems and enabled(settled, "smdistributed", "dataparallel"):
        _check_smddp(call, instance_type, report)


def _check_smddp(call: Call, instance_type: str | None, report: Report) -> None:
    """fw_utils._validate_smdataparallel_args; with an image of one's own the SDK looks at nothing."""
    path = kwarg("distribution", "smdistributed", "dataparallel")
    if not instance_type:
        report.refuse(path, "smdistributed.dataparallel needs an instance_type")
    if call["image_uri"]:
        return
    base, version = str(_base_framework(call)), _base_version(call)
    supported = launchers.SMDDP_VERSIONS[base]
    if version not in supported:
        problem = f"smdistributed.dataparallel does not support {base} {version}"
        report.refuse(path, problem, allowed=", ".join(supported))
    _check_python(call, path, "smdistributed.dataparallel", report)


def _check_python(call: Call, path: Sequence[str | int], name: str, report: Report) -> None:
    if "py3" not in str(call["py_version"]):
        report.refuse(path, f"{name} does not support py_version {call['py_version']}", allowed="py3 and newer")


def _check_torchrun(call: Call, settled: Distribution, instance_type: str | None, report: Report) -> None:
    """fw_utils.validate_torch_distributed_distribution"""
    if not enabled(settled, "torch_distributed"):
        return
    path = kwarg("distribution", "torch_distributed")
    if not call["image_uri"]:
        _check_python(call, path, "torch_distributed", report)
        version, kind = _base_version(call), instance_type or ""
        supported: tuple[str, ...] = ()
        if is_gpu(kind):
            supported = launchers.TORCHRUN_GPU_VERSIONS
        elif is_trainium(kind):
            supported = launchers.TORCHRUN_TRAINIUM_VERSIONS
        else:
            problem = f"torch_distributed works on GPU and Trainium instances only, not on {instance_type}"
            report.refuse(path, problem)
        if supported and version not in supported:
            problem = f"the SDK does not support torch_distributed with PyTorch {version} on {instance_type}"
            report.refuse(path, problem, allowed=", ".join(supported))
    script = call["entry_point"]
    if script is not None and not script.endswith(".py"):
        report.refuse(kwarg("entry_point"), "torch_distributed starts Python scripts only", allowed="a file *.py")


def _check_library(call: Call, settled: Distribution, report: Report) -> None:
    """What estimator.Framework._distribution_configuration refuses of smdistributed."""
    asked, path = settled.get("smdistributed"), kwarg("distribution", "smdistributed")
    torchrun = enabled(settled, "torch_distributed")
    if asked is None or report.problems or (call.estimator == "HuggingFace" and _skips_the_rest(call, settled)):
        return
    model = asked.get("modelparallel", {})
    if model.get("enabled", False) is True:
        _check_parameters(model.get("parameters", {}), (*path, "modelparallel", "parameters"), report)
    if _IMAGE_WITHOUT_SMDISTRIBUTED in str(call["image_uri"]) and not torchrun:
        report.refuse(kwarg("image_uri"), "smdistributed does not work in this image, which has CUDA 12")
    if not torchrun and any("p5.48xlarge" in name for name in call.instance_types):
        report.refuse(path, "smdistributed does not work on p5 instances without torch_distributed")


def _check_parameters(parameters: Any, path: tuple[str | int, ...], report: Report) -> None:
    if not isinstance(parameters, Mapping):
        problem = "parameters in a file cannot be read here"
        report.refuse(path, problem, code=codes.NOT_SUPPORTED, allowed="an object with the parameters themselves")
        return
    for suffix, problem, allowed, remedy in launchers.parameter_conflicts(parameters):
        report.refuse((*path, suffix.removeprefix("parameters.")), problem, allowed=allowed, remedy=remedy)


def _check_mirrored(call: Call, settled: Distribution, report: Report) -> None:
    """estimator.Framework._validate_mwms_config"""
    if not enabled(settled, "multi_worker_mirrored_strategy"):
        return
    path = kwarg("distribution", "multi_worker_mirrored_strategy")
    if call.framework != "tensorflow":
        report.refuse(path, f"this works with TensorFlow only, not with {call.estimator}")
    elif call["framework_version"] is None:
        report.refuse(kwarg("framework_version"), "multi_worker_mirrored_strategy needs it", code=codes.MISSING)
    elif release(call["framework_version"]) < (2, 9):
        report.refuse(path, f"this does not work with TensorFlow {call['framework_version']}", allowed="2.9 and newer")
    for other in ("smdistributed", "parameter_server"):
        if other in settled:
            report.refuse(path, f"this does not work together with {other}")


# ---- the Training Compiler -----------------------------------------------------------------------------------------


def compiler(call: Call, report: Report) -> dict[str, Any] | None:
    """The Training Compiler's settings, `enabled` and `debug`; None where none are given."""
    given = call["compiler_config"]
    if given is None:
        return None
    if isinstance(given, dict):
        report.warn(
            "compiler_config is an object with plain values, which the SDK refuses: it is understood as "
            f"TrainingCompilerConfig of sagemaker.{call.framework}"
        )
        given = SdkObject(f"sagemaker.{call.framework}:TrainingCompilerConfig", (), given)
        unknown = sorted(set(given.keywords) - {"enabled", "debug"})
        if unknown:
            report.refuse(kwarg("compiler_config"), f"there is no {listed(unknown)}", allowed="enabled, debug")
            return None
    if short(given) != "TrainingCompilerConfig" or not given.callable.startswith(_COMPILER_MODULES[call.estimator]):
        wanted = f"a TrainingCompilerConfig of {_COMPILER_MODULES[call.estimator][0]}"
        report.wrong_type(kwarg("compiler_config"), wanted, getattr(given, "callable", given))
        return None
    return bound(given)


def check_compiler(call: Call, distribution: Distribution | None, report: Report) -> None:
    """TrainingCompilerConfig.validate of the framework."""
    path = kwarg("compiler_config")
    for instance_type in (call["instance_type"],) if call["instance_type"] else ():
        if "local" in instance_type:
            continue
        if instance_type.split(".")[1:2] not in ([name] for name in COMPILER_FAMILIES):
            allowed = f"instances of the families {listed(COMPILER_FAMILIES)}"
            report.refuse(path, f"the Training Compiler does not work on {instance_type}", allowed=allowed)
    if distribution and "smdistributed" in distribution:
        report.refuse(path, "the Training Compiler does not work together with smdistributed")
    if call["instance_groups"]:
        report.refuse(path, "the Training Compiler does not work with instance groups")
    if call.estimator == "TensorFlow":
        _check_tensorflow_compiler(call, distribution, report)
        return
    if call["image_uri"]:
        report.refuse(path, "the Training Compiler's image cannot be replaced by image_uri")
    _check_xla(call, distribution, report)


def _check_tensorflow_compiler(call: Call, distribution: Distribution | None, report: Report) -> None:
    path, version = kwarg("compiler_config"), call["framework_version"]
    # The SDK means to check an upper bound of 2.11 as well, and by a slip does not (SpecifierSet's second argument).
    if version and release(version) < (2, 9):
        report.refuse(path, f"the Training Compiler does not work with TensorFlow {version}", allowed="2.9 to 2.11")
    if enabled(distribution, "multi_worker_mirrored_strategy"):
        report.refuse(path, "the Training Compiler does not work together with multi_worker_mirrored_strategy")


def _check_xla(call: Call, distribution: Distribution | None, report: Report) -> None:
    path = kwarg("compiler_config")
    hugging_face = call.estimator == "HuggingFace"
    version, first = (call["pytorch_version"], (1, 11)) if hugging_face else (call["framework_version"], (1, 12))
    if hugging_face and version and not (1, 9) <= release(version) <= (1, 11):
        problem = f"the Training Compiler does not work with PyTorch {version} of Hugging Face"
        report.refuse(path, problem, allowed="1.9 to 1.11")
    if not distribution:
        return
    path = kwarg("distribution")
    if enabled(distribution, "pytorchxla"):
        if hugging_face and call["tensorflow_version"]:
            report.refuse(path, "pytorchxla does not work with TensorFlow")
        elif version and release(version) < first:
            report.refuse(path, f"pytorchxla does not work with PyTorch {version}")
    if "pytorchxla" not in distribution and version and release(version) >= first:
        report.refuse(path, f"with the Training Compiler and PyTorch {version} only pytorchxla works")


def release(version: str) -> tuple[int, ...]:
    """A version's numbers without trailing zeros, to compare as packaging's Version does: 1.11.0 is 1.11."""
    numbers = [int(part) for part in re.findall(r"\d+", version)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
