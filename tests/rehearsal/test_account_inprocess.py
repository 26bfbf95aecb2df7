"""The account's own clients get the same answers without a socket as everybody gets over one."""

import io
import threading

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from trainwright.rehearsal import inprocess


@pytest.fixture
def served(monkeypatch):
    """A client whose calls are answered by a function of the test, which sees the environment of each."""
    seen = []

    def app(environ, start_response):
        seen.append((threading.get_ident(), environ, environ["wsgi.input"].read()))
        status, headers, body = served.answer
        start_response(status, headers)
        return [body[:3], body[3:]]

    monkeypatch.setattr(inprocess, "_app", app)
    client = boto3.client(
        "s3",
        endpoint_url="http://localhost:9",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    inprocess.use(client)

    class Served:
        answer = ("200 OK", [], b"")
        requests = seen

    served = Served()
    served.client = client
    return served


def test_a_request_is_read_as_from_a_socket_in_the_same_thread(served):
    served.client.put_object(
        Bucket="b-1", Key="a b/ü", Body=io.BytesIO(b"content"), Metadata={"my_key": "1"}, ContentType="a/b"
    )
    [(thread, environ, body)] = served.requests
    assert thread == threading.get_ident()
    assert (environ["REQUEST_METHOD"], environ["HTTP_HOST"]) == ("PUT", "localhost:9")
    assert environ["CONTENT_TYPE"] == "a/b"
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/b-1/a b/ü"
    assert b"content" in body and int(environ["CONTENT_LENGTH"]) == len(body)
    assert "x-amz-meta-my_key" in environ[inprocess.PRESERVED_HEADER_NAMES_ENVIRON_KEY].values()


def test_a_body_can_be_streamed_and_a_refusal_is_an_error(served):
    served.answer = ("200 OK", [("Content-Length", "9"), ("x-amz-meta-who", "me")], b"some text")
    found = served.client.get_object(Bucket="b-1", Key="k")
    assert found["Metadata"] == {"who": "me"}
    assert [found["Body"].read(4), found["Body"].read()] == [b"some", b" text"]
    refusal = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    served.answer = ("403 Forbidden", [("Content-Type", "text/xml")], refusal)
    with pytest.raises(served.client.exceptions.ClientError, match="AccessDenied"):
        served.client.get_object(Bucket="b-1", Key="k")


@given(st.binary(max_size=200))
def test_any_body_arrives_whole(content):
    assert inprocess._body(content) == inprocess._body(io.BytesIO(content)) == content


def test_without_an_account_in_this_process_the_network_is_asked(served, monkeypatch):
    monkeypatch.setattr(inprocess, "_app", None)
    with pytest.raises(Exception, match="Could not connect to the endpoint URL"):
        served.client.list_buckets()
