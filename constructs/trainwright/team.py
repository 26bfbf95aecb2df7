"""What each team has: its policy, storage, roles and workflow, and the grants for its people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from trainwright import names, people
from trainwright.context import pin_flags
from trainwright.function_permissions import FunctionPermissions
from trainwright.functions import FunctionOptions
from trainwright.monitoring import AlarmThreshold, TeamAlarms
from trainwright.network import JobNetwork, JobSecurityGroup, Subnets
from trainwright.notices import TrainingNotices
from trainwright.permissions import RoleOptions
from trainwright.retention import Retention
from trainwright.roles import execution_role, job_permissions, workflow_permissions, workflow_role
from trainwright.storage import TrainingStorage
from trainwright.team_metrics import TeamMetrics
from trainwright.workflow import TrainingWorkflow, WorkflowFunctions
from trainwright_runtime.policy import TeamPolicy

if TYPE_CHECKING:
    from trainwright.platform import TrainingPlatform

# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
_STANDARD_PARAMETER = 4096
_ADVANCED_PARAMETER = 8192


class TrainingTeam(Construct, TeamMetrics):
    """One team of a training platform. Its runs are executions of `workflow.state_machine`.

    A team in a stack of its own reads what it needs of the platform from Parameter Store when it is deployed, after the
    platform's stack; the two never import from each other.

    :param platform: the platform of this account and region.
    :param policy: what the team may do, and what its runs are given. Its `team` names the team.
    :param data_bucket: and the other buckets and the table: existing ones. Left out: new ones, see TrainingStorage.
    :param checkpoint_retention: how long checkpoints stay, 60 days at least. Left out: 90 days.
    :param encryption_key: for this team's data. Left out: the platform's key, or SSE-S3 when it has none.
    :param execution_role: an existing role for training jobs. Left out: a new one. An imported role is given what it
        needs unless it was imported with `mutable=False`. Its trust policy stays its owner's: the capability
        `session_tags` needs sts:TagSession in it.
    :param workflow_role: the same for the state machine.
    :param function_role: an existing role for the team's Lambda functions. Left out: a role each.
    :param vpc: where this team's jobs run. Left out: the platform's choice.
    :param vpc_subnets: which of the VPC's subnets. Left out: the private ones with a way out.
    :param security_groups: for jobs in a VPC. Left out: a new one that lets a job's hosts talk to each other.
    :param notices_topic: an existing topic for the team's notices. Left out: a new one, see TrainingNotices.
    :param chat_topic: the same for notices in the form of Amazon Q Developer in chat applications.
    :param permissions_boundary: for every role that is made. Left out: the platform's.
    :param role_path: for every role that is made. Left out: the platform's.
    :param log_retention: how long the logs of functions and state machine stay. Left out: the platform's.
    :param alarms: changes to `monitoring.DEFAULT_ALARMS` by name: another threshold, one more, or None for one that
        this team does without. Left out: all of them as they are. Each costs 0.10 USD a month.
    :param removal_policy: left out: the platform's. DESTROY needs `allow_data_loss=True` beside it.
    """

    storage: TrainingStorage
    notices: TrainingNotices
    execution_role: iam.IRole
    workflow_role: iam.IRole
    workflow: TrainingWorkflow
    alarms: Mapping[str, cloudwatch.Alarm]
    """The team's alarms by name. They have no action of their own: see `send_alarms` and `on_alarm`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        platform: TrainingPlatform,
        policy: TeamPolicy,
        data_bucket: s3.IBucket | None = None,
        artifacts_bucket: s3.IBucket | None = None,
        checkpoints_bucket: s3.IBucket | None = None,
        reports_bucket: s3.IBucket | None = None,
        access_logs_bucket: s3.IBucket | None = None,
        runs_table: dynamodb.ITable | None = None,
        checkpoint_retention: cdk.Duration | None = None,
        encryption_key: kms.IKey | None = None,
        execution_role: iam.IRole | None = None,
        workflow_role: iam.IRole | None = None,
        function_role: iam.IRole | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        notices_topic: sns.ITopic | None = None,
        chat_topic: sns.ITopic | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        role_path: str | None = None,
        log_retention: logs.RetentionDays | None = None,
        alarms: Mapping[str, AlarmThreshold | None] | None = None,
        removal_policy: cdk.RemovalPolicy | None = None,
        allow_data_loss: bool = False,
    ) -> None:
        super().__init__(scope, id)
        pin_flags(self)
        self.policy = policy
        self.name = policy.team
        self.platform = platform
        self._join_platform()
        inherited = platform.options
        self._options = FunctionOptions(
            roles=RoleOptions(
                permissions_boundary or inherited.roles.permissions_boundary, role_path or inherited.roles.path
            ),
            retention=_retention(removal_policy, allow_data_loss) or inherited.retention,
            log_retention=log_retention or inherited.log_retention,
            role=function_role,
        )
        self._key = encryption_key or self._platform_key()
        self.network = self._network(vpc, vpc_subnets, security_groups)
        self.storage = TrainingStorage(
            self,
            "Storage",
            data_bucket=data_bucket,
            artifacts_bucket=artifacts_bucket,
            checkpoints_bucket=checkpoints_bucket,
            reports_bucket=reports_bucket,
            access_logs_bucket=access_logs_bucket,
            runs_table=runs_table,
            encryption_key=self._key,
            checkpoint_retention=checkpoint_retention,
            retention=self._options.retention,
        )
        self.notices = TrainingNotices(
            self,
            "Notices",
            policy=policy,
            notices_topic=notices_topic,
            chat_topic=chat_topic,
            encryption_key=self._key,
        )
        self.policy_parameter = self._policy_parameter()
        self._repositories = self._platform_repositories()
        self.execution_role = self._execution_role(execution_role)
        self.functions = self._functions()
        self.workflow_role = self._workflow_role(workflow_role)
        self.workflow = TrainingWorkflow(
            self, "Workflow", team=self.name, functions=self.functions, role=self.workflow_role, options=self._options
        )
        self._alarms = TeamAlarms(self, "Alarms", team=self.name, functions=self.functions.watched(), changes=alarms)
        self.alarms = self._alarms.by_name
        self.parameter = self._team_parameter()

    # --- grants for people and machines ---

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Start runs as `trainwright run` does: find the team, send source archives, follow the run to its report.
        And redrive runs that failed or were stopped: they go on from their checkpoints."""
        return people.grant(grantee, people.start(self))

    def grant_stop(self, grantee: iam.IGrantable) -> iam.Grant:
        """Find and stop the team's runs. A stopped run stops its job and still gets its record and report."""
        return people.grant(grantee, people.stop(self))

    def grant_watch(self, grantee: iam.IGrantable) -> iam.Grant:
        """See the team's runs: executions, run records, jobs, their progress and logs, reports."""
        return people.grant(grantee, people.watch(self))

    def grant_upload_data(self, grantee: iam.IGrantable) -> iam.Grant:
        """List, read, write and delete in the team's data bucket."""
        return people.grant(grantee, people.upload_data(self))

    def grant_read_reports(self, grantee: iam.IGrantable) -> iam.Grant:
        """Read run reports."""
        return people.grant(grantee, people.read_reports(self))

    # --- who hears of runs ---

    def add_notice_subscription(
        self, subscription: sns.ITopicSubscription, *, events: Sequence[str] | None = None
    ) -> sns.Subscription:
        """Send the team's notices to a queue, a function, a web hook or an address: `SqsSubscription(queue)` and the
        like. `events`: which of them; left out: all. See TrainingNotices.add_subscription, and docs/notices.md."""
        return self.notices.add_subscription(subscription, events=events)

    # --- what to watch ---

    def metric_failed(self, **options: Any) -> cloudwatch.Metric:
        """Runs that failed; refused ones among them. Options as for `cloudwatch.Metric`."""
        return self.workflow.state_machine.metric_failed(**options)

    def metric_succeeded(self, **options: Any) -> cloudwatch.Metric:
        """Runs that succeeded. Options as for `cloudwatch.Metric`."""
        return self.workflow.state_machine.metric_succeeded(**options)

    def on_failed(self, id: str, target: events.IRuleTarget) -> events.Rule:
        """Send runs that failed, ran out of time or were stopped to a target, for example an SNS topic."""
        return self.workflow.on_ended_without_report(id, target)

    def on_succeeded(self, id: str, target: events.IRuleTarget) -> events.Rule:
        """Send runs that succeeded to a target, for example a Lambda function that takes up their model."""
        return self.workflow.on_succeeded(id, target)

    @property
    def restarted_from_zero_alarm(self) -> cloudwatch.Alarm:
        """Goes off when an attempt threw away the progress of those before it."""
        return self._alarms.named("restarted_from_zero")

    def on_restarted_from_zero(self, id: str, target: events.IRuleTarget) -> events.Rule:
        """Send the alarm on attempts that began at step 0 although a checkpoint existed to a target."""
        return self.on_alarm(id, target, ["restarted_from_zero"])

    def on_alarm(self, id: str, target: events.IRuleTarget, alarms: Sequence[str] | None = None) -> events.Rule:
        """Send alarms that go off to a target, for example an SNS topic. `alarms`: which of `alarms`, by name; left
        out: any of them. Raises ValueError for one that the team does not have."""
        return self._alarms.on_alarm(id, target, alarms)

    def send_alarms(self, topic: sns.ITopic, alarms: Sequence[str] | None = None) -> None:
        """Make a topic the action of alarms that go off, and let CloudWatch publish to it: a topic with a policy of its
        own, such as one with `enforce_ssl`, would else refuse, and so would its key. `alarms`: as in `on_alarm`.

        A topic that is imported keeps its policy, and its key too; encryption with `alias/aws/sns` refuses CloudWatch.
        """
        self._alarms.send(topic, alarms)

    # --- how it is made ---

    @property
    def key(self) -> kms.IKey | None:
        """The key of the team's data, None where AWS's own keys are used."""
        return self._key

    @property
    def in_platform_stack(self) -> bool:
        return cdk.Stack.of(self) is cdk.Stack.of(self.platform)

    def _join_platform(self) -> None:
        if any(team.name == self.name for team in self.platform.teams):
            raise ValueError(f"team {self.name!r} exists already on this platform; give its policy another `team`")
        self.platform.teams.append(self)
        if not self.in_platform_stack:
            cdk.Stack.of(self).add_stack_dependency(
                cdk.Stack.of(self.platform), "the team reads the platform's names from Parameter Store"
            )

    def _platform_key(self) -> kms.IKey | None:
        key = self.platform.encryption_key
        if key is None or self.in_platform_stack:
            return key
        return kms.Key.from_key_arn(self, "PlatformKey", self._read("encryption-key"))

    def _network(
        self,
        vpc: ec2.IVpc | None,
        selection: ec2.SubnetSelection | None,
        groups: Sequence[ec2.ISecurityGroup] | None,
    ) -> JobNetwork | None:
        subnets = Subnets.of(vpc, selection) if vpc is not None else self._platform_subnets()
        if subnets is None:
            if groups:
                raise ValueError("security_groups need a VPC: give vpc= to the team or to the platform")
            return None
        if groups:
            return JobNetwork.existing(subnets, groups)
        own = JobSecurityGroup(self, "JobSecurityGroup", vpc_id=subnets.vpc_id, team=self.name)
        return JobNetwork(subnets.subnet_ids, [own.id])

    def _platform_subnets(self) -> Subnets | None:
        if self.platform.subnets is None or self.in_platform_stack:
            return self.platform.subnets
        return Subnets(self._read("vpc"), self._read_list("subnets"))

    def _read(self, item: str) -> str:
        return ssm.StringParameter.value_for_string_parameter(self, names.platform(item))

    def _read_list(self, item: str) -> list[str]:
        kind = "AWS::SSM::Parameter::Value<List<String>>"
        return cdk.CfnParameter(self, f"Platform-{item}", type=kind, default=names.platform(item)).value_as_list

    def _platform_repositories(self) -> list[str]:
        if self.in_platform_stack:
            return cdk.Lazy.uncached_list(_LateList(self.platform))
        return self._read_list("repositories")

    def _policy_parameter(self) -> ssm.StringParameter:
        text = json.dumps(self.policy.model_dump(mode="json"), separators=(",", ":"), sort_keys=True)
        size = len(text.encode())
        if size > _ADVANCED_PARAMETER:
            raise ValueError(
                f"the policy of team {self.name!r} is {size} bytes as JSON; Parameter Store takes "
                f"{_ADVANCED_PARAMETER}. Shorten its lists, for example with patterns such as ml.g5.*"
            )
        tier = ssm.ParameterTier.ADVANCED if size > _STANDARD_PARAMETER else ssm.ParameterTier.STANDARD
        return ssm.StringParameter(
            self,
            "Policy",
            parameter_name=names.team_policy(self.name),
            description=f"What team {self.name} may do",
            string_value=text,
            tier=tier,
        )

    def _execution_role(self, existing: iam.IRole | None) -> iam.IRole:
        allows = job_permissions(
            self,
            policy=self.policy,
            storage=self.storage,
            repositories=self._repositories,
            key=self._key,
            network=self.network,
        )
        session_tags = self.policy.capabilities.session_tags
        return execution_role(
            self, allows=allows, session_tags=session_tags, existing=existing, options=self._options.roles
        )

    def _workflow_role(self, existing: iam.IRole | None) -> iam.IRole:
        allows = workflow_permissions(
            self,
            policy=self.policy,
            execution_role_arn=self.execution_role.role_arn,
            function_arns=[function.arn for function in self.functions.called().values()],
            key=self._key,
            network=self.network,
        )
        return workflow_role(self, allows=allows, existing=existing, options=self._options.roles)

    def _functions(self) -> WorkflowFunctions:
        permissions = FunctionPermissions(
            self,
            policy=self.policy,
            storage=self.storage,
            repositories=self._repositories,
            execution_role_arn=self.execution_role.role_arn,
            key=self._key,
            network=self.network,
            topics=[self.notices.topic.topic_arn, self.notices.chat_topic.topic_arn],
        )
        return WorkflowFunctions(
            self,
            "Functions",
            team=self.name,
            permissions=permissions,
            environment=self._environment(),
            options=self._options,
        )

    def _environment(self) -> dict[str, str]:
        network = self.network
        return {
            "TRAINWRIGHT_TEAM": self.name,
            "TRAINWRIGHT_DATA_BUCKET": self.storage.data.bucket_name,
            "TRAINWRIGHT_ARTIFACTS_BUCKET": self.storage.artifacts.bucket_name,
            "TRAINWRIGHT_CHECKPOINTS_BUCKET": self.storage.checkpoints.bucket_name,
            "TRAINWRIGHT_REPORTS_BUCKET": self.storage.reports.bucket_name,
            "TRAINWRIGHT_RUNS_TABLE": self.storage.runs.table_name,
            "TRAINWRIGHT_EXECUTION_ROLE_ARN": self.execution_role.role_arn,
            "TRAINWRIGHT_POLICY_PARAMETER": names.team_policy(self.name),
            "TRAINWRIGHT_IMAGE_PARAMETERS": names.IMAGES,
            "TRAINWRIGHT_QUOTA_PARAMETERS": names.QUOTAS,
            "TRAINWRIGHT_NOTICES_TOPIC": self.notices.topic.topic_arn,
            "TRAINWRIGHT_CHAT_TOPIC": self.notices.chat_topic.topic_arn,
            "TRAINWRIGHT_VPC_SUBNETS": cdk.Fn.join(",", network.subnet_ids) if network else "",
            "TRAINWRIGHT_VPC_SECURITY_GROUPS": cdk.Fn.join(",", network.security_group_ids) if network else "",
            "TRAINWRIGHT_KMS_KEY_ARN": self._key.key_arn if self._key else "",
            "TRAINWRIGHT_LOG_GROUP": names.TRAINING_LOG_GROUP,
        }

    def _team_parameter(self) -> ssm.StringParameter:
        stack, network = cdk.Stack.of(self), self.network
        facts: dict[str, object] = {
            "schema": 1,
            "team": self.name,
            "account": stack.account,
            "region": stack.region,
            "state_machine_arn": self.workflow.state_machine.state_machine_arn,
            "data_bucket": self.storage.data.bucket_name,
            "artifacts_bucket": self.storage.artifacts.bucket_name,
            "checkpoints_bucket": self.storage.checkpoints.bucket_name,
            "reports_bucket": self.storage.reports.bucket_name,
            "runs_table": self.storage.runs.table_name,
            "execution_role_arn": self.execution_role.role_arn,
            "log_group": names.TRAINING_LOG_GROUP,
            "policy_parameter": names.team_policy(self.name),
            "notices_topic": self.notices.topic.topic_arn,
            "chat_topic": self.notices.chat_topic.topic_arn,
        }
        written = {key: stack.to_json_string(value) for key, value in facts.items()}
        written["kms_key_arn"] = stack.to_json_string(self._key.key_arn) if self._key else "null"
        written["subnets"] = _json_list(network.subnet_ids if network else [])
        written["security_groups"] = _json_list(network.security_group_ids if network else [])
        return ssm.StringParameter(
            self,
            "Parameter",
            parameter_name=names.team(self.name),
            description=f"Where team {self.name} is",
            string_value="{" + ",".join(f'"{key}":{value}' for key, value in written.items()) + "}",
        )


@jsii.implements(cdk.IListProducer)
class _LateList:
    """The platform's repositories when the template is written: images may be added after the team."""

    def __init__(self, platform: TrainingPlatform) -> None:
        self._platform = platform

    def produce(self, context: cdk.IResolveContext) -> list[str]:
        return self._platform.repository_arns()


def _json_list(items: list[str]) -> str:
    """A list of ids as JSON. The items may be a list that CloudFormation fills in, which `to_json_string` could only
    write with a function of its own at deploy time."""
    return '["' + cdk.Fn.join('","', items) + '"]' if items else "[]"


def _retention(removal_policy: cdk.RemovalPolicy | None, allow_data_loss: bool) -> Retention | None:
    if removal_policy is None and not allow_data_loss:
        return None
    return Retention(removal_policy or cdk.RemovalPolicy.RETAIN, allow_data_loss)


def default_policy() -> TeamPolicy:
    """The policy of the team that a platform without teams makes for itself: what TeamPolicy allows when nothing is
    said.
    """
    return TeamPolicy(team=names.DEFAULT_TEAM)
