"""The account's process: how it starts, what it says, how it ends."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest


def test_ready_line_and_health(account):
    assert account.endpoint.startswith("http://localhost:")
    assert account.page("health") == {"status": "ok", "endpoint": account.endpoint}


def test_it_says_what_this_machine_cannot_give(helpers, tmp_path):
    process = helpers.start_server(tmp_path)
    ready = helpers.ready_line(process)
    assert set(ready) == {"endpoint", "region", "account_id", "namespaces", "lost_guarantees"}
    assert helpers.stop_server(process) == 0


def test_it_is_bootstrapped_for_the_cdk_cli(account):
    version = account.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]["Value"]
    assert int(version) >= 6
    account.client("s3").head_bucket(Bucket="cdk-hnb659fds-assets-123456789012-us-east-1")
    account.client("iam").get_role(RoleName="cdk-hnb659fds-deploy-role-123456789012-us-east-1")


def test_root_is_root(account):
    assert account.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:root"


def test_a_busy_port_is_a_sentence(helpers, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = helpers.start_server(tmp_path, port=taken.getsockname()[1])
        _, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "cannot be used" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("content", ["{", "[]", '{"root": "/x", "colour": 1}', '{"port": 0}'])
def test_a_bad_configuration_is_a_sentence(tmp_path, content):
    file = tmp_path / "bad.json"
    file.write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "trainwright.rehearsal.server", "--config", str(file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr


_NAP = """
import os, subprocess
def handler(event, context):
    return [os.getpid(), subprocess.Popen(["sleep", "600"]).pid]
"""


@pytest.fixture
def own_account(helpers, tmp_path):
    process = helpers.start_server(tmp_path)
    yield helpers.Account(helpers.ready_line(process)["endpoint"], tmp_path / "account", process)
    if process.poll() is None:
        helpers.stop_server(process)
    helpers.close_streams(process)


def test_sigterm_takes_every_child_along(own_account, helpers):
    pids, _ = own_account.invoke(own_account.function(_NAP))
    assert all(helpers.is_alive(pid) for pid in pids)
    assert helpers.stop_server(own_account.process) == 0
    assert not any(helpers.is_alive(pid) for pid in pids)


def test_it_ends_with_its_parent(own_account, helpers):
    pids, _ = own_account.invoke(own_account.function(_NAP))
    own_account.process.stdin.close()
    assert own_account.process.wait(timeout=15) == 0
    assert not any(helpers.is_alive(pid) for pid in pids)


def test_sandboxes_do_not_outlive_a_killed_server(own_account, helpers):
    pids, _ = own_account.invoke(own_account.function("import os\ndef handler(e, c): return [os.getpid()]"))
    own_account.process.kill()
    own_account.process.wait()
    helpers.wait_for(lambda: not any(helpers.is_alive(pid) for pid in pids), 5)


def test_what_moto_cannot_do_is_an_error_that_a_client_can_read(account):
    client = account.client("sagemaker")
    with pytest.raises(client.exceptions.ClientError, match="the embedded account failed"):
        client.list_hubs()


def test_a_page_that_does_not_exist_names_those_that_do(account):
    import urllib.error

    with pytest.raises(urllib.error.HTTPError) as refused:
        account.page("nonsense")
    with refused.value as answer:
        assert "permissions" in json.load(answer)["pages"]


def test_there_is_no_trail(account, plain_moto):
    """The mend cloudtrail-lookup-events, and what moto does without it."""
    assert account.client("cloudtrail").lookup_events()["Events"] == []
    with pytest.raises(Exception, match=r"."):
        plain_moto.client("cloudtrail").lookup_events()
