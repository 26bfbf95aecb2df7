"""What each of a team's Lambda functions may do: a list of statements a function, no more than it calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import Construct

from trainwright import names
from trainwright.arns import Arns
from trainwright.capabilities import named_repositories
from trainwright.network import JobNetwork
from trainwright.permissions import Allow
from trainwright.roles import ONE_LOG_GROUP, creating_jobs, image_repositories, other_buckets, own_jobs
from trainwright.storage import TrainingStorage

if TYPE_CHECKING:
    from trainwright_runtime.policy import TeamPolicy

_LOOK_AT_IMAGES = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


@dataclass(frozen=True)
class FunctionPermissions:
    """The functions' rights in one team. `repositories` are the ARNs of the platform's images, `topics` of the team's
    notices."""

    scope: Construct
    policy: "TeamPolicy"
    storage: TrainingStorage
    repositories: Sequence[str]
    execution_role_arn: str
    key: kms.IKey | None
    network: JobNetwork | None
    topics: Sequence[str]

    # --- function by function ---

    def prepare(self) -> list[Allow]:
        """Read policy and images, look at what the run needs before it starts, begin the record."""
        names, records = self._names(), self._records("PutItem")
        return [*names, records, self._writes_reports(), *self._preflight(), self._notifies()]

    def launch(self) -> list[Allow]:
        """Create the team's jobs, under the same conditions as the state machine itself, and keep task tokens."""
        creating = creating_jobs(
            self.scope,
            policy=self.policy,
            execution_role_arn=self.execution_role_arn,
            key=self.key,
            network=self.network,
        )
        return [*creating, self._jobs("DescribeTrainingJob"), self._records()]

    def assess(self) -> list[Allow]:
        """See how a job stands and, by its tags, whose it is; stop what an earlier attempt left behind."""
        jobs = self._jobs("DescribeTrainingJob", "ListTags", "StopTrainingJob")
        return [*self._looks(), *self._settles(), jobs]

    def report(self) -> list[Allow]:
        """Settle and report; stop what is still alive, end a warm pool that nobody is to pay for, and remember one that
        stays."""
        jobs = self._jobs("DescribeTrainingJob", "StopTrainingJob")
        ends = [self._ends_pools(), self._notifies(), self._lists_runs()]
        return [*self._settles(), *self._curves(), self._table("PutItem"), jobs, *ends]

    def give_up(self) -> list[Allow]:
        """Read the plan, and open the record of a redriven run again."""
        return [self._records(), *self._reads_reports()]

    def close(self) -> list[Allow]:
        """What Assess and Report may do; where Prepare never came to it, begin the record."""
        ends = [self._ends_pools(), self._notifies(), self._lists_runs()]
        return [*self.assess(), self._records("PutItem"), *ends]

    def answer(self) -> list[Allow]:
        """Find the task token of a job's run."""
        return [self._table("GetItem")]

    def reconcile(self) -> list[Allow]:
        """Write down what warm pools cost, once they have ended."""
        telling = [self._notifies(), self._lists_runs(), self._table("PutItem")]
        return [*self._settles(), *self._curves(), self._jobs("DescribeTrainingJob"), *telling]

    def digest(self) -> list[Allow]:
        """Read what profiler and rules left of the team's jobs, and report it."""
        telling = [self._notifies(), self._lists_runs(), self._table("PutItem")]
        return [*self._settles(), *self._profiles(), self._host_metrics(), *telling]

    # --- what they have in common ---

    def answering(self, state_machine_arn: str, *answers: str) -> Allow:
        """Answer task tokens of the team's own executions.

        The service authorization reference lists no resource type for SendTask*, but AWS judges them by the state
        machine: CDK's StateMachine.grantTaskResponse names it so (https://github.com/aws/aws-cdk/pull/8486).
        """
        return Allow([f"states:{answer}" for answer in answers], [state_machine_arn])

    def describing(self, state_machine_name: str) -> Allow:
        """Ask about the team's executions."""
        executions = self._arns.executions(state_machine_name)
        return Allow(["states:DescribeExecution"], [executions], why="Any execution of the team's own state machine.")

    @cached_property
    def _arns(self) -> Arns:
        return Arns(self.scope)

    def _names(self) -> list[Allow]:
        images, quotas = self._arns.parameter(f"{names.IMAGES}*"), self._arns.parameter(f"{names.QUOTAS}*")
        return [
            Allow(["ssm:GetParameter"], [self._arns.parameter(names.team_policy(self.policy.team))]),
            Allow(["ssm:GetParameter"], [images], why="The platform's images, by the name that a run request gives."),
            Allow(["ssm:GetParameter"], [quotas], why="The codes of quotas, by the instance type that a run asks for."),
        ]

    def _preflight(self) -> list[Allow]:
        """Looking before a run starts: at its data, its image, the account's quotas and AWS's prices. It reads no
        object: to list is enough to see that a prefix holds something, and how much."""
        partition = cdk.Stack.of(self.scope).partition
        buckets = [self.storage.data.bucket_arn, *other_buckets(self.policy.allow.data, partition)]
        return [
            Allow(["s3:ListBucket"], buckets),
            *self._image_look(),
            Allow(
                ["servicequotas:GetServiceQuota"],
                [self._arns.quotas("sagemaker")],
                why="A quota's code is found by its name, and there are three for each instance type.",
            ),
            Allow(
                [
                    "servicequotas:GetAWSDefaultServiceQuota",
                    "servicequotas:ListServiceQuotas",
                    "servicequotas:ListAWSDefaultServiceQuotas",
                    "pricing:GetProducts",
                ],
                ["*"],
                why="Default quotas, lists of quotas and the price list have no resource to name; they only read.",
            ),
        ]

    def _image_look(self) -> list[Allow]:
        """What the execution role may pull, Prepare may look at: whether the image exists, under which digest, and for
        which platform, which its configuration, a layer, says. AWS's own images come from a table."""
        named = self.policy.capabilities.repositories
        return [
            *image_repositories(self.scope, self.policy, self.repositories, actions=_LOOK_AT_IMAGES, verb="LookAt"),
            *named_repositories(named, actions=_LOOK_AT_IMAGES, verb="LookAt"),
        ]

    def _looks(self) -> list[Allow]:
        return [
            *self._script_files(),
            Allow(["logs:DescribeLogStreams"], self._arns.training_log_group(), why=ONE_LOG_GROUP),
            Allow(
                ["logs:GetLogEvents"],
                [self._arns.training_log_streams(self.policy.team)],
                why="The log streams of the team's own jobs, for the last lines in a diagnosis.",
            ),
            self._host_metrics(),
        ]

    def _host_metrics(self) -> Allow:
        return Allow(
            ["cloudwatch:GetMetricData"],
            ["*"],
            why="How full instances were, and scripts' metrics. GetMetricData has no resource to name; it only reads.",
        )

    def _profiles(self) -> list[Allow]:
        """Rules leave their findings below the job's output path: in the artifacts bucket.
        https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-profiling-report.html"""
        team, artifacts = self.policy.team, self.storage.artifacts
        return [
            self._jobs("DescribeTrainingJob"),
            Allow(
                ["sagemaker:DescribeProcessingJob"],
                [self._arns.of("sagemaker", "processing-job", f"{team}-*")],
                why=f"The jobs that judge team {team}'s; SageMaker begins their names with the training job's.",
            ),
            Allow(
                ["s3:GetObject"],
                [artifacts.arn_for_objects("runs/*/rule-output/*")],
                why="What the rules of the team's runs found; runs are named when they start.",
            ),
            Allow(
                ["s3:ListBucket"],
                [artifacts.bucket_arn],
                conditions={"StringLike": {"s3:prefix": "runs/*/rule-output/*"}},
            ),
            *self._script_files(),
        ]

    def _script_files(self) -> list[Allow]:
        """What a script tells of itself beside its checkpoints."""
        checkpoints = self.storage.checkpoints
        return [
            Allow(
                ["s3:GetObject"],
                [checkpoints.arn_for_objects("runs/*")],
                why="The progress file and the metrics beside the checkpoints of any run of the team.",
            ),
            # so that a file that a script has not written yet reads as missing and not as forbidden
            Allow(["s3:ListBucket"], [checkpoints.bucket_arn]),
        ]

    def _curves(self) -> list[Allow]:
        """A report's curves: the script's own file, or CloudWatch's values."""
        return [*self._script_files(), self._host_metrics()]

    def _notifies(self) -> Allow:
        """Whatever publishes a run's report, or sets its money aside, tells of it."""
        return Allow(["sns:Publish"], list(self.topics))

    def _lists_runs(self) -> Allow:
        """Whatever publishes a run's report notes the run in the page of all of them."""
        return Allow(["s3:GetObject", "s3:PutObject"], [self.storage.reports.arn_for_objects(names.RUNS_PAGE)])

    def _settles(self) -> list[Allow]:
        return [self._records(), self._writes_reports(), *self._reads_reports()]

    def _reads_reports(self) -> list[Allow]:
        reports = self.storage.reports
        return [
            Allow(
                ["s3:GetObject"],
                [reports.arn_for_objects("runs/*")],
                why="What earlier steps of the team's runs left there.",
            ),
            Allow(["s3:ListBucket"], [reports.bucket_arn]),
        ]

    def _writes_reports(self) -> Allow:
        reports = self.storage.reports.arn_for_objects("runs/*")
        return Allow(["s3:PutObject"], [reports], why="Each run writes under its own name, made when it starts.")

    def _records(self, *more: str) -> Allow:
        return self._table("GetItem", "UpdateItem", *more)

    def _table(self, *actions: str) -> Allow:
        return Allow([f"dynamodb:{action}" for action in actions], [self.storage.runs.table_arn])

    def _jobs(self, *actions: str) -> Allow:
        team = self.policy.team
        return Allow([f"sagemaker:{action}" for action in actions], [self._arns.jobs(team)], why=own_jobs(team))

    def _ends_pools(self) -> Allow:
        """UpdateTrainingJob with a keep-alive of 0 ends a warm pool; the conditions leave nothing else of it.
        https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools-how-to-use.html"""
        team = self.policy.team
        return Allow(
            ["sagemaker:UpdateTrainingJob"],
            [self._arns.jobs(team)],
            conditions={
                "NumericLessThanEqualsIfExists": {"sagemaker:KeepAlivePeriod": "0"},
                "BoolIfExists": {"sagemaker:EnableRemoteDebug": "false"},
            },
            why=own_jobs(team),
        )
