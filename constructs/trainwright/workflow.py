"""A team's workflow: its functions, the state machine that routes between them, and the rules behind it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from trainwright import states
from trainwright.function_permissions import FunctionPermissions
from trainwright.functions import FunctionOptions, RuntimeFunction
from trainwright.permissions import Allow
from trainwright.roles import runtime_key_permissions
from trainwright.storage import SHORTEST_CHECKPOINT_RETENTION

# Longer than SageMaker lets one job live (30 days), shorter than checkpoints are kept.
LONGEST_RUN = cdk.Duration.days(45)
# "At 1,769 MB, a function has the equivalent of one vCPU"
# (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html): reading profiler files is work for one.
ONE_CPU = cdk.Size.mebibytes(1769)
_ENDED_WITHOUT_REPORT = ["FAILED", "TIMED_OUT", "ABORTED"]
_JOB_ENDED = ["Completed", "Failed", "Stopped"]


class WorkflowFunctions(Construct):
    """The team's functions, each with a role of its own that holds just what it calls.

    Prepare, Launch, Assess, Report and GiveUp are called by the state machine; Answer, close, Reconcile and Digest by
    rules.
    Rights that name the state machine are given last: the definition names the functions' versions.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        team: str,
        permissions: FunctionPermissions,
        environment: Mapping[str, str],
        options: FunctionOptions,
    ) -> None:
        super().__init__(scope, id)
        self._team = team
        self._permissions = permissions
        self._environment = environment
        self._options = options
        self.prepare = self._function("Prepare", permissions.prepare(), seconds=60)
        self.launch = self._function("Launch", permissions.launch(), seconds=180)
        self.assess = self._function("Assess", permissions.assess(), seconds=120)
        self.report = self._function("Report", permissions.report(), seconds=120)
        self.give_up = self._function("GiveUp", permissions.give_up(), handler="give_up", seconds=60)
        self.answer = self._function("Answer", permissions.answer(), seconds=60)
        self.close = self._function("Close", permissions.close(), seconds=300)
        self.reconcile = self._function("Reconcile", permissions.reconcile(), seconds=300)
        self.digest = self._function("Digest", permissions.digest(), seconds=900, memory=ONE_CPU)

    def called(self) -> dict[str, RuntimeFunction]:
        """What the state machine calls, by the names in `states.FUNCTIONS`."""
        found = (self.prepare, self.launch, self.assess, self.report, self.give_up)
        return dict(zip(states.FUNCTIONS, found, strict=True))

    def watched(self) -> dict[str, lambda_.IFunction]:
        """Those whose errors an alarm may watch: a job that stays alive, a run that is not reported."""
        return {"close": self.close.function, "report": self.report.function}

    def know(self, machine: sfn.StateMachine) -> None:
        """Give the functions their rights on the state machine, now that there is one."""
        arn, rights = machine.state_machine_arn, self._permissions
        self.launch.may_also("Answers", [rights.answering(arn, "SendTaskSuccess", "SendTaskFailure")])
        self.give_up.may_also("Answers", [rights.answering(arn, "SendTaskSuccess", "SendTaskFailure")])
        self.answer.may_also("Answers", [rights.answering(arn, "SendTaskSuccess")])
        self.close.may_also("Asks", [rights.describing(machine.state_machine_name)])

    def _function(
        self,
        id: str,
        allows: Sequence[Allow],
        *,
        seconds: int,
        handler: str | None = None,
        memory: cdk.Size | None = None,
    ) -> RuntimeFunction:
        return RuntimeFunction(
            self,
            id,
            handler=handler or id.lower(),
            description=f"{id}: training runs of team {self._team}",
            allows=[*allows, *runtime_key_permissions(self._permissions.key)],
            environment=self._environment,
            timeout=cdk.Duration.seconds(seconds),
            options=self._options,
            memory=memory,
        )


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
            definition_substitutions={"Partition": cdk.Aws.PARTITION, **_versions(functions)},
            state_machine_type=sfn.StateMachineType.STANDARD,
            role=role.without_policy_updates() if isinstance(role, iam.Role) else role,
            logs=sfn.LogOptions(destination=self.log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        _quiet_cfn_lint(self.state_machine)
        functions.know(self.state_machine)
        self._wake(functions, team)

    def on_ended_without_report(self, id: str, target: events.IRuleTarget) -> events.Rule:
        """A rule for executions that failed, ran out of time or were stopped."""
        return self._on_execution(id, target, _ENDED_WITHOUT_REPORT, "A training run did not succeed")

    def on_succeeded(self, id: str, target: events.IRuleTarget) -> events.Rule:
        """A rule for executions that succeeded."""
        return self._on_execution(id, target, ["SUCCEEDED"], "A training run succeeded")

    def _on_execution(self, id: str, target: events.IRuleTarget, status: list[str], description: str) -> events.Rule:
        """https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html"""
        detail: dict[str, Any] = {"stateMachineArn": [self.state_machine.state_machine_arn], "status": status}
        pattern = events.EventPattern(
            source=["aws.states"], detail_type=["Step Functions Execution Status Change"], detail=detail
        )
        return events.Rule(self, id, description=description, event_pattern=pattern, targets=[target])

    def _wake(self, functions: WorkflowFunctions, team: str) -> None:
        """What happens outside of the state machine and matters to it."""
        self.on_ended_without_report("Ended", targets.LambdaFunction(functions.close.function))
        answer, digest = (targets.LambdaFunction(each.function) for each in (functions.answer, functions.digest))
        self._on_job_ended("JobEnded", team, "Training", [answer, digest])
        self._on_job_ended("RuleJobEnded", team, "Processing", [digest])
        events.Rule(
            self,
            "Hourly",
            description="Warm pools end, and profiles become complete, after their run's report",
            schedule=events.Schedule.rate(cdk.Duration.hours(1)),
            targets=[targets.LambdaFunction(functions.reconcile.function), digest],
        )

    def _on_job_ended(self, id: str, team: str, kind: str, targets: Sequence[events.IRuleTarget]) -> None:
        """Training jobs, or the processing jobs in which SageMaker evaluates a training job's profiler rules; it begins
        their names with the training job's.
        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html"""
        detail: dict[str, Any] = {f"{kind}JobName": [{"prefix": f"{team}-"}], f"{kind}JobStatus": _JOB_ENDED}
        pattern = events.EventPattern(
            source=["aws.sagemaker"], detail_type=[f"SageMaker {kind} Job State Change"], detail=detail
        )
        events.Rule(
            self,
            id,
            description=f"A {kind.lower()} job of the team has ended",
            event_pattern=pattern,
            targets=targets,
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


def _versions(functions: WorkflowFunctions) -> dict[str, str]:
    """Published versions, so that a run that is under way ends on the code that it began with."""
    found = functions.called().items()
    return {f"{name}Function": each.function.current_version.function_arn for name, each in found}


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
