"""What manifests name, and the framing of records."""

import io
import json
import struct

import pytest

from trainwright.rehearsal.jobs import recordio
from trainwright.rehearsal.jobs.contents import items, objects
from trainwright.rehearsal.jobs.s3 import ClientFault, Uri


class Store:
    """A bucket with one object, the manifest."""

    def __init__(self, manifest):
        self.manifest = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()

    def read(self, uri):
        assert str(uri) == "s3://b/m.manifest"
        return io.BytesIO(self.manifest)


MANIFEST = {"S3DataType": "ManifestFile", "S3Uri": "s3://b/m.manifest"}
AUGMENTED = {**MANIFEST, "S3DataType": "AugmentedManifestFile", "AttributeNames": ["image-ref", "label"]}
PREFIX = {"prefix": "s3://other/some/pre"}


def test_a_manifests_names_are_appended_to_its_prefix_in_their_order():
    prefix, found = objects(Store([PREFIX, "fix/b", "/a"]), MANIFEST)
    assert prefix == Uri("other", "some/pre")
    assert found == [Uri("other", "some/prefix/b"), Uri("other", "some/pre/a")]


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (b"{", "manifest s3://b/m.manifest is not valid JSON: "),
        (b"\xff\xfe", "manifest s3://b/m.manifest is no text: "),
        ([], "does not begin with"),
        ({"prefix": "s3://other/"}, "does not begin with"),
        (["s3://other/a"], "does not begin with"),
        ([{"prefix": 3}, "a"], "does not begin with"),
        ([{"prefix": "https://other/"}, "a"], "does not begin with"),
        ([{"prefix": "s3:///"}, "a"], "does not begin with"),
        ([PREFIX], "does not list names of objects"),
        ([PREFIX, {"a": 1}], "does not list names of objects"),
        ([{"prefix": "s3://other"}, "wise/a"], "s3://otherwise/a is no object in the prefix's bucket"),
        ([{"prefix": "s3://other/"}, ""], "s3://other/ is no object in the prefix's bucket"),
        ([{"prefix": "s3://other/"}, "folder/"], "s3://other/folder/ is no object in the prefix's bucket"),
    ],
)
def test_fails_when_a_manifest_is_none(manifest, reason):
    with pytest.raises(ClientFault) as fault:
        objects(Store(manifest), MANIFEST)
    assert str(fault.value).startswith("ClientError: Data download failed:")
    assert reason in str(fault.value)


def test_attributes_come_in_the_requests_order_and_references_as_objects():
    lines = [
        {"label": 1, "other": "not asked for", "image-ref": "s3://b/images/1.jpg"},
        {"image-ref": "s3://c/2.jpg", "label": {"boxes": [1.5, True, None]}},
        {"image-ref": "s3://c/3.jpg", "label": "Moby Dick"},
    ]
    text = "\r\n".join(json.dumps(line) for line in lines) + "\n\n"
    assert items(Store(text.encode()), AUGMENTED) == [
        (Uri("b", "images/1.jpg"), b"1"),
        (Uri("c", "2.jpg"), b'{"boxes": [1.5, true, null]}'),
        (Uri("c", "3.jpg"), b"Moby Dick"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "manifest s3://b/m.manifest has no lines"),
        ("[", "s3://b/m.manifest line 1 is not valid JSON: "),
        ("3", "s3://b/m.manifest line 1 lacks the attribute image-ref"),
        ('{"image-ref": "s3://b/1"}', "s3://b/m.manifest line 1 lacks the attribute label"),
        ('{"image-ref": "b/1", "label": 1}', "line 1: attribute image-ref is no S3 URI of an object: 'b/1'"),
        ('{"image-ref": 7, "label": 1}', "line 1: attribute image-ref is no S3 URI of an object: 7"),
        ('{"image-ref": "s3://b", "label": 1}', "line 1: attribute image-ref is no S3 URI of an object: 's3://b'"),
    ],
)
def test_fails_when_a_line_is_not_what_the_request_asks_for(line, reason):
    with pytest.raises(ClientFault) as fault:
        items(Store(line.encode()), AUGMENTED)
    assert str(fault.value).startswith("ClientError: Data download failed:")
    assert reason in str(fault.value)


@pytest.mark.parametrize("data", [b"", b"a", b"abcd", b"abcde", b"x" * 3_000_001])
def test_a_record_has_magic_length_data_and_zeros_up_to_four(data):
    framed = b"".join(recordio.wrap([data[:7], data[7:]]))
    assert framed[:4] == b"\x0a\x23\xd7\xce"
    assert struct.unpack("<I", framed[4:8]) == (len(data),)
    assert framed[8:] == data + b"\0" * (-len(data) % 4)


def test_what_is_too_long_for_one_record_comes_in_parts_that_awss_reader_joins():
    framed = io.BytesIO(b"".join(recordio.wrap([b"abcde" * 3], longest=6)))
    flags, joined = [], b""
    while header := framed.read(8):
        magic, size_and_flag = struct.unpack("<II", header)
        size = size_and_flag & ((1 << 29) - 1)
        flags.append(size_and_flag >> 29)
        joined += framed.read(size)
        assert magic == 0xCED7230A
        assert framed.read(-size % 4) == b"\0" * (-size % 4)
    assert (flags, joined) == ([1, 2, 3], b"abcde" * 3)
