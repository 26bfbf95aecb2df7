"""A built-in algorithm's container, as far as its checks; the data are read to the end, and nothing is trained."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import checks, data, xgboost
from .checks import CustomerError
from .schemas import ALGORITHMS, CSV, RECORDIO, Algorithm

FORMAT, DATES = "[%(asctime)s %(levelname)s %(thread)d] %(message)s", "%m/%d/%Y %H:%M:%S"
#: Exit codes of the algorithms' shared code (exceptions.py of aws/sagemaker-rl-container).
ALGORITHM_ERROR, CUSTOMER_ERROR = 1, 2
MODEL = "stand-in.json"
log = logging.getLogger("algorithm")


def main(name: str, uri: str) -> int:
    """Check, read, and leave a model archive that says what it is; the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: None)  # the built-in algorithms' own answer to a stop is not documented
    logging.basicConfig(format=FORMAT, datefmt=DATES, level=logging.INFO, stream=sys.stdout)
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        log.info("Docker entrypoint called with argument(s): train")
        log.warning("Stand-in for %s: checks the configuration, reads the data, and trains nothing.", uri)
        play(name, uri, base)
    except CustomerError as error:
        return _fail(base, str(error), CUSTOMER_ERROR)
    except Exception as error:  # noqa: BLE001 - whatever it is, the failure file says it
        traceback.print_exc()
        return _fail(base, f"Algorithm Error: {error}", ALGORITHM_ERROR)
    return 0


def play(name: str, uri: str, base: Path) -> None:
    """What every stand-in of an algorithm does.

    Raises:
        CustomerError: the configuration or the data are not what the algorithm takes.
    """
    hyperparameters, channels, resources = (
        json.loads((base / "input" / "config" / f"{file}.json").read_text(encoding="utf-8"))
        for file in ("hyperparameters", "inputdataconfig", "resourceconfig")
    )
    counts = _checked(name, hyperparameters, channels, base / "input" / "data")
    log.info("#stand-in %s", json.dumps({"read": counts}))
    if resources["current_host"] == resources["hosts"][0]:
        _leave_model(base, uri, hyperparameters, counts)


def _checked(name: str, hyperparameters: Mapping[str, str], channels: Any, folder: Path) -> dict[str, Any]:
    if name == "xgboost":
        try:
            return xgboost.check(hyperparameters, channels, folder)
        except xgboost.UserError as error:
            raise CustomerError(str(error)) from error
    algorithm = ALGORITHMS[name]
    checks.check(algorithm, hyperparameters, channels)
    dimension = hyperparameters.get("feature_dim", "")
    return {channel: _count(algorithm, dimension, channel, channels[channel], folder) for channel in channels}


def _count(
    algorithm: Algorithm, dimension: str, channel: str, described: Mapping[str, Any], folder: Path
) -> dict[str, int | None]:
    kind, count = checks.content_type(described), data.Count()
    looked_at = bool(algorithm.content_types)
    for path in data.sources(folder, channel):
        if looked_at and kind == CSV and not path.is_fifo():
            values = data.first_line(path).count(",") + 1
            checks.check_rows(algorithm, dimension, channel, described, values)
        try:
            data.read(path, count, recordio=looked_at and kind == RECORDIO, lines=kind == CSV)
        except data.NotRecordIO as error:
            raise checks.unreadable(channel, kind) from error
    return count.as_dict()


def _leave_model(base: Path, uri: str, hyperparameters: Mapping[str, str], counts: Mapping[str, Any]) -> None:
    model = {
        "about": f"Left by the rehearsal's stand-in for {uri}. Nothing was trained: this is no model.",
        "hyperparameters": hyperparameters,
        "read": counts,
    }
    (base / "model" / MODEL).write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")


def _fail(base: Path, message: str, code: int) -> int:
    log.error(message)
    (base / "output" / "failure").write_text(message, encoding="utf-8")
    return code
