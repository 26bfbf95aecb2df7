"""FastFile: what a channel fetches, and when; the file system that the kernel is told of; its end."""

import errno
import hashlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.rehearsal.jobs.fastfile import file_systems
from trainwright.rehearsal.jobs.fastfile.filesystem import FileSystem
from trainwright.rehearsal.jobs.fastfile.tree import Tree
from trainwright.rehearsal.jobs.host import Host, isolation
from trainwright.rehearsal.jobs.images import Image
from trainwright.rehearsal.jobs.s3 import ClientFault, Listed, Uri

LOOKUP, GETATTR, OPEN, READ, STATFS, RELEASE, INIT, OPENDIR, READDIR, READDIRPLUS = 1, 3, 14, 15, 17, 18, 26, 27, 28, 44
CHANNEL = {
    "ChannelName": "train",
    "InputMode": "FastFile",
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/train/"}},
}
TELL = "def tell(value): (ml / 'model' / 'told').write_text(json.dumps(value))\n"


def listed(key, size, modified=1.5):
    return Listed(Uri("jobs", key), size, modified, f'"{key}"')


class FakeStore:
    """Objects in memory; remembers what was fetched."""

    def __init__(self, objects):
        self.objects, self.fetched = objects, []

    def listed(self, prefix):
        return (listed(key, len(body)) for key, body in self.objects.items() if key.startswith(prefix.key))

    def read_range(self, source, start, stop):
        self.fetched.append((source.uri.key, start, stop))
        if source.uri.key not in self.objects:
            raise ClientFault("gone")
        return self.objects[source.uri.key][start:stop]


class Kernel:
    """Says to a file system what Linux says, and takes its answers apart (include/uapi/linux/fuse.h)."""

    def __init__(self, files):
        self._files, self._unique = files, 0
        self.ask(INIT, 0, struct.pack("=IIII", 7, 38, 131072, 0xFFFFFFFF))

    def ask(self, opcode, inode, body=b""):
        self._unique += 1
        answers, answered = [], threading.Event()

        def reply(buffers):
            answers.append(b"".join(buffers))
            answered.set()

        header = struct.pack("=IIQQIIII", 40 + len(body), opcode, self._unique, inode, 0, 0, 1, 0)
        self._files.handle(header + body, reply)
        assert answered.wait(10), "no answer"
        (answer,) = answers
        length, error, unique = struct.unpack_from("=IiQ", answer)
        assert (length, unique) == (len(answer), self._unique)
        if error:
            raise OSError(-error, os.strerror(-error))
        return answer[16:]

    def walk(self, path):
        inode = 1
        for name in path.split("/"):
            inode = struct.unpack_from("=Q", self.ask(LOOKUP, inode, name.encode() + b"\0"))[0]
            if not inode:
                raise FileNotFoundError(path)
        return inode

    def open(self, path):
        inode = self.walk(path)
        return inode, struct.unpack_from("=Q", self.ask(OPEN, inode, bytes(8)))[0]

    def read(self, opened, offset, size):
        inode, handle = opened
        return self.ask(READ, inode, struct.pack("=QQIIQII", handle, offset, size, 0, 0, 0, 0))

    def names(self, inode, opcode=READDIRPLUS, size=4096):
        found, offset = {}, 0
        while page := self.ask(opcode, inode, struct.pack("=QQIIQII", 0, offset, size, 0, 0, 0, 0)):
            while page:
                skip = 128 if opcode == READDIRPLUS else 0
                number, offset, length, kind = struct.unpack_from("=QQII", page, skip)
                found[page[skip + 24 : skip + 24 + length].decode()] = number, kind
                page = page[skip + 24 + -(-length // 8) * 8 :]
        return found


def kernel_of(store, **channel):
    (files,) = file_systems(store, [{**CHANNEL, **channel}], mode="File", host=0, hosts=1).values()
    return Kernel(files)


# --- what is fetched -----------------------------------------------------------------------------------------------


def test_nothing_is_fetched_before_it_is_read_and_nothing_else():
    store = FakeStore({f"train/{name}": name.encode() * 1000 for name in "abc"})
    kernel = kernel_of(store)
    assert set(kernel.names(1)) == {".", "..", "a", "b", "c"}
    opened = kernel.open("b")
    assert store.fetched == []
    assert kernel.read(opened, 0, 4096) == b"b" * 1000
    assert store.fetched == [("train/b", 0, 1000)]


def test_a_file_read_in_sequence_is_fetched_once_in_few_growing_requests():
    body = random.Random(1).randbytes(20_000_000)
    store = FakeStore({"train/big": body})
    kernel = kernel_of(store)
    opened = kernel.open("big")
    read = b"".join(kernel.read(opened, offset, 131072) for offset in range(0, len(body), 131072))
    assert read == body
    spans = sorted(span[1:] for span in store.fetched)
    assert [start for start, _ in spans[1:]] == [stop for _, stop in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (0, len(body))
    assert len(spans) <= 6


def test_the_head_of_a_large_file_costs_little():
    store = FakeStore({"train/big": bytes(20_000_000)})
    kernel = kernel_of(store)
    kernel.read(kernel.open("big"), 0, 4096)
    assert sum(stop - start for _, start, stop in store.fetched) <= 256 * 1024


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(0, 3_000_000),
    reads=st.lists(st.tuples(st.floats(0, 1.1), st.integers(1, 262_144)), max_size=12),
)
def test_whatever_is_read_in_whatever_order_is_what_is_there(size, reads):
    body = random.Random(size).randbytes(size)
    kernel = kernel_of(FakeStore({"train/x": body}))
    opened = kernel.open("x")
    for where, length in reads:
        offset = int(where * size)
        assert kernel.read(opened, offset, length) == body[offset : offset + length]


def test_many_readers_of_one_file_do_not_mix_their_bytes():
    body = random.Random(2).randbytes(2_000_000)
    store = FakeStore({"train/x": body})

    def read_backwards(_):
        kernel = kernel_of(store)
        opened = kernel.open("x")
        return all(kernel.read(opened, at, 70_000) == body[at : at + 70_000] for at in range(1_900_000, -1, -95_000))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read_backwards, range(4)))


def test_what_cannot_be_read_is_an_input_output_error_and_is_tried_again():
    store = FakeStore({"train/a": b"content"})
    kernel = kernel_of(store)
    opened = kernel.open("a")
    body = store.objects.pop("train/a")
    with pytest.raises(OSError, match="Input/output error"):
        kernel.read(opened, 0, 10)
    store.objects["train/a"] = body
    assert kernel.read(opened, 0, 10) == b"content"


# --- names ---------------------------------------------------------------------------------------------------------


def test_folders_and_files_have_the_listings_names_sizes_and_times():
    kernel = kernel_of(FakeStore({"train/deep/er/x.csv": b"123", "train/y": b"", "train/ümlaut": b"1"}))
    assert {name: kind for name, (_, kind) in kernel.names(1).items()} == {
        ".": 4, "..": 4, "deep": 4, "y": 8, "ümlaut": 8,
    }  # fmt: skip
    attributes = kernel.ask(GETATTR, kernel.walk("deep/er/x.csv"))
    places = (("=Q", 24), ("=Q", 48), ("=I", 68), ("=I", 76))
    size, seconds, nanoseconds, mode = (struct.unpack_from(kind, attributes, at)[0] for kind, at in places)
    assert (size, seconds, nanoseconds, oct(mode)) == (3, 1, 500_000_000, "0o100444")
    with pytest.raises(FileNotFoundError):
        kernel.walk("deep/x.csv")


@pytest.mark.parametrize("opcode", [READDIR, READDIRPLUS])
def test_a_long_listing_comes_in_pages_without_a_gap(opcode):
    kernel = kernel_of(FakeStore({f"train/file-{number:05}": b"" for number in range(2000)}))
    found = kernel.names(1, opcode)
    assert len(found) == 2002
    assert found["file-01999"][0] == kernel.walk("file-01999")


def test_a_name_of_an_object_and_of_a_folder_is_the_folder():
    kernel = kernel_of(FakeStore({"train/a": b"1", "train/a/b": b"2"}))
    assert kernel.read(kernel.open("a/b"), 0, 9) == b"2"


def test_shards_show_each_host_its_own_files():
    sharded = json.loads(json.dumps(CHANNEL))
    sharded["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    store = FakeStore({f"train/{name}": b"" for name in "abcde"})
    seen = []
    for host in (0, 1):
        (files,) = file_systems(store, [sharded], mode="File", host=host, hosts=2).values()
        seen.append(set(Kernel(files).names(1)) - {".", ".."})
    assert seen == [{"a", "c", "e"}, {"b", "d"}]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ([], "No S3 objects found under S3 URL s3://jobs/train/"),
        (["train/../../x"], "illegal part '..'"),
        (["train/a//b"], "illegal char sub-sequence '//'"),
    ],
)
def test_fails_when_there_is_nothing_or_no_file_system_can_hold_it(keys, reason):
    with pytest.raises(ClientFault, match="ClientError: Data download failed:") as fault:
        kernel_of(FakeStore(dict.fromkeys(keys, b"")))
    assert reason in str(fault.value)


def test_other_requests_than_a_readers_are_not_supported():
    kernel = kernel_of(FakeStore({"train/a": b"1"}))
    for opcode, number in ((9, errno.ENOSYS), (16, errno.ENOSYS), (OPENDIR, errno.ENOSYS), (LOOKUP, errno.ENOTDIR)):
        with pytest.raises(OSError, match=os.strerror(number)):
            kernel.ask(opcode, kernel.walk("a"), b"x\0")
    with pytest.raises(OSError, match=os.strerror(errno.EISDIR)):
        kernel.ask(OPEN, 1, bytes(8))
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        kernel.read((1, 99), 0, 10)
    opened = kernel.open("a")
    kernel.ask(RELEASE, opened[0], struct.pack("=QIIQ", opened[1], 0, 0, 0))
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        kernel.read(opened, 0, 10)
    assert struct.unpack_from("=QQQQ", kernel.ask(STATFS, 1)) == (1, 0, 0, 1)


# --- mounted -------------------------------------------------------------------------------------------------------

needs_mounts = pytest.mark.skipif(not isolation().is_lazy, reason="this machine lets nobody mount a file system")


@pytest.fixture
def mounted(tmp_path):
    """Start a shell line on a host that sees a file whose bytes never come."""
    hosts = []

    def start(line):
        never = FileSystem(Tree([("file", listed("file", 1000))]), lambda *_: Future())
        host = Host(tmp_path / "host", "algo-1", isolation())
        (host.ml / "data").mkdir()
        host.mount({"/opt/ml/data": never})
        host.install(Image(tmp_path), sys.executable, ["algo-1"])
        host.start(Image(tmp_path), ["sh", "-c", line], {}, network=True)
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        host.destroy()


@needs_mounts
def test_a_host_that_waits_for_bytes_can_be_ended(mounted):
    host = mounted("echo ready; cat /opt/ml/data/file")
    assert host.process.stdout.readline() == b"ready\n"
    host.destroy()
    assert host.process.returncode == 128 + signal.SIGKILL
    assert not host.folder.exists()


@needs_mounts
def test_the_mount_is_seen_by_its_host_alone_and_goes_with_it(mounted):
    before = Path("/proc/self/mountinfo").read_text()
    host = mounted("grep -c '/opt/ml/data .* fuse' /proc/self/mountinfo; stat -f -c %T /opt/ml/data; exec cat")
    assert host.process.stdout.readline() == b"1\n"
    assert host.process.stdout.readline() == b"fuseblk\n"
    assert Path("/proc/self/mountinfo").read_text() == before
    host.process.wait()
    threads = {thread.name for thread in threading.enumerate()}
    end = time.monotonic() + 10
    while "fastfile" in threads and time.monotonic() < end:
        time.sleep(0.02)
        threads = {thread.name for thread in threading.enumerate()}
    assert "fastfile" not in threads


@needs_mounts
def test_a_host_that_never_starts_leaves_no_descriptor(tmp_path):
    before = descriptors()
    host = Host(tmp_path / "host", "algo-1", isolation())
    host.mount({"/opt/ml/data": FileSystem(Tree([]), lambda *_: Future())})
    host.destroy()
    end = time.monotonic() + 10
    while descriptors() > before and time.monotonic() < end:
        time.sleep(0.02)
    assert descriptors() <= before


def descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


WITHOUT_FUSE = """
import sys
from pathlib import Path
from trainwright.rehearsal.jobs import host, inside
from trainwright.rehearsal.jobs.images import Image
libc = inside.Libc()
inside.new_namespaces(libc, inside.CLONE_NEWNS)
libc.mount("none", "/", flags=inside.MS_REC | inside.MS_PRIVATE)
libc.mount("/dev/null", "/dev/fuse", flags=inside.MS_BIND)
found = host.isolation()
print(found.namespaces, found.is_lazy, found.lost)
one = host.Host(Path(sys.argv[1]) / "host", "algo-1", found)
(one.ml / "data").mkdir()
one.install(Image(Path(sys.argv[1])), sys.executable, ["algo-1"])
line = ["sh", "-c", "touch /opt/ml/data/new 2>&1; touch /opt/ml/new && echo done"]
one.start(Image(Path(sys.argv[1])), line, {}, network=True, read_only=["/opt/ml/data"])
print(one.process.stdout.read().decode())
one.destroy()
"""


@needs_mounts
def test_a_machine_that_mounts_nothing_downloads_and_says_so(tmp_path):
    program = [sys.executable, "-c", WITHOUT_FUSE, str(tmp_path)]
    told = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True).stdout
    assert told.startswith("True False ('FastFile channels are downloaded before the start, not read on demand")
    assert "Read-only file system" in told
    assert told.rstrip().endswith("done")


@pytest.fixture
def lazy_account(account):
    if account.ready["lost_guarantees"]:
        pytest.skip("needs a file system of its own")
    return account


def fast(name):
    data = {"S3DataType": "S3Prefix", "S3Uri": f"s3://jobs/{name}/"}
    return {"ChannelName": name, "InputMode": "FastFile", "DataSource": {"S3DataSource": data}}


def told(account, name, code, *channels, **changes):
    job = account.train(name, TELL + code, InputDataConfig=list(channels), **changes)
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), account.log(name))
    return json.loads(account.model(name)["told"])


def gets(account, key):
    """How often the account's S3 was asked for the object, as its log of permissions has it."""
    with urllib.request.urlopen(f"{account.endpoint}/_trainwright/permissions", timeout=10) as answer:
        used = json.load(answer)["used"]
    wanted = ("s3:GetObject", f"arn:aws:s3:::jobs/{key}")
    return sum(entry["count"] for entry in used if (entry["action"], entry["resource"]) == wanted)


def put(account, **objects):
    for key, body in objects.items():
        account.client("s3").put_object(Bucket="jobs", Key=key.replace("__", "/"), Body=body)


def test_a_job_fetches_what_its_script_reads_and_nothing_else(lazy_account):
    put(lazy_account, lazy__read=b"read", lazy__left=bytes(1000), lazy__deep__left=bytes(1000))
    code = """
folder = ml / "input/data/lazy"
names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
tell([names, (folder / "left").stat().st_size, (folder / "read").read_text()])
"""
    assert told(lazy_account, "lazy", code, fast("lazy")) == [["deep/left", "left", "read"], 1000, "read"]
    assert [gets(lazy_account, f"lazy/{name}") for name in ("read", "left", "deep/left")] == [1, 0, 0]


def test_seeking_mapping_and_reading_in_parallel_give_the_objects_bytes(lazy_account):
    body = random.Random(3).randbytes(5_000_000)
    put(lazy_account, seek__body=body)
    code = """
import hashlib, mmap, concurrent.futures
path = ml / "input/data/seek/body"
digest = lambda content: hashlib.sha256(content).hexdigest()
def part(at):
    with path.open("rb") as file:
        file.seek(at); return file.read(250_000)
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    parts = b"".join(pool.map(part, range(0, 5_000_000, 250_000)))
with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
    tell([digest(parts), digest(mapped[:]), mapped[4_000_000:4_000_010].hex()])
"""
    whole = hashlib.sha256(body).hexdigest()
    assert told(lazy_account, "seek", code, fast("seek")) == [whole, whole, body[4_000_000:4_000_010].hex()]


def test_a_file_that_is_deleted_or_overwritten_after_the_start_cannot_be_read(lazy_account):
    put(lazy_account, later__gone=b"1", later__new=b"1", later__same=b"1")
    code = """
print("ready", flush=True)
while not (ml / "go").exists(): time.sleep(0.02)
found = []
for name in ("gone", "new", "same"):
    try: found.append((ml / "input/data/later" / name).read_text())
    except OSError as error: found.append(error.strerror)
tell(found)
"""
    lazy_account.train("later", TELL + code, wait=False, InputDataConfig=[fast("later")])
    lazy_account.wait_for(lambda: started(lazy_account, "later"), "the script")
    lazy_account.client("s3").delete_object(Bucket="jobs", Key="later/gone")
    put(lazy_account, later__new=b"2")
    (lazy_account.root / "hosts/later/1/algo-1/upper/opt/ml/go").touch()
    assert lazy_account.finish("later")["TrainingJobStatus"] == "Completed"
    assert json.loads(lazy_account.model("later")["told"]) == ["Input/output error"] * 2 + ["1"]


def started(account, name):
    try:
        return "ready" in account.log(name)
    except account.client("logs").exceptions.ResourceNotFoundException:
        return False


def test_a_role_that_may_list_and_not_read_trains_until_it_reads(lazy_account):
    rights = [right for right in lazy_account.rights if "s3:GetObject" not in right["Action"]]
    role = lazy_account.role("lists-only", "sagemaker.amazonaws.com", rights)
    code = "path = ml / 'input/data/train/a.csv'; print(path.stat().st_size, flush=True); path.read_text()"
    job = lazy_account.train("lists-only", code, InputDataConfig=[fast("train")], RoleArn=role)
    assert job["FailureReason"] == "AlgorithmError: , exit code: 1"
    log = lazy_account.log("lists-only")
    assert (log[0], log[-1]) == ("11", "OSError: [Errno 5] Input/output error")


def waiting(word):
    return [pid.name for pid in Path("/proc").glob("[0-9]*") if word in _text(pid / "cmdline")]


@needs_mounts
def test_a_process_that_waits_for_bytes_dies_with_the_account(tmp_path, start_account):
    word = f"8{os.getpid()}77"
    with start_account(tmp_path) as account:
        put(account, dies__body=bytes(4_000_000))
        code = f"""
import threading
print("ready", flush=True)
while not (ml / "go").exists(): time.sleep(0.02)
subprocess.run(["sh", "-c", "cat /opt/ml/input/data/dies/body; sleep {word}"])
"""
        account.train("dies", code, wait=False, InputDataConfig=[fast("dies")])
        account.wait_for(lambda: started(account, "dies"), "the script")
        account.process.send_signal(signal.SIGSTOP)
        (account.root / "hosts/dies/1/algo-1/upper/opt/ml/go").touch()
        account.wait_for(lambda: waiting(word), "the reader")
        account.wait_for(lambda: any(map(_sleeps, readers(word))), "its read")
        account.process.kill()
        account.process.wait(timeout=10)
        account.wait_for(lambda: not waiting(word), "its end", seconds=10)


def readers(word):
    """The cat below the shell."""
    return [child for pid in waiting(word) for child in _text(f"/proc/{pid}/task/{pid}/children").split()]


def _sleeps(pid):
    return _text(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in (["S"], ["D"])


def _text(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""
