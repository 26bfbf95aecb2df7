"""The whole platform: one stack for what an account and region shares, one stack for each team in teams/*.yaml."""

from pathlib import Path

from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

# isort: split
import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

app = cdk.App()
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))

shared = cdk.Stack(app, "training-platform")
platform = TrainingPlatform(shared, "Platform", image=TrainingImage.from_directory("training_image"))
cdk.CfnOutput(shared, "QuotaWarnings", value=platform.quota_warnings)
for file in sorted(Path(__file__).with_name("teams").glob("*.yaml")):
    policy = TeamPolicy.from_file(file)
    TrainingTeam(cdk.Stack(app, f"training-{policy.team}"), "Team", platform=platform, policy=policy)

app.synth()
