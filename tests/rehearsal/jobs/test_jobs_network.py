"""The network of a job's hosts: who reaches whom, and that nothing of it stays."""

import contextlib
import json
import socket
import threading
from pathlib import Path

import pytest

from trainwright.rehearsal.jobs import network, network_shell
from trainwright.rehearsal.jobs.network_forward import Door, ask

#: What the hosts' programs share: their names, and numbers added up at the first host, on torchrun's port.
COMMON = """
import socket
config = json.loads((ml / "input/config/resourceconfig.json").read_text())
me, hosts = config["current_host"], config["hosts"]
def add_up(number, port=7777):
    first, others = hosts[0], len(hosts) - 1
    if me != first:
        end = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection((first, port), timeout=30) as server:
                    server.sendall(f"{number}\\n".encode())
                    return int(server.makefile().readline())
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
    with socket.create_server((first, port)) as listener:
        clients = [listener.accept()[0] for _ in range(others)]
        total = number + sum(int(client.makefile().readline()) for client in clients)
        for client in clients:
            client.sendall(f"{total}\\n".encode())
    return total
def leave(text):
    (ml / "model" / me).write_text(str(text))
"""


def resources(count):
    return {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 5}


@pytest.fixture
def with_networks(account):
    if not account.ready["namespaces"] or network.LOST_NETWORKS in account.ready["lost_guarantees"]:
        pytest.skip("this machine lets nobody make networks")
    return account


def completed(account, name):
    job = account.finish(name)
    assert job["TrainingJobStatus"] == "Completed", "\n".join([str(job.get("FailureReason")), *account.log(name)])
    return account.model(name)


def test_two_jobs_at_once_meet_at_the_same_port_by_their_names(with_networks):
    account = with_networks
    # the second job opens the port while the first one still has it
    code = COMMON + "total = add_up(int(me[5:]))\ntotal = add_up(total)\nleave(total)"
    for name, count in (("pair", 2), ("four", 4)):
        account.train(name, code, wait=False, ResourceConfig=resources(count))
    assert completed(account, "pair") == {"algo-1": "6", "algo-2": "6"}
    assert completed(account, "four") == {f"algo-{number}": "40" for number in range(1, 5)}


def test_isolated_hosts_reach_each_other_and_nobody_else(with_networks):
    code = (
        COMMON
        + f"""
def reaches(where):
    try:
        socket.create_connection(where, timeout=1).close()
    except OSError:
        return False
    return True
leave([add_up(int(me[5:])), reaches(("127.0.0.1", {with_networks.endpoint.rpartition(":")[2]})),
       reaches(({_own_address()!r}, {with_networks.endpoint.rpartition(":")[2]})), "AWS_ENDPOINT_URL" in os.environ])
"""
    )
    with_networks.train("alone-together", code, wait=False, ResourceConfig=resources(2), EnableNetworkIsolation=True)
    found = completed(with_networks, "alone-together")
    assert set(found.values()) == {"[3, False, False, False]"}


def test_several_hosts_have_the_account_and_their_roles_credentials(with_networks):
    code = (
        COMMON
        + """
import boto3
s3 = boto3.client("s3", region_name=os.environ["AWS_REGION"])
leave(s3.get_object(Bucket="jobs", Key="train/a.csv")["Body"].read().decode())
"""
    )
    with_networks.train("pair-with-account", code, wait=False, ResourceConfig=resources(2))
    assert completed(with_networks, "pair-with-account") == {"algo-1": "train/a.csv", "algo-2": "train/a.csv"}


def test_a_host_has_the_interface_that_its_configuration_names(with_networks):
    code = (
        COMMON
        + """
import struct, fcntl
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    request = struct.pack("256s", config["network_interface_name"].encode())
    address = socket.inet_ntoa(fcntl.ioctl(any_socket, 0x8915, request)[20:24])  # SIOCGIFADDR
own = socket.gethostname()
leave(json.dumps([address == socket.gethostbyname(me) == socket.gethostbyname(own), own, address]))
"""
    )
    with_networks.train("interfaces", code, wait=False, ResourceConfig=resources(2))
    found = completed(with_networks, "interfaces")
    assert found == {"algo-1": '[true, "aws", "198.19.0.2"]', "algo-2": '[true, "aws", "198.19.0.3"]'}


def test_other_machines_are_reached_on_the_ports_that_the_job_is_told_of(with_networks):
    with socket.create_server((_own_address(), 0)) as tracker:
        address, port = tracker.getsockname()
        code = (
            COMMON
            + """
told = os.environ["TRACKER"].rpartition("//")[2].rpartition(":")
with socket.create_connection((told[0], int(told[2])), timeout=20) as server:
    server.sendall(me.encode())
    leave(server.recv(100).decode())
"""
        )
        threading.Thread(target=_greet, args=(tracker, 2), daemon=True).start()
        told = {"TRACKER": f"http://{address}:{port}"}
        with_networks.train("tracked", code, wait=False, ResourceConfig=resources(2), Environment=told)
        assert completed(with_networks, "tracked") == {"algo-1": "hello algo-1", "algo-2": "hello algo-2"}


def test_the_job_ends_when_one_host_does(with_networks):
    # the other host waits for it on the network, and would until MaxRuntimeInSeconds stops the job
    code = COMMON + "sys.exit(3) if me == 'algo-2' else add_up(1)"
    with_networks.train("one-gone", code, wait=False, ResourceConfig=resources(2))
    job = with_networks.finish("one-gone")
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 3")


def test_memory_is_not_shared_between_hosts_and_files_are(with_networks):
    code = (
        COMMON
        + """
mine = Path("/dev/shm/same-name")
free = not mine.exists()
mine.touch()
add_up(0)
(ml / "checkpoints").mkdir(exist_ok=True)
import fcntl
with open(ml / "checkpoints" / "lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # every host has a file, and a lock, of its own
    add_up(0)
leave(free)
"""
    )
    with_networks.train("apart", code, wait=False, ResourceConfig=resources(2))
    assert set(completed(with_networks, "apart").values()) == {"True"}


def test_nothing_of_a_network_stays(with_networks):
    account = with_networks
    before = _networks(account.process.pid)
    code = COMMON + "add_up(1)\nsubprocess.Popen(['setsid', 'sleep', '600'])"
    account.train("network-leaves", code, ResourceConfig=resources(3))
    account.train("network-stopped", COMMON + "add_up(1)\ntime.sleep(60)", wait=False, ResourceConfig=resources(2))
    account.wait_until("network-stopped", "Training")
    account.wait_for(lambda: _networks(account.process.pid) - before, "a network while it trains")
    account.client("sagemaker").stop_training_job(TrainingJobName="network-stopped")
    account.finish("network-stopped")
    account.wait_for(lambda: _networks(account.process.pid) == before, "the end of every network")


def test_a_command_runs_on_another_host_that_serves_it(with_networks):
    code = (
        COMMON
        + """
if me == "algo-2":
    add_up(0)
    server = subprocess.Popen(["/usr/sbin/sshd", "-D"])
    add_up(0, 7778)
    server.kill()
else:
    line = ["ssh", "-x", "-o", "StrictHostKeyChecking=no", "-p", "22", "algo-2"]
    early = subprocess.run([*line, "true"], capture_output=True).returncode
    add_up(0)
    while subprocess.run([*line, "true"], capture_output=True).returncode == 255:
        time.sleep(0.05)
    done = subprocess.run([*line, "cat; hostname >&2; echo $SECRET; exit 7"], input=b"in ", capture_output=True)
    leave([early, done.returncode, done.stdout, done.stderr.strip()])
    add_up(0, 7778)
"""
    )
    with_networks.train(
        "shells", code, wait=False, ResourceConfig=resources(2), Environment={"SECRET": "not carried over"}
    )
    assert completed(with_networks, "shells") == {"algo-1": "[255, 7, b'in \\n', b'aws']"}


def test_groups_of_instances_train_together_on_data_of_their_own(with_networks):
    account = with_networks
    code = (
        COMMON
        + """
mine = config["current_group_name"]
group = next(group for group in config["instance_groups"] if group["instance_group_name"] == mine)
assert me in group["hosts"] and config["current_instance_type"] == group["instance_type"]
described = sorted(json.loads((ml / "input/config/inputdataconfig.json").read_text()))
files = [path for path in (ml / "input/data").rglob("*") if path.is_file()]
folders = {name: sum(name in path.parts for path in files) for name in os.listdir(ml / "input/data")}
add_up(0)
leave(json.dumps([config["current_group_name"], config["current_instance_type"], described, folders]))
"""
    )
    groups = [
        {"InstanceGroupName": "data", "InstanceType": "ml.c5.xlarge", "InstanceCount": 3},
        {"InstanceGroupName": "model", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
    ]
    wanted = [
        account.channel("train", InstanceGroupNames=["data"], S3DataDistributionType="ShardedByS3Key"),
        {**account.channel("train"), "ChannelName": "whole", "InputMode": "FastFile"},
    ]
    wanted[1]["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["model"]
    mixed = {"InstanceGroups": groups, "VolumeSizeInGB": 5}
    account.train("mixed", code, wait=False, ResourceConfig=mixed, InputDataConfig=wanted)
    found = sorted(json.loads(text) for text in completed(account, "mixed").values())
    assert found == [["data", "ml.c5.xlarge", ["train"], {"train": 1}]] * 3 + [
        ["model", "ml.g5.xlarge", ["whole"], {"whole": 3}]
    ]
    shown = account.describe("mixed")["ResourceConfig"]
    assert shown["InstanceGroups"] == groups


# --- the parts -----------------------------------------------------------------------------------------------------


def test_ports_of_addresses_that_a_job_is_told_of_are_open():
    found = network.outside_ports(["http://tracker.internal:9000/x", "postgres://me@db:5433", "time 12:30", "a://b:0"])
    assert set(found) - set(network.OUTSIDE) == {9000, 5433}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["algo-2", "echo", "a b"], ("algo-2", "echo a b")),
        (["-x", "-oBatchMode=yes", "-o", "ConnectTimeout=5", "-l", "root", "me@algo-2", "-n"], ("me@algo-2", "-n")),
        (["-qTp", "22", "algo-2"], ("algo-2", "")),
    ],
)
def test_the_command_line_is_read_as_ssh_reads_it(words, expected):
    assert network_shell.read_line(words) == expected


def test_a_command_line_without_a_host_is_refused(capsys):
    with pytest.raises(SystemExit) as error:
        network_shell.read_line(["-x", "-o", "BatchMode=yes"])
    assert error.value.code == network_shell.CANNOT
    assert "usage: ssh" in capsys.readouterr().err


def test_a_connection_is_carried_to_both_ends_of_both_directions():
    with socket.create_server(("127.0.0.1", 0)) as target, socket.create_server(("127.0.0.1", 0)) as inside:
        threading.Thread(target=Door(inside, target.getsockname()[1]).open, daemon=True).start()
        with socket.create_connection(inside.getsockname(), timeout=20) as client, target.accept()[0] as server:
            client.sendall(b"x" * 50_000)
            client.shutdown(socket.SHUT_WR)
            assert len(server.makefile("rb").read()) == 50_000
            server.sendall(b"answer")
            server.shutdown(socket.SHUT_WR)
            assert client.makefile("rb").read() == b"answer"


def test_a_connection_to_nobody_is_reset():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with socket.create_server(("127.0.0.1", 0)) as inside:
            threading.Thread(target=Door(inside, free.getsockname()[1]).open, daemon=True).start()
            with socket.create_connection(inside.getsockname(), timeout=20) as client, pytest.raises(ConnectionError):
                client.recv(1)
                client.recv(1)


def test_questions_for_names_are_passed_on():
    with contextlib.ExitStack() as stack:
        upstream, inside, client = (
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(3)
        )
        for each in (upstream, inside, client):
            each.bind(("127.0.0.1", 0))
            each.settimeout(20)
        arguments = (inside, upstream.getsockname(), b"algo?", client.getsockname())
        asking = threading.Thread(target=ask, args=arguments)
        asking.start()
        question, asker = upstream.recvfrom(100)
        upstream.sendto(question.upper(), asker)
        assert client.recv(100) == b"ALGO?"
        asking.join()


def _own_address():
    """An address of this machine that is not its loopback, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            any_socket.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("this machine is in no network")
        return any_socket.getsockname()[0]


def _greet(listener, times):
    for _ in range(times):
        client, _ = listener.accept()
        with client:
            client.sendall(b"hello " + client.recv(100))


def _networks(server):
    """The processes below the account's server that hold a network, or are in one of their own."""
    own = Path("/proc/self/ns/net").readlink()
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (path / "cmdline").read_bytes()
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == server and (b"network_holder" in line or (path / "ns/net").readlink() != own):
                found.add(path.name)
    return found
