"""A team's workflow: four functions, the state machine that routes between them, and the rule behind it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from trainwright import names, states
from trainwright.arns import Arns
from trainwright.functions import FunctionOptions, RuntimeFunction
from trainwright.permissions import Allow
from trainwright.roles import ONE_LOG_GROUP, runtime_key_permissions
from trainwright.storage import SHORTEST_CHECKPOINT_RETENTION, TrainingStorage

# Longer than SageMaker lets one job live (30 days), shorter than checkpoints are kept.
LONGEST_RUN = cdk.Duration.days(45)
_ENDED_WITHOUT_REPORT = ["FAILED", "TIMED_OUT", "ABORTED"]


class WorkflowFunctions(Construct):
    """Prepare, Assess, Report and close, each with a role of its own that holds just what it calls."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        team: str,
        storage: TrainingStorage,
        policy_parameter_arn: str,
        environment: Mapping[str, str],
        key: kms.IKey | None,
        options: FunctionOptions,
    ) -> None:
        super().__init__(scope, id)
        self._storage = storage
        self._arns = Arns(self)
        self._team = team
        self._environment = environment
        self._options = options
        self._key = runtime_key_permissions(key)
        self.prepare = self._function("Prepare", self._prepares(policy_parameter_arn), seconds=60)
        self.assess = self._function("Assess", self._assesses(), seconds=120)
        self.report = self._function("Report", self._reports(), seconds=120)

    def close(self, state_machine_name: str) -> RuntimeFunction:
        """The handler for executions that ended without their report. It comes last: it asks about the state
        machine.
        """
        executions = self._arns.executions(state_machine_name)
        stops = Allow(["sagemaker:StopTrainingJob"], [self._arns.jobs(self._team)], why=self._own_jobs())
        reads = Allow(["states:DescribeExecution"], [executions], why="Any execution of the team's own state machine.")
        allows = [*self._assesses(), self._records("PutItem"), stops, reads]
        return self._function("Close", allows, seconds=300)

    def _function(self, id: str, allows: Sequence[Allow], *, seconds: int) -> RuntimeFunction:
        return RuntimeFunction(
            self,
            id,
            handler=id.lower(),
            description=f"{id}: training runs of team {self._team}",
            allows=[*allows, *self._key],
            environment=self._environment,
            timeout=cdk.Duration.seconds(seconds),
            options=self._options,
        )

    def _prepares(self, policy_parameter_arn: str) -> list[Allow]:
        images = self._arns.parameter(f"{names.IMAGES}*")
        return [
            Allow(["ssm:GetParameter"], [policy_parameter_arn]),
            Allow(["ssm:GetParameter"], [images], why="The platform's images, by the name that a run request gives."),
            self._records("PutItem"),
            self._writes_reports(),
        ]

    def _assesses(self) -> list[Allow]:
        checkpoints = self._storage.checkpoints
        return [
            *self._reports(),
            Allow(["sagemaker:DescribeTrainingJob"], [self._arns.jobs(self._team)], why=self._own_jobs()),
            Allow(
                ["s3:GetObject"],
                [checkpoints.arn_for_objects("runs/*")],
                why="The progress file beside the checkpoints of any run of the team.",
            ),
            # so that a progress file that is not there yet reads as missing and not as forbidden
            Allow(["s3:ListBucket"], [checkpoints.bucket_arn]),
            Allow(["logs:DescribeLogStreams"], self._arns.training_log_group(), why=ONE_LOG_GROUP),
            Allow(
                ["logs:GetLogEvents"],
                [self._arns.training_log_streams(self._team)],
                why="The log streams of the team's own jobs, for the last lines in a diagnosis.",
            ),
        ]

    def _reports(self) -> list[Allow]:
        reports = self._storage.reports
        return [
            self._records(),
            self._writes_reports(),
            Allow(
                ["s3:GetObject"],
                [reports.arn_for_objects("runs/*")],
                why="What earlier steps of the team's runs left there.",
            ),
            Allow(["s3:ListBucket"], [reports.bucket_arn]),
        ]

    def _records(self, *more: str) -> Allow:
        actions = [f"dynamodb:{action}" for action in ("GetItem", "UpdateItem", *more)]
        return Allow(actions, [self._storage.runs.table_arn])

    def _writes_reports(self) -> Allow:
        reports = self._storage.reports.arn_for_objects("runs/*")
        return Allow(["s3:PutObject"], [reports], why="Each run writes under its own name, made when it starts.")

    def _own_jobs(self) -> str:
        return f"The jobs of team {self._team}, whose names are made when a run starts and begin with the team's."


class TrainingWorkflow(Construct):
    """The state machine and what watches it.

    Logs hold every transition but no execution data: run requests may carry what only the team should read. Traces go
    to X-Ray. An execution may take `LONGEST_RUN` at most.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        team: str,
        functions: WorkflowFunctions,
        role: iam.IRole,
        options: FunctionOptions,
    ) -> None:
        super().__init__(scope, id)
        self.log_group = self._log_group(team, options)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            comment=f"Training runs of team {team}",
            definition_body=sfn.DefinitionBody.from_string(json.dumps(definition(), indent=1)),
            definition_substitutions={
                "Partition": cdk.Aws.PARTITION,
                "PrepareFunction": functions.prepare.function.current_version.function_arn,
                "AssessFunction": functions.assess.function.current_version.function_arn,
                "ReportFunction": functions.report.function.current_version.function_arn,
            },
            state_machine_type=sfn.StateMachineType.STANDARD,
            role=role.without_policy_updates() if isinstance(role, iam.Role) else role,
            logs=sfn.LogOptions(destination=self.log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        _quiet_cfn_lint(self.state_machine)
        self.close = functions.close(self.state_machine.state_machine_name)
        self.on_ended_without_report("Ended", targets.LambdaFunction(self.close.function))

    def on_ended_without_report(self, id: str, target: events.IRuleTarget) -> events.Rule:
        """A rule for executions that failed, ran out of time or were stopped."""
        detail: dict[str, Any] = {
            "stateMachineArn": [self.state_machine.state_machine_arn],
            "status": _ENDED_WITHOUT_REPORT,
        }
        pattern = events.EventPattern(
            source=["aws.states"], detail_type=["Step Functions Execution Status Change"], detail=detail
        )
        return events.Rule(
            self, id, description="A training run did not succeed", event_pattern=pattern, targets=[target]
        )

    def _log_group(self, team: str, options: FunctionOptions) -> logs.LogGroup:
        """Named under /aws/vendedlogs/ because Step Functions adds every other group to one resource policy of the
        account, which is full (5,120 characters) long before fifty teams; the stack's own id keeps the name unique.
        https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html"""
        stack_uuid = cdk.Fn.select(2, cdk.Fn.split("/", cdk.Stack.of(self).stack_id))
        return logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/vendedlogs/states/trainwright-{team}-{stack_uuid}",
            retention=options.log_retention,
            removal_policy=options.retention.removal_policy,
        )


def _quiet_cfn_lint(machine: sfn.StateMachine) -> None:
    """cfn-lint's schema of definitions knows the partition `aws` alone, and no JSONata in TimeoutSeconds, which the
    States Language allows (https://states-language.net/#task-state); asl-validator checks the definition in the tests.
    """
    resource = machine.node.default_child
    assert isinstance(resource, sfn.CfnStateMachine)  # noqa: S101  what an L2 state machine is made of
    resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["E3601"]}})


def definition() -> states.State:
    """The definition as it is deployed, before CloudFormation fills in the substitutions."""
    if LONGEST_RUN.to_days() >= SHORTEST_CHECKPOINT_RETENTION.to_days():
        raise ValueError("an execution must not outlive its checkpoints")
    return states.definition(timeout_seconds=int(LONGEST_RUN.to_seconds()))
