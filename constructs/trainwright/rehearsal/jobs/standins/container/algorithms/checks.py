"""What a built-in algorithm refuses before it trains, in the words of the code that the algorithms share.

That code is public in aws/sagemaker-rl-container (src/vw-serving/src/vw_serving/sagemaker: integration.py,
exceptions.py, validation.py); two of its sentences are recorded for k-means and PCA (kubeflow/pipelines, issue 1370;
aws/sagemaker-python-sdk, issue 132). What it says of channels is not verified.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .schemas import CSV, RECORDIO, Algorithm

_POSITIVE = re.compile(r"[1-9][0-9]*")
Channels = Mapping[str, Mapping[str, Any]]


class CustomerError(Exception):
    """What the customer can put right: exit code 2.

    Args:
        message: what is wrong.
        caused_by: the class of the error below it, or "".
        detail: that error's text, where the failure tells it.
    """

    def __init__(self, message: str, caused_by: str = "", detail: str = "") -> None:
        self.message = f"{message} (caused by {caused_by})" if caused_by else message
        self.detail = f"\n\nCaused by: {detail}" if detail else ""
        super().__init__(message)

    def __str__(self) -> str:
        return f"Customer Error: {self.message}{self.detail}"


def check(algorithm: Algorithm, hyperparameters: Mapping[str, str], channels: Channels) -> None:
    """Refuse what a job's configuration has wrong.

    Raises:
        CustomerError: the first thing that is wrong: names, then values, then channels.
    """
    for problem in (*_names(algorithm, hyperparameters), *_values(algorithm, hyperparameters)):
        raise CustomerError(problem, "ValidationError")
    for problem in _channels(algorithm, channels):
        message = "Unable to initialize the algorithm. Failed to validate input data configuration."
        raise CustomerError(message, "ValidationError", problem)


def _names(algorithm: Algorithm, given: Mapping[str, str]) -> Iterator[str]:
    missing = [name for name in _required(algorithm, given) if name not in given]
    if missing:
        yield f"No value(s) were specified for {_quoted(missing)} which are required hyperparameter(s)"
    unknown = [name for name in given if name not in algorithm.known and not name.startswith("_")]
    if algorithm.known and unknown:
        were = "was" if len(unknown) == 1 else "were"
        yield f"Additional hyperparameters are not allowed ({_quoted(unknown)} {were} unexpected)"


def _required(algorithm: Algorithm, given: Mapping[str, str]) -> tuple[str, ...]:
    """num_classes is needed "when predictor_type is multiclass_classifier" (guide, linear learner hyperparameters);
    dimension_reduction_target with a dimension_reduction_type (guide, k-NN hyperparameters)."""
    more: tuple[str, ...] = ()
    if given.get("predictor_type") == "multiclass_classifier":
        more = ("num_classes",)
    elif "dimension_reduction_type" in given:
        more = ("dimension_reduction_target",)
    return (*algorithm.required, *more)


def _values(algorithm: Algorithm, given: Mapping[str, str]) -> Iterator[str]:
    for name, choices in algorithm.choices.items():
        if name in given and given[name] not in choices:
            yield (
                f"The value '{given[name]}' is not valid for the '{name}' hyperparameter which accepts one of the "
                f"following: {_quoted(choices)}"
            )
    for name in sorted(algorithm.positive):
        if name in given and given[name] != "auto" and not _POSITIVE.fullmatch(given[name]):
            yield (
                f"The value '{given[name]}' is not valid for the '{name}' hyperparameter which expects one of the "
                "following: a string which matches the pattern '^([1-9][0-9]*)$'; or an integer greater than 1"
            )


def _channels(algorithm: Algorithm, channels: Channels) -> Iterator[str]:
    for name in algorithm.channels:
        if name not in channels:
            yield f"'{name}' is a required property"
    for name, channel in channels.items():
        given = content_type(channel)
        if algorithm.content_types and given not in algorithm.content_types:
            yield f"'{given}' is not one of {sorted(algorithm.content_types)} for channel '{name}'"


def content_type(channel: Mapping[str, Any]) -> str:
    """The channel's ContentType without parameters; protobuf in RecordIO where there is none."""
    return str(channel.get("ContentType") or RECORDIO).partition(";")[0].strip()


def label_size(channel: Mapping[str, Any]) -> int:
    """How many values of a row of CSV are its label: "label_size=0" for none, else 1 (guide, Common Data Formats for
    Training)."""
    found = re.search(r"label_size=(\d+)", str(channel.get("ContentType", "")))
    return int(found[1]) if found else 1


def check_rows(algorithm: Algorithm, feature_dim: str, channel: str, described: Mapping[str, Any], values: int) -> None:
    """Refuse rows of CSV with another number of values than feature_dim says.

    Raises:
        CustomerError: as the shared code says it.
    """
    if not (algorithm.has_features and feature_dim.isdigit() and content_type(described) == CSV):
        return
    found = values - label_size(described)
    if found != int(feature_dim):
        raise CustomerError(
            f"Incorrect configuration or {channel} dataset provided. The value of feature_dim hyperparameter "
            f"'{feature_dim}' doesn't match {channel} data dimensionality '{found}'. Please set feature_dim to the "
            f"number of features in {channel} dataset."
        )


def unreadable(channel: str, requested: str) -> CustomerError:
    """The data are not what the content type says."""
    return CustomerError(
        f"Unable to read data channel '{channel}'. Requested content-type is '{requested}'. Please verify the data "
        "matches the requested content-type.",
        "MXNetError",
    )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
