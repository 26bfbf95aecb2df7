"""Custom::TrainwrightLogRetention: how long a log group that AWS makes by itself keeps its events.

SageMaker makes /aws/sagemaker/TrainingJobs with the account's first job and keeps it for ever. An AWS::Logs::LogGroup
would fail where it exists already and delete everybody's logs with the stack; this only sets the retention, and
deletes nothing.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from trainwright_runtime.handlers.aws import Services, error_code, services
from trainwright_runtime.handlers.custom_resource import Answer, Target, respond
from trainwright_runtime.handlers.telemetry import handling, logger

Event = dict[str, Any]


@handling
def handler(event: Event, _context: object) -> None:
    """The Lambda function: does what the event asks, and answers CloudFormation in any case."""
    respond(Target.of(event), retain(event, services))


def retain(event: Event, clients: Services) -> Answer:
    """Set the retention on Create and Update, nothing on Delete; what fails is said in the answer."""
    properties = event["ResourceProperties"]
    group = properties["LogGroupName"]
    physical_id = f"log-retention:{group}"
    if event["RequestType"] == "Delete":
        return Answer(physical_id)
    try:
        _make(clients, group)
        clients.logs.put_retention_policy(logGroupName=group, retentionInDays=int(properties["RetentionInDays"]))
    except (ClientError, ValueError) as error:
        logger.exception("retention not set")
        return Answer(physical_id, failure=f"The retention of {group} was not set: {error}")
    return Answer(physical_id, {"LogGroupName": group})


def _make(clients: Services, group: str) -> None:
    try:
        clients.logs.create_log_group(logGroupName=group)
    except ClientError as error:
        if error_code(error) != "ResourceAlreadyExists":
            raise
