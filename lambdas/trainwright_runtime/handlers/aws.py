"""The AWS clients of the handlers: made once a sandbox, on first use; tests put their own in."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from trainwright_runtime.prices import price_list_region

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
QUICK = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=4)
"""For look-ups that no run is lost without."""
_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=3)


class Services:
    """The clients, each made when first asked for: a cold start pays only for what it uses."""

    def _client(self, name: Any, config: Config = _CONFIG, **options: Any) -> Any:
        return boto3.client(name, config=config, **options)

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
    def cloudwatch(self) -> Any:
        """Metrics of the instances, for a diagnosis."""
        return self._client("cloudwatch", QUICK)

    @cached_property
    def sns(self) -> Any:
        """Notices."""
        return self._client("sns", QUICK)

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

    @cached_property
    def quotas(self) -> Any:
        """Service Quotas."""
        return self._client("service-quotas")

    @cached_property
    def quick_quotas(self) -> Any:
        """Service Quotas, for a run's look-ups."""
        return self._client("service-quotas", QUICK)

    @cached_property
    def pricing(self) -> Any:
        """The Price List API, in the nearest region that has it."""
        return self._client("pricing", _ONCE, region_name=price_list_region(self.region) or self.region)

    @cached_property
    def region(self) -> str:
        """The region that the functions run in, and their jobs."""
        return str(boto3.session.Session().region_name)

    @cached_property
    def _registries(self) -> dict[str, ECRClient]:
        return {}

    def ecr_in(self, region: str) -> ECRClient:
        """Images of one region's registries."""
        if region not in self._registries:
            self._registries[region] = self._client("ecr", QUICK, region_name=region)
        return self._registries[region]


services = Services()
"""The sandbox's own clients."""


def error_code(error: ClientError) -> str:
    """The API's error code, without the `Exception` that some services add."""
    return str(error.response.get("Error", {}).get("Code", "")).removesuffix("Exception")
