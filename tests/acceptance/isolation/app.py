"""Two teams on one platform, each with a key of its own: `a` may use some things that `b` may not."""

from pathlib import Path

import trainwright  # noqa: F401  (before aws_cdk: it points jsii at a node)
from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

# isort: split
import aws_cdk as cdk
from aws_cdk import aws_kms as kms

ALLOW = {"instance_types": ["ml.m5.*"], "max_runtime": "2h", "images": ["platform"]}
CLOSED = {"enable_network_isolation": True, "enable_inter_container_traffic_encryption": True}
TEAMS = {
    "a": {
        "allow": ALLOW,
        "capabilities": {
            "keep_alive": "10m",
            "model_package": ["arn:aws:sagemaker:us-east-1:123456789012:model-package-group/ours"],
            "vpc": {"subnets": ["subnet-0aaaaaaaa"], "security_group_ids": ["sg-0aaaaaaaa"]},
        },
    },
    "b": {"allow": ALLOW, "always": {"networking": CLOSED}},
}

app = cdk.App()
image = TrainingImage.from_directory(str(Path(__file__).with_name("image")))
platform = TrainingPlatform(cdk.Stack(app, "Platform"), "Platform", image=image)
for name, words in TEAMS.items():
    stack = cdk.Stack(app, f"Team-{name}")
    policy = TeamPolicy.from_data({"team": name, **words})
    TrainingTeam(stack, "Team", platform=platform, policy=policy, encryption_key=kms.Key(stack, "Key"))
app.synth()
