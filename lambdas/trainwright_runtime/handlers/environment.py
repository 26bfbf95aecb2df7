"""What the Lambda functions are told by their environment: the team's deployed parts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from trainwright_runtime.facts import Deployment


@dataclass(frozen=True)
class Environment:
    """A workflow function's environment: the deployment, and where to find what is not in it."""

    deployment: Deployment
    runs_table: str
    policy_parameter: str
    image_parameters: str
    quota_parameters: str
    notices_topic: str | None = None
    chat_topic: str | None = None


def read(variables: Mapping[str, str] = os.environ) -> Environment:
    """From the function's variables; KeyError names one that is missing, which only a broken deployment has."""
    deployment = Deployment(
        team=variables["TRAINWRIGHT_TEAM"],
        data_bucket=variables["TRAINWRIGHT_DATA_BUCKET"],
        artifacts_bucket=variables["TRAINWRIGHT_ARTIFACTS_BUCKET"],
        checkpoints_bucket=variables["TRAINWRIGHT_CHECKPOINTS_BUCKET"],
        reports_bucket=variables["TRAINWRIGHT_REPORTS_BUCKET"],
        execution_role_arn=variables["TRAINWRIGHT_EXECUTION_ROLE_ARN"],
        region=variables["AWS_REGION"],
        subnets=_listed(variables["TRAINWRIGHT_VPC_SUBNETS"]),
        security_groups=_listed(variables["TRAINWRIGHT_VPC_SECURITY_GROUPS"]),
        kms_key_arn=variables["TRAINWRIGHT_KMS_KEY_ARN"] or None,
        log_group=variables["TRAINWRIGHT_LOG_GROUP"],
    )
    return Environment(
        deployment,
        runs_table=variables["TRAINWRIGHT_RUNS_TABLE"],
        policy_parameter=variables["TRAINWRIGHT_POLICY_PARAMETER"],
        image_parameters=variables["TRAINWRIGHT_IMAGE_PARAMETERS"],
        quota_parameters=variables["TRAINWRIGHT_QUOTA_PARAMETERS"],
        notices_topic=variables["TRAINWRIGHT_NOTICES_TOPIC"] or None,
        chat_topic=variables["TRAINWRIGHT_CHAT_TOPIC"] or None,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(entry for entry in text.split(",") if entry)
