"""The rights that a team gives to people and to their machines, each grant as a list of statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from aws_cdk import aws_iam as iam
from constructs import IConstruct

from trainwright import names
from trainwright.arns import Arns
from trainwright.permissions import Allow, explain
from trainwright.roles import ONE_LOG_GROUP

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
    """What `trainwright run` does: find the team, send the source, start, follow the run to its report; and redrive."""
    machine = team.workflow.state_machine
    executions = Arns(team).executions(machine.state_machine_name)
    return [
        *_find(team),
        Allow(["states:StartExecution"], [machine.state_machine_arn]),
        Allow(["states:RedriveExecution"], [executions], why=_ANY_RUN),
        *_send_source(team),
        *_follow(team),
    ]


def stop(team: TrainingTeam) -> list[Allow]:
    """What `trainwright stop` does: find the run by its name, stop it, see that it has stopped."""
    machine = team.workflow.state_machine
    executions = Arns(team).executions(machine.state_machine_name)
    return [
        *_find(team),
        Allow(["states:ListExecutions"], [machine.state_machine_arn]),
        Allow(["states:StopExecution", "states:DescribeExecution"], [executions], why=_ANY_RUN),
        _records(team),
        *_decrypt(team),
    ]


def watch(team: TrainingTeam) -> list[Allow]:
    return [*_find(team), *_follow(team)]


def upload_data(team: TrainingTeam) -> list[Allow]:
    data = team.storage.data
    return [
        *_find(team),
        Allow(["s3:ListBucket", "s3:GetBucketLocation"], [data.bucket_arn]),
        Allow(
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            [data.arn_for_objects("*")],
            why="The data bucket is the team's own, whole.",
        ),
        *_decrypt(team, "kms:GenerateDataKey"),
    ]


def read_reports(team: TrainingTeam) -> list[Allow]:
    return [*_find(team), *_reports(team), *_decrypt(team)]


def _find(team: TrainingTeam) -> list[Allow]:
    """Which teams there are, and of this team where it is and what its policy says. IAM sees the path as it is asked
    for, with or without its last slash; the parameters below it hold names, no secrets."""
    arns = Arns(team)
    own = [arns.parameter(names.team(team.name)), arns.parameter(names.team_policy(team.name))]
    every = [arns.parameter(names.TEAMS.removesuffix("/")), arns.parameter(names.TEAMS)]
    return [Allow(["ssm:GetParameter"], own), Allow(["ssm:GetParametersByPath"], every)]


def _send_source(team: TrainingTeam) -> list[Allow]:
    """Without ListBucket, S3 answers a question about an archive that is not there yet with 403 instead of 404."""
    data = team.storage.data
    return [
        Allow(["s3:ListBucket"], [data.bucket_arn]),
        Allow(
            ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
            [data.arn_for_objects(f"{names.SOURCE}*")],
            why="Source archives, each under the hash of its content, which nobody knows before it is packed.",
        ),
        *_decrypt(team, "kms:GenerateDataKey"),
    ]


def _follow(team: TrainingTeam) -> list[Allow]:
    """A run from its start to its report: executions, the run record, its jobs, their logs and progress, the report."""
    arns, machine, checkpoints = Arns(team), team.workflow.state_machine, team.storage.checkpoints
    return [
        Allow(["states:ListExecutions"], [machine.state_machine_arn]),
        Allow(
            ["states:DescribeExecution", "states:GetExecutionHistory"],
            [arns.executions(machine.state_machine_name)],
            why=_ANY_RUN,
        ),
        Allow(["sagemaker:DescribeTrainingJob"], [arns.jobs(team.name)], why=_ANY_RUN),
        Allow(["logs:GetLogEvents"], [arns.training_log_streams(team.name)], why=_ANY_RUN),
        Allow(["logs:DescribeLogStreams"], arns.training_log_group(), why=ONE_LOG_GROUP),
        _records(team),
        Allow(["s3:ListBucket"], [checkpoints.bucket_arn]),
        Allow(["s3:GetObject"], [checkpoints.arn_for_objects("runs/*/progress.json")], why=_ANY_RUN),
        *_reports(team),
        *_decrypt(team),
    ]


def _records(team: TrainingTeam) -> Allow:
    return Allow(["dynamodb:GetItem", "dynamodb:Query"], [team.storage.runs.table_arn])


def _reports(team: TrainingTeam) -> list[Allow]:
    """Also what AWS's rules wrote, which a report names: it lies beside the run's artifacts."""
    reports, artifacts = team.storage.reports, team.storage.artifacts
    return [
        Allow(["s3:ListBucket"], [reports.bucket_arn]),
        Allow(["s3:GetObject"], [reports.arn_for_objects("runs/*")], why=_ANY_RUN),
        Allow(["s3:GetObject"], [reports.arn_for_objects("runs.html")]),
        Allow(["s3:GetObject"], [artifacts.arn_for_objects("runs/*/rule-output/*")], why=_ANY_RUN),
    ]


def _decrypt(team: TrainingTeam, *more: str) -> list[Allow]:
    return [Allow(["kms:Decrypt", *more], [team.key.key_arn])] if team.key else []


_ANY_RUN = "Any run of the team: names are made when a run starts and begin with the team's."
