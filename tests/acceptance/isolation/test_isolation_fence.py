"""Prepare is replaced by one that lets everything through: IAM still denies what its conditions cover.

docs/security.md says which of a team's policy IAM holds and which it cannot; both lists are held to what happens here.
"""

import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

import trainwright_runtime
from trainwright.rehearsal.permissions.keys import KNOWN

SECURITY = Path(__file__).parents[3] / "docs" / "security.md"
# The step is the real one, of a harmless request; what it asks SageMaker for is what the execution's input says.
LETS_THROUGH = """

_careful = handler


def _over(there, wanted):
    for name, value in wanted.items():
        if value is None:
            there.pop(name, None)
        elif isinstance(value, dict):
            _over(there.setdefault(name, {}), value)
        else:
            there[name] = value


def handler(event, context):
    wish = event["request"]
    step = _careful({**event, "request": wish["harmless"]}, context)
    step["attempt"]["launch"] = wish["launch"]
    _over(step["attempt"]["request"], wish["changes"])
    step["attempt"]["job_name"] = step["attempt"]["request"]["TrainingJobName"]
    return step
"""
REQUEST = {
    "name": "through",
    "image": "platform",
    "compute": {"instance_type": "ml.m5.large"},
    "limits": {"max_runtime": "10m"},
    "checkpoints": True,
}
LAUNCHES = ("sync", "callback")
ELSEWHERE = {"Subnets": ["subnet-0bbbbbbbb"], "SecurityGroupIds": ["sg-0aaaaaaaa"]}
OTHER_GROUP = {"Subnets": ["subnet-0aaaaaaaa"], "SecurityGroupIds": ["sg-0bbbbbbbb"]}
EFS = {"FileSystemId": "fs-0bbbbbbbb", "FileSystemType": "EFS", "DirectoryPath": "/", "FileSystemAccessMode": "ro"}

# By condition key: the team, and what of the request it must not let through.
COVERED = {
    "InstanceTypes": ("a", lambda a, b: {"ResourceConfig": {"InstanceType": "ml.g5.xlarge", "VolumeKmsKeyId": None}}),
    "MaxRuntimeInSeconds": ("a", lambda a, b: {"StoppingCondition": {"MaxRuntimeInSeconds": 7201}}),
    "OutputKmsKey": ("a", lambda a, b: {"OutputDataConfig": {"KmsKeyId": b["key"]}}),
    "VolumeKmsKey": ("a", lambda a, b: {"ResourceConfig": {"VolumeKmsKeyId": b["key"]}}),
    "VpcSubnets": ("a", lambda a, b: {"VpcConfig": ELSEWHERE}),
    "VpcSecurityGroupIds": ("a", lambda a, b: {"VpcConfig": OTHER_GROUP}),
    "FileSystemId": (
        "a",
        lambda a, b: {"InputDataConfig": [{"ChannelName": "t", "DataSource": {"FileSystemDataSource": EFS}}]},
    ),
    "KeepAlivePeriod": ("a", lambda a, b: {"ResourceConfig": {"KeepAlivePeriodInSeconds": 601}}),
    "EnableRemoteDebug": ("a", lambda a, b: {"RemoteDebugConfig": {"EnableRemoteDebug": True}}),
    "NetworkIsolation": ("b", lambda b, a: {"EnableNetworkIsolation": False}),
    "InterContainerTrafficEncryption": ("b", lambda b, a: {"EnableInterContainerTrafficEncryption": False}),
}
# What the action's resource and iam:PassRole hold, without a condition.
BESIDE = {
    "their role": lambda a, b: {"RoleArn": b["execution_role_arn"]},
    "their job names": lambda a, b: {"TrainingJobName": f"{b['run']}-9"},
    "no key": lambda a, b: {"OutputDataConfig": {"KmsKeyId": None}},
}
# What the page says SageMaker has no condition key for: in its words, and a request that shows it.
NOT_COVERED = {
    "number of instances": {"ResourceConfig": {"InstanceCount": 2}},
    "volume size": {"ResourceConfig": {"VolumeSizeInGB": 500}},
    "hyperparameters": {"HyperParameters": {"anything": "goes"}},
    "environment": {"Environment": {"ANYTHING": "goes"}},
}
# Keys of CreateTrainingJob that no team policy speaks of: a file system is fenced whole, by its id.
NOT_USED = {"FileSystemAccessMode", "FileSystemType", "FileSystemDirectoryPath"}
# Requests with these fields never reach SageMaker through `.sync`; those of team `b` all have one.
BY_CALLBACK_ONLY = {"KeepAlivePeriod", "EnableRemoteDebug", "NetworkIsolation", "InterContainerTrafficEncryption"}
TRIED = [(key, launch) for key in COVERED for launch in LAUNCHES if launch == "callback" or key not in BY_CALLBACK_ONLY]


@pytest.fixture(scope="module")
def careless(teams, theirs, tmp_path_factory):
    """Both teams with a Prepare that lets everything through; afterwards they have their own again."""
    code = zipped(tmp_path_factory.mktemp("code") / "trainwright_runtime")
    own = [replace_prepare(teams, team, code) for team in ("a", "b")]
    yield {"a": teams.of("a"), "b": {**teams.of("b"), **theirs}}
    for machine in own:
        teams.client("stepfunctions").update_state_machine(**machine)


def zipped(copy):
    package = Path(trainwright_runtime.__file__).parent
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    prepare = copy / "handlers" / "prepare.py"
    prepare.write_text(prepare.read_text() + LETS_THROUGH)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted(copy.rglob("*")):
            archive.write(file, file.relative_to(copy.parent))
    return content.getvalue()


def replace_prepare(teams, team, code):
    """Publish the code as a version of the function, and let the state machine name that one; the machine as it was."""
    states = teams.client("stepfunctions")
    machine = states.describe_state_machine(stateMachineArn=teams.of(team)["state_machine_arn"])
    [named] = set(re.findall(r"arn:aws:lambda:[^\"]*Prepare[^\"]*", machine["definition"]))
    made = teams.client("lambda").update_function_code(
        FunctionName=named.rpartition(":")[0], ZipFile=code, Publish=True
    )
    published = f"{named.rpartition(':')[0]}:{made['Version']}"
    assert published != named
    own = {name: machine[name] for name in ("stateMachineArn", "definition", "roleArn")}
    states.update_state_machine(**own | {"definition": own["definition"].replace(named, published)})
    return own


def attempt(teams, team, changes, launch):
    """The execution's history, and the jobs that it made."""
    before = set(teams.jobs())
    wish = {"harmless": REQUEST, "changes": changes, "launch": launch}
    arn = teams.start(team, wish)
    teams.finish(arn)
    return json.dumps(teams.history(arn), default=str), set(teams.jobs()) - before


def denied(teams, team, changes, launch, action="sagemaker:CreateTrainingJob"):
    history, jobs = attempt(teams, team, changes, launch)
    assert f"is not authorized to perform: {action}" in history, history[-3000:]
    assert jobs == set()


@pytest.mark.parametrize(("key", "launch"), TRIED)
def test_iam_denies_what_the_conditions_cover(key, launch, teams, careless):
    team, changes = COVERED[key]
    other = {"a": "b", "b": "a"}[team]
    denied(teams, team, changes(careless[team], careless[other]), launch)


@pytest.mark.parametrize("launch", LAUNCHES)
@pytest.mark.parametrize("what", BESIDE)
def test_iam_denies_what_is_another_teams(what, launch, teams, careless):
    action = "iam:PassRole" if what == "their role" else "sagemaker:CreateTrainingJob"
    denied(teams, "a", BESIDE[what](careless["a"], careless["b"]), launch, action)


@pytest.mark.parametrize("launch", LAUNCHES)
def test_a_request_that_keeps_to_the_policy_gets_its_job(launch, teams, careless):
    _, jobs = attempt(teams, "a", {}, launch)
    assert len(jobs) == 1


@pytest.mark.parametrize("what", NOT_COVERED)
def test_iam_lets_through_what_only_prepare_holds(what, teams, careless):
    _, jobs = attempt(teams, "a", NOT_COVERED[what], "sync")
    assert len(jobs) == 1


def test_the_page_lists_the_keys_that_are_tried_here():
    page = SECURITY.read_text(encoding="utf-8")
    section = page.partition("### The team policy as conditions")[2].partition("\n### ")[0]
    named = set(re.findall(r"sagemaker:([A-Z]\w+)", section)) - {"CreateTrainingJob"}
    assert named == set(COVERED)
    of_jobs = {key.partition(":")[2] for key in KNOWN if key.startswith("sagemaker:")}
    assert of_jobs == {key.lower() for key in {*COVERED, *NOT_USED}}


def test_the_page_says_what_has_no_key():
    page = SECURITY.read_text(encoding="utf-8")
    section = page.partition("### What SageMaker has no condition key for")[2].partition("\n## ")[0]
    only_prepare = " ".join(section.split()).partition("Only Prepare holds these: ")[2].partition(".")[0]
    assert set(NOT_COVERED) <= set(only_prepare.split(", "))
