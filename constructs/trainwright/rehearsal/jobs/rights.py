"""What SageMaker may do as the execution role, asked before it does it.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html (CreateTrainingJob API: Execution Role Permissions)
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from trainwright.rehearsal import facade
from trainwright.rehearsal.jobs import logs
from trainwright.rehearsal.jobs.images import Reference
from trainwright.rehearsal.jobs.s3 import ClientFault, Store, Uri
from trainwright.rehearsal.jobs.validation import InvalidRequest

SERVICE = "sagemaker.amazonaws.com"
#: The session's name in the ARN of the assumed role, as CloudTrail shows it for training jobs.
SESSION = "SageMaker"
PULL_FAILED = (
    "ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are incorrect."
)
PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_log = logging.getLogger(__name__)


def client(service: str, role: str) -> Any:
    """A client that acts as the role.

    Raises:
        PermissionDenied: the role does not exist or does not trust SageMaker.
    """
    return facade.client(service, role_arn=role, service_principal=SERVICE, session_name=SESSION)


def may(role: str, action: str, resource: str, context: Mapping[str, str] | None = None) -> None:
    """Check one permission of the role; ``context`` has condition keys that are known here only.

    Raises:
        PermissionDenied: in AWS's words.
    """
    facade.authorize(role, action, resource, context, service_principal=SERVICE, session_name=SESSION)


def store(role: str) -> Store:
    """S3 as the role."""
    return Store(client("s3", role))


def check_role(role: str) -> None:
    """Refuse a role that does not exist or does not trust SageMaker.

    Raises:
        InvalidRequest: in the words of CreateTrainingJob.
    """
    try:
        client("s3", role)
    except facade.PermissionDenied as error:
        raise InvalidRequest(
            f"Could not assume role {role}. Please ensure that the role exists and allows principal '{SERVICE}' to "
            "assume the role."
        ) from error


def check_input(role: str, uri: str) -> None:
    """Refuse input that is not there, or that the role may not list; CreateTrainingJob says both in the same words.

    Raises:
        InvalidRequest: as recorded in "No S3 objects found under S3 URL" reports.
    """
    bucket = Uri.parse(uri).bucket
    try:
        if any(True for _ in store(role).keys(Uri.parse(uri))):
            return
    except ClientFault as fault:
        _log.info("%s may not list %s: %s", role, uri, fault)
    raise InvalidRequest(
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists in '
        f"the selected region ({facade.region()}), that objects exist under that S3 prefix, and that the role "
        f'"{role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def check_pull(role: str, image: Reference) -> None:
    """Whether the role may pull from the repository.

    Raises:
        ClientFault: AWS's one sentence for a missing image and a missing right.
    """
    try:
        may(role, "ecr:GetAuthorizationToken", "*")
        for action in PULL_ACTIONS:
            may(role, action, image.repository_arn)
    except facade.PermissionDenied as denied:
        _log.warning("image pull refused: %s", denied)
        raise ClientFault(PULL_FAILED) from denied


def check_key(role: str, key: str, action: str, failed: str) -> None:
    """Whether the role may use a KMS key; ``failed`` begins the FailureReason.

    Raises:
        ClientFault: when it may not.
    """
    try:
        may(role, action, key_arn(key))
    except facade.PermissionDenied as denied:
        raise ClientFault(f"{failed}{denied}") from denied


def key_arn(key: str) -> str:
    """The ARN of a key that may be given as ARN, identifier or alias."""
    if key.startswith("arn:"):
        return key
    name = key if key.startswith("alias/") else f"key/{key}"
    return f"arn:aws:kms:{facade.region()}:{facade.account_id()}:{name}"


def log_put(role: str, stream: str) -> logs.Put | None:
    """How lines get into CloudWatch Logs; None when the role may not write there: the job then runs without a log."""
    group = f"arn:aws:logs:{facade.region()}:{facade.account_id()}:log-group:{logs.GROUP}"
    target = f"{group}:log-stream:{stream}"
    wanted = [("logs:CreateLogStream", target), ("logs:PutLogEvents", target)]
    if not _group_exists():
        wanted.insert(0, ("logs:CreateLogGroup", group))
    try:
        for action, resource in wanted:
            may(role, action, resource)
    except facade.PermissionDenied as denied:
        _log.warning("the job runs without a log: %s", denied)
        return None
    return facade.put_log_lines


def _group_exists() -> bool:
    found = facade.client("logs").describe_log_groups(logGroupNamePrefix=logs.GROUP)["logGroups"]
    return any(group["logGroupName"] == logs.GROUP for group in found)
