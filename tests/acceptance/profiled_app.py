"""A platform whose training image starves, or feeds, the GPU that it has not; its one team is `default`."""

from pathlib import Path

import trainwright  # noqa: F401  (before aws_cdk: it points jsii at a node)
from trainwright import TrainingImage, TrainingPlatform

# isort: split
import aws_cdk as cdk

app = cdk.App()
image = TrainingImage.from_directory(str(Path(__file__).with_name("profiled_image")))
TrainingPlatform(cdk.Stack(app, "Profiled"), "Platform", image=image)
app.synth()
