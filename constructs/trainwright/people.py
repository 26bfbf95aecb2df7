"""The rights that a team gives to people and to their machines, each grant as a list of statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from aws_cdk import aws_iam as iam
from constructs import IConstruct

from trainwright import names
from trainwright.permissions import Allow, explain
from trainwright.roles import ONE_LOG_GROUP, Arns

if TYPE_CHECKING:
    from trainwright.team import TrainingTeam


def grant(grantee: iam.IGrantable, allows: Sequence[Allow]) -> iam.Grant:
    """Add the statements to the grantee's policy and answer for their wildcards there."""
    grants = [
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=list(allow.actions),
            resource_arns=list(allow.resources),
            conditions=dict(allow.conditions) or None,
        )
        for allow in allows
    ]
    if hasattr(grantee, "node"):  # a role, user or function of this app; an account principal has no findings
        explain(cast("IConstruct", grantee), allows)
    combined, *others = grants
    for other in others:
        combined = combined.combine(other)
    return combined


def start(team: TrainingTeam) -> list[Allow]:
    return [_find(team), Allow(["states:StartExecution"], [team.workflow.state_machine.state_machine_arn])]


def stop(team: TrainingTeam) -> list[Allow]:
    executions = Arns(team).executions(team.workflow.state_machine.state_machine_name)
    return [_find(team), Allow(["states:StopExecution"], [executions], why=_ANY_RUN)]


def watch(team: TrainingTeam) -> list[Allow]:
    arns = Arns(team)
    machine = team.workflow.state_machine
    return [
        _find(team),
        Allow(["states:ListExecutions"], [machine.state_machine_arn]),
        Allow(
            ["states:DescribeExecution", "states:GetExecutionHistory"],
            [arns.executions(machine.state_machine_name)],
            why=_ANY_RUN,
        ),
        Allow(["sagemaker:DescribeTrainingJob"], [arns.jobs(team.name)], why=_ANY_RUN),
        Allow(["logs:GetLogEvents"], [arns.training_log_streams(team.name)], why=_ANY_RUN),
        Allow(["logs:DescribeLogStreams"], arns.training_log_group(), why=ONE_LOG_GROUP),
        Allow(["dynamodb:GetItem"], [team.storage.runs.table_arn]),
        *_decrypt(team),
    ]


def upload_data(team: TrainingTeam) -> list[Allow]:
    data = team.storage.data
    return [
        _find(team),
        Allow(["s3:ListBucket", "s3:GetBucketLocation"], [data.bucket_arn]),
        Allow(
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            [data.arn_for_objects("*")],
            why="The data bucket is the team's own, whole.",
        ),
        *_decrypt(team, "kms:GenerateDataKey"),
    ]


def read_reports(team: TrainingTeam) -> list[Allow]:
    reports = team.storage.reports
    return [
        _find(team),
        Allow(["s3:ListBucket"], [reports.bucket_arn]),
        Allow(["s3:GetObject"], [reports.arn_for_objects("runs/*")], why=_ANY_RUN),
        *_decrypt(team),
    ]


def _find(team: TrainingTeam) -> Allow:
    arns = Arns(team)
    return Allow(
        ["ssm:GetParameter"], [arns.parameter(names.team(team.name)), arns.parameter(names.team_policy(team.name))]
    )


def _decrypt(team: TrainingTeam, *more: str) -> list[Allow]:
    return [Allow(["kms:Decrypt", *more], [team.key.key_arn])] if team.key else []


_ANY_RUN = "Any run of the team: names are made when a run starts and begin with the team's."
