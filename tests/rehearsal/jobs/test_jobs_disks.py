"""Full disks and volumes that are too small, as a training script and a job's description show them."""

import json
from pathlib import Path

import pytest

from trainwright.rehearsal.jobs import channels, volumes
from trainwright.rehearsal.jobs.host import isolation
from trainwright.rehearsal.jobs.s3 import ClientFault, Store

FAULTS = {
    "full_disks": [
        {"jobs": "full-*", "free_mb": 8},
        {"jobs": "second-*", "free_mb": 1, "host": "algo-2"},
        {"jobs": "spot-*", "free_mb": 2},
    ],
    "spot_interruptions": [{"jobs": "spot-*", "after": "checkpoint"}],
}
MIB = 1024 * 1024
#: How much a host still takes, in MiB, and the error that ends it.
FILL = """
def fill(folder):
    written = 0
    try:
        with (folder / "filler").open("wb", buffering=0) as file:
            while True: written += file.write(bytes(65536))
    except OSError as error:
        (folder / "filler").unlink()
        return [round(written / 1024 / 1024, 1), error.errno, error.strerror]
def tell(value): (ml / "model" / "told").write_text(json.dumps(value))
"""


@pytest.fixture(scope="module")
def full(tmp_path_factory, start_account):
    if not isolation().namespaces:
        pytest.skip("this machine forbids namespaces")
    with start_account(tmp_path_factory.mktemp("full"), faults=FAULTS) as account:
        assert account.ready["lost_guarantees"] == []
        yield account


def told(account, name, code, **changes):
    job = account.train(name, FILL + code, **changes)
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), account.log(name))
    return json.loads(account.model(name)["told"])


def mounts(account):
    """The tmpfs mounts that the account's own process has in its folder."""
    lines = Path(f"/proc/{account.process.pid}/mountinfo").read_text().splitlines()
    return [line for line in lines if str(account.root) in line]


def test_a_script_meets_a_full_disk_after_so_many_bytes(full):
    assert told(full, "full-fill", "tell(fill(ml / 'output'))") == [8.0, 28, "No space left on device"]


def test_every_folder_of_the_host_is_on_the_one_disk(full):
    code = "(ml / 'checkpoints').mkdir(); (ml / 'checkpoints/x').write_bytes(bytes(5242880)); tell(fill(ml / 'output'))"
    assert told(full, "full-shared", code)[0] == 3.0


def test_inputs_do_not_count(full):
    full.client("s3").put_object(Bucket="jobs", Key="large/x", Body=bytes(20 * MIB))
    channel = full.channel("large")
    code = "tell([(ml / 'input/data/large/x').stat().st_size, fill(ml / 'output')[0]])"
    assert told(full, "full-input", code, InputDataConfig=[channel]) == [20 * MIB, 8.0]


def test_a_fastfile_channel_beside_a_full_disk(full):
    channel = {**full.channel("train"), "InputMode": "FastFile"}
    code = "tell([(ml / 'input/data/train/a.csv').read_text(), fill(ml / 'output')[0]])"
    assert told(full, "full-fast", code, InputDataConfig=[channel]) == ["train/a.csv", 8.0]


def test_checkpoints_from_before_are_in_s3_and_the_job_fails_as_its_script_does(full):
    code = """
for number in range(100):
    (ml / f"checkpoints/{number}.ckpt").write_bytes(bytes([number]) * 1024 * 1024)
"""
    job = full.train("full-checkpoints", code, CheckpointConfig={"S3Uri": "s3://jobs/checkpoints/full/"})
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 1")
    assert full.log("full-checkpoints")[-1] == "OSError: [Errno 28] No space left on device"
    whole = [full.read(f"checkpoints/full/{number}.ckpt") for number in range(7)]
    assert whole == [bytes([number]) * MIB for number in range(7)]


def test_a_model_that_cannot_be_packed_is_no_artifact(full):
    job = full.train("full-model", "(ml / 'model/weights').write_bytes(os.urandom(5 * 1024 * 1024))")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: Artifact upload failed:Insufficient disk space"


def test_one_host_of_two_has_a_full_disk(full):
    code = """
host = json.loads((ml / "input/config/resourceconfig.json").read_text())["current_host"]
if host == "algo-2": tell(fill(ml / "output"))
else: (ml / "output/much").write_bytes(bytes(16 * 1024 * 1024))
"""
    two = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    assert told(full, "second-full", code, ResourceConfig=two)[0] == 1.0


def test_another_job_is_not_touched_and_nothing_is_left(full):
    code = "(ml / 'output/much').write_bytes(bytes(16 * 1024 * 1024)); tell('fine')"
    assert told(full, "other", code) == "fine"
    assert mounts(full) == []
    assert list((full.root / "hosts").iterdir()) == []


def test_the_disk_is_seen_by_the_account_alone(full):
    own = Path("/proc/self/mountinfo").read_text()
    full.train("full-seen", "print('ready', flush=True); time.sleep(60)", wait=False)
    full.wait_for(lambda: mounts(full), "the disk")
    assert str(full.root) not in Path("/proc/self/mountinfo").read_text()
    assert own.count("\n") == Path("/proc/self/mountinfo").read_text().count("\n")
    full.client("sagemaker").stop_training_job(TrainingJobName="full-seen")
    full.finish("full-seen")
    assert mounts(full) == []


def test_a_host_after_an_interruption_has_its_checkpoints_and_a_full_disk_of_its_own(full):
    code = """
epochs(6, 0.3)
tell([fill(ml / "output")[0], json.loads((checkpoints / "progress.json").read_text())["resumed_from"] is not None])
"""
    assert told(full, "spot-full", code, **full.spot("spot-full")) == [2.0, True]


def test_without_namespaces_the_fault_does_not_pretend(tmp_path, start_account):
    with start_account(tmp_path, faults=FAULTS, TRAINWRIGHT_NO_NAMESPACES="1") as account:
        assert any("full_disks" in sentence for sentence in account.ready["lost_guarantees"])
        refused = account.train("full-plain", "")
        assert refused["FailureReason"].startswith("ClientError: The rehearsal cannot play the fault full_disks")
        assert [item["Status"] for item in refused["SecondaryStatusTransitions"]][-2:] == ["Downloading", "Failed"]
        assert account.train("other", "")["TrainingJobStatus"] == "Completed"


# --- VolumeSizeInGB ------------------------------------------------------------------------------------------------


class FakeS3:
    """Two objects of so many bytes, of which none is ever sent."""

    def __init__(self, size):
        self._size = size

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        import datetime

        when = datetime.datetime.fromtimestamp(0, datetime.UTC)
        names = ("train/a", "train/b")
        return [{"Contents": [{"Key": key, "Size": self._size, "LastModified": when, "ETag": key} for key in names]}]

    def get_object(self, **_):
        return {"ContentLength": self._size, "Body": self}

    def iter_chunks(self, _):
        return [b"instead of so many bytes"]


def download(tmp_path, size, kind="ml.m5.large", **changes):
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/"}}}
    room = volumes.room(kind, 5)
    channels.download(Store(FakeS3(size)), [{**channel, **changes}], tmp_path, host=0, hosts=1, room=room, is_lazy=True)
    return sorted(path.name for path in (tmp_path / "train").rglob("*") if path.is_file())


def test_a_volume_takes_what_it_is_large_and_no_byte_more(tmp_path):
    half = 5 * 1024**3 // 2
    assert download(tmp_path / "fits", half) == ["a", "b"]
    with pytest.raises(ClientFault, match=f"^{volumes.DOWNLOAD_FAILED}$"):
        download(tmp_path / "not", half + 1)


def test_local_storage_and_fastfile_are_not_measured_by_the_volume(tmp_path):
    assert download(tmp_path / "local", 10**12, kind="ml.g5.xlarge") == ["a", "b"]
    assert download(tmp_path / "lazy", 10**12, InputMode="FastFile") == []
    assert volumes.room("ml.g5.xlarge", None) is None
