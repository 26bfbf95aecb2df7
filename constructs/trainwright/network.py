"""Where training jobs run: a VPC's subnets and the team's own security group, or SageMaker's own network."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from constructs import Construct


@dataclass(frozen=True)
class Subnets:
    """A VPC's id and the subnets chosen in it. The list may be a token that CloudFormation fills in."""

    vpc_id: str
    subnet_ids: list[str]

    @classmethod
    def of(cls, vpc: ec2.IVpc, selection: ec2.SubnetSelection | None) -> "Subnets":
        """`selection` left out: the private subnets with a way out, as `IVpc.select_subnets` chooses."""
        chosen = selection or ec2.SubnetSelection()
        found = vpc.select_subnets(
            availability_zones=chosen.availability_zones,
            one_per_az=chosen.one_per_az,
            subnet_filters=chosen.subnet_filters,
            subnet_group_name=chosen.subnet_group_name,
            subnets=chosen.subnets,
            subnet_type=chosen.subnet_type,
        )
        return cls(vpc.vpc_id, found.subnet_ids)


@dataclass(frozen=True)
class JobNetwork:
    """What a training job's VpcConfig will hold."""

    subnet_ids: list[str]
    security_group_ids: list[str]

    @classmethod
    def existing(cls, subnets: Subnets, groups: Sequence[ec2.ISecurityGroup]) -> "JobNetwork":
        return cls(subnets.subnet_ids, [group.security_group_id for group in groups])


class JobSecurityGroup(Construct):
    """A team's security group: its hosts talk to each other, as distributed training must, and to nobody else
    inbound.
    """

    def __init__(self, scope: Construct, id: str, *, vpc_id: str, team: str) -> None:
        super().__init__(scope, id)
        out = ec2.CfnSecurityGroup.EgressProperty(
            ip_protocol="-1",
            cidr_ip="0.0.0.0/0",
            description="S3, ECR, CloudWatch Logs and what a training script needs",
        )
        group = ec2.CfnSecurityGroup(
            self, "Group", vpc_id=vpc_id, group_description=f"Training jobs of {team}", security_group_egress=[out]
        )
        ec2.CfnSecurityGroupIngress(
            self,
            "BetweenHosts",
            group_id=group.attr_group_id,
            source_security_group_id=group.attr_group_id,
            ip_protocol="-1",
            description="Distributed training: every port between the hosts of a job",
        )
        self.id = group.attr_group_id
