"""The CDK behaviours that the library relies on, whatever an app's cdk.json says.

Feature flags belong to the app, and an app without a cdk.json has the oldest behaviour: access logs by ACL, for one,
which a bucket with owner-enforced ownership refuses. So each root construct pins what its own tree needs.
"""

from constructs import Construct

_FLAGS = (
    "@aws-cdk/aws-iam:minimizePolicies",
    "@aws-cdk/aws-lambda:recognizeLayerVersion",
    "@aws-cdk/aws-lambda:recognizeVersionProps",
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy",
    "@aws-cdk/aws-s3:createDefaultLoggingPolicy",
    "@aws-cdk/aws-s3:publicAccessBlockedByDefault",
    "@aws-cdk/aws-iam:importedRoleStackSafeDefaultPolicyName",
)


def pin_flags(construct: Construct) -> None:
    """To be called before the construct has children: the tree below it reads them first."""
    for flag in _FLAGS:
        construct.node.set_context(flag, True)
