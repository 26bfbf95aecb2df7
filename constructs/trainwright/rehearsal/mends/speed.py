"""What moto does anew for every request although it cannot change: looked up once, with the same results."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from trainwright.rehearsal.mends import Mend, find, replace

_CACHE = "https://docs.python.org/3/library/functools.html#functools.cache"
_ATTRIBUTE_VALUE = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html"


def once(original: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    """The function, asked once for each of its arguments."""
    return functools.cache(lambda *args: list(original(*args)))


def _cached(
    name: str, target: str, sha256: str, why: str, make: Callable[[Any], Any] = once, *, used: str = ""
) -> Mend:
    """``used`` is where the function is called from by a name of its own."""

    def apply() -> None:
        replace(used or target, make(find(target)))

    return Mend(name, target, sha256, _CACHE, why, apply)


def _pick(original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def pick(self: Any, context: Any) -> Any:
        """AttributePicker.__call__: a DynamoDB value is a dict whose keys are the API's own names."""
        if type(context.obj) is dict and _is_attribute_value(context.shape):
            return context.obj.get(context.key)
        return original(self, context)

    return pick


def _is_attribute_value(shape: Any) -> bool:
    return getattr(getattr(shape, "parent", None), "name", None) == "AttributeValue"


def _pick_quickly() -> None:
    target = "moto.core.serialize:AttributePicker.__call__"
    replace(target, _pick(find(target)))


MENDS: tuple[Mend, ...] = (
    _cached(
        "speed-modules",
        "moto.backends:list_of_moto_modules",
        "4f741a10b06500e840c3aaa1b4f02706e6f2bfbababc0e8a2a7b9c9d0e8957dc",
        "moto lists its own folder twice for every request",
    ),
    _cached(
        "speed-methods",
        "moto.core.utils:method_names_from_class",
        "9dbac89d082b655fee902c450e69de9dbadf9699ad06411298494984b55138c3",
        "moto looks through the members of a class for every request",
        used="moto.core.responses:method_names_from_class",
    ),
    _cached(
        "speed-result-path",
        "jsonpath_ng.parser:parse",
        "cd433e740d17c7ee11b905343ca5b9d255cf89b83107aabaaa2ac5f0e7686c48",
        "moto makes a lexer for the ResultPath of every Task that ends",
        functools.cache,
        used="moto.stepfunctions.parser.asl.component.common.path.result_path:parse",
    ),
    Mend(
        "speed-attribute-values",
        "moto.core.serialize:AttributePicker.__call__",
        "c15da8ec29c1afa44772407fe6280d59a519fcbf52216dc90eb31fb6fbb136ce",
        _ATTRIBUTE_VALUE,
        "moto looks for six spellings of each of the ten types that every DynamoDB value could have",
        _pick_quickly,
    ),
)
