"""What the built-in algorithms' stand-ins refuse, in the algorithms' own words."""

import json
import struct

import pytest

from trainwright.rehearsal.jobs.standins.container.algorithms import checks, data, xgboost
from trainwright.rehearsal.jobs.standins.container.algorithms import main as algorithms
from trainwright.rehearsal.jobs.standins.container.algorithms.schemas import ALGORITHMS, RECORDIO

KMEANS = {"k": "3", "feature_dim": "2"}
CSV = {"train": {"ContentType": "text/csv;label_size=0", "TrainingInputMode": "File"}}


def refusal(name, hyperparameters, channels=CSV):
    with pytest.raises(checks.CustomerError) as caught:
        checks.check(ALGORITHMS[name], hyperparameters, channels)
    return str(caught.value)


def test_fails_in_the_recorded_words_without_required_hyperparameters():
    """kubeflow/pipelines, issue 1370; aws/sagemaker-python-sdk, issue 132."""
    said = "Customer Error: No value(s) were specified for 'k', 'feature_dim' which are required hyperparameter(s)"
    assert refusal("kmeans", {}) == f"{said} (caused by ValidationError)"
    assert "for 'mini_batch_size' which" in refusal("pca", {"feature_dim": "2", "num_components": "1"})


@pytest.mark.parametrize(
    ("name", "hyperparameters", "said"),
    [
        ("kmeans", {**KMEANS, "kk": "1"}, "Additional hyperparameters are not allowed ('kk' was unexpected)"),
        ("kmeans", {**KMEANS, "a": "1", "b": "1"}, "not allowed ('a', 'b' were unexpected)"),
        ("kmeans", {**KMEANS, "k": "0"}, "The value '0' is not valid for the 'k' hyperparameter"),
        (
            "linear-learner",
            {"predictor_type": "classifier"},
            "The value 'classifier' is not valid for the 'predictor_type' hyperparameter which accepts one of the "
            "following: 'binary_classifier', 'multiclass_classifier', 'regressor'",
        ),
        ("linear-learner", {"predictor_type": "multiclass_classifier"}, "No value(s) were specified for 'num_classes'"),
        (
            "knn",
            {"feature_dim": "2", "k": "1", "predictor_type": "regressor", "sample_size": "9"}
            | {"dimension_reduction_type": "sign"},
            "'dimension_reduction_target' which",
        ),
    ],
)
def test_fails_on_wrong_hyperparameters(name, hyperparameters, said):
    assert said in refusal(name, hyperparameters)


def test_takes_what_is_right():
    checks.check(ALGORITHMS["kmeans"], {**KMEANS, "_tuning_objective_metric": "test:msd", "epochs": "2"}, CSV)
    checks.check(ALGORITHMS["blazingtext"], {"mode": "skipgram", "any": "thing"}, {"train": {}})


def test_fails_on_channels_that_are_missing_or_of_another_type():
    assert "Caused by: 'train' is a required property" in refusal("kmeans", KMEANS, {"test": CSV["train"]})
    assert "'validation' is a required property" in refusal(
        "image-classification", {"num_classes": "2", "num_training_samples": "9"}, {"train": {}}
    )
    assert "'text/plain' is not one of" in refusal("kmeans", KMEANS, {"train": {"ContentType": "text/plain"}})


@pytest.fixture
def job(tmp_path):
    """Runs a stand-in over a folder that is laid out as /opt/ml."""

    def run(monkeypatch, name, hyperparameters, channels, files):
        for folder in ("input/config", "model", "output"):
            (tmp_path / folder).mkdir(parents=True)
        config = {"hyperparameters": hyperparameters, "inputdataconfig": channels}
        config["resourceconfig"] = {"current_host": "algo-1", "hosts": ["algo-1"]}
        for file, content in config.items():
            (tmp_path / "input/config" / f"{file}.json").write_text(json.dumps(content))
        for file, content in files.items():
            path = tmp_path / "input/data" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
        monkeypatch.setattr(algorithms.signal, "signal", lambda *_: None)
        return algorithms.main(name, "uri")

    run.folder = tmp_path
    return run


def test_reads_the_data_and_leaves_what_says_that_it_is_no_model(job, monkeypatch):
    files = {"train/a.csv": b"1,2\n3,4\n", "train/b.csv": b"5,6"}
    assert job(monkeypatch, "kmeans", KMEANS, CSV, files) == 0
    model = json.loads((job.folder / "model/stand-in.json").read_text())
    assert model["read"] == {"train": {"files": 2, "bytes": 11, "records": 3}}
    assert "Nothing was trained" in model["about"] and "metric" not in json.dumps(model)


def test_fails_on_rows_of_another_length(job, monkeypatch):
    assert job(monkeypatch, "kmeans", KMEANS, CSV, {"train/a.csv": b"1,2,3\n"}) == 2
    failure = (job.folder / "output/failure").read_text()
    assert "feature_dim hyperparameter '2' doesn't match train data dimensionality '3'" in failure


def test_the_first_column_is_the_label_unless_the_content_type_says_otherwise(job, monkeypatch):
    channels = {"train": {"ContentType": "text/csv", "TrainingInputMode": "File"}}
    hyperparameters = {"predictor_type": "regressor", "feature_dim": "2"}
    assert job(monkeypatch, "linear-learner", hyperparameters, channels, {"train/a.csv": b"0,1,2\n"}) == 0


def test_fails_on_csv_that_is_announced_as_recordio(job, monkeypatch):
    channels = {"train": {"TrainingInputMode": "File"}}
    assert job(monkeypatch, "kmeans", KMEANS, channels, {"train/a.csv": b"1,2\n3,4\n5,6\n"}) == 2
    failure = (job.folder / "output/failure").read_text()
    assert f"Unable to read data channel 'train'. Requested content-type is '{RECORDIO}'" in failure
    assert not (job.folder / "model/stand-in.json").exists()


def record(body):
    return struct.pack("<II", 0xCED7230A, len(body)) + body + b"\0" * (-len(body) % 4)


def test_counts_the_records_of_recordio(tmp_path):
    path, count = tmp_path / "x", data.Count()
    path.write_bytes(record(b"abc") + record(b"") + record(b"abcde"))
    data.read(path, count, recordio=True, lines=False)
    assert (count.records, count.bytes, count.files) == (3, path.stat().st_size, 1)
    path.write_bytes(record(b"abc")[:-2])
    with pytest.raises(data.NotRecordIO):
        data.read(path, data.Count(), recordio=True, lines=False)


TRAIN = {"train": {"ContentType": "text/csv", "TrainingInputMode": "File"}}


@pytest.mark.parametrize(
    ("hyperparameters", "channels", "said"),
    [
        ({}, TRAIN, "Missing required hyperparameter: num_round"),
        ({"num_round": "1", "depth": "3"}, TRAIN, "Extraneous hyperparameter found: depth"),
        ({"num_round": "1", "eta": "1.5"}, TRAIN, "Hyperparameter eta: 1.5 is not in [0, 1]"),
        ({"num_round": "1", "subsample": "0"}, TRAIN, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
        ({"num_round": "0"}, TRAIN, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        ({"num_round": "ten"}, TRAIN, "Hyperparameter num_round: could not parse value (caused by ValueError)"),
        ({"num_round": "1", "booster": "tree"}, TRAIN, "booster: tree is not in ['gbtree', 'gblinear', 'dart']"),
        (
            {"num_round": "1", "objective": "multi:softmax"},
            TRAIN,
            "Require input for parameter 'num_class' for multi-classification",
        ),
        ({"num_round": "1"}, {"training": TRAIN["train"]}, "Missing required channel: train"),
        ({"num_round": "1"}, {**TRAIN, "test": {}}, "Extraneous channel found: test"),
        ({"num_round": "1"}, {"train": {"ContentType": "text/plain"}}, "Channel configuration for 'train' channel"),
    ],
)
def test_fails_as_the_xgboost_container_says_it(hyperparameters, channels, said, tmp_path):
    with pytest.raises(xgboost.UserError) as caught:
        xgboost.check(hyperparameters, channels, tmp_path)
    assert said in str(caught.value)


def test_csv_without_a_content_type_is_no_libsvm(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.csv").write_text("1,2,3\n")
    with pytest.raises(xgboost.UserError, match=r"First line '1,2,3...' of file 'a.csv' is not 'LIBSVM' format"):
        xgboost.check({"num_round": "1"}, {"train": {"TrainingInputMode": "File"}}, tmp_path)
    (tmp_path / "train" / "a.csv").write_text("1:0.5 1:2 7:3\n0 2:1\n")
    read = xgboost.check({"num_round": "1", "learning_rate": "0.1"}, {"train": {}}, tmp_path)
    assert read["train"]["records"] == 2
