"""What an account is started with; imports nothing, so that a bad one is refused before anything loads."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# By this the account, and the command that started it, tell their own calls from those of its users: all have one key.
OWN_AGENT = "trainwright-rehearsal"


@dataclass(frozen=True)
class Config:
    """What the server was started with; ``root`` holds everything it writes, ``python`` runs training scripts.

    ``images`` gives folders for image URIs that nobody pushes here. ``keep`` is a folder (``keeping.folder``) that
    takes every change of objects and items from when its page ``keeping`` is asked for; empty: nothing is kept.
    """

    root: Path
    port: int = 0
    region: str = "us-east-1"
    account_id: str = "123456789012"
    python: str = sys.executable
    faults: dict[str, Any] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    keep: str = ""
