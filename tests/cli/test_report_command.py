"""`trainwright report`: which run, where its page is, and links that say how long they really live."""

import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import ClientError
from moto import mock_aws

from trainwright.cli.runs import presigned
from trainwright_runtime import record as records
from trainwright_runtime import run_index

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:vision"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:vision:digits-1"
FIRST, LAST = "vision-0000000001", "vision-0000000002"
PAGE = f"s3://vision-reports/runs/{LAST}/report.html"


@pytest.fixture
def aws(here, monkeypatch):
    """The team `vision` with two runs that have ended."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name in ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)  # moto's own made-up one
        monkeypatch.delenv("AWS_SECURITY_TOKEN", raising=False)
        found = SimpleNamespace(**{name: boto3.client(name, region_name="eu-west-1") for name in ("ssm", "s3")})
        found.table = boto3.resource("dynamodb", region_name="eu-west-1")
        buckets = {f"{kind}_bucket": f"vision-{kind}" for kind in ("data", "artifacts", "checkpoints", "reports")}
        rest = {"runs_table": "vision-runs", "log_group": "g", "execution_role_arn": "r"}
        team = {"schema": 1, "team": "vision", "state_machine_arn": MACHINE, **buckets, **rest}
        found.ssm.put_parameter(Name="/trainwright/teams/vision", Value=json.dumps(team), Type="String")
        found.s3.create_bucket(Bucket="vision-reports", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        found.table = found.table.create_table(
            TableName="vision-runs",
            KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        fill(found)
        yield found


def fill(aws):
    for run in (FIRST, LAST):
        aws.s3.put_object(Bucket="vision-reports", Key=f"runs/{run}/report.html", Body=f"<p>{run}".encode())
    aws.table.put_item(Item=records.put_alias(EXECUTION, LAST)["Item"])
    month = datetime.now(UTC).isoformat()[:7]
    lines = {
        run: {"run": run, "started_at": f"{month}-01T00:00:0{n}Z", "ended_at": f"{month}-01T01:00:0{9 - n}Z"}
        for n, run in enumerate((LAST, FIRST))
    }
    aws.table.put_item(Item={"run": run_index.key(month, 1), "count": 2, "lines": lines})
    aws.table.put_item(Item={"run": run_index.name_key("digits"), "runs": [{"run": FIRST}, {"run": LAST}]})


@pytest.mark.parametrize("named", [[LAST], ["digits-1"], [EXECUTION], ["digits"], []])
def test_a_run_is_found_by_its_id_execution_or_name_or_is_the_last(aws, invoke, named):
    done = invoke("report", *named)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"Run {LAST}", f"Page: {PAGE}"]
    assert lines[2].startswith("Console: https://eu-west-1.console.aws.amazon.com/s3/object/vision-reports?")
    assert lines[3] == "All runs: s3://vision-reports/runs.html"


@pytest.mark.parametrize("named", ["vision-0000000009", "nothing"])
def test_fails_when_there_is_no_such_run(aws, invoke, named):
    done = invoke("report", named)
    assert done.exit_code == 2
    assert named in done.stderr
    assert "trainwright list" in " ".join(done.stderr.split())


def test_the_page_is_written_into_a_file(aws, invoke, here):
    assert invoke("report", FIRST, "--output", "page.html").exit_code == 0
    assert (here / "page.html").read_text() == f"<p>{FIRST}"
    assert invoke("report", FIRST, "--output", "no/such/folder.html").exit_code == 2


def test_reading_reports_is_enough_for_a_run_by_its_id(aws, invoke, monkeypatch):
    def denied(*_arguments, **_more):
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetItem")

    monkeypatch.setattr("trainwright.cli.runs.records.of_run", denied)
    assert invoke("report", LAST).exit_code == 0
    refused = invoke("report", "digits")
    assert refused.exit_code == 1
    assert "ask the platform team for grant_watch" in refused.stderr


# --- links ---


def expires(url):
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    return int(query["X-Amz-Expires"][0])


def test_a_link_is_made_on_request_and_says_how_long_it_lives(aws, invoke):
    done = invoke("report", LAST, "--presign", "1h")
    (url,) = done.stdout.splitlines()
    assert f"runs/{LAST}/report.html" in url
    assert expires(url) == 3600
    assert re.search(r"The link lives until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(1h\)\.", done.stderr)
    assert "Whoever has it can read the page until then, without signing in" in done.stderr


def test_a_link_lives_seven_days_at_most(aws, invoke):
    done = invoke("report", LAST, "--presign", "30d")
    assert expires(done.stdout.strip()) == 7 * 86_400
    assert "S3 takes no longer time" in done.stderr


@pytest.mark.parametrize("wrong", ["1", "soon", "0s", "-1h"])
def test_fails_when_the_time_is_none(aws, invoke, wrong):
    done = invoke("report", LAST, f"--presign={wrong}")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "write 30m, 1h or 7d" in done.stderr


def signed_with(monkeypatch, credentials):
    monkeypatch.setattr(boto3.Session, "get_credentials", lambda _self: credentials)


def refreshable(seconds):
    ends = datetime.now(UTC) + timedelta(seconds=seconds)
    return RefreshableCredentials("key", "secret", "token", ends, lambda: None, "assume-role")


@pytest.mark.parametrize(("lives", "at_most"), [(1800, 1800), (7200, 3600)])
def test_a_link_lives_no_longer_than_the_credentials(aws, invoke, monkeypatch, lives, at_most):
    signed_with(monkeypatch, refreshable(lives))
    done = invoke("report", LAST, "--presign", "1h")
    assert at_most - 60 < expires(done.stdout.strip()) <= at_most
    assert ("the temporary credentials that signed it end then" in done.stderr) is (lives < 3600)


def test_temporary_credentials_that_do_not_say_until_when_are_no_promise(aws, invoke, monkeypatch):
    signed_with(monkeypatch, Credentials("key", "secret", "token"))
    done = invoke("report", LAST, "--presign", "1h")
    assert expires(done.stdout.strip()) == 3600
    assert "(1h) at most: it was signed with temporary credentials, and ends with them" in done.stderr


def test_no_credentials_are_said_in_a_sentence(aws, invoke, monkeypatch):
    monkeypatch.setattr(presigned.boto3.Session, "get_credentials", lambda _self: None)
    assert invoke("report", LAST, "--presign", "1h").exit_code == 1
