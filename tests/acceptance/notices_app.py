"""A platform with a key, whose one team is heard of by mail, in queues, by a function and in a chat."""

from pathlib import Path

import trainwright  # noqa: F401  (before aws_cdk: it points jsii at a node)
from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

# isort: split
import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

HERE = Path(__file__).parent
POLICY = {
    "team": "news",
    "budget": {"monthly_usd": 0.1},
    "notices": {"email": ["news@example.com"], "events": ["failed", "finished", "budget", "finding", "refused"]},
}

app = cdk.App()
stack = cdk.Stack(app, "Notices")
image = TrainingImage.from_directory(str(HERE / "quick_image"))
platform = TrainingPlatform(stack, "Platform", image=image, encryption_key=kms.Key(stack, "Key"))
team = TrainingTeam(stack, "Team", platform=platform, policy=TeamPolicy.from_data(POLICY))


def queue(name: str) -> sqs.Queue:
    made = sqs.Queue(stack, name)
    cdk.CfnOutput(stack, f"{name}Url", value=made.queue_url)
    return made


team.add_notice_subscription(subscriptions.SqsSubscription(queue("All")))
team.add_notice_subscription(subscriptions.SqsSubscription(queue("Bad"), raw_message_delivery=True), events=["failed"])
team.notices.chat_topic.add_subscription(subscriptions.SqsSubscription(queue("Chat"), raw_message_delivery=True))

log = logs.LogGroup(stack, "HeardLog")
cdk.CfnOutput(stack, "HeardLogName", value=log.log_group_name)
says = 'def handler(event, context): print("heard", event["Records"][0]["Sns"]["Message"])'
heard = lambda_.Function(
    stack,
    "Heard",
    runtime=lambda_.Runtime.PYTHON_3_13,
    handler="index.handler",
    code=lambda_.Code.from_inline(says),
    log_group=log,
)
team.add_notice_subscription(subscriptions.LambdaSubscription(heard), events=["finished", "finding"])
cdk.CfnOutput(stack, "ReportFunction", value=team.functions.report.function.function_name)
cdk.CfnOutput(stack, "CloseFunction", value=team.functions.close.function.function_name)
app.synth()
