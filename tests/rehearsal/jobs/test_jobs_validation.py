"""CreateTrainingJob's refusals, from botocore's model and from AWS's rules between fields."""

import pytest
from botocore.model import ListShape, MapShape, StructureShape

from trainwright.rehearsal import constraints
from trainwright.rehearsal.jobs import validation
from trainwright.rehearsal.jobs.validation import InvalidRequest, check

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team:1"


def request(**changes):
    good = {
        "TrainingJobName": "team-0123456789-1",
        "RoleArn": "arn:aws:iam::123456789012:role/train",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def refusal(**changes):
    with pytest.raises(InvalidRequest) as error:
        check(request(**changes))
    return error.value


def test_takes_a_good_request():
    check(request())


def test_every_pattern_of_the_api_can_be_read():
    seen = set()

    def walk(shape):
        if shape.name in seen:
            return
        seen.add(shape.name)
        if "pattern" in shape.metadata:
            constraints.pattern(shape.metadata["pattern"])
        if isinstance(shape, StructureShape):
            below = list(shape.members.values())
        elif isinstance(shape, ListShape):
            below = [shape.member]
        else:
            below = [shape.key, shape.value] if isinstance(shape, MapShape) else []
        for member in below:
            walk(member)

    walk(validation._shape())
    assert len(seen) > 50


def test_says_every_constraint_of_the_model_at_once():
    resources = {"InstanceType": "ml.m5.huge", "InstanceCount": -1, "VolumeSizeInGB": 10}
    refused = refusal(TrainingJobName="under_score", ResourceConfig=resources, RoleArn=None)
    assert refused.code == "ValidationException"
    assert str(refused).startswith("4 validation errors detected: ")
    assert "Value null at 'roleArn' failed to satisfy constraint: Member must not be null" in str(refused)
    assert "'trainingJobName' failed to satisfy constraint: Member must satisfy regular expression" in str(refused)
    assert "'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum" in str(refused)
    assert "'resourceConfig.instanceCount' failed to satisfy constraint: Member must have value greater" in str(refused)


def test_refuses_values_that_are_no_strings():
    assert refusal(HyperParameters={"epochs": 3}).code == "SerializationException"


def test_refuses_a_name_that_is_too_long():
    assert "'trainingJobName'" in str(refusal(TrainingJobName="a" * 64))


def test_refuses_a_field_that_the_api_does_not_know():
    assert '"MaxRuntime"' in str(refusal(MaxRuntime=3))


def test_max_wait_is_for_spot_only():
    refused = refusal(StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60})
    expected = "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
    assert str(refused) == expected


@pytest.mark.parametrize("wait", [{}, {"MaxWaitTimeInSeconds": 59}])
def test_spot_needs_a_max_wait_not_below_max_runtime(wait):
    refused = refusal(EnableManagedSpotTraining=True, StoppingCondition={"MaxRuntimeInSeconds": 60, **wait})
    assert "greater than or equal to MaxRuntimeInSeconds" in str(refused)
    equal = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}
    check(request(EnableManagedSpotTraining=True, StoppingCondition=equal))


@pytest.mark.parametrize("kind", ["ml.g5.xlarge", "ml.p4d.24xlarge", "ml.r5d.large"])
def test_local_storage_takes_no_volume_key(kind):
    resources = {"InstanceType": kind, "InstanceCount": 1}
    check(request(ResourceConfig=resources))
    assert "VolumeKmsKeyId" in str(refusal(ResourceConfig={**resources, "VolumeKmsKeyId": "alias/key"}))


def test_other_types_need_a_volume_size():
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    assert "VolumeSizeInGB is required" in str(refusal(ResourceConfig=resources))


def test_warm_pools_exclude_spot():
    resources = {**request()["ResourceConfig"], "KeepAlivePeriodInSeconds": 60}
    stopping = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}
    refused = refusal(ResourceConfig=resources, EnableManagedSpotTraining=True, StoppingCondition=stopping)
    assert "KeepAlivePeriodInSeconds" in str(refused)


def channel(name="train", **source):
    data = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train/", **source}
    return {"ChannelName": name, "DataSource": {"S3DataSource": data}}


def test_refuses_two_channels_of_one_name():
    assert "Duplicate channel name 'train'" in str(refusal(InputDataConfig=[channel(), channel()]))


def test_says_what_is_not_played_here():
    refused = refusal(InputDataConfig=[channel(S3DataType="Converse")])
    assert "channel train: S3DataType Converse; write S3Prefix" in str(refused)


ATTRIBUTES = {"S3DataType": "AugmentedManifestFile", "AttributeNames": ["image-ref", "label"]}


@pytest.mark.parametrize(
    "given",
    [
        channel(S3DataType="ManifestFile"),
        {**channel(S3DataType="ManifestFile"), "InputMode": "Pipe"},
        {**channel(), "InputMode": "Pipe", "CompressionType": "Gzip", "RecordWrapperType": "RecordIO"},
        {**channel(**ATTRIBUTES), "InputMode": "Pipe", "RecordWrapperType": "RecordIO"},
    ],
)
def test_takes_manifests_and_pipes(given):
    check(request(InputDataConfig=[given]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (channel(**ATTRIBUTES), "AugmentedManifestFile of channel train is for Pipe mode only, not File"),
        ({**channel(**ATTRIBUTES), "InputMode": "FastFile"}, "is for Pipe mode only, not FastFile"),
        ({**channel(S3DataType="ManifestFile"), "InputMode": "FastFile"}, "not supported in FastFile mode"),
        (
            {**channel(S3DataType="AugmentedManifestFile"), "InputMode": "Pipe"},
            "AttributeNames of channel train must be given with S3DataType AugmentedManifestFile",
        ),
        (channel(AttributeNames=["label"]), "AttributeNames of channel train must be given with S3DataType"),
    ],
)
def test_refuses_manifests_where_they_are_not_read(given, message):
    assert message in str(refusal(InputDataConfig=[given]))
