"""What a channel is made of: the objects below a prefix, those that a manifest lists, or an augmented manifest's lines.

Formats: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html (ManifestFile) and
https://docs.aws.amazon.com/sagemaker/latest/dg/augmented-manifest.html. No recording shows how SageMaker words what is
wrong in a manifest: the beginning, "ClientError: Data download failed:", is AWS's, the rest is ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trainwright.rehearsal.jobs.s3 import ClientFault, Store, Uri

#: What Pipe mode sends after each other: an object's bytes, or bytes that a manifest itself has.
Item = tuple[Uri | bytes, ...]
AUGMENTED, MANIFEST = "AugmentedManifestFile", "ManifestFile"
_FAILED = "ClientError: Data download failed:"


def objects(store: Store, source: Mapping[str, Any]) -> tuple[Uri, list[Uri]]:
    """The prefix that an S3DataSource's objects have in common, and the objects.

    Raises:
        ClientFault: there are none, the role may not list or read, or the manifest is not one.
    """
    uri = Uri.parse(source["S3Uri"])
    if source["S3DataType"] == MANIFEST:
        return _listed(_read(store, uri), uri)
    keys = list(store.keys(uri))
    if not keys:
        raise ClientFault(f"{_FAILED}No S3 objects found under S3 URL {uri}")
    return uri, [Uri(uri.bucket, key) for key in keys]


def items(store: Store, source: Mapping[str, Any]) -> list[Item]:
    """The same for Pipe mode, where a line of an augmented manifest is an item too.

    Raises:
        ClientFault: as for `objects`.
    """
    if source["S3DataType"] != AUGMENTED:
        return [(found,) for found in objects(store, source)[1]]
    uri = Uri.parse(source["S3Uri"])
    lines = _read(store, uri).split("\n")
    names = source["AttributeNames"]
    found = [_line(line, names, f"{uri} line {number}") for number, line in enumerate(lines, start=1) if line.strip()]
    if not found:
        raise ClientFault(f"{_FAILED}manifest {uri} has no lines")
    return found


def _read(store: Store, uri: Uri) -> str:
    try:
        return store.read(uri).read().decode()
    except UnicodeDecodeError as error:
        raise ClientFault(f"{_FAILED}manifest {uri} is no text: {error}") from error


def _listed(text: str, manifest: Uri) -> tuple[Uri, list[Uri]]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ClientFault(f"{_FAILED}manifest {manifest} is not valid JSON: {error}") from error
    entries: list[Any] = content if isinstance(content, list) and content else [None]
    first, suffixes = entries[0], entries[1:]
    prefix = str(first.get("prefix")) if isinstance(first, dict) else ""
    if not (prefix.startswith("s3://") and Uri.parse(prefix).bucket):
        raise ClientFault(f'{_FAILED}manifest {manifest} does not begin with {{"prefix": "s3://..."}}')
    if not suffixes or not all(isinstance(suffix, str) for suffix in suffixes):
        raise ClientFault(f"{_FAILED}manifest {manifest} does not list names of objects after its prefix")
    return Uri.parse(prefix), [_joined(prefix, suffix, manifest) for suffix in suffixes]


def _joined(prefix: str, suffix: str, manifest: Uri) -> Uri:
    """ "SageMaker appends the suffix elements to the prefix"; all objects are in the prefix's bucket."""
    found = Uri.parse(prefix + suffix)
    if found.bucket != Uri.parse(prefix).bucket or not found.key or found.key.endswith("/"):
        raise ClientFault(f"{_FAILED}manifest {manifest}: {prefix + suffix} is no object in the prefix's bucket")
    return found


def _line(text: str, names: list[str], where: str) -> Item:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise ClientFault(f"{_FAILED}{where} is not valid JSON: {error}") from error
    missing = [name for name in names if not isinstance(record, dict) or name not in record]
    if missing:
        raise ClientFault(f"{_FAILED}{where} lacks the attribute {missing[0]}")
    return tuple(_attribute(name, record[name], where) for name in names)


def _attribute(name: str, value: Any, where: str) -> Uri | bytes:
    """The "-ref" suffix means an object; other values are sent as "the string representation of the attribute"."""
    if not name.endswith("-ref"):
        return (value if isinstance(value, str) else json.dumps(value)).encode()
    found = Uri.parse(value) if isinstance(value, str) and value.startswith("s3://") else None
    if found is None or not found.key:
        raise ClientFault(f"{_FAILED}{where}: attribute {name} is no S3 URI of an object: {value!r}")
    return found
