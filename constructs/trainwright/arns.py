"""ARNs of a team's things, by name."""

from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from trainwright import names


@dataclass(frozen=True)
class Arns:
    """ARNs of things in this stack's account and region, in its partition."""

    scope: Construct

    def of(self, service: str, resource: str, name: str) -> str:
        return cdk.Stack.of(self.scope).format_arn(service=service, resource=resource, resource_name=name)

    def jobs(self, team: str) -> str:
        return self.of("sagemaker", "training-job", f"{team}-*")

    def log_group(self, name: str) -> str:
        return self._colons("logs", "log-group", name)

    def training_log_group(self) -> list[str]:
        """CloudWatch Logs spells a group's ARN with a trailing `:*` in some actions and without it in others."""
        group = self.log_group(names.TRAINING_LOG_GROUP)
        return [group, f"{group}:*"]

    def training_log_streams(self, team: str) -> str:
        return self.log_group(f"{names.TRAINING_LOG_GROUP}:log-stream:{team}-*")

    def executions(self, state_machine_name: str) -> str:
        return self._colons("states", "execution", f"{state_machine_name}:*")

    def quotas(self, service_code: str) -> str:
        """Every quota of one service."""
        return self.of("servicequotas", service_code, "*")

    def parameter(self, name: str) -> str:
        return self.of("ssm", "parameter", name.removeprefix("/"))

    def _colons(self, service: str, resource: str, name: str) -> str:
        colons = cdk.ArnFormat.COLON_RESOURCE_NAME
        stack = cdk.Stack.of(self.scope)
        return stack.format_arn(service=service, resource=resource, resource_name=name, arn_format=colons)
