"""SageMaker's Search expressions over records."""

from datetime import UTC, datetime

import botocore.session
import pytest

from trainwright.rehearsal.searching import SearchRefused, search

SHAPE = botocore.session.get_session().get_service_model("sagemaker").shape_for("TrainingJob")


def channel(name, uri):
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}


JOBS = [
    {
        "TrainingJobName": "old",
        "TrainingJobStatus": "Completed",
        "LastModifiedTime": datetime(2026, 1, 1, tzinfo=UTC),
        "TrainingTimeInSeconds": 100,
        "EnableManagedSpotTraining": True,
        "HyperParameters": {"learning_rate": "0.25", "optimizer.name": "adam"},
        "FinalMetricDataList": [{"MetricName": "accuracy", "Value": 0.95}],
        "InputDataConfig": [channel("train", "s3://a/cats"), channel("test", "s3://a/dogs")],
        "Tags": [{"Key": "team", "Value": "vision"}],
    },
    {
        "TrainingJobName": "new",
        "TrainingJobStatus": "Failed",
        "LastModifiedTime": datetime(2026, 2, 1, tzinfo=UTC),
        "TrainingTimeInSeconds": 20,
        "EnableManagedSpotTraining": False,
        "FailureReason": "AlgorithmError",
        "HyperParameters": {"learning_rate": "1.5"},
        "InputDataConfig": [channel("train", "s3://a/dogs")],
        "Tags": [],
    },
]


def names(expression, sort_by="LastModifiedTime", descending=True):
    return [job["TrainingJobName"] for job in search(JOBS, SHAPE, expression, sort_by, descending=descending)]


def where(name, how=None, value=None):
    asked = {"Name": name, "Operator": how, "Value": value}
    return {"Filters": [{key: text for key, text in asked.items() if text is not None}]}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (None, ["new", "old"]),
        (where("TrainingJobName", value="old"), ["old"]),
        (where("TrainingJobName", "NotEquals", "old"), ["new"]),
        (where("TrainingJobName", "Contains", "l"), ["old"]),
        (where("TrainingJobStatus", "In", "Failed, Stopped"), ["new"]),
        (where("FailureReason", "Exists"), ["new"]),
        (where("FailureReason", "NotExists"), ["old"]),
        (where("FailureReason", "NotEquals", "AlgorithmError"), ["old"]),
        (where("TrainingTimeInSeconds", "GreaterThan", "20"), ["old"]),
        (where("TrainingTimeInSeconds", "GreaterThanOrEqualTo", "20"), ["new", "old"]),
        (where("LastModifiedTime", "LessThan", "2026-01-15T00:00:00"), ["old"]),
        (where("LastModifiedTime", "GreaterThan", "2026-01-15T00:00:00+00:00"), ["new"]),
        (where("EnableManagedSpotTraining", "Equals", "true"), ["old"]),
        (where("Tags.team", "Equals", "vision"), ["old"]),
        (where("Metrics.accuracy", "GreaterThan", "0.9"), ["old"]),
        (where("Metrics.accuracy", "LessThanOrEqualTo", "0.9"), []),
        (where("HyperParameters.learning_rate", "LessThan", "0.5"), ["old"]),
        (where("HyperParameters.learning_rate", "Equals", "1"), ["new"]),
        (where("HyperParameters.optimizer.name", "Equals", "adam"), ["old"]),
        (where("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "dogs"), ["new", "old"]),
    ],
)
def test_filters(expression, expected):
    assert names(expression) == expected


def test_a_nested_filter_is_about_one_and_the_same_object():
    def nested(name, uri):
        filters = [
            {"Name": "InputDataConfig.ChannelName", "Operator": "Equals", "Value": name},
            {"Name": "InputDataConfig.DataSource.S3DataSource.S3Uri", "Operator": "Contains", "Value": uri},
        ]
        return {"NestedFilters": [{"NestedPropertyName": "InputDataConfig", "Filters": filters}]}

    assert names(nested("train", "dogs")) == ["new"]
    assert names(nested("test", "dogs")) == ["old"]
    assert names(nested("test", "cats")) == []


def test_and_and_or_and_what_is_below():
    old, failed = where("TrainingJobName", value="old"), where("TrainingJobStatus", value="Failed")
    both = [*old["Filters"], *failed["Filters"]]
    assert names({"Filters": both}) == []
    assert names({"Filters": both, "Operator": "Or"}) == ["new", "old"]
    assert names({"SubExpressions": [old, where("TrainingJobStatus", value="Completed")]}) == ["old"]
    assert names({"SubExpressions": [{"SubExpressions": [old, failed], "Operator": "Or"}, old]}) == ["old"]


def test_order():
    assert names(None, descending=False) == ["old", "new"]
    assert names(None, "TrainingJobName") == ["old", "new"]
    assert names(None, "Metrics.accuracy", descending=False) == ["old", "new"], "what has none comes last"
    assert names(None, "FailureReason", descending=False) == ["new", "old"]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (where("Nope", value="x"), "Unknown property name: Nope"),
        (where("InputDataConfig.Nope", value="x"), "Unknown property name: InputDataConfig.Nope"),
        (where("TrainingJobName", "GreaterThan", "a"), "GreaterThan is not supported for text properties"),
        (where("TrainingTimeInSeconds", "Contains", "1"), "Contains is only supported for text properties"),
        (where("TrainingTimeInSeconds", "Equals", "many"), "'many' is not a integer"),
        (where("LastModifiedTime", "LessThan", "today"), "'today' is not a timestamp"),
        (where("HyperParameters.learning_rate", "LessThan", "low"), "needs a number, not 'low'"),
        (where("TrainingJobName", "Equals"), "needs a Value"),
        ({}, "at least one subexpression, filter, or nested filter"),
        ({"NestedFilters": [{"NestedPropertyName": "RoleArn", "Filters": [{"Name": "a"}]}]}, "Unknown property name"),
        ({"SubExpressions": [where("RoleArn", "Exists")] * 26}, "at most 50"),
    ],
)
def test_refusals(expression, words):
    with pytest.raises(SearchRefused, match=words):
        names(expression)
