"""Pipe mode, manifests and FastFile on the account, as a training script meets them."""

import contextlib
import gzip
import json
import os
import struct
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from trainwright.rehearsal.jobs.pipes import Pipe

#: What a script needs to read a channel: `epoch` waits for the pipe, as AWS's guide asks for, and reads it to its end.
READ = """
def wait(channel, number):
    path = ml / f"input/data/{channel}_{number}"
    while not path.exists(): time.sleep(0.005)
    return path
def epoch(channel, number): return wait(channel, number).read_bytes()
def tell(value): (ml / "model" / "told").write_text(json.dumps(value))
"""
BIG = b"0123456789abcdef" * 65536


def piped(name, /, *, source=None, **members):
    data = {"S3DataType": "S3Prefix", "S3Uri": f"s3://jobs/{name}/", **(source or {})}
    return {"ChannelName": name, "InputMode": "Pipe", "DataSource": {"S3DataSource": data}, **members}


@pytest.fixture
def put(account):
    def put(key, content):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        account.client("s3").put_object(Bucket="jobs", Key=key, Body=body)

    return put


def told(account, name, code, *channels, **changes):
    """Run a job and give back what its script told."""
    job = account.train(name, READ + code, InputDataConfig=list(channels), **changes)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return json.loads(account.model(name)["told"])


def failure(account, name, code, *channels, **changes):
    job = account.train(name, READ + code, InputDataConfig=list(channels), **changes)
    assert job["TrainingJobStatus"] == "Failed"
    return job["FailureReason"]


# --- pipes ---------------------------------------------------------------------------------------------------------


def test_every_epoch_is_a_pipe_with_all_objects_after_each_other(either_account):
    code = """
import stat
kind = stat.S_ISFIFO(wait("train", 0).stat().st_mode)
data = [epoch("train", number).decode() for number in range(3)]
left = sorted(path.name for path in (ml / "input/data").iterdir())
tell([kind, data, left, json.loads((ml / "input/config/inputdataconfig.json").read_text())])
"""
    name = f"piped-{len(either_account.ready['lost_guarantees'])}"
    kind, data, left, config = told(either_account, name, code, piped("train", ContentType="text/csv"))
    assert kind
    assert data == ["train/a.csvtrain/c.csvtrain/deep/b.csv"] * 3
    assert left == ["train_3"]
    assert config == {
        "train": {
            "ContentType": "text/csv",
            "TrainingInputMode": "Pipe",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
    }


def test_the_next_pipe_is_there_as_soon_as_one_was_opened(account, put):
    put("ahead/x", BIG)
    code = """
names = lambda: sorted(path.name for path in (ml / "input/data").iterdir())
before = names()
with wait("ahead", 0).open("rb") as pipe:
    pipe.read(1)
    tell([before, names()])
"""
    assert told(account, "ahead", code, piped("ahead")) == [["ahead_0"], ["ahead_0", "ahead_1"]]


def test_a_pipe_may_be_closed_early(account, put):
    put("early/x", BIG)
    code = """
with wait("early", 0).open("rb") as pipe: start = pipe.read(4).decode()
tell([start, len(epoch("early", 1))])
"""
    assert told(account, "closed-early", code, piped("early")) == ["0123", len(BIG)]


def threads(account):
    """How many threads the account has; None where the machine does not say."""
    tasks = Path(f"/proc/{account.process.pid}/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else None


def test_pipes_that_nobody_opens_hold_up_neither_the_jobs_end_nor_a_thread(account):
    began, before = time.monotonic(), threads(account)
    channels = [{**piped("train"), "ChannelName": f"c{number}"} for number in range(20)]
    found = told(account, "unopened", "tell(sorted(path.name for path in (ml / 'input/data').iterdir()))", *channels)
    assert found == sorted(f"c{number}_0" for number in range(20))
    assert time.monotonic() - began < 10
    assert before is None or account.wait_for(lambda: threads(account) < before + 10, "the end of the threads")


def test_the_jobs_mode_counts_where_a_channel_has_none(account):
    algorithm = {"TrainingImage": "rehearsed:1", "TrainingInputMode": "Pipe"}
    file = {**account.channel("train"), "ChannelName": "file", "InputMode": "File"}
    code = "tell([len(epoch('train', 0)), (ml / 'input/data/file/a.csv').read_text()])"
    found = told(account, "mode-of-job", code, account.channel("train"), file, AlgorithmSpecification=algorithm)
    assert found == [len("train/a.csvtrain/c.csvtrain/deep/b.csv"), "train/a.csv"]


def test_gzip_is_undone_and_recordio_put_around_each_object(account, put):
    put("packed/1", gzip.compress(b"first") + gzip.compress(b" member"))
    put("packed/2", gzip.compress(BIG))
    channel = piped("packed", CompressionType="Gzip", RecordWrapperType="RecordIO")
    code = """
data = epoch("packed", 0)
config = json.loads((ml / "input/config/inputdataconfig.json").read_text())
tell([data[:20].hex(), data[20:28].hex(), len(data), config["packed"]["RecordWrapperType"]])
"""
    first, header, length, wrapper = told(account, "framed", code, channel)
    assert bytes.fromhex(first) == struct.pack("<II", 0xCED7230A, 12) + b"first member"
    assert bytes.fromhex(header) == struct.pack("<II", 0xCED7230A, len(BIG))
    assert length == 20 + 8 + len(BIG)
    assert wrapper == "RecordIO"


def test_fails_when_what_should_be_gzip_is_not(account):
    reason = failure(account, "not-gzip", "epoch('train', 0)", piped("train", CompressionType="Gzip"))
    assert reason.startswith("ClientError: Data download failed:s3://jobs/train/a.csv is not compressed with Gzip")


@pytest.fixture(scope="module")
def numbers(account):
    for number in range(12):
        account.client("s3").put_object(Bucket="jobs", Key=f"numbers/{number:02}", Body=f"{number:02} ".encode())
    return [f"{number:02}" for number in range(12)]


def test_a_seed_gives_another_order_each_epoch_and_the_same_ones_again(account, numbers):
    def orders(name, seed):
        code = "tell([epoch('numbers', number).decode().split() for number in range(2)])"
        return told(account, name, code, piped("numbers", ShuffleConfig={"Seed": seed}))

    first, second = orders("seed-1", 1)
    assert sorted(first) == sorted(second) == numbers
    assert first != second
    assert numbers not in (first, second)
    assert orders("seed-1-again", 1) == [first, second]
    assert orders("seed-2", 2)[0] != first


def test_hosts_share_a_sharded_pipe_and_a_shuffled_share_changes(account, numbers):
    code = """
name = json.loads((ml / "input/config/resourceconfig.json").read_text())["current_host"]
(ml / "model" / name).write_text(json.dumps([epoch("numbers", number).decode().split() for number in range(2)]))
"""
    channel = piped("numbers", source={"S3DataDistributionType": "ShardedByS3Key"}, ShuffleConfig={"Seed": 5})
    two = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    job = account.train("sharded", READ + code, InputDataConfig=[channel], ResourceConfig=two)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    shares = {host: json.loads(text) for host, text in account.model("sharded").items()}
    for epoch in (0, 1):
        one, other = shares["algo-1"][epoch], shares["algo-2"][epoch]
        assert len(one) == len(other) == 6
        assert sorted(one + other) == numbers
    assert set(shares["algo-1"][0]) != set(shares["algo-1"][1])


def test_an_object_that_may_not_be_read_fails_the_job_and_is_no_end_of_the_data(account):
    statements = [statement for statement in account.rights if "s3:GetObject" not in statement["Action"]]
    statements.append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::jobs/train/a.csv"})
    role = account.role("half-a-pipe", "sagemaker.amazonaws.com", statements)
    code = "print('began', flush=True); print(epoch('train', 0)); print('came to an end')"
    reason = failure(account, "half-a-pipe", code, piped("train"), RoleArn=role)
    assert reason.startswith(
        "ClientError: Data download failed:Unable to download object s3://jobs/train/c.csv (Access"
    )
    assert account.log("half-a-pipe") == ["began"]


def test_an_interrupted_job_gets_its_first_pipe_again(account):
    code = "print('epoch 0', len(epoch('train', 0)), flush=True)\nepochs(40, 0.05)"
    job = account.train("piped-spot", READ + code, InputDataConfig=[piped("train")], **account.spot("piped-spot"))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "Interrupted" in [item["Status"] for item in job["SecondaryStatusTransitions"]]
    assert account.log("piped-spot").count("epoch 0 38") == 2


def test_a_stopped_pipe_leaves_no_thread_whatever_it_waits_for(tmp_path):
    idle = Pipe(tmp_path / "idle", lambda _: [[b"x"]], lambda: None)
    full = Pipe(tmp_path / "full", lambda _: iter([[BIG]] * 100), lambda: None)
    idle.start()
    full.start()
    reader = os.open(tmp_path / "full_0", os.O_RDONLY)
    assert os.read(reader, 4) == b"0123"
    os.close(reader)  # as the end of the script's process does
    began = time.monotonic()
    for pipe in (idle, full):
        pipe.stop()
        assert not pipe._thread.is_alive()
    assert time.monotonic() - began < 1


def test_a_pipe_with_a_fault_keeps_its_reader_waiting(tmp_path):
    def broken(_):
        yield [b"half"]
        raise OSError("no more")

    faults = []
    pipe = Pipe(tmp_path / "c", broken, lambda: faults.append(pipe.fault))
    pipe.start()
    reader = os.open(tmp_path / "c_0", os.O_RDONLY | os.O_NONBLOCK)
    data, end = b"", time.monotonic() + 10
    while not (faults and data) and time.monotonic() < end:
        with contextlib.suppress(BlockingIOError):
            data += os.read(reader, 100)
        time.sleep(0.005)
    assert data == b"half"
    assert str(faults[0]) == "no more"
    with pytest.raises(BlockingIOError):  # nothing to read, and no end either
        os.read(reader, 100)
    pipe.stop()
    assert os.read(reader, 100) == b""
    os.close(reader)


# --- manifests -----------------------------------------------------------------------------------------------------


def manifest(name, kind="ManifestFile", **source):
    return {"S3DataType": kind, "S3Uri": f"s3://jobs/manifests/{name}", **source}


def test_a_manifests_objects_are_files_below_the_channel(account, put):
    put("manifests/files", [{"prefix": "s3://jobs/train/"}, "deep/b.csv", "a.csv"])
    code = """
folder = ml / "input/data/train"
tell({str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()})
"""
    found = told(account, "manifest-files", code, account.channel("train", **manifest("files")))
    assert found == {"a.csv": "train/a.csv", "deep/b.csv": "train/deep/b.csv"}


def test_a_manifests_order_is_a_pipes_order(account, put):
    put("manifests/order", [{"prefix": "s3://jobs/train/"}, "deep/b.csv", "a.csv", "deep/b.csv"])
    found = told(account, "in-order", "tell(epoch('t', 0).decode())", piped("t", source=manifest("order")))
    assert found == "train/deep/b.csvtrain/a.csvtrain/deep/b.csv"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "absent",
            [{"prefix": "s3://jobs/train/"}, "none"],
            "Unable to download object s3://jobs/train/none (NoSuchKey",
        ),
        ("invalid", "no list", "manifest s3://jobs/manifests/invalid does not begin with"),
        ("upwards", [{"prefix": "s3://jobs/"}, "a/../../x"], "s3://jobs/a/../../x has an illegal part '..'"),
    ],
)
def test_fails_when_a_manifest_leads_nowhere(account, put, name, content, reason):
    put(f"manifests/{name}", content)
    found = failure(account, f"manifest-{name}", "", account.channel("train", **manifest(name)))
    assert found.startswith(f"ClientError: Data download failed:{reason}")


def test_a_manifest_that_is_not_there_is_refused(account):
    with pytest.raises(ClientError, match="No S3 objects found under S3 URL"):
        account.train("no-manifest", InputDataConfig=[account.channel("train", **manifest("no-such"))])


def augmented(name):
    return manifest(name, "AugmentedManifestFile", AttributeNames=["source-ref", "label"])


def test_an_augmented_manifest_is_streamed_line_by_line(account, put):
    lines = [
        {"label": number, "source-ref": f"s3://jobs/train/{name}"} for number, name in enumerate(("c.csv", "a.csv"))
    ]
    put("manifests/augmented", "\n".join(json.dumps(line) for line in lines).encode())
    channel = piped("train", source=augmented("augmented"), RecordWrapperType="RecordIO")
    found = bytes.fromhex(told(account, "augmented", "tell(epoch('train', 0).hex())", channel))
    records = []
    while found:
        magic, length = struct.unpack("<II", found[:8])
        assert magic == 0xCED7230A
        records.append(found[8 : 8 + length])
        found = found[8 + length + -length % 4 :]
    assert records == [b"train/c.csv", b"0", b"train/a.csv", b"1"]
    plain = piped("train", source=augmented("augmented"))
    assert told(account, "unwrapped", "tell(epoch('train', 0).decode())", plain) == "train/c.csv0train/a.csv1"


def test_fails_before_training_when_a_line_lacks_an_attribute(account, put):
    put("manifests/short", b'{"source-ref": "s3://jobs/train/a.csv", "label": 1}\n{"label": 2}')
    reason = failure(account, "short-line", "print('trained')", piped("train", source=augmented("short")))
    assert reason.endswith("s3://jobs/manifests/short line 2 lacks the attribute source-ref")
    job = account.describe("short-line")
    assert "Training" not in [item["Status"] for item in job["SecondaryStatusTransitions"]]


# --- FastFile ------------------------------------------------------------------------------------------------------

WRITE = """
folder, found = ml / "input/data/train", []
for attempt in (lambda: (folder / "new").write_text("x"), lambda: (folder / "a.csv").write_text("x"),
                lambda: (folder / "deep/b.csv").unlink()):
    try: attempt(); found.append("done")
    except OSError as error: found.append(error.strerror)
config = json.loads((ml / "input/config/inputdataconfig.json").read_text())
mode = oct((folder / "a.csv").stat().st_mode)
tell([found, (folder / "a.csv").read_text(), config["train"]["TrainingInputMode"], mode])
"""


def test_a_fastfile_channel_is_a_read_only_file_system(account):
    if account.ready["lost_guarantees"]:
        pytest.skip("needs a file system of its own")
    found = told(account, "fast", WRITE, {**account.channel("train"), "InputMode": "FastFile"})
    assert found == [["Read-only file system"] * 3, "train/a.csv", "File", "0o100444"]


def test_beside_it_a_file_channel_can_be_written(account):
    file = {**account.channel("train"), "ChannelName": "file"}
    code = "(ml / 'input/data/file/new').write_text('x'); tell((ml / 'input/data/train/a.csv').read_text())"
    fast = {**account.channel("train"), "InputMode": "FastFile"}
    assert told(account, "beside-fast", code, file, fast) == "train/a.csv"


def test_without_namespaces_a_fastfile_channel_has_files_without_the_right_to_write(account_without_namespaces):
    code = "tell(oct((ml / 'input/data/train/deep/b.csv').stat().st_mode))"
    fast = {**account_without_namespaces.channel("train"), "InputMode": "FastFile"}
    assert told(account_without_namespaces, "fast-plain", code, fast) == "0o100444"
    hosts = account_without_namespaces.root / "hosts"
    assert not (hosts / "fast-plain").exists()


def test_a_fastfile_prefix_is_a_whole_file_or_folder(account, put):
    put("fast/train/a", b"1")
    put("fast/train-other/b", b"2")
    fast = {**account.channel("train", S3Uri="s3://jobs/fast/train"), "InputMode": "FastFile"}
    assert failure(account, "partial", "", fast) == (
        "ClientError: Data download failed:Failed to download data. For FastFile mode, partial S3 prefix is not "
        "supported. S3 prefix has to end with a full file or folder. Add a trailing '/' to the S3 prefix if it ends "
        "with a folder name that is also a prefix for other folders. Current S3 prefix: [fast/train], found S3 object: "
        "[fast/train-other/b]."
    )
    one = {**account.channel("train", S3Uri="s3://jobs/fast/train/a"), "InputMode": "FastFile"}
    assert told(account, "one-file", "tell((ml / 'input/data/train/a').read_text())", one) == "1"
