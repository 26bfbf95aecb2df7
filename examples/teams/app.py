"""A company's training platform: one VPC, one key, two images, two teams with their people, a topic for bad news."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

from trainwright import DEFAULT_ALARMS, AlarmThreshold, TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

HERE = Path(__file__).parent
ALARMS = {
    "failed_runs": DEFAULT_ALARMS["failed_runs"].but(threshold=10),  # these teams try a lot
    "queue_time": None,  # and wait for spot capacity over night
    "dear_day": AlarmThreshold(
        metric="CostUsd",
        statistic="Sum",
        period=cdk.Duration.days(1),
        threshold=500,
        description="Runs of team {team} cost more than 500 USD in a day",
    ),
}

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
    teams[policy.team] = TrainingTeam(stack, "Team", platform=platform, policy=policy, alarms=ALARMS)

for name, team in teams.items():
    scientists = iam.Role.from_role_name(team, "Scientists", f"{name}-scientists")
    for grant in (team.grant_start, team.grant_stop, team.grant_watch, team.grant_upload_data, team.grant_read_reports):
        grant(scientists)

alerts = sns.Topic(cdk.Stack.of(teams["forecast"]), "Alerts", enforce_ssl=True)
teams["forecast"].on_failed("TellOperators", targets.SnsTopic(alerts))
teams["forecast"].send_alarms(alerts)

# The notices of team vision: to its Slack channel, and its failed runs to the queue that tickets are made from.
vision, stack = teams["vision"], cdk.Stack.of(teams["vision"])
slack = chatbot.SlackChannelConfiguration(
    stack,
    "Slack",
    slack_channel_configuration_name="training-vision",
    slack_workspace_id="T0123456789",
    slack_channel_id="C0123456789",
    guardrail_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("ReadOnlyAccess")],
)
slack.add_notification_topic(vision.notices.chat_topic)
unread = sqs.DeadLetterQueue(queue=sqs.Queue(stack, "Unread", enforce_ssl=True), max_receive_count=5)
tickets = sqs.Queue(stack, "Tickets", enforce_ssl=True, dead_letter_queue=unread)
vision.add_notice_subscription(subscriptions.SqsSubscription(tickets, raw_message_delivery=True), events=["failed"])

app.synth()
