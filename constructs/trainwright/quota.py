"""Quotas for training instances: looked up by name, and asked to be raised, when the stack is deployed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from typing import get_args

import aws_cdk as cdk
from constructs import Construct

from trainwright import names
from trainwright.arns import Arns
from trainwright.functions import FunctionOptions, RuntimeFunction
from trainwright.permissions import Allow
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.quota_request import Promises, promises
from trainwright_runtime.quotas import SERVICE, Kind

_KINDS: tuple[Kind, ...] = get_args(Kind)
_QUOTAS_PRINCIPAL = "servicequotas.amazonaws.com"


@dataclass(frozen=True)
class InstanceCount:
    """Instances of one type that an account is to have at the same time, by what AWS counts them for.

    :param training: on demand, "for training job usage"; those of warm pools count here too.
    :param spot: "for spot training job usage".
    :param warm_pool: kept between jobs, "for training warm pool usage", of which AWS grants none by default.
    """

    training: int = 0
    spot: int = 0
    warm_pool: int = 0

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0:
            raise ValueError(f"{self}: instances are 0 or more")


@dataclass(frozen=True)
class QuotaOptions:
    """How a platform asks AWS for the instances that its teams are promised.

    :param instances: instances by type (`{"ml.g5.xlarge": InstanceCount(training=8)}`) for what the policies do not
        say, such as runs at the same time; added to what they promise. Left out: none.
    :param support_case_allowed: whether AWS may open a support case for a request. Left out: False, and AWS turns down
        (NOT_APPROVED) what it does not grant by itself.
    :param fail_unless_granted: whether the deployment fails while a promised quota is too small. What is missing is
        asked for before it fails. Left out: False, it is a warning.
    :param revision: any text; another one makes the next deployment look again and repeat requests that were turned
        down. Left out: the empty text. A deployment that changes nothing here asks nothing.
    """

    instances: Mapping[str, InstanceCount] = field(default_factory=dict)
    support_case_allowed: bool = False
    fail_unless_granted: bool = False
    revision: str = ""


class InstanceQuota(Construct):
    """Has AWS raise the account's quotas to what is wanted, where they are lower; never lowers one.

    A TrainingPlatform makes one for what its teams' policies promise. One of your own asks for something else: the
    requests are by quota, so that two of them do not add up. The codes of the quotas go to Parameter Store
    (`/trainwright/quotas/<instance type>/<training|spot|warm-pool>`). Deleting the stack leaves quotas, requests and
    parameters alone.

    :param instances: wanted instances by type, as in `{"ml.g5.xlarge": InstanceCount(training=2, spot=4)}`.
    :param support_case_allowed: whether AWS may open a support case. Left out: False.
    :param fail_unless_granted: whether the deployment fails while a quota is too small. Left out: False, it is said in
        `warnings`.
    :param revision: any text; another one makes the next deployment look and ask again. Left out: the empty text.
    :param options: log retention, role and so on of the function. Left out: as of a TrainingPlatform that says nothing.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        instances: Mapping[str, InstanceCount],
        support_case_allowed: bool = False,
        fail_unless_granted: bool = False,
        revision: str = "",
        options: FunctionOptions | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.handler = RuntimeFunction(
            self,
            "Handler",
            handler="instance_quota",
            description="Asks AWS for the training instances that teams are promised",
            allows=_allows(self),
            environment={},
            timeout=cdk.Duration.minutes(5),
            options=options or FunctionOptions(),
        )
        self.resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::TrainwrightInstanceQuota",
            service_token=self.handler.arn,
            service_timeout=cdk.Duration.minutes(10),
            properties={
                "Quotas": _listed(instances),
                "ParameterPrefix": names.QUOTAS,
                "SupportCaseAllowed": str(support_case_allowed).lower(),
                "FailUnlessGranted": str(fail_unless_granted).lower(),
                "Revision": revision,
            },
        )

    @property
    def warnings(self) -> str:
        """What stood in the way at the last deployment that changed something here, a line each; or `none`."""
        return self.resource.get_att_string("Warnings")

    @property
    def pending(self) -> str:
        """How many quotas then had a request that AWS had not decided."""
        return self.resource.get_att_string("Pending")


def wanted(policies: Iterable[TeamPolicy], options: QuotaOptions) -> dict[str, InstanceCount]:
    """What the policies promise and what the options add, by instance type."""
    total = Counter(promises(policies))
    total.update(_pairs(options.instances))
    types = sorted({instance_type for instance_type, _ in total})
    return {name: InstanceCount(**{kind: total[name, kind] for kind in _KINDS}) for name in types}


def _pairs(instances: Mapping[str, InstanceCount]) -> Promises:
    found = {(name, kind): getattr(counts, kind) for name, counts in instances.items() for kind in _KINDS}
    return {key: count for key, count in found.items() if count}


def _listed(instances: Mapping[str, InstanceCount]) -> list[dict[str, str]]:
    """As properties of the resource, in an order that does not depend on who said it first."""
    return [
        {"InstanceType": name, "Kind": kind, "Instances": str(count)}
        for (name, kind), count in sorted(_pairs(instances).items())
    ]


def _allows(scope: Construct) -> list[Allow]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_servicequotas.html; the last one is in
    AWS's own policy ServiceQuotasFullAccess, for an account that never asked for a quota before."""
    arns = Arns(scope)
    role = f"{_QUOTAS_PRINCIPAL}/AWSServiceRoleForServiceQuotas"
    return [
        Allow(
            [
                "servicequotas:ListAWSDefaultServiceQuotas",
                "servicequotas:ListRequestedServiceQuotaChangeHistory",
                "servicequotas:ListServiceQuotas",
            ],
            ["*"],
            why="Service Quotas has no resource to name in its lists, which are read to find quotas by their names.",
        ),
        Allow(
            ["servicequotas:RequestServiceQuotaIncrease"],
            [arns.of("servicequotas", SERVICE, "*")],
            why="A quota's code is found by its name, when the stack is deployed; all of them are SageMaker's.",
        ),
        Allow(
            ["ssm:PutParameter"],
            [arns.parameter(f"{names.QUOTAS}*")],
            why="One parameter for each instance type and kind of quota, named when the stack is deployed.",
        ),
        Allow(
            ["iam:CreateServiceLinkedRole"],
            [_service_role(scope, role)],
            conditions={"StringEquals": {"iam:AWSServiceName": _QUOTAS_PRINCIPAL}},
        ),
    ]


def _service_role(scope: Construct, name: str) -> str:
    return cdk.Stack.of(scope).format_arn(
        service="iam", region="", resource="role", resource_name=f"aws-service-role/{name}"
    )
