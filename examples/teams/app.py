"""A company's training platform: one VPC, one key, two images, two teams with their people, a topic for bad news."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

HERE = Path(__file__).parent

app = cdk.App()
shared = cdk.Stack(app, "training-shared")

vpc = ec2.Vpc(shared, "Vpc", max_azs=2, nat_gateways=1)
vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(logs.LogGroup(shared, "FlowLogs")))
vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
key = kms.Key(shared, "Key", enable_key_rotation=True)

platform = TrainingPlatform(
    shared,
    "Platform",
    image=TrainingImage.from_directory("training_image"),
    vpc=vpc,
    encryption_key=key,
    role_path="/training/",
    log_retention=logs.RetentionDays.ONE_YEAR,
)
platform.add_image("forecast", TrainingImage.from_directory(str(HERE / "images" / "forecast")))

teams: dict[str, TrainingTeam] = {}
for file in sorted((HERE / "teams").glob("*.yaml")):
    policy = TeamPolicy.from_file(file)
    stack = cdk.Stack(app, f"training-{policy.team}")
    teams[policy.team] = TrainingTeam(stack, "Team", platform=platform, policy=policy)

for name, team in teams.items():
    scientists = iam.Role.from_role_name(team, "Scientists", f"{name}-scientists")
    for grant in (team.grant_start, team.grant_stop, team.grant_watch, team.grant_upload_data, team.grant_read_reports):
        grant(scientists)
    cloudwatch.Alarm(
        team,
        "FailedRuns",
        metric=team.metric_failed(period=cdk.Duration.hours(1)),
        threshold=3,
        evaluation_periods=1,
        alarm_description=f"Three runs of team {name} failed within an hour",
    )

alerts = sns.Topic(cdk.Stack.of(teams["forecast"]), "Alerts", enforce_ssl=True)
teams["forecast"].on_failed("TellOperators", targets.SnsTopic(alerts))

app.synth()
