"""What moto loads for little: EC2 with its zones and instance types takes as long as all the rest of an open account.

Two modules that every account needs import it: Step Functions for the names of Batch's job statuses, Parameter Store
for commands that are sent to instances. Both are imported here with somebody standing in; whoever calls EC2 or Batch
loads them then.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Later:
    """EC2's backends, loaded when the first one is asked for."""

    def __getitem__(self, account: str) -> Any:
        return importlib.import_module("moto.ec2").ec2_backends[account]


def import_lightly() -> None:
    """Import what would load ``moto.ec2`` without it; once it is loaded there is nothing to gain."""
    if "moto.ec2" in sys.modules:
        return
    with _standing_in("moto.batch", __path__=[f"{_moto()}/batch"]):
        importlib.import_module("moto.batch.utils")
    with _standing_in("moto.ec2", ec2_backends=_Later()):
        importlib.import_module("moto.ssm.models")


def _moto() -> str:
    spec = importlib.util.find_spec("moto")
    assert spec is not None and spec.submodule_search_locations  # noqa: S101  (the server cannot be without it)
    return str(spec.submodule_search_locations[0])


@contextmanager
def _standing_in(name: str, **attributes: Any) -> Iterator[None]:
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    sys.modules[name] = module
    try:
        yield
    finally:
        del sys.modules[name]
