"""Types that have no table entry: moto's own CloudFormation model, and a recorder where moto has none."""

from __future__ import annotations

import logging
from typing import Any

from trainwright.rehearsal.resources.base import Kind, Made, Table, Wish, generated_name, is_gone, register
from trainwright.rehearsal.stacks.errors import ResourceFailed

log = logging.getLogger("trainwright.rehearsal")

# Nothing stands behind these on AWS either.
_NOTHING = ("AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle")


def fallback_kind(type_name: str) -> Kind:
    """Moto's model of a type, or a recorder."""
    from moto.cloudformation.parsing import get_model_map  # noqa: PLC0415  (takes a second; few stacks need it)

    model = get_model_map().get(type_name)
    return MotoKind(model) if model is not None else RecorderKind()


class MotoKind:
    """A type as moto's CloudFormation makes it."""

    tagged = False

    def __init__(self, model: Any) -> None:
        self._model = model

    def replaces(self, wish: Wish) -> bool:
        """Moto's updates are uneven; another resource is always right."""
        return True

    def create(self, wish: Wish) -> Made:
        """Make it."""
        name_property = self._model.cloudformation_name_type()
        given = wish.properties.get(name_property) if name_property else None
        name = given or generated_name(wish.stack_name, wish.logical_id, 64)
        made = self._model.create_from_cloudformation_json(
            name, {"Type": wish.type, "Properties": wish.properties}, wish.account, wish.region
        )
        physical_id = str(getattr(made, "physical_resource_id", name))
        return Made(physical_id, _LiveAttributes(made))

    def update(self, wish: Wish) -> Made:
        """Never called: every change makes another resource."""
        raise ResourceFailed(f"{wish.type} cannot be changed in place")

    def delete(self, wish: Wish) -> None:
        """Remove it."""
        try:
            self._model.delete_from_cloudformation_json(
                wish.physical_id, {"Type": wish.type, "Properties": wish.before}, wish.account, wish.region
            )
        except NotImplementedError:
            wish.say(f"the rehearsal cannot remove a resource of type {wish.type}; it stays")
        except Exception as error:
            if not is_gone(error):
                raise


class _LiveAttributes(dict[str, Any]):
    """Attributes that moto's resource is asked for when they are wanted."""

    def __init__(self, made: Any) -> None:
        super().__init__()
        self._made = made

    def __contains__(self, name: object) -> bool:
        try:
            return self[str(name)] is not None
        except KeyError:
            return False

    def __missing__(self, name: str) -> Any:
        try:
            return self._made.get_cfn_attribute(name)
        except Exception as error:
            raise KeyError(name) from error


class RecorderKind:
    """A type that nothing stands behind here: it keeps its properties and can be referred to."""

    tagged = False

    def replaces(self, wish: Wish) -> bool:
        """Never."""
        return False

    def create(self, wish: Wish) -> Made:
        """Record it."""
        log.warning("%s (%s) is recorded only: nothing stands behind it here", wish.logical_id, wish.type)
        wish.say(f"recorded only: the rehearsal has no {wish.type}")
        return self._record(wish, generated_name(wish.stack_name, wish.logical_id, 64))

    def update(self, wish: Wish) -> Made:
        """Record the change."""
        return self._record(wish, wish.physical_id)

    def delete(self, wish: Wish) -> None:
        """Forget it."""

    def _record(self, wish: Wish, name: str) -> Made:
        return Made(name, _RecordedAttributes(wish, name))


class _RecordedAttributes(dict[str, Any]):
    """Whatever is asked of a recorded resource: its properties, an ARN, or a text that names what it stands for."""

    def __init__(self, wish: Wish, name: str) -> None:
        super().__init__(wish.properties)
        service, kind = wish.type.split("::")[1:3]
        self["Arn"] = wish.arn(service.lower(), f"{kind.lower()}/{name}")
        self._name = name

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return str(self["Arn"]) if name.endswith("Arn") else f"{self._name}-{name}"


def _nothing(wish: Wish) -> Made:
    return Made(wish.physical_id or generated_name(wish.stack_name, wish.logical_id, 64))


for _name in _NOTHING:
    register(_name, Table(_nothing, _nothing))
