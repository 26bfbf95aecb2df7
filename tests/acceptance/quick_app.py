"""The smallest platform, with an image that answers at once; its one team is `default`, made by the platform itself."""

from pathlib import Path

import trainwright  # noqa: F401  (before aws_cdk: it points jsii at a node)
from trainwright import TrainingImage, TrainingPlatform

# isort: split
import aws_cdk as cdk

app = cdk.App()
image = TrainingImage.from_directory(str(Path(__file__).with_name("quick_image")))
TrainingPlatform(cdk.Stack(app, "Quick"), "Platform", image=image)
app.synth()
