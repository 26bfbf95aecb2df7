"""What CloudFormation makes of each resource type: calls of the service's own API, type by type.

`kind_of` gives the `Kind` of a type. Where this package has none, moto's own CloudFormation model is used; where moto
has none either, the resource is recorded: it can be referred to, nothing stands behind it, and its event says so.
"""

from __future__ import annotations

import importlib
from functools import cache

from trainwright.rehearsal.resources.base import Kind, registered

_MODULES = ("storage", "identity", "functions", "workflow", "observing", "building", "messaging", "fallback")


@cache
def _load() -> None:
    for name in _MODULES:
        importlib.import_module(f"{__name__}.{name}")


def kind_of(type_name: str) -> Kind:
    """How resources of a type are made."""
    _load()
    from trainwright.rehearsal.resources.custom import CustomKind  # noqa: PLC0415
    from trainwright.rehearsal.resources.fallback import fallback_kind  # noqa: PLC0415

    if type_name.startswith("Custom::") or type_name == "AWS::CloudFormation::CustomResource":
        return CustomKind()
    return registered(type_name) or fallback_kind(type_name)
