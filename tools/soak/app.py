"""The platform under load: one team, an image that needs nothing but Python."""

from pathlib import Path

import trainwright  # noqa: F401  (before aws_cdk: it points jsii at a node)
from trainwright import TrainingImage, TrainingPlatform

# isort: split
import aws_cdk as cdk

app = cdk.App()
image = TrainingImage.from_directory(str(Path(__file__).with_name("image")))
TrainingPlatform(cdk.Stack(app, "Soak"), "Platform", image=image)
app.synth()
