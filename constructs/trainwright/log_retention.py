"""Retention for the log group that SageMaker makes and every team shares."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from trainwright import names
from trainwright.arns import Arns
from trainwright.functions import FunctionOptions, RuntimeFunction
from trainwright.permissions import Allow
from trainwright.roles import ONE_LOG_GROUP

_DAYS = {
    logs.RetentionDays.ONE_DAY: 1,
    logs.RetentionDays.THREE_DAYS: 3,
    logs.RetentionDays.FIVE_DAYS: 5,
    logs.RetentionDays.ONE_WEEK: 7,
    logs.RetentionDays.TWO_WEEKS: 14,
    logs.RetentionDays.ONE_MONTH: 30,
    logs.RetentionDays.TWO_MONTHS: 60,
    logs.RetentionDays.THREE_MONTHS: 90,
    logs.RetentionDays.FOUR_MONTHS: 120,
    logs.RetentionDays.FIVE_MONTHS: 150,
    logs.RetentionDays.SIX_MONTHS: 180,
    logs.RetentionDays.ONE_YEAR: 365,
    logs.RetentionDays.THIRTEEN_MONTHS: 400,
    logs.RetentionDays.EIGHTEEN_MONTHS: 545,
    logs.RetentionDays.TWO_YEARS: 731,
    logs.RetentionDays.THREE_YEARS: 1096,
    logs.RetentionDays.FIVE_YEARS: 1827,
    logs.RetentionDays.TEN_YEARS: 3653,
}


def days(retention: logs.RetentionDays) -> int:
    """The number that the CloudWatch Logs API takes; the CDK's enumeration does not give it away in Python."""
    if retention not in _DAYS:
        raise ValueError(f"log_retention: {retention.name} is not offered; use {', '.join(r.name for r in _DAYS)}")
    return _DAYS[retention]


class TrainingLogRetention(Construct):
    """Keeps training logs for so long, and no longer.

    A custom resource and not an AWS::Logs::LogGroup: SageMaker makes the group with the account's first training job,
    and CloudFormation fails on a group that exists. Deleting the stack leaves group and logs alone.
    """

    def __init__(self, scope: Construct, id: str, *, retention: logs.RetentionDays, options: FunctionOptions) -> None:
        super().__init__(scope, id)
        self.handler = RuntimeFunction(
            self,
            "Handler",
            handler="log_retention",
            description="Sets how long SageMaker's training logs are kept",
            allows=[
                Allow(
                    ["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
                    Arns(self).training_log_group(),
                    why=ONE_LOG_GROUP,
                )
            ],
            environment={},
            timeout=cdk.Duration.minutes(1),
            options=options,
        )
        self.resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::TrainwrightLogRetention",
            service_token=self.handler.arn,
            properties={"LogGroupName": names.TRAINING_LOG_GROUP, "RetentionInDays": str(days(retention))},
        )
