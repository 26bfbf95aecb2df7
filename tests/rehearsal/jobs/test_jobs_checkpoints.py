"""The checkpoint folder in step with S3: whole files only, soon, and back again."""

import json
import threading

import pytest

from trainwright.rehearsal.jobs.checkpoints import Stamp, Synchroniser
from trainwright.rehearsal.jobs.s3 import ClientFault, Uri


class Bucket:
    """S3 in a dictionary, with the two calls of `Store` that a synchroniser makes."""

    def __init__(self):
        self.objects = {}
        self.uploads = []
        self.refuses = False

    def keys(self, prefix):
        yield from (key for key in sorted(self.objects) if key.startswith(prefix.key))

    def download(self, source, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.objects[source.key])

    def upload(self, file, target, kms_key=None):
        if self.refuses:
            raise ClientFault("ClientError: Artifact upload failed:")
        self.objects[target.key] = file.read()
        self.uploads.append(target.key)


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


def synchroniser(bucket, folder, on_upload=lambda: None):
    return Synchroniser(bucket, Uri("b", "runs/r/"), folder, on_upload)


def test_uploads_while_the_job_runs(bucket, folder):
    uploaded = threading.Event()
    running = synchroniser(bucket, folder, uploaded.set)
    running.start()
    (folder / "epoch").mkdir()
    (folder / "epoch" / "1.bin").write_bytes(b"one")
    assert uploaded.wait(5)
    running.stop(finish=False)
    assert bucket.objects == {"runs/r/epoch/1.bin": b"one"}


def test_a_file_that_is_being_written_waits_until_it_is_whole(bucket, folder):
    running = synchroniser(bucket, folder)
    for size in (1, 2, 3):
        (folder / "big").write_bytes(b"x" * size)
        running._look(final=False)
    assert bucket.uploads == []
    running._look(final=False)
    assert bucket.objects["runs/r/big"] == b"xxx"


def test_a_file_that_was_renamed_into_place_is_whole():
    before = Stamp(inode=1, size=9, modified=100, changed=100)
    assert Stamp(inode=2, size=9, modified=200, changed=200).is_whole(before)
    assert Stamp(inode=1, size=9, modified=200, changed=201).is_whole(None)
    assert not Stamp(inode=1, size=10, modified=200, changed=200).is_whole(before)


def test_an_unchanged_file_is_not_uploaded_again(bucket, folder):
    running = synchroniser(bucket, folder)
    (folder / "a").write_text("1")
    running._look(final=True)
    running._look(final=True)
    assert bucket.uploads == ["runs/r/a"]


def test_what_is_deleted_here_stays_in_s3(bucket, folder):
    running = synchroniser(bucket, folder)
    (folder / "a").write_text("1")
    running._look(final=True)
    (folder / "a").unlink()
    running._look(final=True)
    assert bucket.objects == {"runs/r/a": b"1"}


def test_finishing_uploads_what_is_left_and_killing_does_not(bucket, folder):
    for finish, expected in ((False, {}), (True, {"runs/r/a": b"1"})):
        running = synchroniser(bucket, folder)
        (folder / "a").write_text("1")
        running.stop(finish=finish)
        assert bucket.objects == expected


def test_restores_by_plain_prefix(bucket, folder):
    bucket.objects = {"runs/r/a": b"1", "runs/r/b/c": b"2", "runs/other/x": b"3"}
    synchroniser(bucket, folder).restore()
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {"a", "b/c"}


def test_what_was_restored_is_not_uploaded_again(bucket, folder):
    bucket.objects = {"runs/r/a": b"1"}
    running = synchroniser(bucket, folder)
    running.restore()
    running._look(final=True)
    assert bucket.uploads == []


def test_progress_is_what_s3_has(bucket, folder):
    running = synchroniser(bucket, folder)
    (folder / "step-1").write_text("weights")
    (folder / "progress.json").write_text(json.dumps({"step": 7, "total": 20, "resumed_from": None}))
    assert running.progress.step is None
    running._look(final=True)
    assert (running.progress.checkpoints, running.progress.step, running.progress.total) == (1, 7, 20)


def test_what_a_script_tells_of_itself_is_no_checkpoint(bucket, folder):
    running = synchroniser(bucket, folder)
    (folder / "metrics.jsonl").write_text("{}\n")
    (folder / "progress.json").write_text("{}")
    running._look(final=True)
    assert set(bucket.objects) == {"runs/r/metrics.jsonl", "runs/r/progress.json"}
    assert running.progress.checkpoints == 0


def test_marks_what_is_uploaded_as_aws_does_and_never_uploads_the_marks(bucket, folder):
    running = synchroniser(bucket, folder)
    (folder / "a").write_text("1")
    running._look(final=True)
    running._look(final=True)
    assert (folder / "a.sagemaker-uploaded").stat().st_size == 0
    assert list(bucket.objects) == ["runs/r/a"]


def test_a_missing_right_is_kept_for_the_jobs_end(bucket, folder):
    bucket.refuses = True
    running = synchroniser(bucket, folder)
    (folder / "a").write_text("1")
    running.stop(finish=True)
    assert "Artifact upload failed" in str(running.fault)
