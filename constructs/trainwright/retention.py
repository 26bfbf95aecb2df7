"""What happens to stateful things (buckets, tables, repositories, logs) when their stack goes."""

from dataclasses import dataclass

import aws_cdk as cdk


@dataclass(frozen=True)
class Retention:
    """Two switches, because one is flipped by accident: only both together let data be destroyed."""

    removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN
    allow_data_loss: bool = False

    def __post_init__(self) -> None:
        if self.removal_policy not in (cdk.RemovalPolicy.RETAIN, cdk.RemovalPolicy.DESTROY):
            raise ValueError(
                f"removal_policy: {self.removal_policy} is not offered; use RemovalPolicy.RETAIN, or "
                "RemovalPolicy.DESTROY with allow_data_loss=True"
            )
        if (self.removal_policy == cdk.RemovalPolicy.DESTROY) != self.allow_data_loss:
            raise ValueError(
                "removal_policy=RemovalPolicy.DESTROY and allow_data_loss=True go together: data, models, checkpoints "
                "and records are kept when a stack goes unless both are given; give both or neither"
            )

    @property
    def destroys(self) -> bool:
        return self.allow_data_loss
