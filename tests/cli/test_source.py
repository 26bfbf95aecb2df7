"""A local folder of scripts becomes the same archive everywhere, or is refused by name."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from trainwright.cli import source
from trainwright.cli.errors import BadInput

# Of the folder that `scripts` makes. A change here makes every user upload every folder anew: be sure that it is meant.
DIGEST = "d4eddeb7c21beb880a3f92c73230f77bc41e59c649d0bc068eb60da8eff5d5b9"

REQUEST = """\
name: mine
image: platform
source_code: {source_dir: src, entry_script: train.py}
compute: {instance_type: ml.m5.large}
"""


@pytest.fixture
def scripts(here: Path) -> Path:
    folder = here / "src"
    (folder / "lib" / "deep").mkdir(parents=True)
    (folder / "train.py").write_text("print('trained')\n")
    (folder / "run.sh").write_text("#!/bin/sh\nexec python train.py\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "lib" / "data.py").write_text("x = 1\n")
    (folder / "lib" / "deep" / "Grüße.txt").write_text("ü\n")
    (folder / "requirements.txt").write_text("")
    return folder


def request(here: Path, **source_code: object) -> dict:
    return {"source_code": {"source_dir": "src", "entry_script": "train.py", **source_code}}


def pack(here: Path, **source_code: object) -> source.Packed:
    return source.pack_local(request(here, **source_code), here)


def archive(packed: source.Source) -> bytes:
    target = io.BytesIO()
    packed.write(target)
    return target.getvalue()


def names(here: Path, **source_code: object) -> list[str]:
    packed = pack(here, **source_code)
    assert packed.problems == ()
    return [member.name for member in packed.source.members]


def refusal(here: Path, **source_code: object) -> str:
    packed = pack(here, **source_code)
    (problem,) = packed.problems
    return f"{problem.field}: {problem.problem}; {problem.remedy}"


def test_the_archives_digest_is_known(scripts: Path) -> None:
    assert source.pack(scripts).digest == DIGEST


def test_neither_time_nor_order_nor_rights_nor_place_matter(scripts: Path, tmp_path: Path) -> None:
    first = archive(source.pack(scripts))
    other = tmp_path / "elsewhere" / "copy"
    files = sorted((path for path in scripts.rglob("*") if path.is_file()), reverse=True)
    before = os.umask(0o077)
    try:
        for file in files:
            copy = other / file.relative_to(scripts)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            os.utime(copy, (1, 1))
    finally:
        os.umask(before)
    (other / "run.sh").chmod(0o700)
    (other / "empty").mkdir()
    assert archive(source.pack(other)) == first


def test_another_process_with_another_hash_seed_packs_the_same_bytes(scripts: Path) -> None:
    program = (
        "import sys, pathlib; from trainwright.cli import source; "
        "source.pack(pathlib.Path(sys.argv[1])).write(sys.stdout.buffer)"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", program, scripts], env=env, capture_output=True, check=True)
    assert done.stdout == archive(source.pack(scripts))


def test_nothing_of_this_machine_is_in_the_archive(scripts: Path) -> None:
    packed = source.pack(scripts)
    content = archive(packed)
    assert content[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "no time, no file name"
    assert hashlib.sha256(gzip.decompress(content)).hexdigest() == packed.digest
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [
        "lib/data.py",
        "lib/deep/Grüße.txt",
        "requirements.txt",
        "run.sh",
        "train.py",
    ]
    for member in members:
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
        assert member.mode == (0o755 if member.name == "run.sh" else 0o644)


def test_content_name_and_executable_bit_make_another_archive(scripts: Path) -> None:
    seen = {source.pack(scripts).digest}
    (scripts / "train.py").write_text("print('other')\n")
    seen.add(source.pack(scripts).digest)
    (scripts / "train.py").rename(scripts / "main.py")
    seen.add(source.pack(scripts).digest)
    (scripts / "main.py").chmod(0o755)
    seen.add(source.pack(scripts).digest)
    assert len(seen) == 4


def test_the_sdks_patterns_are_left_out_wherever_they_stand(scripts: Path, here: Path) -> None:
    whole = names(here)
    for name in (
        ".git/config",
        "lib/__pycache__/data.pyc",
        ".env",
        "lib/.ipynb_checkpoints/a",
        ".cache/b",
        ".DS_Store",
    ):
        (scripts / name).parent.mkdir(parents=True, exist_ok=True)
        (scripts / name).write_text("no")
    assert names(here) == whole


def test_patterns_of_ones_own_take_the_place_of_the_sdks(scripts: Path, here: Path) -> None:
    (scripts / ".env").write_text("A=1")
    assert names(here, ignore_patterns=["lib", "*.sh"]) == [".env", "requirements.txt", "train.py"]


def test_links_inside_the_folder_are_followed(scripts: Path, here: Path) -> None:
    (scripts / "link.py").symlink_to("train.py")
    (scripts / "again").symlink_to("lib/deep")
    assert {"link.py", "again/Grüße.txt"} <= set(names(here))
    with tarfile.open(fileobj=io.BytesIO(archive(pack(here).source))) as tar:
        assert tar.getmember("link.py").isreg()


@pytest.mark.parametrize(
    ("name", "target", "said"),
    [
        ("out.txt", "/etc/hostname", "out.txt is a link to a place outside the folder (/etc/hostname)"),
        ("lib/up", "../..", "lib/up is a link to a place outside the folder"),
        ("gone.py", "nowhere.py", "gone.py is a link to what is not there"),
        ("lib/round", "..", "lib/round is a link to a folder that it stands in"),
    ],
)
def test_fails_when_a_link_leads_out_or_nowhere(scripts: Path, here: Path, name: str, target: str, said: str) -> None:
    (scripts / name).symlink_to(target)
    assert refusal(here).startswith(f"source_code.source_dir: {said}")
    assert pack(here, ignore_patterns=[Path(name).name]).problems == ()


def test_fails_when_something_is_no_plain_file(scripts: Path, here: Path) -> None:
    os.mkfifo(scripts / "pipe")
    assert "pipe is no plain file" in refusal(here)


def test_fails_when_the_folder_is_missing_or_empty(here: Path) -> None:
    assert "there is no such folder" in refusal(here)
    (here / "src").mkdir()
    assert "there are no files in this folder" in refusal(here)


def test_fails_when_it_is_too_much(scripts: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (scripts / "model.bin").open("wb") as file:
        file.truncate(source.MOST_BYTES)  # a hole: it takes no room on the disk
    said = refusal(here)
    assert "1.0 GiB are too much to pack" in said and "model.bin" in said and "input channel" in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"entry_script": "trian.py"}, "source_code.entry_script: source_code.source_dir holds no such file"),
        ({"requirements": "reqs.txt"}, "source_code.requirements: source_code.source_dir holds no such file"),
        (
            {"ignore_patterns": ["train.py"]},
            "source_code.entry_script: source_code.source_dir holds no such file, because it is ignored",
        ),
        ({"entry_script": "../src/train.py"}, "source_code.entry_script: source_code.source_dir holds no such file"),
    ],
)
def test_fails_when_a_file_that_is_named_is_not_packed(scripts: Path, here: Path, settings: dict, said: str) -> None:
    assert refusal(here, **settings).startswith(said)


def test_a_deepspeed_configuration_is_looked_for_too(scripts: Path, here: Path) -> None:
    value = request(here) | {"distributed": {"launcher": "deepspeed", "config": "ds.json"}}
    (problem,) = source.pack_local(value, here).problems
    assert problem.path == ("distributed", "config")


@pytest.mark.parametrize("address", ["data://source/abc/sourcedir.tar.gz", "s3://bucket/sourcedir.tar.gz"])
def test_addresses_stay_as_they_are(here: Path, address: str) -> None:
    value = request(here, source_dir=address)
    assert source.pack_local(value, here) == source.Packed(value)


@pytest.mark.parametrize("value", [None, [], {"source_code": None}, {"source_code": {"source_dir": 3}}])
def test_whatever_stands_there_is_left_to_the_check(here: Path, value: object) -> None:
    assert source.pack_local(value, here) == source.Packed(value)


def test_fails_when_the_files_change_while_they_are_packed(scripts: Path) -> None:
    packed = source.pack(scripts)
    (scripts / "train.py").write_text("other")
    with pytest.raises(BadInput, match="changed while they were packed"):
        packed.write(io.BytesIO())


def test_input_names_the_address_and_says_who_uploads(scripts: Path, here: Path, invoke) -> None:
    (here / "run.yaml").write_text(REQUEST)
    done = invoke("input", "run.yaml")
    address = json.loads(done.stdout)["source_code"]["source_dir"]
    assert address == f"data://source/{source.pack(scripts).digest}/sourcedir.tar.gz"
    assert done.stderr == f"src (5 files) becomes {address}; `trainwright run` uploads it.\n"


def test_the_folder_is_beside_the_request_wherever_one_stands(scripts: Path, here: Path, invoke, monkeypatch) -> None:
    (here / "run.yaml").write_text(REQUEST)
    beside = invoke("input", "run.yaml").stdout
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert invoke("input", "../run.yaml").stdout == beside


def test_what_is_wrong_with_the_folder_is_told_with_all_the_rest(here: Path, invoke) -> None:
    (here / "run.yaml").write_text(REQUEST.replace("ml.m5.large", "large"))
    done = invoke("input", "run.yaml")
    first, second, count = done.stderr.splitlines()
    assert first.startswith('run.yaml:3:15 TW106 source_code.source_dir: there is no such folder; given: "src"')
    assert second.startswith("run.yaml:4:11 TW106 compute.instance_type: ")
    assert count == "2 problems."


def test_canonical_keeps_the_folder(scripts: Path, here: Path, invoke) -> None:
    (here / "run.yaml").write_text(REQUEST)
    answer = json.loads(invoke("render", "run.yaml", "--canonical", "--json").stdout)
    assert answer["source_code"] == {"source_dir": "src", "entry_script": "train.py"}


class _Bucket:
    """An S3 that notes what it is given."""

    def __init__(self, holds: bool) -> None:
        self.client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        self.stub = Stubber(self.client)
        expected = {"Bucket": "data", "Key": f"source/{DIGEST}/sourcedir.tar.gz"}
        if holds:
            self.stub.add_response("head_object", {}, expected)
        else:
            self.stub.add_client_error("head_object", "404", expected_params=expected)
        self.uploaded: list[tuple[bytes, str, str]] = []
        self.client.upload_fileobj = lambda file, bucket, key: self.uploaded.append((file.read(), bucket, key))


@pytest.mark.parametrize("holds", [True, False])
def test_it_is_uploaded_once(scripts: Path, holds: bool) -> None:
    bucket, packed = _Bucket(holds), source.pack(scripts)
    with bucket.stub:
        assert packed.upload(bucket.client, "data") is not holds
    expected = [] if holds else [(archive(packed), "data", f"source/{DIGEST}/sourcedir.tar.gz")]
    assert bucket.uploaded == expected


def test_files_that_cannot_be_read_are_named(scripts: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(file: Path, *_arguments: object) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "open", denied)
    assert "src/lib/data.py cannot be read: Permission denied" in refusal(here)


def test_fails_when_a_requirements_file_is_packed_for_a_container_without_a_network(
    scripts: Path, here, invoke
) -> None:
    (here / "run.yaml").write_text(REQUEST + "network: {enable_network_isolation: true}\n")
    done = invoke("render", "run.yaml")
    assert done.exit_code == 2
    assert "run.yaml:3:15 TW108 source_code.source_dir: its requirements.txt would be installed" in done.stderr
    (scripts / "requirements.txt").unlink()
    assert invoke("render", "run.yaml").exit_code == 0
