"""A platform whose one team is promised instances; the words after the name are its QuotaOptions, as JSON."""

import json
import sys

import trainwright  # noqa: F401  (before aws_cdk: it points jsii at a node)
from trainwright import InstanceCount, QuotaOptions, TeamPolicy, TrainingPlatform, TrainingTeam

# isort: split
import aws_cdk as cdk

said = json.loads(sys.argv[1])
more = {name: InstanceCount(**counts) for name, counts in said.pop("instances", {}).items()}
app = cdk.App()
stack = cdk.Stack(app, "Promised")
platform = TrainingPlatform(stack, "Platform", quotas=QuotaOptions(instances=more, **said))
policy = {
    "team": "vision",
    "capabilities": {"keep_alive": "1h"},
    "warm_pool": {"instance_type": "ml.g5.xlarge", "instances": 1},
    "default": {"compute": {"instance_type": "ml.g5.xlarge", "spot": True, "instance_count": 2}},
}
TrainingTeam(cdk.Stack(app, "Vision"), "Team", platform=platform, policy=TeamPolicy.from_data(policy))
cdk.CfnOutput(stack, "QuotaWarnings", value=platform.quota_warnings)
app.synth()
