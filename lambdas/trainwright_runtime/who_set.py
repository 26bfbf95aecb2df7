"""Who set what: each field of a request that was checked, its value, and whether the run, the team's policy or a
default gave it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from trainwright_runtime.forms import Leaf, leaves
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.request import Checked
from trainwright_runtime.resolved import ResolvedRequest


@dataclass(frozen=True)
class Field:
    """One setting: its path by long names, its value as JSON has it, who set it (run, policy default, policy always,
    default, platform), and what the run asked for where it got something else."""

    leaf: Leaf
    value: Any
    set_by: str
    asked: Any = None

    @property
    def name(self) -> str:
        """Dotted: `compute.instance_count`."""
        return ".".join(self.leaf)


def fields(checked: Checked, policy: TeamPolicy | None = None, sent: ResolvedRequest | None = None) -> list[Field]:
    """Every field of the request, in the order of their names.

    `policy` is the team's. `sent` is the request after the platform took from it what would have no effect; left out:
    nothing was taken.
    """
    said, always = leaves(checked.request), leaves(policy.always) if policy else {}
    asked = checked.resolved.settings
    settings = asked if sent is None else sent.settings

    def field(leaf: Leaf) -> Field:
        value = settings.get(leaf)
        other = said[leaf] if leaf in said and said[leaf] != value else None
        return Field(leaf, plain(value), _by(leaf, checked, leaf in always, leaf in settings), plain(other))

    return [field(leaf) for leaf in sorted({**asked, **settings})]


def _by(leaf: Leaf, checked: Checked, always: bool, there: bool) -> str:
    if not there:
        return "platform"
    source = checked.provenance.get(".".join(leaf), "default")
    return source if source != "policy" else f"policy {'always' if always else 'default'}"


def plain(value: Any) -> Any:
    """A setting's value as JSON has it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    return value
