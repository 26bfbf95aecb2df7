"""The workflow role against CreateTrainingJob requests: IAM lets through what the team policy allows, and no other job.

The statements are those of the synthesised template; what they say of a request is decided by the IAM evaluator of the
rehearsal, which knows the condition keys that SageMaker documents.
"""

import copy
import json

import pytest

import trainwright
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.keys import Caller, context, request_keys
from trainwright.rehearsal.permissions.policies import parse, speaking
from trainwright.rehearsal.wire import Call
from trainwright_runtime.facts import Deployment, Run, RunFacts
from trainwright_runtime.job import named
from trainwright_runtime.plan import plan
from trainwright_runtime.request import Checked, check
from trainwright_runtime.site import Site

ACCOUNT, REGION = "111122223333", "eu-west-1"
PLACE = Place("aws", REGION, ACCOUNT)
KEYS = {name: f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}" for name in ("own", "named", "foreign")}
PLAN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-plan/p5"
ROLE = Caller(
    arn=f"arn:aws:iam::{ACCOUNT}:role/workflow",
    session=f"arn:aws:sts::{ACCOUNT}:assumed-role/workflow/x",
    user_id="AROA:x",
    tags={},
    issued=0.0,
)
JOB = {
    "TrainingJobName": "vision-0123456789-1",
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/jobs",
    "OutputDataConfig": {"S3OutputPath": "s3://artifacts/runs/vision-0123456789/"},
    "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
ALLOW = {"instance_types": ["ml.g5.*", "ml.g6.2xlarge"], "max_runtime": "12h"}
CAPABILITIES = {
    "vpc": {"subnets": ["subnet-0aaaaaaa"], "security_group_ids": ["sg-0aaaaaaa"]},
    "efs": ["fs-0aaaaaaa"],
    "fsx": ["fs-0bbbbbbb"],
    "keys": [KEYS["named"]],
    "remote_debug": True,
    "keep_alive": "1h",
    "training_plans": [PLAN],
}
SAFE = {"enable_network_isolation": True, "enable_inter_container_traffic_encryption": True}
TEAMS = {
    "plain": {},
    "own parts": {"own": True},
    "capable": {"capabilities": CAPABILITIES},
    "capable, own parts": {"capabilities": CAPABILITIES, "own": True},
    "safe": {"always": {"networking": SAFE}},
    "open": {"always": {"networking": dict.fromkeys(SAFE, False)}},
}


@pytest.fixture(scope="module")
def workflow_role(tmp_path_factory):
    """The statements of a team's workflow role, by the name of the team in TEAMS."""
    made = {}

    def statements(name):
        if name not in made:
            made[name] = _statements(tmp_path_factory.mktemp("team"), **TEAMS[name])
        return made[name]

    return statements


def _statements(folder, *, own=False, **policy):
    import aws_cdk as cdk
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms

    app = cdk.App(outdir=str(folder))
    stack = cdk.Stack(app, "Training", env=cdk.Environment(account=ACCOUNT, region=REGION))
    parts = {}
    if own:
        parts = {
            "vpc": ec2.Vpc.from_vpc_attributes(
                stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-own"]
            ),
            "security_groups": [ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-own")],
            "encryption_key": kms.Key.from_key_arn(stack, "Key", KEYS["own"]),
        }
    team_policy = trainwright.TeamPolicy.from_data({"team": "vision", "allow": ALLOW, **policy})
    platform = trainwright.TrainingPlatform(stack, "Platform")
    trainwright.TrainingTeam(stack, "Team", platform=platform, policy=team_policy, **parts)
    template = app.synth().get_stack_by_name("Training").template
    (role,) = [r for key, r in template["Resources"].items() if key.startswith("TeamWorkflowRole")]
    (inline,) = role["Properties"]["Policies"]
    return parse(json.dumps(_literal(inline["PolicyDocument"])))


def _literal(value):
    if isinstance(value, dict) and "Fn::Join" in value:
        return value["Fn::Join"][0].join(_literal(item) for item in value["Fn::Join"][1])
    if isinstance(value, dict) and ("Ref" in value or "Fn::GetAtt" in value):
        return "aws" if value == {"Ref": "AWS::Partition"} else "elsewhere"
    if isinstance(value, dict):
        return {key: _literal(item) for key, item in value.items()}
    return [_literal(item) for item in value] if isinstance(value, list) else value


def job(**changes):
    """JOB with changes by path, `ResourceConfig__InstanceType="ml.m5.large"`; None takes a field out."""
    request = copy.deepcopy(JOB)
    for path, value in changes.items():
        *blocks, last = path.split("__")
        block = request
        for name in blocks:
            block = block.setdefault(name, {})
        block[last] = value
        if value is None:
            del block[last]
    return request


def allowed(statements, request):
    """Whether IAM allows the call: on the job, and on the training plan and its capacity where it names one."""
    name = request["TrainingJobName"]
    resources = [PLACE.arn("sagemaker", f"training-job/{name}")]
    if plan := request["ResourceConfig"].get("TrainingPlanArn"):
        resources += [plan, PLACE.arn("sagemaker", "reserved-capacity/abc")]
    keys = request_keys(Call("sagemaker", "CreateTrainingJob", request), PLACE)
    return all(
        speaking(
            statements,
            "sagemaker:CreateTrainingJob",
            resource,
            context(keys, ROLE, PLACE, resource),
            allows=True,
        )
        for resource in resources
    )


def vpc(*subnets, groups=("sg-own",)):
    return {"Subnets": list(subnets), "SecurityGroupIds": list(groups)}


def mounted(*file_systems):
    sources = [{"FileSystemId": name, "FileSystemType": "EFS", "DirectoryPath": "/"} for name in file_systems]
    return [{"ChannelName": f"c{n}", "DataSource": {"FileSystemDataSource": s}} for n, s in enumerate(sources)]


def groups(*types):
    return [{"InstanceGroupName": kind, "InstanceType": kind, "InstanceCount": 1} for kind in types]


OWN = {"VpcConfig": vpc("subnet-own"), "OutputDataConfig__KmsKeyId": KEYS["own"]}
NAMED_VPC = vpc("subnet-0aaaaaaa", groups=["sg-0aaaaaaa"])
REQUESTS = [
    # team, what the job changes, whether it may start
    ("plain", {}, True),
    ("plain", {"TrainingJobName": "research-0123456789-1"}, False),
    ("plain", {"EnableManagedSpotTraining": True, "StoppingCondition__MaxWaitTimeInSeconds": 7200}, True),
    ("plain", {"ResourceConfig__InstanceType": "ml.g6.2xlarge"}, True),
    ("plain", {"ResourceConfig__InstanceType": "ml.g6.4xlarge"}, False),
    ("plain", {"ResourceConfig__InstanceType": None}, False),
    (
        "plain",
        {"ResourceConfig__InstanceType": None, "ResourceConfig__InstanceGroups": groups("ml.g5.a", "ml.g5.b")},
        True,
    ),
    (
        "plain",
        {"ResourceConfig__InstanceType": None, "ResourceConfig__InstanceGroups": groups("ml.g5.a", "ml.p5.b")},
        False,
    ),
    ("plain", {"StoppingCondition__MaxRuntimeInSeconds": 43_200}, True),
    ("plain", {"StoppingCondition__MaxRuntimeInSeconds": 43_201}, False),
    ("plain", {"StoppingCondition": None}, False),
    ("plain", {"ResourceConfig__KeepAlivePeriodInSeconds": 60}, False),
    ("capable", {"ResourceConfig__KeepAlivePeriodInSeconds": 3600}, True),
    ("capable", {"ResourceConfig__KeepAlivePeriodInSeconds": 3601}, False),
    ("plain", {"RemoteDebugConfig__EnableRemoteDebug": True}, False),
    ("plain", {"RemoteDebugConfig__EnableRemoteDebug": False}, True),
    ("capable", {"RemoteDebugConfig__EnableRemoteDebug": True}, True),
    # networks
    ("plain", {"VpcConfig": NAMED_VPC}, False),
    ("capable", {}, True),
    ("capable", {"VpcConfig": NAMED_VPC}, True),
    ("capable", {"VpcConfig": vpc("subnet-foreign", groups=["sg-0aaaaaaa"])}, False),
    ("capable", {"VpcConfig": vpc("subnet-0aaaaaaa", groups=["sg-foreign"])}, False),
    ("own parts", OWN, True),
    ("own parts", OWN | {"VpcConfig": None}, False),
    ("own parts", OWN | {"VpcConfig": NAMED_VPC}, False),
    ("capable, own parts", OWN, True),
    ("capable, own parts", OWN | {"VpcConfig": None}, False),
    ("capable, own parts", OWN | {"VpcConfig": NAMED_VPC}, True),
    ("capable, own parts", OWN | {"VpcConfig": vpc("subnet-own", "subnet-0aaaaaaa")}, True),
    ("capable, own parts", OWN | {"VpcConfig": vpc("subnet-own", "subnet-foreign")}, False),
    # keys
    ("plain", {"OutputDataConfig__KmsKeyId": KEYS["foreign"]}, False),
    ("plain", {"ResourceConfig__VolumeKmsKeyId": KEYS["foreign"]}, False),
    ("capable", {"OutputDataConfig__KmsKeyId": KEYS["named"], "ResourceConfig__VolumeKmsKeyId": KEYS["named"]}, True),
    ("capable", {"OutputDataConfig__KmsKeyId": KEYS["foreign"]}, False),
    ("capable", {"ResourceConfig__VolumeKmsKeyId": KEYS["foreign"]}, False),
    ("own parts", OWN | {"OutputDataConfig__KmsKeyId": None}, False),
    ("own parts", OWN | {"OutputDataConfig__KmsKeyId": KEYS["named"]}, False),
    ("own parts", OWN | {"ResourceConfig__VolumeKmsKeyId": KEYS["own"]}, True),
    ("own parts", OWN | {"ResourceConfig__VolumeKmsKeyId": KEYS["named"]}, False),
    ("capable, own parts", OWN | {"OutputDataConfig__KmsKeyId": KEYS["named"]}, True),
    ("capable, own parts", OWN | {"ResourceConfig__VolumeKmsKeyId": KEYS["named"]}, True),
    ("capable, own parts", OWN | {"ResourceConfig__VolumeKmsKeyId": KEYS["foreign"]}, False),
    # file systems
    ("plain", {"InputDataConfig": mounted("fs-0aaaaaaa")}, False),
    ("capable", {"InputDataConfig": mounted("fs-0aaaaaaa")}, True),
    ("capable", {"InputDataConfig": mounted("fs-0aaaaaaa", "fs-0bbbbbbb")}, True),
    ("capable", {"InputDataConfig": mounted("fs-0aaaaaaa", "fs-0ccccccc")}, False),
    # what the policy insists on
    ("plain", {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True}, True),
    ("safe", {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True}, True),
    ("safe", {"EnableNetworkIsolation": True}, False),
    ("safe", {"EnableNetworkIsolation": False, "EnableInterContainerTrafficEncryption": True}, False),
    ("open", {}, True),
    ("open", {"EnableNetworkIsolation": False}, True),
    ("open", {"EnableNetworkIsolation": True}, False),
    # training plans
    ("plain", {"ResourceConfig__TrainingPlanArn": PLAN}, False),
    ("capable", {"ResourceConfig__TrainingPlanArn": PLAN}, True),
    ("capable", {"ResourceConfig__TrainingPlanArn": f"{PLAN}-other"}, False),
    ("capable", {"ResourceConfig__TrainingPlanArn": PLAN, "TrainingJobName": "research-0123456789-1"}, False),
    ("capable", {"ResourceConfig__TrainingPlanArn": PLAN, "ResourceConfig__InstanceType": "ml.p5.48xlarge"}, False),
]


@pytest.mark.parametrize(("team", "changes", "may"), REQUESTS, ids=lambda value: str(value)[:60])
def test_job_starts_only_if_the_policy_allows_it(workflow_role, team, changes, may):
    assert allowed(workflow_role(team), job(**changes)) is may


# --- what the runtime renders ---

RUNS = [
    ("plain", {}),
    ("plain", {"compute": {"instance_type": "ml.g5.xlarge", "spot": True}}),
    ("plain", {"compute": {"instance_type": ["ml.g5.xlarge", "ml.g6.2xlarge"], "spot": True, "fallback": "on_demand"}}),
    ("own parts", {}),
    ("own parts", {"compute": {"instance_type": "ml.g6.2xlarge"}}),
    ("capable", {"network": {"subnets": ["subnet-0aaaaaaa"], "security_group_ids": ["sg-0aaaaaaa"]}}),
    ("capable, own parts", {"network": {"subnets": ["subnet-0aaaaaaa"]}}),
    ("capable", {"compute": {"instance_type": "ml.g5.xlarge", "keep_alive": "20m"}}),
    ("capable", {"remote_debug": True}),
    ("capable", {"output_data_config": {"kms_key_id": KEYS["named"]}}),
    (
        "capable, own parts",
        {
            "inputs": {
                "train": {
                    "file_system_id": "fs-0aaaaaaa",
                    "file_system_type": "EFS",
                    "directory_path": "/data",
                }
            }
        },
    ),
    ("safe", {}),
    ("open", {}),
]


def rendered(team, settings):
    """The CreateTrainingJob request of every rung of a run of that team, as Prepare would write it."""
    own = TEAMS[team].get("own")
    policy = {key: value for key, value in TEAMS[team].items() if key != "own"}
    network = {"subnets": ("subnet-own",), "security_groups": ("sg-own",), "kms_key_arn": KEYS["own"]} if own else {}
    request = {"name": "x", "image": "platform", "compute": {"instance_type": "ml.g5.xlarge"}, **settings}
    team_policy = trainwright.TeamPolicy.from_data({"team": "vision", "allow": ALLOW, **policy})
    checked = check(request, team_policy, site=Site(REGION, subnets=("subnet-own",) if own else ()))
    assert isinstance(checked, Checked), checked
    buckets = {f"{name}_bucket": name for name in ("data", "artifacts", "checkpoints", "reports")}
    deployment = Deployment("vision", execution_role_arn=JOB["RoleArn"], region=REGION, **buckets, **network)
    run, image = Run("vision-0123456789", "vision", "x"), f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/x"
    rungs = plan(checked.resolved, RunFacts(run, deployment, image, policy=team_policy)).rungs
    return [named(rung.request, f"{run.id}-{number}", number) for number, rung in enumerate(rungs, 1)]


@pytest.mark.parametrize(("team", "settings"), RUNS, ids=lambda value: str(value)[:60])
def test_what_prepare_lets_through_iam_lets_start(workflow_role, team, settings):
    requests = rendered(team, settings)
    assert requests
    assert [allowed(workflow_role(team), request) for request in requests] == [True] * len(requests)
