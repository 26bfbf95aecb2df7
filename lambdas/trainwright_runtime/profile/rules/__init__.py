"""The platform's own rules: AWS's built-in profiler rules, judged while the readings pass by, in little memory.

Each rule takes the readings of one host, or of all, and says in the end what it found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trainwright_runtime.profile.settings import DEFAULTS, Settings

DOCUMENTATION = "https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-profiler-rules.html"


@dataclass(frozen=True)
class Context:
    """What a rule needs to know beside the readings."""

    settings: Settings = DEFAULTS
    seconds: float = 0.0
    """How long the job was training."""
    channels: Mapping[str, str] = field(default_factory=dict)
    """Name to input mode, as far as it is known."""
    gpus: int | None = None
    """Of a host, as its instance type has them; None where that is not known."""
