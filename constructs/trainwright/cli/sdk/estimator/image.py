"""The training image of an estimator (image_uris.get_training_image_uri, and XGBoost's and SKLearn's `__init__`)."""

from __future__ import annotations

import re
from typing import Any

from trainwright.cli.sdk.estimator.distribution import Distribution
from trainwright.cli.sdk.estimator.document import Call
from trainwright.cli.sdk.estimator.report import Report, kwarg
from trainwright_runtime import images
from trainwright_runtime import problems as codes


def image(call: Call, distribution: Distribution | None, compiler: dict[str, Any] | None, report: Report) -> str:
    """The image's URI; empty, with a problem, where AWS has none."""
    if call["image_uri"] or call.framework is None:
        return str(call["image_uri"])
    try:
        # MXNet's class keeps no distribution that the image could depend on.
        return _chosen(call, {} if call.estimator == "MXNet" else distribution or {}, compiler)
    except images.ImageError as error:
        path = _path(call, error)
        report.refuse(path, error.problem, code=codes.NO_SUCH_IMAGE, allowed=error.allowed, remedy=error.remedy)
        return ""


def _chosen(call: Call, distribution: Distribution, compiler: dict[str, Any] | None) -> str:
    framework, version = str(call.framework), str(_version(call))
    instance_type, base = call.image_instance_type or "", _base(call)
    if _has_library_image(distribution):
        return images.smp_image(version, region=call.region, instance_type=instance_type)
    if compiler is not None and framework in ("huggingface", "pytorch"):
        return images.training_compiler_image(
            framework, version, region=call.region, base_framework_version=base, py_version=call["py_version"]
        )
    uri = images.framework_image(
        framework,
        version,
        region=call["image_uri_region"] or call.region,
        instance_type=instance_type,
        py_version=call["py_version"],
        base_framework_version=base,
        smdistributed="smdistributed" in distribution,
    )
    # The SDK v2 leaves an alias of transformers' version as it is; the table has it spelt out.
    return re.sub(r"-transformers[\d.]+(?=-)", f"-transformers{version}", uri) if base else uri


def _has_library_image(distribution: Distribution) -> bool:
    """Whether the model parallelism library v2 brings its own image; `enabled` left out counts as on there."""
    if "torch_distributed" not in distribution:
        return False
    model = distribution.get("smdistributed", {}).get("modelparallel")
    return model is not None and bool(model.get("enabled", True))


def _version(call: Call) -> Any:
    return call["transformers_version"] if call.estimator == "HuggingFace" else call["framework_version"]


def _base(call: Call) -> str | None:
    if call.estimator != "HuggingFace":
        return None
    if call["tensorflow_version"] is not None:
        return f"tensorflow{call['tensorflow_version']}"
    return f"pytorch{call['pytorch_version']}"


def _path(call: Call, error: images.ImageError) -> tuple[str | int, ...]:
    if error.part == "region":
        return ("region",)
    names = {
        "version": "transformers_version" if call.estimator == "HuggingFace" else "framework_version",
        "base_framework_version": "pytorch_version" if call["pytorch_version"] else "tensorflow_version",
    }
    return kwarg(names.get(error.part, error.part))
