"""A team's buckets and its table of runs."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from trainwright.retention import Retention

# A run may last weeks and resumes from its checkpoints; they outlive the longest run and a holiday after it.
SHORTEST_CHECKPOINT_RETENTION = cdk.Duration.days(60)


class TrainingStorage(Construct):
    """Four buckets (data, artifacts, checkpoints, reports), the bucket of their access logs, and the table of runs.

    The data bucket also holds the runs' source archives (`source/`), each under the hash of its content. Nothing in it
    expires: a run that is started again, or looked into years later, finds the source that it ran.

    :param data_bucket: where the team's data is. Left out: a new, versioned bucket.
    :param artifacts_bucket: where models go. Left out: a new, versioned bucket.
    :param checkpoints_bucket: where checkpoints go. Left out: a new bucket, not versioned (a training script
        overwrites its checkpoints, and every old version would be paid for), objects expire after
        `checkpoint_retention`.
    :param reports_bucket: where run reports go. Left out: a new, versioned bucket.
    :param access_logs_bucket: where S3 writes its server access logs; S3 must be allowed to write there. Left out: a
        new one.
    :param runs_table: an existing table with the partition key `run` (a string). Left out: a new one, paid by request,
        with point-in-time recovery.
    :param encryption_key: one key for the new buckets and the table. Left out: SSE-S3, and a key that DynamoDB owns.
    :param checkpoint_retention: how long an unfinished or finished run's checkpoints stay, 60 days at least. Left out:
        90 days.
    """

    data: s3.IBucket
    artifacts: s3.IBucket
    checkpoints: s3.IBucket
    reports: s3.IBucket
    runs: dynamodb.ITable

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        data_bucket: s3.IBucket | None = None,
        artifacts_bucket: s3.IBucket | None = None,
        checkpoints_bucket: s3.IBucket | None = None,
        reports_bucket: s3.IBucket | None = None,
        access_logs_bucket: s3.IBucket | None = None,
        runs_table: dynamodb.ITable | None = None,
        encryption_key: kms.IKey | None = None,
        checkpoint_retention: cdk.Duration | None = None,
        retention: Retention | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._key = encryption_key
        self._retention = retention or Retention()
        own = [b for b in (data_bucket, artifacts_bucket, checkpoints_bucket, reports_bucket) if b is None]
        self._logs = access_logs_bucket or (self._access_logs_bucket() if own else None)
        self.data = data_bucket or self._bucket("Data", versioned=True)
        self.artifacts = artifacts_bucket or self._bucket("Artifacts", versioned=True)
        self.checkpoints = checkpoints_bucket or self._checkpoints_bucket(checkpoint_retention or cdk.Duration.days(90))
        self.reports = reports_bucket or self._bucket("Reports", versioned=True)
        self.runs = runs_table or self._runs_table()

    def _checkpoints_bucket(self, keep: cdk.Duration) -> s3.Bucket:
        if keep.to_days() < SHORTEST_CHECKPOINT_RETENTION.to_days():
            raise ValueError(
                f"checkpoint_retention: {keep.to_human_string()} is too short; give 60 days or more, so that no run "
                "loses the checkpoint it would resume from"
            )
        return self._bucket("Checkpoints", versioned=False, rules=[s3.LifecycleRule(id="Expire", expiration=keep)])

    def _bucket(self, id: str, *, versioned: bool, rules: list[s3.LifecycleRule] | None = None) -> s3.Bucket:
        rules = [*(rules or []), _abandoned_uploads()]
        if versioned:
            old = cdk.Duration.days(30)
            rules.append(s3.LifecycleRule(id="OldVersions", noncurrent_version_expiration=old))
        return s3.Bucket(
            self,
            id,
            versioned=versioned,
            lifecycle_rules=rules,
            encryption=s3.BucketEncryption.KMS if self._key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self._key,
            bucket_key_enabled=True if self._key else None,
            server_access_logs_bucket=self._logs,
            server_access_logs_prefix=f"{id.lower()}/",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=self._retention.removal_policy,
        )

    def _access_logs_bucket(self) -> s3.Bucket:
        """SSE-S3 whatever key the others use: S3 cannot deliver access logs to a bucket with a KMS default.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"""
        expire = s3.LifecycleRule(id="Expire", expiration=cdk.Duration.days(365))
        return s3.Bucket(
            self,
            "AccessLogs",
            lifecycle_rules=[expire, _abandoned_uploads()],
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=self._retention.removal_policy,
        )

    def _runs_table(self) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            "Runs",
            partition_key=dynamodb.Attribute(name="run", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if self._key else dynamodb.TableEncryption.DEFAULT,
            encryption_key=self._key,
            deletion_protection=not self._retention.destroys,
            removal_policy=self._retention.removal_policy,
        )


def _abandoned_uploads() -> s3.LifecycleRule:
    return s3.LifecycleRule(id="AbandonedUploads", abort_incomplete_multipart_upload_after=cdk.Duration.days(7))
