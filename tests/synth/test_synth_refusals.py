"""What does not fit fails the synth, with a sentence that says what to write instead."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest

from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def stack():
    return cdk.Stack(cdk.App(), "Training")


@pytest.fixture
def platform(stack):
    return TrainingPlatform(stack, "Platform")


def test_fails_when_a_team_policy_contradicts_itself(tmp_path):
    shutil.copy(ROOT / "app.py", tmp_path)
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams/vision.yaml").write_text(
        "team: vision\nallow: {instance_types: [ml.m5.*]}\ndefault: {compute: {instance_type: ml.p4d.24xlarge}}\n"
    )
    environment = os.environ | {"CDK_OUTDIR": str(tmp_path / "cdk.out")}
    command = [sys.executable, "app.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    said = done.stderr.strip().splitlines()
    assert any("vision.yaml" in line for line in said)
    assert any("ml.p4d.24xlarge" in line and "default" in line for line in said)


def test_fails_when_two_teams_have_one_name(stack, platform):
    TrainingTeam(stack, "One", platform=platform, policy=TeamPolicy(team="vision"))
    with pytest.raises(ValueError, match="team 'vision' exists already"):
        TrainingTeam(stack, "Two", platform=platform, policy=TeamPolicy(team="vision"))


def test_fails_when_only_one_switch_allows_data_to_go(stack):
    with pytest.raises(ValueError, match="go together"):
        TrainingPlatform(stack, "One", removal_policy=cdk.RemovalPolicy.DESTROY)
    with pytest.raises(ValueError, match="go together"):
        TrainingPlatform(stack, "Two", allow_data_loss=True)


def test_fails_when_a_team_gives_only_one_switch(stack, platform):
    with pytest.raises(ValueError, match="go together"):
        TrainingTeam(stack, "Team", platform=platform, policy=TeamPolicy(team="vision"), allow_data_loss=True)


def test_fails_when_checkpoints_would_go_before_60_days(stack, platform):
    policy = TeamPolicy(team="vision")
    with pytest.raises(ValueError, match="60 days or more"):
        TrainingTeam(stack, "Team", platform=platform, policy=policy, checkpoint_retention=cdk.Duration.days(30))


def test_fails_when_security_groups_have_no_vpc(stack, platform):
    from aws_cdk import aws_ec2 as ec2

    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")
    with pytest.raises(ValueError, match="security_groups need a VPC"):
        TrainingTeam(stack, "Team", platform=platform, policy=TeamPolicy(team="vision"), security_groups=[group])


def test_fails_when_a_policy_does_not_fit_into_its_parameter(stack, platform):
    globs = [f"ml.m5.{'x' * 60}{n}" for n in range(200)]
    policy = TeamPolicy.from_data({"team": "vision", "allow": {"instance_types": globs}})
    with pytest.raises(ValueError, match="Parameter Store takes 8192"):
        TrainingTeam(stack, "Team", platform=platform, policy=policy)


def test_policy_above_4_kb_goes_into_an_advanced_parameter(tmp_path):
    app = cdk.App(outdir=str(tmp_path))
    stack = cdk.Stack(app, "Training")
    globs = [f"ml.m5.{'x' * 40}{n}" for n in range(100)]
    policy = TeamPolicy.from_data({"team": "vision", "allow": {"instance_types": globs}})
    TrainingTeam(stack, "Team", platform=TrainingPlatform(stack, "Platform"), policy=policy)
    resources = app.synth().get_stack_by_name("Training").template["Resources"].values()
    (tier,) = [
        r["Properties"]["Tier"]
        for r in resources
        if r.get("Properties", {}).get("Name") == "/trainwright/teams/vision/policy"
    ]
    assert tier == "Advanced"


def test_fails_when_an_image_folder_has_no_dockerfile(tmp_path):
    with pytest.raises(FileNotFoundError, match="no Dockerfile in"):
        TrainingImage.from_directory(str(tmp_path))


@pytest.mark.parametrize("name", ["Forecast", "fore cast", "", "1st", "a" * 64])
def test_fails_when_an_image_name_is_not_fit(platform, name):
    with pytest.raises(ValueError, match="use a lower-case letter"):
        platform.add_image(name, TrainingImage.from_uri("111122223333.dkr.ecr.eu-west-1.amazonaws.com/a:1"))


def test_fails_when_an_image_name_is_taken(platform):
    platform.add_image("forecast", TrainingImage.from_uri("111122223333.dkr.ecr.eu-west-1.amazonaws.com/a:1"))
    with pytest.raises(ValueError, match="is taken"):
        platform.add_image("forecast", TrainingImage.from_uri("111122223333.dkr.ecr.eu-west-1.amazonaws.com/b:1"))
