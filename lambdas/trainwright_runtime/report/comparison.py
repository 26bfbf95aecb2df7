"""What is different from the last run of that name: settings, code, image, data, and what came of it.

Both reports hide values whose names look like secrets, so a change of such a value is not seen.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from trainwright_runtime.preflight import gib
from trainwright_runtime.report.clean import mapping, mappings, number

Report = Mapping[str, Any]
Change = dict[str, Any]
Values = tuple[dict[str, Any], dict[str, Any]]

_CODE = "source_code.source_dir"
_ELSEWHERE = {"name", "score", "training_image", "image", _CODE}
"""Fields that are no setting, or are told as code or image."""


def compare(report: Report, previous: object) -> dict[str, Any] | None:
    """The `comparison` of report.json: this run against `previous`, another run's report.json; null without one.

    Between a run that was refused, whose fields nobody worked out, and another, the requests are compared as they were
    written.
    """
    before = mapping(previous)
    if not isinstance(before.get("run"), str):
        return None
    values = _values(before, report)
    elsewhere = [*_code(before, report, values), *_image(before, report), *_data(before, report)]
    return {
        "run": before["run"],
        "status": before.get("status"),
        "ended_at": before.get("ended_at"),
        "changes": [*elsewhere, *_settings(before, report, values)],
        "metrics": list(_metrics(mapping(before.get("metrics")), report["metrics"])),
        "seconds": {"was": number(before.get("seconds")), "is": report["seconds"]},
        "cost_usd": {"was": number(mapping(before.get("cost")).get("usd")), "is": report["cost"]["usd"]},
    }


def _change(what: str, field: str, was: object, now: object) -> Iterator[Change]:
    if was != now:
        yield {"what": what, "field": field, "was": was, "is": now}


def _code(before: Report, now: Report, values: Values) -> Iterator[Change]:
    """Another archive or folder of scripts, or the same address with other content."""
    address = [each.get(_CODE) for each in values]
    if address[0] != address[1]:
        yield from _change("code", _CODE, *address)
    else:
        yield from _content("code", _CODE, mapping(before.get("code")), mapping(now.get("code")))


def _image(before: Report, now: Report) -> Iterator[Change]:
    if now["image"] is not None and before.get("image") is not None:
        yield from _change("image", "training_image", before["image"], now["image"])


def _data(before: Report, now: Report) -> Iterator[Change]:
    was, is_ = (mapping(report.get("inputs")) for report in (before, now))
    for name in sorted({*was, *is_}):
        first, second = mapping(was.get(name)), mapping(is_.get(name))
        if first.get("uri") == second.get("uri"):
            yield from _content("data", f"inputs.{name}", first, second)
        elif was and is_:
            yield from _change("data", f"inputs.{name}.s3_uri", first.get("uri"), second.get("uri"))


def _content(what: str, field: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    """The same address, and something else lies there."""
    known = was.get("fingerprint") and now.get("fingerprint") and _comparable(was, now)
    if known and was["fingerprint"] != now["fingerprint"]:
        yield {"what": what, "field": field, "was": _held(was), "is": f"{_held(now)}: {_difference(was, now)}"}


def _comparable(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether two fingerprints are of as much of the data. What was not counted to its end holds more than was counted,
    so another number can only be told where it passes one that is whole."""
    objects = [number(each.get("objects")) or 0 for each in (was, now)]
    whole = [bool(each.get("complete")) for each in (was, now)]
    if all(whole) or objects[0] == objects[1]:
        return True
    return (whole[0] and objects[1] > objects[0]) or (whole[1] and objects[0] > objects[1])


def _held(place: Mapping[str, Any]) -> str:
    counted = f"{_count(place.get('objects'))}, {_size(int(number(place.get('bytes')) or 0))}"
    return counted if place.get("complete") else f"the first {counted}"


def _difference(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """`3 more objects, 1.2 GiB more`."""
    objects, size = (int((number(now.get(key)) or 0) - (number(was.get(key)) or 0)) for key in ("objects", "bytes"))
    said = [f"{abs(objects):,} {'more' if objects > 0 else 'fewer'} {_objects(abs(objects))}"] if objects else []
    said += [f"{_size(abs(size))} {'more' if size > 0 else 'less'}"] if size else []
    return ", ".join(said) or "as much as before, but not the same"


def _size(size: int) -> str:
    """As people read it: `3 GiB`, `12 KiB`, `1 byte`."""
    if size >= 2**20:
        return gib(size)
    return f"{math.ceil(size / 1024)} KiB" if size >= 1024 else f"{size} byte{'' if size == 1 else 's'}"


def _count(objects: object) -> str:
    known = int(number(objects) or 0)
    return f"{known:,} {_objects(known)}"


def _objects(count: int) -> str:
    return "object" if count == 1 else "objects"


def _settings(before: Report, now: Report, values: Values) -> Iterator[Change]:
    was, is_ = values
    elsewhere = {*_ELSEWHERE, *_addresses(before, now)}
    for field in sorted({*was, *is_}):
        if field not in elsewhere:
            yield from _change("settings", field, was.get(field), is_.get(field))


def _addresses(before: Report, now: Report) -> Iterator[str]:
    """The fields that `_data` tells of; where it is not known what lay there, an address is a setting."""
    was, is_ = mapping(before.get("inputs")), mapping(now.get("inputs"))
    if was and is_:
        yield from (f"inputs.{name}.s3_uri" for name in {*was, *is_})


def _values(before: Report, now: Report) -> Values:
    """The settings of both, as they were worked out; where that is not known of both, as they were written."""
    worked_out = bool(before.get("fields")) and bool(now["fields"])
    was, is_ = (_fields(report) if worked_out else _flat(report.get("request")) for report in (before, now))
    return was, is_


def _fields(report: Report) -> dict[str, Any]:
    return {str(each.get("field")): each.get("value") for each in mappings(report.get("fields"))}


def _flat(value: object, path: str = "") -> dict[str, Any]:
    """A request as it was written, field by field."""
    if not isinstance(value, Mapping):
        return {path: value} if path else {}
    inner = [_flat(entry, f"{path}.{name}" if path else str(name)) for name, entry in value.items()]
    return {field: entry for each in inner for field, entry in each.items()}


def _metrics(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in [*now, *sorted(name for name in was if name not in now)]:
        yield {"name": name, "was": number(was.get(name)), "is": number(now.get(name))}
