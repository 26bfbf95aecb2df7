"""A platform whose one team has money for ten hours of ml.m5.xlarge a month, at 0.2 USD."""

from pathlib import Path

import trainwright  # noqa: F401  (before aws_cdk: it points jsii at a node)
from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

# isort: split
import aws_cdk as cdk

app = cdk.App()
stack = cdk.Stack(app, "Budget")
image = TrainingImage.from_directory(str(Path(__file__).parent / "quick_image"))
platform = TrainingPlatform(stack, "Platform", image=image)
TrainingTeam(
    stack,
    "Team",
    platform=platform,
    policy=TeamPolicy.from_data({"team": "thrifty", "budget": {"monthly_usd": 2.0}}),
)
app.synth()
