"""What the SDK's constructors refuse, distribution and compiler apart."""

from __future__ import annotations

import re
from typing import Any

from trainwright.cli.sdk.estimator.distribution import release
from trainwright.cli.sdk.estimator.document import Call, short
from trainwright.cli.sdk.estimator.report import Report, kwarg
from trainwright_runtime import problems as codes

# sagemaker SDK v2, sklearn.estimator._validate_not_gpu_instance_type
_SKLEARN_REFUSED = tuple(f"ml.{name}" for name in ("p2.xlarge", "p2.8xlarge", "p2.16xlarge", "p3.xlarge", "p3.8xlarge"))
_VERSION = re.compile(
    r"v?\d+(\.\d+)*([-._]?(a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)?[-._]?\d*)*", re.IGNORECASE
)


def check(call: Call, report: Report) -> None:
    """Every refusal of EstimatorBase's, Framework's and the estimator's own `__init__`."""
    _check_common(call, report)
    _check_machines(call, report)
    if call.framework:
        _check_framework(call, report)
    {
        "PyTorch": _check_versions,
        "TensorFlow": _check_tensorflow,
        "HuggingFace": _check_hugging_face,
        "XGBoost": _check_xgboost,
        "SKLearn": _check_sklearn,
        "MXNet": _check_mxnet,
        "Estimator": _check_generic,
    }[call.estimator](call, report)


def _missing(name: str, problem: str, report: Report, remedy: str | None = None) -> None:
    report.refuse(kwarg(name), problem, code=codes.MISSING, remedy=remedy)


def _check_common(call: Call, report: Report) -> None:
    if not call["role"]:
        _missing("role", "an estimator needs a role", report)
    if (call["subnets"] is None) != (call["security_group_ids"] is None):
        absent = "subnets" if call["subnets"] is None else "security_group_ids"
        report.refuse(kwarg(absent), "subnets and security_group_ids belong together")
    if str(call["output_path"]).startswith("file://"):
        report.refuse(kwarg("output_path"), "files of this machine are for the SDK's local mode only")
    if str(call["model_uri"]).startswith("file://"):
        report.refuse(kwarg("model_uri"), "files of this machine are for the SDK's local mode only")
    if call.inputs is not None and not isinstance(call.inputs, str | dict | list) and not short(call.inputs):
        report.wrong_type(("fit", "inputs"), "inputs", call.inputs)


def _check_machines(call: Call, report: Report) -> None:
    """job._Job._prepare_resource_config; local mode starts containers here and sends no request."""
    groups, machine = call["instance_groups"], kwarg("instance_type")
    given: list[Any] = [name for name in ("instance_count", "instance_type") if call[name] is not None]
    if str(call["instance_type"]) in ("local", "local_gpu"):
        report.refuse(machine, "local mode sends no request to SageMaker", code=codes.NOT_SUPPORTED)
    elif call["instance_type"] is not None and not _INSTANCE_TYPE.fullmatch(call["instance_type"]):
        # utils.volume_size_supported raises for what has not two or three parts
        report.refuse(machine, "this is no instance type", code=codes.WRONG_TYPE, allowed="ml.FAMILY.SIZE")
    if groups is None:
        for name in ("instance_count", "instance_type"):
            if call[name] is None:
                _missing(name, "this or instance_groups must be given", report)
        return
    for name in given:
        report.refuse(kwarg(name), "this cannot be given together with instance_groups")
    for index, group in enumerate(groups):
        if short(group) != "InstanceGroup":
            report.wrong_type(kwarg("instance_groups", index), "an InstanceGroup", getattr(group, "callable", group))
    if not groups:
        report.refuse(kwarg("instance_groups"), "this holds no group", code=codes.MISSING)


_INSTANCE_TYPE = re.compile(r"(ml\.)?[^.]+\.[^.]+")


def _check_framework(call: Call, report: Report) -> None:
    script = call["entry_point"]
    if script is None:
        _missing("entry_point", f"{call.estimator} needs a script", report)
    elif script.startswith("s3://"):
        report.refuse(kwarg("entry_point"), "this must be a path, not an S3 URI", code=codes.WRONG_TYPE)
    for name in ("framework_version", "pytorch_version", "tensorflow_version", "transformers_version"):
        if call[name] is not None and not _VERSION.fullmatch(call[name]):
            report.refuse(kwarg(name), "this is no version number", code=codes.WRONG_TYPE, allowed="such as 2.1.0")


def _check_versions(call: Call, report: Report) -> None:
    """fw_utils.validate_version_or_image_args"""
    for name in ("framework_version", "py_version"):
        if call[name] is None and call["image_uri"] is None:
            _missing(name, "framework_version and py_version are needed, or image_uri", report)


def _check_tensorflow(call: Call, report: Report) -> None:
    _check_versions(call, report)
    version = call["framework_version"]
    if call["py_version"] == "py2" and version and release(version) > (2, 1, 1):
        report.refuse(kwarg("py_version"), f"TensorFlow {version} has no containers with Python 2")
    if call["image_uri"] is None and version and release(version) <= (1, 10):
        problem = f"TensorFlow {version} has containers for the SDK's old mode only"
        report.refuse(kwarg("framework_version"), problem, remedy="give its image_uri and model_dir: false")
    if call["model_dir"] is not None and not isinstance(call["model_dir"], str | bool):
        report.wrong_type(kwarg("model_dir"), "text or false", call["model_dir"])


def _check_hugging_face(call: Call, report: Report) -> None:
    """huggingface.estimator._validate_args"""
    if call["py_version"] is None:
        _missing("py_version", "HuggingFace needs it", report)
    if call["image_uri"] is not None:
        return
    if call["transformers_version"] is None:
        _missing("transformers_version", "transformers_version is needed, or image_uri", report)
    bases = [name for name in ("tensorflow_version", "pytorch_version") if call[name] is not None]
    if len(bases) != 1:
        _missing("pytorch_version", "exactly one of pytorch_version and tensorflow_version is needed", report)
    elif call["transformers_version"] and call[bases[0]].count(".") != call["transformers_version"].count("."):
        problem = "this and transformers_version must both be full versions, or both shortened ones"
        report.refuse(kwarg(bases[0]), problem)


def _check_xgboost(call: Call, report: Report) -> None:
    if call["framework_version"] is None:
        _missing("framework_version", "XGBoost needs it", report)
    elif call["framework_version"].split("-")[0] == "1.1":
        report.refuse(kwarg("framework_version"), "XGBoost 1.1 is not supported on SageMaker", remedy="use 1.2-1")
    if call["py_version"] != "py3":
        report.refuse(kwarg("py_version"), "XGBoost's containers have py3 only", allowed="py3")


def _check_sklearn(call: Call, report: Report) -> None:
    _check_versions(call, report)
    if call["py_version"] and call["py_version"] != "py3":
        report.refuse(kwarg("py_version"), "scikit-learn's containers have py3 only", allowed="py3")
    if call["instance_type"] in (*_SKLEARN_REFUSED, "ml.p3.16xlarge"):
        report.refuse(kwarg("instance_type"), "scikit-learn does not use GPUs", allowed="types without GPUs")
    if call["instance_count"] and call["instance_count"] != 1:
        report.refuse(kwarg("instance_count"), "scikit-learn does not train on several instances", allowed="1")
    if call["instance_groups"] is not None:
        report.refuse(kwarg("instance_groups"), "scikit-learn does not train on instance groups")


def _check_mxnet(call: Call, report: Report) -> None:
    _check_versions(call, report)
    version = call["framework_version"]
    if call["distribution"] is not None and call["instance_type"] is None:
        report.refuse(kwarg("distribution"), "the SDK's MXNet fails on a distribution with instance_groups")
    # The SDK compares the parts as text: "10" comes before "3".
    if call["distribution"] is not None and version and version.split(".") < ["1", "3"]:
        problem = f"MXNet {version} takes no distribution"
        report.refuse(kwarg("framework_version"), problem, allowed="1.3 and newer")


def _check_generic(call: Call, report: Report) -> None:
    if call["image_uri"] is None:
        _missing("image_uri", "Estimator needs an image", report)
