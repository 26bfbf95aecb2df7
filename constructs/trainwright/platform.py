"""What an account and region has once: images, log retention, and what team stacks read from Parameter Store."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct, IConstruct

from trainwright import names
from trainwright.arns import Arns
from trainwright.context import pin_flags
from trainwright.dashboard import TrainingDashboard
from trainwright.functions import FunctionOptions
from trainwright.image import BoundImage, TrainingImage
from trainwright.log_retention import TrainingLogRetention
from trainwright.network import Subnets
from trainwright.permissions import RoleOptions
from trainwright.quota import InstanceQuota, QuotaOptions, wanted
from trainwright.retention import Retention

if TYPE_CHECKING:
    from trainwright.team import TrainingTeam


_IMAGE_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII)
_QUOTAS_ID = "InstanceQuota"


class TrainingPlatform(Construct):
    """The shared part of a training platform, once an account and region.

    Without any TrainingTeam of its own when the app is synthesised, it makes one named `default` in its own stack.

    :param image: the platform's first image, named `platform`. Left out: none; runs then give an image by URI, or by
        the name of one added with `add_image`.
    :param vpc: where training jobs run. Left out: SageMaker's own network.
    :param vpc_subnets: which of its subnets. Left out: the private ones with a way out.
    :param encryption_key: for every bucket, table, volume and model of the teams. Left out: SSE-S3 and keys that AWS
        owns.
    :param permissions_boundary: for every role that is made. Left out: none.
    :param role_path: for every role that is made, for example `/training/`. Left out: `/`.
    :param function_role: an existing role for the platform's Lambda functions. Left out: a role each.
    :param log_retention: how long every log is kept, SageMaker's training logs too. Left out: three months.
    :param quotas: how AWS is asked for the instances that the teams' policies promise (`trainwright_runtime
        .quota_request.promises`). Left out: without a support case, and a quota that stays too small is a warning.
    :param dashboard: whether there is one CloudWatch dashboard for all teams, 3 USD a month. Left out: there is.
    :param removal_policy: RETAIN when left out. DESTROY needs `allow_data_loss=True` beside it.
    :param allow_data_loss: the second switch. A bucket that holds objects still refuses to go.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        image: TrainingImage | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        encryption_key: kms.IKey | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        role_path: str | None = None,
        function_role: iam.IRole | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS,
        quotas: QuotaOptions | None = None,
        dashboard: bool = True,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
        allow_data_loss: bool = False,
    ) -> None:
        super().__init__(scope, id)
        pin_flags(self)
        self.encryption_key = encryption_key
        self.subnets = Subnets.of(vpc, vpc_subnets) if vpc is not None else None
        self.options = FunctionOptions(
            roles=RoleOptions(permissions_boundary, role_path),
            retention=Retention(removal_policy, allow_data_loss),
            log_retention=log_retention,
            role=function_role,
        )
        self.images: dict[str, BoundImage] = {}
        self.teams: list[TrainingTeam] = []
        self._quotas = quotas or QuotaOptions()
        self.log_retention = TrainingLogRetention(self, "LogRetention", retention=log_retention, options=self.options)
        self.dashboard = TrainingDashboard(self, "Dashboard", team=self._first_team()) if dashboard else None
        if image is not None:
            self.add_image(names.DEFAULT_IMAGE, image)
        self._publish()
        cdk.Aspects.of(self).add(_LastMoment(self))

    def add_image(self, name: str, image: TrainingImage) -> None:
        """Offer another image to run requests under this name. Raises ValueError for a name that is taken or not
        fit.
        """
        if not _IMAGE_NAME.fullmatch(name):
            raise ValueError(
                f"image name {name!r}: use a lower-case letter, then lower-case letters, digits and hyphens, 63 at most"
            )
        if name in self.images:
            raise ValueError(f"image name {name!r} is taken; the platform's images are {sorted(self.images)}")
        self.images[name] = image.bind(self, name, self.options)
        ssm.StringParameter(
            self,
            f"ImageParameter-{name}",
            parameter_name=names.image(name),
            string_value=self.images[name].uri,
            description=f"The training image {name}, by digest",
        )

    def repository_arns(self) -> list[str]:
        """The ECR repositories of the images that the platform has by now; of no image, while it has none: neither a
        StringList parameter nor a policy statement may be empty.
        """
        arns = {arn for image in self.images.values() if (arn := image.repository_arn)}
        return sorted(arns) or [Arns(self).of("ecr", "repository", "no-image-yet")]

    @property
    def default_team(self) -> TrainingTeam:
        """The team named `default`, made in the platform's own stack when it is first asked for."""
        from trainwright.team import TrainingTeam, default_policy  # noqa: PLC0415  a team imports the platform

        found = next((team for team in self.teams if team.name == names.DEFAULT_TEAM), None)
        return found or TrainingTeam(self, "DefaultTeam", platform=self, policy=default_policy())

    @property
    def quota_warnings(self) -> str:
        """What stands in the way of the instances that the teams are promised, a line each, for an output of the
        platform's stack; `none` where nothing does or nothing is promised. See `InstanceQuota.warnings`.
        """
        return cdk.Lazy.string(_Late(self._quota_warnings))

    def _quota_warnings(self) -> str:
        found = self.node.try_find_child(_QUOTAS_ID)
        return found.warnings if isinstance(found, InstanceQuota) else "none"

    def _first_team(self) -> str:
        """The name of the first team by the alphabet, when the template is written."""
        return cdk.Lazy.string(_Late(lambda: min(team.name for team in self.teams)))

    def _complete(self) -> None:
        """What can only be made when all teams have come: the team of a platform without any, and their quotas."""
        if not self.teams:
            _ = self.default_team
        instances = wanted([team.policy for team in self.teams], self._quotas)
        if instances and self.node.try_find_child(_QUOTAS_ID) is None:
            said = self._quotas
            InstanceQuota(
                self,
                _QUOTAS_ID,
                instances=instances,
                support_case_allowed=said.support_case_allowed,
                fail_unless_granted=said.fail_unless_granted,
                revision=said.revision,
                options=self.options,
            )

    def _publish(self) -> None:
        """What team stacks read when they deploy. They never import: an export in use would hold this stack fast."""
        repositories = cdk.Lazy.string(_Late(lambda: cdk.Fn.join(",", self.repository_arns())))
        self._parameter("repositories", repositories, "StringList")
        if self.encryption_key is not None:
            self._parameter("encryption-key", self.encryption_key.key_arn, "String")
        if self.subnets is not None:
            self._parameter("vpc", self.subnets.vpc_id, "String")
            self._parameter("subnets", cdk.Fn.join(",", self.subnets.subnet_ids), "StringList")

    def _parameter(self, item: str, value: str, kind: str) -> None:
        name = names.platform(item)
        ssm.CfnParameter(
            self, f"Parameter-{item}", name=name, type=kind, value=value, description=f"Trainwright: {item}"
        )


@jsii.implements(cdk.IStableStringProducer)
class _Late:
    """A value that is asked for when the template is written."""

    def __init__(self, value: Callable[[], str]) -> None:
        self._value = value

    def produce(self) -> str:
        return self._value()


@jsii.implements(cdk.IAspect)
class _LastMoment:
    """Completes a platform at the last moment at which constructs may be made: only then is it known which teams came.

    What is made becomes a child of the platform while the platform itself is visited, so that every other aspect of the
    app (tags, a permissions boundary) still reaches it, whichever of the CDK's two ways of invoking aspects is in
    force.
    """

    def __init__(self, platform: TrainingPlatform) -> None:
        self._platform = platform

    def visit(self, node: IConstruct) -> None:
        if node.node.path == self._platform.node.path:
            self._platform._complete()
