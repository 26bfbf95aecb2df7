"""What was asked for, what was sent, and what policy made of it."""

import json
from collections.abc import Mapping
from typing import Any

from trainwright_runtime.page import figures, safe_links
from trainwright_runtime.page.first import shown
from trainwright_runtime.page.shapes import mapping, mappings

Report = Mapping[str, Any]


def given(report: Report) -> dict[str, Any]:
    """The request and what became of it. `changed`: the fields that got something else than was asked for."""
    fields = [_field(each) for each in mappings(report["fields"])]
    return {
        "fields": fields,
        "changed": [each for each in fields if each["changed"]],
        "request": _document(report["request"]),
        "places": _places(report),
        "sent": _document(report["sent"]) if report["sent"] else None,
        "links": [_link(each) for each in mappings(report["links"])],
    }


def _places(report: Report) -> list[dict[str, Any]]:
    """What lay in S3 when the run was prepared: the data by channel, and the code."""
    named = [*mapping(report["inputs"]).items(), *([("code", report["code"])] if report["code"] else [])]
    return [{"name": name, **_place(place)} for name, place in named if isinstance(place, Mapping)]


def _place(place: Mapping[str, Any]) -> dict[str, Any]:
    counted = figures.number(place.get("objects"))
    return {
        "uri": place.get("uri"),
        "objects": counted if place.get("complete") or counted == figures.UNKNOWN else f"{counted} or more",
        "size": figures.size(place.get("bytes")),
        "newest": figures.moment(place.get("newest")),
    }


def _field(each: Mapping[str, Any]) -> dict[str, Any]:
    set_by, asked = str(each.get("set_by") or ""), each.get("asked")
    return {
        "field": str(each.get("field")),
        "value": shown(each.get("value")),
        "set_by": set_by,
        "asked": shown(asked),
        "changed": asked is not None and asked != each.get("value") and set_by != "run",
    }


def _link(each: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": str(each.get("title")), "href": safe_links.address(each.get("url")), "text": str(each.get("url"))}


def _document(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
