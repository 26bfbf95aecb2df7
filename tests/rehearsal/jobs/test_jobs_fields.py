"""Every member of CreateTrainingJob: played, reported, or refused by name."""

import json

import botocore.session
import pytest
from botocore.model import ListShape, StructureShape

from trainwright.rehearsal.jobs import fields
from trainwright.rehearsal.jobs.channels import download
from trainwright.rehearsal.jobs.validation import NOT_PLAYED, InvalidRequest, check

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team:1"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/abcdefghijkl"
CHANNEL_REFUSALS = {
    "InputDataConfig.DataSource.DatasetSource",
    "InputDataConfig.DataSource.FileSystemDataSource",
    "InputDataConfig.DataSource.S3DataSource.HubAccessConfig",
    "InputDataConfig.DataSource.S3DataSource.ModelAccessConfig",
}


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
    return str(error.value)


def undecided(shape, path, decided):
    """Every member below `shape` for which neither it nor what it is in has been decided on."""
    if path in decided:
        return []
    if isinstance(shape, ListShape):
        return undecided(shape.member, path, decided)
    if not isinstance(shape, StructureShape):
        return [path]
    return [
        found
        for name, member in shape.members.items()
        for found in undecided(member, f"{path}.{name}".lstrip("."), decided)
    ]


def test_every_member_of_the_api_is_decided_on():
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateTrainingJob").input_shape
    refused = {path for path in NOT_PLAYED if "=" not in path} | fields.REFUSED_BY_AWS | CHANNEL_REFUSALS
    assert undecided(shape, "", fields.PLAYED | fields.REPORTED | refused) == []


M5 = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
RULE = {"RuleConfigurationName": "LowGPUUtilization", "RuleEvaluatorImage": "rules:1"}
PREFERENCE = {"InstanceType": "ml.m5.large", "InstanceCount": 1}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        (
            {"AlgorithmSpecification": {"AlgorithmName": "mine", "TrainingInputMode": "File"}},
            "AlgorithmSpecification.AlgorithmName; write TrainingImage",
        ),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingImage": IMAGE,
                    "TrainingInputMode": "File",
                    "TrainingImageConfig": {"TrainingRepositoryAccessMode": "Vpc"},
                }
            },
            "AlgorithmSpecification.TrainingImageConfig.TrainingRepositoryAccessMode=Vpc; push the image into ECR",
        ),
        ({"ResourceConfig": {**M5, "TrainingPlanArn": ARN}}, "ResourceConfig.TrainingPlanArn; "),
        (
            {"ResourceConfig": {"InstancePreferences": [{**PREFERENCE, "TrainingPlanArns": [ARN]}]}},
            "ResourceConfig.InstancePreferences.TrainingPlanArns; ",
        ),
        (
            {"ResourceConfig": {**M5, "InstancePlacementConfig": {"EnableMultipleJobs": True}}},
            "ResourceConfig.InstancePlacementConfig; ",
        ),
        ({"DebugRuleConfigurations": [RULE]}, "DebugRuleConfigurations; "),
        ({"ProfilerRuleConfigurations": [RULE]}, "ProfilerRuleConfigurations LowGPUUtilization: rules:1 is not AWS's"),
        (
            {
                "MlflowConfig": {
                    "MlflowResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/x"
                }
            },
            "MlflowConfig; ",
        ),
    ],
)
def test_says_by_name_what_is_not_played_here(changes, path):
    assert f"The rehearsal does not play {path}" in refusal(**changes)


def test_what_asks_for_nothing_is_no_refusal():
    check(request(ResourceConfig={**M5, "KeepAlivePeriodInSeconds": 0}, ProfilerRuleConfigurations=[]))
    check(request(ProfilerConfig={"DisableProfiler": True}))


def test_the_profiler_that_the_sdks_ask_for_by_default_is_no_refusal():
    check(request(ProfilerConfig={"S3OutputPath": "s3://bucket/p", "DisableProfiler": False}))


def channel(**changes):
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train/"}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": {**source, **changes.pop("source", {})}}, **changes}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (channel(CompressionType="Gzip"), "CompressionType Gzip of channel train is for Pipe mode only, not File"),
        (channel(RecordWrapperType="RecordIO"), "RecordWrapperType RecordIO of channel train is for Pipe mode only"),
        (channel(source={"ModelAccessConfig": {"AcceptEula": True}}), "channel train: ModelAccessConfig; leave it out"),
        (
            {
                "ChannelName": "x",
                "DataSource": {
                    "DatasetSource": {"DatasetArn": "arn:aws:sagemaker:us-east-1:123456789012:hub-content/h/DataSet/d"}
                },
            },
            "channel x: DatasetSource; write S3DataSource",
        ),
    ],
)
def test_says_what_a_channel_cannot_be(given, message):
    assert message in refusal(InputDataConfig=[given])


def test_a_channel_may_say_that_nothing_is_special():
    check(request(InputDataConfig=[channel(CompressionType="None", RecordWrapperType="None")]))


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"InstancePreferences": [PREFERENCE], "InstanceCount": 1}, "InstanceCount must be given once"),
        ({"InstancePreferences": [{"InstanceType": "ml.m5.large"}]}, "InstanceCount must be given once"),
        (
            {"InstancePreferences": [PREFERENCE, {"InstanceType": "ml.c5.xlarge"}]},
            "or in every one of InstancePreferences",
        ),
        ({**M5, "SelectedInstanceType": "ml.m5.large"}, "SelectedInstanceType in ResourceConfig is read-only"),
    ],
)
def test_refuses_what_aws_refuses_of_instances(resources, message):
    assert message in refusal(ResourceConfig=resources)


def test_preferences_exclude_spot():
    refused = refusal(
        ResourceConfig={"InstancePreferences": [PREFERENCE]},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
    )
    assert "mutually exclusive with EnableManagedSpotTraining" in refused


class Store:
    def __init__(self, count):
        self.names = [f"p/{number:02}" for number in range(count)]

    def keys(self, _prefix):
        return iter(self.names)

    def download(self, _source, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("x")


def test_a_shuffled_channel_gives_each_host_another_share_and_nothing_twice(tmp_path):
    def shares(folder, seed):
        source = {"S3DataType": "S3Prefix", "S3Uri": "s3://b/p/", "S3DataDistributionType": "ShardedByS3Key"}
        made = {"ChannelName": "c", "DataSource": {"S3DataSource": source}}
        made |= {"ShuffleConfig": {"Seed": seed}} if seed else {}
        for host in (0, 1):
            download(Store(40), [made], tmp_path / folder / str(host), host=host, hosts=2)
        return [{path.name for path in (tmp_path / folder / str(host) / "c").iterdir()} for host in (0, 1)]

    plain, seven = shares("plain", None), shares("seven", 7)
    assert seven == shares("again", 7) != plain
    assert seven[0] | seven[1] == plain[0] | plain[1] and not seven[0] & seven[1]


# --- on the account ------------------------------------------------------------------------------------------------


def test_what_is_only_reported_comes_back_as_it_was_sent(account):
    specification = {
        "TrainingImage": "rehearsed:1",
        "TrainingInputMode": "File",
        "EnableSageMakerMetricsTimeSeries": True,
        "TrainingImageConfig": {"TrainingRepositoryAccessMode": "Platform"},
    }
    sent = {
        "AlgorithmSpecification": specification,
        "EnableInterContainerTrafficEncryption": True,
        "ExperimentConfig": {"ExperimentName": "e", "RunName": "r"},
        "InfraCheckConfig": {"EnableInfraCheck": True},
        "ProfilerConfig": {"DisableProfiler": True},
        "RemoteDebugConfig": {"EnableRemoteDebug": True},
        "RetryStrategy": {"MaximumRetryAttempts": 3},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxPendingTimeInSeconds": 7200},
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    }
    job = account.train("reported", SessionChainingConfig={"EnableSessionTagChaining": True}, **sent)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert {name: job[name] for name in sent} == sent
    assert job["ProfilingStatus"] == "Disabled"
    assert "SessionChainingConfig" not in job
    reported = {path.partition(".")[0] for path in fields.REPORTED} - {"SessionChainingConfig", "ResourceConfig"}
    assert reported <= set(sent), "a member that is called reported and is not looked at here"


def test_the_first_preferred_instances_are_selected(account):
    code = """
resources = json.loads((ml / "input/config/resourceconfig.json").read_text())
print(resources["current_instance_type"], len(resources["hosts"]))
"""
    preferences = [
        {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
        {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 4},
    ]
    job = account.train("prefers", code, ResourceConfig={"InstancePreferences": preferences})
    assert job["ResourceConfig"] == {
        "InstancePreferences": preferences,
        "SelectedInstanceType": "ml.g5.xlarge",
        "SelectedInstanceCount": 2,
    }
    assert account.log("prefers") == ["ml.g5.xlarge 2"] * 2


def test_tensorboard_and_tensors_are_uploaded_where_the_sdk_looks(either_account):
    code = """
(ml / "output/tensorboard").mkdir(exist_ok=True)
(ml / "output/tensorboard/events.1").write_text("scalars")
hook = json.loads((ml / "input/config/debughookconfig.json").read_text())
print(json.dumps(hook))
(ml / "output/tensors" / "collections.json").write_text("{}")
"""
    job = either_account.train(
        "watched",
        code,
        TensorBoardOutputConfig={"S3OutputPath": "s3://jobs/out/board"},
        DebugHookConfig={"S3OutputPath": "s3://jobs/out/debug", "HookParameters": {"save_interval": "10"}},
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert either_account.objects("out/board/") == ["out/board/watched/tensorboard-output/events.1"]
    assert either_account.objects("out/debug/") == ["out/debug/watched/debug-output/collections.json"]
    hook = json.loads(either_account.log("watched")[0])
    assert (hook["LocalPath"], hook["HookParameters"]) == ("/opt/ml/output/tensors", {"save_interval": "10"})


def test_an_uncompressed_model_is_a_prefix(account):
    output = {"S3OutputPath": "s3://jobs/out/", "CompressionType": "NONE"}
    job = account.train("plain-model", "(ml/'model/w').write_text('1')", OutputDataConfig=output)
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == "s3://jobs/out/plain-model/output/model/"
    assert account.objects("out/plain-model/") == ["out/plain-model/output/model/w"]
