"""One Lambda function of the runtime package: its role, its log group, its version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from trainwright import assets
from trainwright.permissions import NAG, Allow, RoleOptions, acknowledge, add_later, add_to_role, service_role
from trainwright.retention import Retention

_LAYER_ID = "TrainwrightRuntimeLayer"
_RUNTIME = lambda_.Runtime.PYTHON_3_13

XRAY = Allow(
    actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    resources=["*"],
    why="X-Ray has no resource to name in these two actions; they can only add trace segments.",
)


@dataclass(frozen=True)
class FunctionOptions:
    """What the functions of one platform or team share.

    `role`: an existing role that Lambda may assume, for all of them. Left out: a role each, with its own few rights.
    """

    roles: RoleOptions = field(default_factory=RoleOptions)
    retention: Retention = field(default_factory=Retention)
    log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS
    role: iam.IRole | None = None


class RuntimeFunction(Construct):
    """A handler of `trainwright_runtime.handlers` on arm64, traced, with a log group of its own.

    No concurrency is reserved: fifty teams' reservations would eat the account's pool, and a run makes few calls.

    :param handler: the module's name, for example `prepare`.
    :param allows: what the handler may do, its logs and traces aside.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        handler: str,
        description: str,
        allows: Sequence[Allow],
        environment: Mapping[str, str],
        timeout: cdk.Duration,
        options: FunctionOptions,
        memory: cdk.Size | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.log_group = logs.LogGroup(
            self, "Logs", retention=options.log_retention, removal_policy=options.retention.removal_policy
        )
        self.role = self._role([*allows, XRAY, self._writes_its_logs()], description, options)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            runtime=_RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"trainwright_runtime.handlers.{handler}.handler",
            code=_code(),
            layers=[_layer(self)],
            role=self.role.without_policy_updates() if isinstance(self.role, iam.Role) else self.role,
            environment={"POWERTOOLS_SERVICE_NAME": handler, **environment},
            timeout=timeout,
            memory_size=(memory or cdk.Size.mebibytes(512)).to_mebibytes(),
            tracing=lambda_.Tracing.ACTIVE,
            log_group=self.log_group,
            # A run that is under way goes on with the version it began with, so old versions stay.
            current_version_options=lambda_.VersionOptions(removal_policy=cdk.RemovalPolicy.RETAIN),
        )
        acknowledge(self.function, f"{NAG}-L1", _RUNTIME_REASON)

    @property
    def arn(self) -> str:
        return self.function.function_arn

    def may_also(self, id: str, allows: Sequence[Allow]) -> None:
        """Rights on something that is made after the function and refers to it, such as the state machine that calls
        it: in the role's own policy, which the function waits for, they would make a circle."""
        add_later(self, id, self.role, allows)

    def _writes_its_logs(self) -> Allow:
        return Allow(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[self.log_group.log_group_arn],  # CloudFormation's Arn of a group covers its streams
        )

    def _role(self, allows: Sequence[Allow], description: str, options: FunctionOptions) -> iam.IRole:
        if options.role is not None:
            add_to_role(options.role, allows)
            return options.role
        service = "lambda.amazonaws.com"
        return service_role(
            self, "Role", service=service, allows=allows, description=description, options=options.roles
        )


_RUNTIME_REASON = (
    "Python 3.13 is the version that the layer's wheels are built and tested for; it moves with them, not by itself."
)


def _code() -> lambda_.Code:
    asset = assets.code()
    return lambda_.Code.from_asset(str(asset.path), asset_hash=asset.hash, asset_hash_type=cdk.AssetHashType.CUSTOM)


def _layer(scope: Construct) -> lambda_.ILayerVersion:
    """One layer a stack: the pinned wheels are the same for all of its functions."""
    stack = cdk.Stack.of(scope)
    found = stack.node.try_find_child(_LAYER_ID)
    if isinstance(found, lambda_.LayerVersion):
        return found
    asset = assets.layer()
    return lambda_.LayerVersion(
        stack,
        _LAYER_ID,
        description="Pinned wheels of trainwright_runtime",
        code=lambda_.Code.from_asset(str(asset.path), asset_hash=asset.hash, asset_hash_type=cdk.AssetHashType.CUSTOM),
        compatible_runtimes=[_RUNTIME],
        compatible_architectures=[lambda_.Architecture.ARM_64],
    )
