"""The AWS clients of the handlers: made once a sandbox, on first use; tests put their own in."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_codebuild import CodeBuildClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

_CONFIG = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=20)


class Services:
    """The clients, each made when first asked for: a cold start pays only for what it uses."""

    def _client(self, name: Any) -> Any:
        return boto3.client(name, config=_CONFIG)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """Run records."""
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def s3(self) -> S3Client:
        """Reports and progress files."""
        client: S3Client = self._client("s3")
        return client

    @cached_property
    def ssm(self) -> SSMClient:
        """The team's policy and the platform's images."""
        client: SSMClient = self._client("ssm")
        return client

    @cached_property
    def sagemaker(self) -> SageMakerClient:
        """Training jobs."""
        client: SageMakerClient = self._client("sagemaker")
        return client

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """Training logs and log groups."""
        client: CloudWatchLogsClient = self._client("logs")
        return client

    @cached_property
    def states(self) -> SFNClient:
        """Executions."""
        client: SFNClient = self._client("stepfunctions")
        return client

    @cached_property
    def codebuild(self) -> CodeBuildClient:
        """Image builds."""
        client: CodeBuildClient = self._client("codebuild")
        return client

    @cached_property
    def ecr(self) -> ECRClient:
        """Images."""
        client: ECRClient = self._client("ecr")
        return client


services = Services()
"""The sandbox's own clients."""


def error_code(error: ClientError) -> str:
    """The API's error code, without the `Exception` that some services add."""
    return str(error.response.get("Error", {}).get("Code", "")).removesuffix("Exception")
