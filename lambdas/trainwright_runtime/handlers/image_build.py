"""Custom::TrainwrightImageBuild: a training image, built with CodeBuild in the account, once for each content.

Two events come here. CloudFormation's starts the build and is left without an answer; CodeBuild's, when the build has
ended, finds in the build's own variables whom to answer. So nothing waits, however long an image takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from trainwright_runtime.handlers.aws import Services, error_code, services
from trainwright_runtime.handlers.custom_resource import Answer, Target, respond
from trainwright_runtime.handlers.telemetry import handling, logger

Event = dict[str, Any]

_ANSWER_TO = {
    "CFN_RESPONSE_URL": "url",
    "CFN_STACK_ID": "stack_id",
    "CFN_REQUEST_ID": "request_id",
    "CFN_LOGICAL_RESOURCE_ID": "logical_id",
}


@handling
def handler(event: Event, _context: object) -> None:
    """The Lambda function, for both kinds of event."""
    if "RequestType" in event:
        requested(event, services)
    else:
        built(event["detail"], services)


def requested(event: Event, clients: Services) -> None:
    """CloudFormation's event: answer at once where the image is there or nothing is to be done, else start the
    build."""
    target = Target.of(event)
    properties = event["ResourceProperties"]
    if event["RequestType"] == "Delete":
        respond(target, Answer(event.get("PhysicalResourceId") or _physical_id(properties)))
        return
    try:
        answer = _present(properties, clients)
        if answer is None:
            _start(properties, target, clients)
    except (ClientError, KeyError) as error:
        logger.exception("build not started")
        answer = Answer(_physical_id(properties), failure=f"The image build could not be started: {error}")
    if answer is not None:
        respond(target, answer)


def _physical_id(properties: Mapping[str, str]) -> str:
    return f"{properties.get('RepositoryName')}:{properties.get('ImageTag')}"


def _present(properties: Mapping[str, str], clients: Services) -> Answer | None:
    """The answer for an image that is in the repository already; None where it is not."""
    try:
        found = clients.ecr.describe_images(
            repositoryName=properties["RepositoryName"], imageIds=[{"imageTag": properties["ImageTag"]}]
        )
    except ClientError as error:
        if error_code(error) == "ImageNotFound":
            return None
        raise
    digest = found["imageDetails"][0]["imageDigest"]
    uri = f"{properties['RepositoryUri']}@{digest}"
    return Answer(_physical_id(properties), {"ImageUri": uri, "Digest": digest})


def _start(properties: Mapping[str, str], target: Target, clients: Services) -> None:
    """Start the build; a second call for the same request starts no second one (idempotencyToken)."""
    variables = {
        "IMAGE_TAG": properties["ImageTag"],
        "REPOSITORY_NAME": properties["RepositoryName"],
        "REPOSITORY_URI": properties["RepositoryUri"],
        **{variable: getattr(target, name) for variable, name in _ANSWER_TO.items()},
    }
    build = clients.codebuild.start_build(
        projectName=properties["ProjectName"],
        idempotencyToken=target.request_id,
        environmentVariablesOverride=[
            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
        ],
    )
    logger.info("build started", extra={"build": build["build"].get("id")})


def built(detail: Mapping[str, Any], clients: Services) -> None:
    """CodeBuild's event: answer the request that started this build; a build that nobody waits for is left alone."""
    build_id = detail["build-id"].rpartition("build/")[2]
    build = clients.codebuild.batch_get_builds(ids=[build_id])["builds"][0]
    variables = {each["name"]: each["value"] for each in build["environment"].get("environmentVariables", [])}
    if not _ANSWER_TO.keys() <= variables.keys():
        logger.info("a build that no stack waits for", extra={"build": build_id})
        return
    target = Target(**{name: variables[variable] for variable, name in _ANSWER_TO.items()})
    respond(target, _outcome(build, variables, clients))


def _outcome(build: Mapping[str, Any], variables: Mapping[str, str], clients: Services) -> Answer:
    properties = {
        "RepositoryName": variables["REPOSITORY_NAME"],
        "RepositoryUri": variables["REPOSITORY_URI"],
        "ImageTag": variables["IMAGE_TAG"],
    }
    if build["buildStatus"] != "SUCCEEDED":
        return Answer(_physical_id(properties), failure=_why(build))
    try:
        answer = _present(properties, clients)
    except ClientError as error:
        return Answer(_physical_id(properties), failure=f"The image was built and cannot be found: {error}")
    missing = f"The build succeeded and left no image {_physical_id(properties)}."
    return answer or Answer(_physical_id(properties), failure=missing)


def _why(build: Mapping[str, Any]) -> str:
    """The words of the phase that failed, and where the log is."""
    failed = [phase for phase in build.get("phases", []) if phase.get("phaseStatus") not in (None, "SUCCEEDED")]
    words = [
        f"{phase['phaseType']}: {context['message']}"
        for phase in failed
        for context in phase.get("contexts", [])
        if context.get("message")
    ]
    log = build.get("logs", {}).get("deepLink") or build.get("id", "")
    return f"The image build is {build['buildStatus']}. {' '.join(words)} Log: {log}"
