"""One version of one function, as the engine needs to know it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Layer:
    """A layer version and its zip."""

    arn: str
    code: bytes


@dataclass(frozen=True)
class FunctionSpec:
    """A function version with the code and the configuration it was published with; times in seconds, sizes in MB."""

    name: str
    version: str
    arn: str
    invoked_arn: str
    handler: str
    runtime: str
    role: str
    environment: Mapping[str, str]
    timeout: int
    memory: int
    code_sha256: str
    code: bytes
    layers: tuple[Layer, ...]
    log_group: str
    tracing: bool

    @property
    def fingerprint(self) -> str:
        """Equal for two specs that may share sandboxes."""
        seen: list[Any] = [self.arn, self.version, self.handler, self.runtime, self.role, self.timeout, self.memory]
        seen += [sorted(self.environment.items()), self.code_sha256, self.log_group, self.tracing]
        seen += [layer.arn for layer in self.layers]
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended: the payload, AWS's error kind (None when it succeeded), and its log lines."""

    payload: bytes
    error: str | None
    log: str
    executed_version: str
    request_id: str
