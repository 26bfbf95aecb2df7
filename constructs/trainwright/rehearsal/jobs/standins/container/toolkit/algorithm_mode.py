"""XGBoost without a script of the user's: the checks of its algorithm mode."""

from __future__ import annotations

import json

from ..algorithms import xgboost
from ..algorithms.main import MODEL
from .environment import Environment, log


def train(environment: Environment) -> None:
    """Check, read the data, and leave a model archive that says what it is.

    Raises:
        UserError: what the container's own code says of the job's configuration.
    """
    given = json.loads((environment.base / "input/config/hyperparameters.json").read_text(encoding="utf-8"))
    counts = xgboost.check(given, environment.channels, environment.base / "input" / "data")
    log.warning("Stand-in: nothing is trained. Read: %s", json.dumps(counts))
    if environment.current_host == environment.master:
        about = "Left by the rehearsal's stand-in for SageMaker's XGBoost. Nothing was trained: this is no model."
        model = {"about": about, "hyperparameters": given, "read": counts}
        (environment.base / "model" / MODEL).write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")
