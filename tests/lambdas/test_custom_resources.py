"""The custom resources: what they ask of AWS, and what they answer to the ResponseURL, a server of the test."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from botocore.stub import ANY, Stubber
from team_in_memory import Context

from trainwright_runtime.handlers import image_build, log_retention
from trainwright_runtime.handlers.aws import Services

DIGEST = "sha256:" + "c" * 64
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/images"
IMAGE = {
    "ServiceToken": "arn",
    "ProjectName": "project",
    "RepositoryName": "images",
    "RepositoryUri": URI,
    "ImageTag": "abc123",
    "ParameterName": "/trainwright/images/platform",
}


class CloudFormation:
    """Takes the answers that CloudFormation would get."""

    def __init__(self):
        self.answers, self.headers = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self):
                outer.headers.append(dict(self.headers))
                outer.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def event(self, kind, properties, **more):
        return {
            "RequestType": kind,
            "ResponseURL": f"http://127.0.0.1:{self.server.server_port}/answer?signature=x",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Logical",
            "ResourceProperties": properties,
            **more,
        }

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def cloudformation():
    server = CloudFormation()
    yield server
    server.close()


@pytest.fixture
def stubs(monkeypatch):
    """Botocore's own stubs: each call must come, in order, with these very parameters."""
    services, made = Services(), {}
    for name in ("logs", "ecr", "codebuild"):
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = services.__dict__[name] = boto3.client(name, region_name="eu-west-1", **keys)
        made[name] = Stubber(client)
        made[name].activate()
    monkeypatch.setattr(log_retention, "services", services)
    monkeypatch.setattr(image_build, "services", services)
    yield made
    for stub in made.values():
        stub.assert_no_pending_responses()


GROUP = {"LogGroupName": "/aws/sagemaker/TrainingJobs", "RetentionInDays": "30"}


def test_retention_is_set_on_a_group_that_may_exist(cloudformation, stubs):
    stubs["logs"].add_client_error("create_log_group", "ResourceAlreadyExistsException")
    stubs["logs"].add_response(
        "put_retention_policy", {}, {"logGroupName": "/aws/sagemaker/TrainingJobs", "retentionInDays": 30}
    )
    log_retention.handler(cloudformation.event("Create", GROUP), Context())
    (answer,) = cloudformation.answers
    assert answer == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "log-retention:/aws/sagemaker/TrainingJobs",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Logical",
        "NoEcho": False,
        "Data": {"LogGroupName": "/aws/sagemaker/TrainingJobs"},
    }
    assert cloudformation.headers[0]["Content-Type"] == ""


def test_deleting_the_resource_deletes_no_log(cloudformation, stubs):
    log_retention.handler(cloudformation.event("Delete", GROUP), Context())
    assert cloudformation.answers[0]["Status"] == "SUCCESS"


def test_a_retention_that_aws_refuses_fails_the_deployment_with_its_words(cloudformation, stubs):
    stubs["logs"].add_response("create_log_group", {}, {"logGroupName": ANY})
    stubs["logs"].add_client_error("put_retention_policy", "InvalidParameterException", "31 is no retention")
    log_retention.handler(cloudformation.event("Update", {**GROUP, "RetentionInDays": "31"}), Context())
    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "31 is no retention" in answer["Reason"]


WANTED = {"repositoryName": "images", "imageIds": [{"imageTag": "abc123"}]}
FOUND = {"imageDetails": [{"imageDigest": DIGEST}]}


def test_an_image_that_is_there_is_answered_at_once(cloudformation, stubs):
    stubs["ecr"].add_response("describe_images", FOUND, WANTED)
    image_build.handler(cloudformation.event("Create", IMAGE), Context())
    (answer,) = cloudformation.answers
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == "images:abc123"
    assert answer["Data"] == {"ImageUri": f"{URI}@{DIGEST}", "Digest": DIGEST}


def test_an_image_that_is_not_there_is_built_and_answered_later(cloudformation, stubs):
    event = cloudformation.event("Update", IMAGE)
    stubs["ecr"].add_client_error("describe_images", "ImageNotFoundException")
    expected = {
        "projectName": "project",
        "idempotencyToken": "request",
        "environmentVariablesOverride": [
            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables(event).items()
        ],
    }
    stubs["codebuild"].add_response("start_build", {"build": {"id": "project:1"}}, expected)
    image_build.handler(event, Context())
    assert cloudformation.answers == []


def variables(event):
    return {
        "IMAGE_TAG": "abc123",
        "REPOSITORY_NAME": "images",
        "REPOSITORY_URI": URI,
        "CFN_RESPONSE_URL": event["ResponseURL"],
        "CFN_STACK_ID": "stack",
        "CFN_REQUEST_ID": "request",
        "CFN_LOGICAL_RESOURCE_ID": "Logical",
    }


def build_ended(stubs, event, status, with_variables=True, **more):
    found = [{"name": name, "value": value} for name, value in variables(event).items()] if with_variables else []
    environment = {"type": "T", "image": "i", "computeType": "c", "environmentVariables": found}
    build = {"id": "project:1", "buildStatus": status, "environment": environment, **more}
    stubs["codebuild"].add_response("batch_get_builds", {"builds": [build]}, {"ids": ["project:1"]})
    arn = "arn:aws:codebuild:eu-west-1:123456789012:build/project:1"
    return {"source": "aws.codebuild", "detail": {"build-status": status, "project-name": "project", "build-id": arn}}


def test_a_build_that_succeeded_answers_with_the_digest(cloudformation, stubs):
    ended = build_ended(stubs, cloudformation.event("Create", IMAGE), "SUCCEEDED")
    stubs["ecr"].add_response("describe_images", FOUND, WANTED)
    image_build.handler(ended, Context())
    (answer,) = cloudformation.answers
    assert (answer["Status"], answer["Data"]["ImageUri"]) == ("SUCCESS", f"{URI}@{DIGEST}")
    assert answer["PhysicalResourceId"] == "images:abc123"


@pytest.mark.parametrize("status", ["FAILED", "FAULT", "STOPPED", "TIMED_OUT"])
def test_a_build_that_did_not_succeed_answers_with_the_phases_words(cloudformation, stubs, status):
    phases = [
        {"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED", "contexts": [{"message": ""}]},
        {"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"message": "docker build: no space"}]},
    ]
    ended = build_ended(
        stubs, cloudformation.event("Create", IMAGE), status, phases=phases, logs={"deepLink": "https://log"}
    )
    image_build.handler(ended, Context())
    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert f"is {status}. BUILD: docker build: no space Log: https://log" in answer["Reason"]


def test_a_build_that_pushed_nothing_fails(cloudformation, stubs):
    ended = build_ended(stubs, cloudformation.event("Create", IMAGE), "SUCCEEDED")
    stubs["ecr"].add_client_error("describe_images", "ImageNotFoundException")
    image_build.handler(ended, Context())
    assert "left no image images:abc123" in cloudformation.answers[0]["Reason"]


def test_a_build_that_no_stack_waits_for_is_left_alone(cloudformation, stubs):
    ended = build_ended(stubs, cloudformation.event("Create", IMAGE), "SUCCEEDED", with_variables=False)
    image_build.handler(ended, Context())
    assert cloudformation.answers == []


def test_deleting_an_image_resource_keeps_its_image(cloudformation, stubs):
    image_build.handler(cloudformation.event("Delete", IMAGE, PhysicalResourceId="images:old"), Context())
    assert cloudformation.answers[0]["PhysicalResourceId"] == "images:old"


def test_a_build_that_cannot_start_fails_the_deployment(cloudformation, stubs):
    stubs["ecr"].add_client_error("describe_images", "ImageNotFoundException")
    stubs["codebuild"].add_client_error("start_build", "AccessDeniedException", "not authorized")
    image_build.handler(cloudformation.event("Create", IMAGE), Context())
    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "not authorized" in answer["Reason"]
