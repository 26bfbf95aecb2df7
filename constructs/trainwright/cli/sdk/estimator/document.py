"""The document that describes an SDK v2 estimator and its `fit`, read into one frozen call."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright.cli.sdk.estimator.report import Report, kwarg
from trainwright.cli.sdk.estimator.signatures import (
    ANY,
    CLASSES,
    ESTIMATORS,
    FIT,
    FRAMEWORK_NAMES,
    HOLDERS,
    HOLDING_KEYWORDS,
    KINDS,
    LISTS,
    MAPS,
    OBJECT,
    OBJECTS,
    REQUIRED,
    SPOKEN,
    TEXT,
    WHOLE,
    Argument,
    renamed,
)
from trainwright.cli.sdk.objects import SdkObject, read_objects
from trainwright_runtime import images
from trainwright_runtime import problems as codes
from trainwright_runtime.launchers import family
from trainwright_runtime.problems import shown

SAMPLE_ACCOUNT = "123456789012"
"""The account of the default bucket, where neither the document nor the role's ARN names one."""

TIMESTAMP = "2026-01-01-00-00-00-000"
"""Stands where the SDK puts the time of the call (utils.name_from_base), so that a rendering repeats itself."""

_NOT_CARRIED: Mapping[str, str] = {
    "sagemaker_session": "a session is not part of the request; region and account are taken from the document",
    "git_config": "a repository cannot be cloned here: give the checked-out folder as source_dir",
    "training_recipe": "recipes are files of AWS's that the SDK downloads; they cannot be read here",
    "recipe_overrides": "recipes are files of AWS's that the SDK downloads; they cannot be read here",
}
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/.+")
_RETRIEVE = re.compile(r"<retrieve:(.*)>", re.DOTALL)
_MAX_TEXT = 200


@dataclass(frozen=True)
class Call:
    """An estimator as it was made, and what its `fit` was given."""

    estimator: str
    region: str
    account: str
    given: Mapping[str, Any]
    inputs: Any
    experiment_config: Mapping[str, Any] | None
    named: str | None

    def __getitem__(self, name: str) -> Any:
        """A keyword's value, the SDK's default where it was left out; None for one that the class does not have."""
        if name in self.given:
            return self.given[name]
        argument = ESTIMATORS[self.estimator].get(name)
        return argument.default if argument else None

    @property
    def framework(self) -> str | None:
        """The SDK's name for the framework: `pytorch`; None for the generic Estimator."""
        return FRAMEWORK_NAMES[self.estimator]

    @property
    def default_bucket(self) -> str:
        """The bucket that the SDK makes for an account and region (session.default_bucket)."""
        return f"sagemaker-{self.region}-{self.account}"

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The job's instance type, or those of its instance groups."""
        if self["instance_type"]:
            return (self["instance_type"],)
        groups = (bound(group)["instance_type"] for group in self["instance_groups"] or ())
        return tuple(name for name in groups if isinstance(name, str))

    @property
    def image_instance_type(self) -> str | None:
        """The type that decides the image: of instance groups, the first with GPUs, else the first
        (estimator.EstimatorBase._get_instance_type)."""
        types = self.instance_types
        return next((name for name in types if family(name)[:1] in ("g", "p")), types[0] if types else None)


def bound(value: SdkObject) -> dict[str, Any]:
    """An object's arguments by name, defaults filled in. Only for what `check_objects` has let through."""
    signature = OBJECTS[short(value)]
    return {**signature, **dict(zip(signature, value.positional, strict=False)), **value.keywords}


def short(value: object) -> str:
    """An object's class without modules: `rule_configs.ProfilerReport` is `ProfilerReport`; empty for other values."""
    if not isinstance(value, SdkObject):
        return ""
    parts = value.name.split(".")
    return ".".join(parts[-2:]) if parts[-1] in ("sagemaker", "custom") else parts[-1]


def read_call(data: object, report: Report) -> Call:
    """The call that a document describes; raises SdkRefusal when it describes none that this version knows."""
    if not isinstance(data, Mapping):
        report.refuse((), "this is no estimator", code=codes.NOT_A_DOCUMENT, allowed=_SHAPE)
        report.settle()
    assert isinstance(data, Mapping)  # noqa: S101 - settled above
    estimator, kwargs, fit = _estimator(data, report), _section(data, "kwargs", report), _section(data, "fit", report)
    region = data.get("region")
    if not isinstance(region, str) or not region:
        report.refuse(("region",), "no region is given", code=codes.MISSING, allowed="text such as us-west-2")
    if data.get("tuner"):
        report.refuse(("tuner",), "tuning jobs are not rendered, only training jobs", code=codes.NOT_SUPPORTED)
    report.settle()
    estimator, kwargs = _as_meant(estimator, kwargs, report)
    given = _keywords(estimator, kwargs, str(region), report)
    _check_fit(fit, report)
    report.settle()
    return Call(
        estimator=estimator,
        region=str(region),
        account=_account(data, given),
        given=given,
        inputs=fit.get("inputs"),
        experiment_config=fit.get("experiment_config"),
        named=_name(data, fit, report),
    )


_SHAPE = '{"estimator": "PyTorch", "region": "us-west-2", "kwargs": {...}, "fit": {"inputs": ...}}'


def _estimator(data: Mapping[str, Any], report: Report) -> str:
    name = data.get("estimator")
    if not isinstance(name, str) or not name:
        report.refuse(("estimator",), "no estimator is named", code=codes.MISSING, allowed=_SHAPE)
        return ""
    name = re.split(r"[:.]", name)[-1]
    if name in ESTIMATORS or name == "Horovod":
        return name
    near = difflib.get_close_matches(name, ESTIMATORS, n=1, cutoff=0.75)
    remedy = f"write {near[0]}" if near else "a built-in algorithm is an Estimator with the algorithm's image_uri"
    problem = f"the estimator {name[:_MAX_TEXT]} is not rendered"
    report.refuse(("estimator",), problem, code=codes.NOT_SUPPORTED, allowed=", ".join(ESTIMATORS), remedy=remedy)
    return ""


def _section(data: Mapping[str, Any], name: str, report: Report) -> dict[str, Any]:
    value = data.get(name, {})
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        read = {key: read_objects(entry) for key, entry in value.items()}
        return dict(read)
    report.wrong_type((name,), "an object with names and values", value)
    return {}


def _name(data: Mapping[str, Any], fit: Mapping[str, Any], report: Report) -> str | None:
    """The job's name where one is given: in the document, to `fit`, or by a recording, which is named after its case.

    The SDK's recordings were made with `golden-<case>`, which their `fit` does not say.
    """
    name = data.get("job_name") or fit.get("job_name")
    if name is not None and not isinstance(name, str):
        report.wrong_type(("job_name",), "text", name)
        report.settle()
    case = data.get("case")
    recorded = f"golden-{case.replace('_', '-')}" if isinstance(case, str) and case else None
    return str(name) if name else recorded


def _account(data: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    account, role = data.get("account"), given.get("role")
    match = _ROLE.fullmatch(role) if isinstance(role, str) else None
    return str(account) if account else match[1] if match else SAMPLE_ACCOUNT


def _keywords(estimator: str, kwargs: Mapping[str, Any], region: str, report: Report) -> dict[str, Any]:
    """The keywords by today's names, checked for their kinds; those that no class of the SDK's reads are left out."""
    known, given = ESTIMATORS[estimator], {}
    for old, new in renamed(estimator).items():
        if old in kwargs:
            report.warn(f"{old} is called {new} since the SDK v2; it is understood")
            given[new] = kwargs[old]
    for name, value in kwargs.items():
        if name in renamed(estimator):
            continue
        if name in known:
            given.setdefault(name, value)
        else:
            _unknown(estimator, name, report)
    if "image_uri" in given:
        given["image_uri"] = _retrieved(given["image_uri"], region, report)
    for name, value in given.items():
        _check_kind(name, value, known[name], report)
    return given


def _unknown(estimator: str, name: str, report: Report) -> None:
    """The SDK's classes take any keyword, and pay no heed to those they do not know (`**kwargs`)."""
    if name == "is_nova_job":
        report.refuse(kwarg(name), "this is the SDK's own, for its recipes", code=codes.NOT_SUPPORTED)
        return
    near = difflib.get_close_matches(name, ESTIMATORS[estimator], n=1, cutoff=0.75)
    meant = f"; did you mean {near[0]}?" if near else ""
    report.warn(f"{name[:_MAX_TEXT]} is ignored: the SDK's {estimator} has no such keyword and does not say so{meant}")


def _check_kind(name: str, value: Any, argument: Argument, report: Report) -> None:
    if value is None:
        return
    if name in _NOT_CARRIED:
        report.refuse(kwarg(name), _NOT_CARRIED[name], code=codes.NOT_SUPPORTED)
    elif argument.kind == OBJECT and short(value) != CLASSES[name]:
        report.wrong_type(kwarg(name), f"a {CLASSES[name]}", _plain(value))
    elif argument.kind not in (OBJECT, ANY) and not is_kind(value, argument.kind):
        report.wrong_type(kwarg(name), SPOKEN[argument.kind], _plain(value))
    elif name not in HOLDING_KEYWORDS and holds_objects(value):
        report.wrong_type(kwarg(name), "plain values, without objects of the SDK's", None)
    else:
        check_objects(value, kwarg(name), report)


def holds_objects(value: Any) -> bool:
    """Whether an object of the SDK's stands anywhere in a value."""
    if isinstance(value, Mapping):
        return any(map(holds_objects, value.values()))
    return isinstance(value, SdkObject) or (isinstance(value, list | tuple) and any(map(holds_objects, value)))


def is_kind(value: Any, kind: str) -> bool:
    """Whether a JSON value is of a kind; true and false are no numbers."""
    return isinstance(value, KINDS[kind]) and not (kind == WHOLE and isinstance(value, bool))


def check_objects(value: Any, path: tuple[str | int, ...], report: Report) -> None:
    """Refuses objects that the SDK does not have, and arguments that they do not take, at any depth."""
    if isinstance(value, SdkObject):
        _check_object(value, path, report)
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            check_objects(entry, (*path, key), report)
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            check_objects(entry, (*path, index), report)


def _check_object(value: SdkObject, path: tuple[str | int, ...], report: Report) -> None:
    name = short(value)
    if name in ("ProfilerReport", "ActionList"):
        _check_open_object(value, path, report)
        return
    if name not in OBJECTS:
        near = difflib.get_close_matches(name, OBJECTS, n=1, cutoff=0.75)
        remedy = f"did you mean {near[0]}?" if near else None
        problem = f"{value.callable[:_MAX_TEXT]} is no object that the SDK's estimators take"
        report.refuse(path, problem, code=codes.NOT_SUPPORTED, remedy=remedy)
        return
    signature = OBJECTS[name]
    if len(value.positional) > len(signature):
        report.refuse(path, f"{name} takes {len(signature)} arguments at most", code=codes.WRONG_TYPE)
    taken = [*list(signature)[: len(value.positional)], *value.keywords]
    for keyword in value.keywords:
        if keyword not in signature:
            allowed = ", ".join(signature) or "none"
            problem = f"{name} has no argument of this name"
            report.refuse((*path, keyword), problem, code=codes.UNKNOWN_FIELD, allowed=allowed)
        elif taken.count(keyword) > 1:
            report.refuse((*path, keyword), "this is given twice, by position and by name")
    for missing in (name for name, default in signature.items() if default is REQUIRED and name not in taken):
        report.refuse((*path, missing), f"{name} needs this", code=codes.MISSING)
    if not report.problems:
        for argument, entry in bound(value).items():
            if entry is not signature[argument]:
                _check_argument(argument, entry, (*path, argument), report)


def _check_open_object(value: SdkObject, path: tuple[str | int, ...], report: Report) -> None:
    """The two that take any number of arguments: rules' parameters by name, and actions by position."""
    for index, entry in enumerate(value.positional):
        if short(value) == "ActionList":
            _check_argument("actions", entry, (*path, index), report)
    if value.positional and short(value) == "ProfilerReport":
        report.refuse(path, "ProfilerReport takes named parameters only", code=codes.WRONG_TYPE)
    if holds_objects(value.keywords) or (value.keywords and short(value) == "ActionList"):
        report.refuse(path, f"{short(value)} does not take these arguments", code=codes.WRONG_TYPE)


def _check_argument(name: str, value: Any, path: tuple[str | int, ...], report: Report) -> None:
    if value is None:
        return
    if name in LISTS and not isinstance(value, list):
        report.wrong_type(path, "a list", _plain(value))
    elif name in MAPS and not isinstance(value, Mapping):
        report.wrong_type(path, "an object with names and values", _plain(value))
    elif name not in HOLDERS:
        if holds_objects(value):
            report.wrong_type(path, "a plain value", _plain(value))
    else:
        entries = value if name in LISTS else [value]
        for entry in entries:
            if not isinstance(entry, SdkObject) or (HOLDERS[name] and short(entry) not in HOLDERS[name]):
                wanted = " or ".join(HOLDERS[name]) or "an object of the SDK's"
                report.wrong_type(path, wanted, _plain(entry))
            else:
                check_objects(entry, path, report)


def _check_fit(fit: Mapping[str, Any], report: Report) -> None:
    for name in fit:
        if name not in FIT:
            problem = "fit has no argument of this name"
            report.refuse(("fit", name), problem, code=codes.UNKNOWN_FIELD, allowed=", ".join(FIT))
    check_objects(fit.get("inputs"), ("fit", "inputs"), report)
    for name, kind in (("job_name", TEXT), ("experiment_config", "map")):
        if fit.get(name) is not None and not is_kind(fit[name], kind):
            report.wrong_type(("fit", name), SPOKEN[kind], _plain(fit[name]))


def _retrieved(value: Any, region: str, report: Report) -> Any:
    """An image that the document asks `image_uris.retrieve` for: as an object, or as recordings write it."""
    match = _RETRIEVE.fullmatch(value) if isinstance(value, str) else None
    if not match and not (isinstance(value, SdkObject) and value.name == "retrieve"):
        return value
    try:
        asked = json.loads(match[1]) if match else _retrieve_arguments(value)
        return _retrieve(asked, region)
    except images.ImageError as error:
        report.refuse(
            kwarg("image_uri"), error.problem, code=codes.NO_SUCH_IMAGE, allowed=error.allowed, remedy=error.remedy
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        asked_for = '<retrieve:{"framework": "xgboost", "version": "1.7-1"}>'
        report.refuse(kwarg("image_uri"), "this asks for no image", code=codes.WRONG_TYPE, allowed=asked_for)
    return None


def _retrieve_arguments(value: SdkObject) -> dict[str, Any]:
    names = ("framework", "region", "version", "py_version", "instance_type", "accelerator_type", "image_scope")
    return {**dict(zip(names, value.positional, strict=False)), **value.keywords}


def _retrieve(asked: Mapping[str, Any], region: str) -> str:
    name, region = str(asked["framework"]), str(asked.get("region") or region)
    version, instance_type = asked.get("version"), str(asked.get("instance_type") or "ml.m5.xlarge")
    if name in images.ALGORITHMS:
        return images.algorithm_image(name, version, region=region, instance_type=instance_type)
    return images.framework_image(
        name,
        version,
        region=region,
        instance_type=instance_type,
        py_version=asked.get("py_version"),
        base_framework_version=asked.get("base_framework_version"),
    )


def _plain(value: Any) -> Any:
    return value.callable if isinstance(value, SdkObject) else value


# ---- what is understood as meant -----------------------------------------------------------------------------------


def _as_meant(estimator: str, kwargs: Mapping[str, Any], report: Report) -> tuple[str, dict[str, Any]]:
    """An estimator that never was, `sagemaker.horovod.Horovod`, as the framework's own with MPI."""
    meant = dict(kwargs)
    if estimator != "Horovod":
        return estimator, meant
    processes = meant.pop("processes_per_host", None) or meant.pop("num_processes_per_host", None)
    options = meant.pop("custom_mpi_options", None)
    mpi: dict[str, Any] = {"enabled": True}
    mpi |= ({"processes_per_host": processes} if processes else {}) | (
        {"custom_mpi_options": options} if options else {}
    )
    distribution = meant.get("distribution")
    given = dict(distribution) if isinstance(distribution, Mapping) else {}
    own = given.get("mpi")
    meant["distribution"] = {**given, "mpi": {**mpi, **(own if isinstance(own, Mapping) else {})}}
    framework = _horovod_framework(meant)
    if not meant.get("image_uri") and not meant.get("framework_version"):
        meant |= {"framework_version": "2.1.0", "py_version": "py310"}
        report.warn("framework_version was left out for Horovod: PyTorch 2.1.0 with py310 is assumed")
    report.warn(
        f"Horovod is no estimator of the SDK's: it is understood as {framework} with the distribution "
        f"{shown({'mpi': meant['distribution']['mpi']})}"
    )
    return framework, meant


def _horovod_framework(kwargs: Mapping[str, Any]) -> str:
    """TensorFlow where only it has such an image, PyTorch otherwise."""
    version, python = kwargs.get("framework_version"), kwargs.get("py_version")
    uri = kwargs.get("image_uri")
    if isinstance(uri, str):
        return "TensorFlow" if "tensorflow" in uri else "PyTorch"
    if "model_dir" in kwargs:
        return "TensorFlow"

    def has(framework: str) -> bool:
        try:
            return isinstance(version, str) and python in (None, *images.python_versions(framework, version))
        except images.ImageError:
            return False

    return "TensorFlow" if has("tensorflow") and not has("pytorch") else "PyTorch"
