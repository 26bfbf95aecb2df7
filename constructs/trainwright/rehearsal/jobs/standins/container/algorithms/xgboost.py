"""What SageMaker's XGBoost checks in algorithm mode, in its own words.

Source: aws/sagemaker-xgboost-container, algorithm_mode/hyperparameter_validation.py and channel_validation.py,
data_utils.py, and sagemaker_algorithm_toolkit. Rules between hyperparameters are those on num_class; a metric's name is
not checked.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import data

_LIBSVM, _CSV = ("libsvm", "text/libsvm", "text/x-libsvm"), ("csv", "text/csv")
_PARQUET, _RECORDIO = ("parquet", "application/x-parquet"), ("recordio-protobuf", "application/x-recordio-protobuf")
_PIPED = (*_CSV, *_PARQUET, *_RECORDIO)
_DEFAULT = "text/libsvm"
_ALIASES = {
    **{"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"},
}
Channels = Mapping[str, Mapping[str, Any]]


class UserError(Exception):
    """The container's word for input that cannot be trained on."""


@dataclass(frozen=True)
class Interval:
    """Where a number must lie; None: no bound."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    whole: bool = False

    def __contains__(self, value: float) -> bool:
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        below = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return above and below

    def __str__(self) -> str:
        low = "(-inf" if self.low is None else f"{'(' if self.low_open else '['}{self.low}"
        high = "+inf)" if self.high is None else f"{self.high}{')' if self.high_open else ']'}"
        return f"{low}, {high}"


_SHARE, _OPEN_SHARE, _NOT_NEGATIVE = Interval(0, 1), Interval(0, 1, low_open=True), Interval(0)
_SWITCH, _COUNT, _COUNT_OR_NONE = Interval(0, 1, whole=True), Interval(1, whole=True), Interval(0, whole=True)
_NUMBERS: Mapping[str, Interval] = {
    **dict.fromkeys(("num_round", "early_stopping_rounds", "nthread", "num_parallel_tree", "_num_cv_round"), _COUNT),
    **dict.fromkeys(("csv_weights", "refresh_leaf", "one_drop"), _SWITCH),
    **dict.fromkeys(("max_depth", "max_leaves", "max_bin"), _COUNT_OR_NONE),
    **dict.fromkeys(("eta", "rate_drop", "skip_drop", "lambda_bias"), _SHARE),
    **dict.fromkeys(("subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode"), _OPEN_SHARE),
    **dict.fromkeys(("gamma", "min_child_weight", "max_delta_step", "lambda", "alpha", "base_score"), _NOT_NEGATIVE),
    "aft_loss_distribution_scale": _NOT_NEGATIVE,
    "verbosity": Interval(0, 3, whole=True),
    "sketch_eps": Interval(0, 1, low_open=True, high_open=True),
    "scale_pos_weight": Interval(0, low_open=True),
    "tweedie_variance_power": Interval(1, 2, low_open=True, high_open=True),
    **dict.fromkeys(("num_class", "_kfold"), Interval(2, whole=True)),
    "seed": Interval(-(2**31), 2**31 - 1, low_open=True, high_open=True, whole=True),
    "prob_buffer_row": Interval(1.0, low_open=True, whole=True),
}
_BOOLEAN = ["true", "false"]
_CHOICES: Mapping[str, list[str]] = {
    "booster": ["gbtree", "gblinear", "dart"],
    "tree_method": ["auto", "exact", "approx", "hist", "gpu_hist"],
    "dsplit": ["row", "col"],
    "process_type": ["default", "update"],
    "grow_policy": ["depthwise", "lossguide"],
    "predictor": ["auto", "cpu_predictor", "gpu_predictor"],
    "sample_type": ["uniform", "weighted"],
    "normalize_type": ["tree", "forest"],
    "objective": [
        *("aft_loss_distribution", "binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson"),
        *("multi:softmax", "multi:softprob", "rank:pairwise", "rank:ndcg", "rank:map", "reg:linear"),
        *("reg:squarederror", "reg:logistic", "reg:gamma", "reg:pseudohubererror", "reg:squaredlogerror"),
        *("reg:absoluteerror", "reg:tweedie", "survival:aft", "survival:cox"),
    ],
    "aft_loss_distribution": ["normal", "logistic", "extreme"],
    "sampling_method": ["uniform", "gradient_based"],
    **dict.fromkeys(("save_model_on_termination", "deterministic_histogram", "use_dask_gpu_training"), _BOOLEAN),
}
_FREE = ("updater", "monotone_constraints", "interaction_constraints", "eval_metric", "_tuning_objective_metric")


def check(hyperparameters: Mapping[str, str], channels: Channels, folder: Path) -> dict[str, Any]:
    """Refuse what the container refuses, read the data, and count.

    Raises:
        UserError: the first thing that is wrong.
    """
    for problem in (*_problems(hyperparameters), *_channel_problems(channels)):
        raise UserError(problem)
    return {name: _count(name, channels[name], folder) for name in channels if name != "code"}


def _problems(hyperparameters: Mapping[str, str]) -> Iterator[str]:
    given = {_ALIASES.get(name, name): value for name, value in hyperparameters.items()}
    if "num_round" not in given:
        yield "Missing required hyperparameter: num_round"
    for name, value in given.items():
        if name in _NUMBERS:
            yield from _number(name, value, _NUMBERS[name])
        elif name in _CHOICES:
            if value not in _CHOICES[name]:
                yield f"Hyperparameter {name}: {value} is not in {_CHOICES[name]}"
        elif name not in _FREE:
            yield f"Extraneous hyperparameter found: {name}"
    if given.get("objective") in ("multi:softmax", "multi:softprob") and "num_class" not in given:
        yield "Require input for parameter 'num_class' for multi-classification"


def _number(name: str, text: str, interval: Interval) -> Iterator[str]:
    try:
        value = int(text) if interval.whole else float(text)
    except ValueError:
        yield f"Hyperparameter {name}: could not parse value (caused by ValueError)"
        return
    if value not in interval:
        yield f"Hyperparameter {name}: {value} is not in {interval}"


def _channel_problems(channels: Channels) -> Iterator[str]:
    if "train" not in channels:
        yield "Missing required channel: train"
    for name, channel in channels.items():
        if name not in ("train", "validation", "code"):
            yield f"Extraneous channel found: {name}"
        described = {**channel, "ContentType": channel.get("ContentType", _DEFAULT)}
        taken = _PIPED if channel.get("TrainingInputMode") == "Pipe" else (*_LIBSVM, *_PIPED)
        if name != "code" and _kind(described) not in taken:
            yield f"Channel configuration for '{name}' channel is not supported: {described}"


def _kind(channel: Mapping[str, Any]) -> str:
    """Without parameters, of which the container's first check knows none and its second one does."""
    return str(channel.get("ContentType", _DEFAULT)).lower().partition(";")[0].strip()


def _count(name: str, channel: Mapping[str, Any], folder: Path) -> dict[str, int | None]:
    kind, count = _kind(channel), data.Count()
    for path in data.sources(folder, name):
        if not path.is_fifo():
            _check_first_line(path, kind)
        try:
            data.read(path, count, recordio=kind in _RECORDIO, lines=kind in (*_CSV, *_LIBSVM))
        except data.NotRecordIO as error:
            raise UserError(f"Failed to load recordio-protobuf data with exception:\n{error}") from error
    return count.as_dict()


def _check_first_line(path: Path, kind: str) -> None:
    line = data.first_line(path) if kind in (*_CSV, *_LIBSVM) else ""
    if kind in _LIBSVM and not _is_libsvm(line):
        raise UserError(
            f"First line '{line[:50]}...' of file '{path.name}' is not 'LIBSVM' format. Please ensure the file is in "
            "'LIBSVM' format."
        )
    if kind in _CSV:
        try:
            csv.Sniffer().sniff(line)
        except csv.Error as error:
            raise UserError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from error


def _is_libsvm(line: str) -> bool:
    """``<label>[:<weight>] <index>:<value> ...``."""
    label, *features = line.split(" ")
    try:
        numbers = [float(part) for part in label.split(":")]
    except ValueError:
        return False
    return len(numbers) <= 2 and all(":" in feature for feature in features)
