"""prepared.json: what Prepare found out about a run that is worth remembering. Who set each field, and what lay where
the run reads from when it began."""

from collections.abc import Iterable, Mapping
from typing import Any

from trainwright_runtime import hiding
from trainwright_runtime.preflight import Place, Seen
from trainwright_runtime.who_set import Field

SCHEMA = 1


def document(fields: Iterable[Field], found: Mapping[Place, Seen]) -> dict[str, Any]:
    """The document, values hidden whose names look like secrets: `fields`, the `inputs` by channel, and the `code`
    (null where the run's image holds it)."""
    inputs = {place.leaf[1]: _seen(place, seen) for place, seen in found.items() if place.leaf[0] == "inputs"}
    code = [_seen(place, seen) for place, seen in found.items() if place.leaf[0] != "inputs"]
    return {
        "schema": SCHEMA,
        "fields": [_field(field) for field in fields],
        "inputs": inputs,
        "code": code[0] if code else None,
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "field": field.name,
        "value": hiding.setting(field.leaf, field.value),
        "set_by": field.set_by,
        "asked": hiding.setting(field.leaf, field.asked),
    }


def _seen(place: Place, seen: Seen) -> dict[str, Any]:
    known = seen.trouble is None
    return {
        "uri": place.uri,
        "objects": seen.objects if known else None,
        "bytes": seen.bytes if known else None,
        "newest": seen.newest,
        "fingerprint": seen.fingerprint,
        "complete": known and seen.complete,
    }
