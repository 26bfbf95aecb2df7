"""The interface between the stack engine and the resource types, and what the types share."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from trainwright.rehearsal import clock
from trainwright.rehearsal.stacks.errors import ResourceFailed


@dataclass(frozen=True)
class Wish:
    """One resource as a template wants it, with everything resolved."""

    type: str
    logical_id: str
    stack_name: str
    stack_id: str
    properties: dict[str, Any]
    tags: Mapping[str, str]
    client: Callable[[str], Any]
    partition: str
    region: str
    account: str
    physical_id: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    say: Callable[[str], None] = lambda reason: None

    def arn(self, service: str, resource: str) -> str:
        """A regional ARN of this account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def name(self, *, given: str | None = None, limit: int = 64, lower: bool = False) -> str:
        """The name that the template gives or, where it leaves it out, one as CloudFormation makes it."""
        if given:
            return str(given)
        if lower:
            return generated_name(self.stack_name, self.logical_id, limit).lower()
        return generated_name(self.stack_name, self.logical_id, limit)

    def changed(self, *names: str) -> bool:
        """Whether one of these properties differs from what the resource was made of."""
        return any(self.properties.get(name) != self.before.get(name) for name in names)


@dataclass(frozen=True)
class Made:
    """A resource that exists now: what Ref and Fn::GetAtt give."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


class Kind(Protocol):
    """How resources of one type are made, changed and removed; ``tagged`` says that the stack's tags reach them."""

    tagged: bool

    def replaces(self, wish: Wish) -> bool:
        """Whether the change needs another resource in the old one's place."""

    def create(self, wish: Wish) -> Made:
        """Make it."""

    def update(self, wish: Wish) -> Made:
        """Change it where it is; `Wish.physical_id` names it and `Wish.before` is what it was made of."""

    def delete(self, wish: Wish) -> None:
        """Remove it; one that is gone already is no error."""


class Table:
    """A kind written as three functions and the properties whose change needs another resource."""

    tagged = True

    def __init__(
        self,
        create: Callable[[Wish], Made],
        update: Callable[[Wish], Made] | None = None,
        delete: Callable[[Wish], None] | None = None,
        *,
        replace_on: Iterable[str] = (),
        replace_always: bool = False,
    ) -> None:
        self._create, self._update, self._delete = create, update, delete
        self._replace_on, self._replace_always = frozenset(replace_on), replace_always

    def replaces(self, wish: Wish) -> bool:
        """A change of a named property, or any change where the type cannot be changed."""
        return self._replace_always or self._update is None or wish.changed(*self._replace_on)

    def create(self, wish: Wish) -> Made:
        """Make it."""
        return self._create(wish)

    def update(self, wish: Wish) -> Made:
        """Change it."""
        if self._update is None:
            raise ResourceFailed(f"{wish.type} cannot be changed in place")
        return self._update(wish)

    def delete(self, wish: Wish) -> None:
        """Remove it."""
        if self._delete is None:
            return
        try:
            self._delete(wish)
        except Exception as error:
            if not is_gone(error):
                raise


_KINDS: dict[str, Kind] = {}


def register(type_name: str, kind: Kind) -> None:
    """Put a kind into the table."""
    _KINDS[type_name] = kind


def registered(type_name: str) -> Kind | None:
    """The kind of a type, if this package has one."""
    return _KINDS.get(type_name)


def is_gone(error: Exception) -> bool:
    """Whether an error says that what was to be removed is not there."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    return bool(
        re.search(r"NotFound|NoSuch|ResourceNotFoundException|NonExistent|StateMachineDoesNotExist|^404$", code)
    )


def generated_name(stack_name: str, logical_id: str, limit: int) -> str:
    """``Stack-LogicalId-RANDOM12``, cut so that it fits.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
    """
    numbers = clock.random("physical name", stack_name, logical_id)
    suffix = "".join(numbers.choice(string.ascii_uppercase + string.digits) for _ in range(12))
    room = limit - len(suffix) - 2
    logical = logical_id[: max(room // 2, room - len(stack_name))]
    return f"{stack_name[: room - len(logical)]}-{logical}-{suffix}"


def tag_list(wish: Wish, *, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """The resource's own tags over the stack's, in the form that most APIs take."""
    return [{key: name, value: text} for name, text in tag_map(wish).items()]


def tag_map(wish: Wish) -> dict[str, str]:
    """The resource's own tags over the stack's, as a mapping."""
    own = wish.properties.get("Tags") or []
    pairs = own.items() if isinstance(own, dict) else ((tag["Key"], tag["Value"]) for tag in own)
    return {**wish.tags, **{str(name): str(text) for name, text in pairs}}


@lru_cache(maxsize=512)
def _input_shape(service: str, operation: str) -> Any:
    from moto.core.utils import get_service_model  # noqa: PLC0415

    return get_service_model(service).operation_model(operation).input_shape


def shaped(
    wish: Wish,
    service: str,
    operation: str,
    properties: Mapping[str, Any],
    *,
    rename: Mapping[str, str] | None = None,
    leave: Iterable[str] = (),
) -> dict[str, Any]:
    """Properties as an API operation takes them: names in its spelling, values in its types.

    ``rename`` maps property names to parameter names, ``leave`` names those that are handled elsewhere. A property that
    the operation does not have is never dropped in silence.

    Raises:
        ResourceFailed: naming the properties that the operation does not take.
    """
    wanted = {(rename or {}).get(name, name): value for name, value in properties.items() if name not in set(leave)}
    unknown: list[str] = []
    result = _fit(_input_shape(service, operation), wanted, wish.type, unknown)
    if unknown:
        raise ResourceFailed(f"Encountered unsupported property {', '.join(sorted(unknown))} ({service} {operation})")
    return dict(result)


def _fit(shape: Any, value: Any, path: str, unknown: list[str]) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return _fit_structure(shape, value, path, unknown)
    if shape.type_name == "list" and not isinstance(value, list):
        value = [value]
    if shape.type_name == "list":
        return [_fit(shape.member, one, path, unknown) for one in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {name: _fit(shape.value, one, path, unknown) for name, one in value.items()}
    return _scalar(shape.type_name, value)


def _fit_structure(shape: Any, value: Mapping[str, Any], path: str, unknown: list[str]) -> dict[str, Any]:
    members = {name.lower(): name for name in shape.members}
    fitted = {}
    for name, one in value.items():
        member = members.get(name.lower())
        if member is None:
            unknown.append(f"{path}.{name}")
            continue
        fitted[member] = _fit(shape.members[member], one, f"{path}.{name}", unknown)
    return fitted


def _scalar(type_name: str, value: Any) -> Any:
    if type_name in ("integer", "long") and isinstance(value, str):
        return int(value)
    if type_name in ("float", "double") and isinstance(value, (str, int)):
        return float(value)
    if type_name == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if type_name == "string" and isinstance(value, bool):
        return str(value).lower()
    if type_name == "string" and isinstance(value, (int, float)):
        return str(value)
    return value
