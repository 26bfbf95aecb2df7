"""Model archives and failure reasons."""

import io
import os
import tarfile

import pytest

from trainwright.rehearsal.jobs.artifacts import failure_reason, upload
from trainwright.rehearsal.jobs.logs import LogStream, Metrics
from trainwright.rehearsal.jobs.s3 import Uri


class Bucket:
    def __init__(self):
        self.objects = {}

    def upload(self, file, target, kms_key=None):
        self.objects[str(target)] = (file.read(), kms_key)


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "weights.bin").write_text("w")
    (folder / "code" / "inference.py").write_text("c")
    return folder


def test_the_archive_has_plain_relative_names(model, tmp_path):
    bucket = Bucket()
    assert upload(bucket, Uri("b", "out/job/output"), [model], "model", scratch=tmp_path, kms_key="key")
    content, key = bucket.objects["s3://b/out/job/output/model.tar.gz"]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == ["code/inference.py", "weights.bin"]
    assert key == "key"


def test_without_compression_every_file_is_an_object(model, tmp_path):
    bucket = Bucket()
    upload(bucket, Uri("b", "o"), [model], "model", scratch=tmp_path, compress=False)
    assert set(bucket.objects) == {"s3://b/o/model/weights.bin", "s3://b/o/model/code/inference.py"}


def test_an_empty_folder_leaves_nothing(tmp_path):
    bucket = Bucket()
    assert not upload(bucket, Uri("b", "o"), [tmp_path], "model", scratch=tmp_path)
    assert bucket.objects == {}


def test_the_failure_file_becomes_the_reason(tmp_path):
    failure = tmp_path / "failure"
    assert failure_reason([failure], 1) == "AlgorithmError: , exit code: 1"
    failure.write_text("ValueError: no data\n")
    assert failure_reason([failure], 2) == "AlgorithmError: ValueError: no data, exit code: 2"


def test_of_several_hosts_the_one_that_wrote_first_is_heard(tmp_path):
    files = [tmp_path / name for name in ("algo-1", "algo-2", "algo-3")]
    for file, when in ((files[0], 20), (files[1], 10)):
        file.write_text(f"{file.name} said so")
        os.utime(file, (when, when))
    assert failure_reason(files, 1) == "AlgorithmError: algo-2 said so, exit code: 1"


def test_a_long_failure_file_is_cut_to_the_apis_limit(tmp_path):
    (tmp_path / "failure").write_text("x" * 5000)
    reason = failure_reason([tmp_path / "failure"], 137)
    assert len(reason) == 1024
    assert reason.endswith("x, exit code: 137")


def test_metrics_keep_the_last_value_and_lines_arrive_whole():
    lines = []
    metrics = Metrics.of([{"Name": "loss", "Regex": r"loss=([0-9.]+)"}, {"Name": "odd", "Regex": "("}])
    log = LogStream("job/algo-1-1", lambda _group, _stream, put: lines.extend(put), metrics)
    for chunk in (b"loss=0.", b"5\nloss=0.25\nend", b" of it"):
        log.feed(chunk)
    log.flush()
    assert [text for _, text in lines] == ["loss=0.5", "loss=0.25"]
    log.close()
    assert [text for _, text in lines][-1] == "end of it"
    [described] = metrics.describe()
    assert (described["MetricName"], described["Value"]) == ("loss", 0.25)
