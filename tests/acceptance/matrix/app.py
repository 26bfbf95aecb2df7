"""The platform on which the matrix runs: a team whose jobs Step Functions starts, and one whose jobs Launch starts."""

from pathlib import Path

import trainwright  # noqa: F401  (before aws_cdk: it points jsii at a node)
from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

# isort: split
import aws_cdk as cdk

TEAMS = {
    "matrix": {"capabilities": {"keep_alive": "1h"}, "recovery": {"max_volume": "200 GB"}},
    "calls": {"recovery": {"launch": "callback"}},
}

app = cdk.App()
image = TrainingImage.from_directory(str(Path(__file__).parents[1] / "quick_image"))
platform = TrainingPlatform(cdk.Stack(app, "Platform"), "Platform", image=image)
for name, words in TEAMS.items():
    TrainingTeam(
        cdk.Stack(app, name.title()), "Team", platform=platform, policy=TeamPolicy.from_data({"team": name, **words})
    )
app.synth()
