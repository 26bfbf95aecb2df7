"""Where a request would run, as far as its check depends on it."""

from dataclasses import dataclass

from trainwright_runtime.facts import Deployment


@dataclass(frozen=True)
class Site:
    """The region, and the team's own subnets and security groups: none where its jobs have no VPC."""

    region: str = "us-east-1"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, deployment: Deployment) -> "Site":
        """Where a team is deployed."""
        return cls(deployment.region, deployment.subnets, deployment.security_groups)

    @property
    def vpc(self) -> bool:
        """Whether the team's jobs have a VPC."""
        return bool(self.subnets)
