"""CodeBuild makes an image of a folder; SageMaker runs it by its digest."""

import json

import pytest
from botocore.exceptions import ClientError

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def test_a_build_goes_through_its_phases_and_pushes(account, builder):
    build = builder.build("phases", tag="one")
    assert (build["buildStatus"], build["currentPhase"], build["buildComplete"]) == ("SUCCEEDED", "COMPLETED", True)
    kinds = [phase["phaseType"] for phase in build["phases"]]
    assert kinds[0] == "SUBMITTED" and kinds[-2:] == ["FINALIZING", "COMPLETED"] and "DOWNLOAD_SOURCE" in kinds
    [image] = account.client("ecr").describe_images(repositoryName="phases", imageIds=[{"imageTag": "one"}])[
        "imageDetails"
    ]
    assert image["imageTags"] == ["one"]
    lines = account.client("logs").get_log_events(
        logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"]
    )["events"]
    assert any(image["imageDigest"] in line["message"] for line in lines)


def test_the_same_folder_gives_the_same_digest_and_another_folder_another(account, builder):
    for project in ("same-1", "same-2"):
        builder.build(project, tag="one")
    builder.build("other", tag="one", files={"program__py": "print('other')"})
    digests = [builder.digest(project, "one") for project in ("same-1", "same-2", "other")]
    assert digests[0] == digests[1] != digests[2]


def test_a_job_runs_what_was_pushed_by_tag_and_by_digest(account, builder):
    builder.build("runs", tag="one", files={"program__py": "import sys; print('pushed', sys.argv[1:])"})
    for number, uri in enumerate((f"{HOST}/runs:one", f"{HOST}/runs@{builder.digest('runs', 'one')}")):
        specification = {"TrainingImage": uri, "TrainingInputMode": "File"}
        job = account.train(f"pushed-{number}", AlgorithmSpecification=specification)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert account.log(f"pushed-{number}") == ["pushed ['train']"]


@pytest.mark.parametrize(
    ("action", "phase"),
    [
        ("s3:GetObject", "DOWNLOAD_SOURCE"),
        ("ecr:GetAuthorizationToken", "PRE_BUILD"),
        ("ecr:PutImage", "BUILD"),
        ("ecr:InitiateLayerUpload", "BUILD"),
    ],
)
def test_a_missing_right_of_the_project_fails_the_build(builder, action, phase):
    name = f"no-{action.partition(':')[2].lower()}"
    build = builder.build(name, tag="one", without=action)
    assert build["buildStatus"] == "FAILED"
    [failed] = [item for item in build["phases"] if item.get("phaseStatus") == "FAILED"]
    assert failed["phaseType"] == phase
    assert "not authorized" in failed["contexts"][0]["message"] or "AccessDenied" in failed["contexts"][0]["message"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"Dockerfile": "RUN true"}, "RUN stands before the first FROM"),
        ({"Dockerfile": "FROM scratch\nCOPY missing /x/"}, "no such file in the build context"),
    ],
)
def test_a_dockerfile_that_no_build_would_take_fails_the_build(builder, files, message):
    build = builder.build(f"bad-{len(files['Dockerfile'])}", tag="one", files=files)
    failed = [item for item in build["phases"] if item.get("phaseStatus") == "FAILED"]
    assert [item["phaseType"] for item in failed] == ["BUILD"]
    assert message in failed[0]["contexts"][0]["message"]


def test_an_image_that_it_is_made_from_must_be_allowed(builder):
    base = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2"
    build = builder.build("made-from", tag="one", files={"Dockerfile": f"FROM {base}\n"}, base_rights=False)
    assert build["buildStatus"] == "FAILED"
    assert "ecr:BatchCheckLayerAvailability" in json.dumps([item.get("contexts") for item in build["phases"]])


def test_the_end_of_a_build_is_an_event(account, builder):
    open_to_events = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [open_to_events]})
    queue = account.client("sqs").create_queue(QueueName="builds", Attributes={"Policy": policy})["QueueUrl"]
    events = account.client("events")
    pattern = {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build State Change"],
        "detail": {"project-name": ["told"], "build-status": ["SUCCEEDED", "FAILED"]},
    }
    events.put_rule(Name="builds", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="builds", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:builds"}])
    build = builder.build("told", tag="one")
    [message] = account.wait_for(
        lambda: account.client("sqs").receive_message(QueueUrl=queue).get("Messages"), "the event"
    )
    detail = json.loads(message["Body"])["detail"]
    assert (detail["build-status"], detail["build-id"]) == ("SUCCEEDED", build["arn"])
    assert detail["additional-information"]["build-complete"] is True


def test_an_immutable_tag_stays_where_it_is(account, builder):
    builder.build("immutable", tag="one")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
    with pytest.raises(ClientError) as error:
        account.client("ecr").put_image(repositoryName="immutable", imageManifest=manifest, imageTag="one")
    assert error.value.response["Error"]["Code"] == "ImageTagAlreadyExistsException"


def test_an_unknown_repository_is_an_error_of_ecrs(account):
    with pytest.raises(ClientError) as error:
        account.client("ecr").put_image(repositoryName="unknown", imageManifest="{}", imageTag="one")
    assert error.value.response["Error"]["Code"] == "RepositoryNotFoundException"


def test_a_project_can_be_changed(account, builder):
    builder.project("changes", account.role("changes-role", "codebuild.amazonaws.com", []))
    codebuild = account.client("codebuild")
    codebuild.update_project(name="changes", description="new")
    assert codebuild.batch_get_projects(names=["changes"])["projects"][0]["description"] == "new"
    codebuild.delete_project(name="changes")
    assert codebuild.batch_get_projects(names=["changes"])["projects"] == []


def test_cloudformation_makes_keeps_and_deletes_a_repository(account):
    rule = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9}}
    rule["action"] = {"type": "expire"}
    properties = {
        "ImageScanningConfiguration": {"ScanOnPush": True},
        "ImageTagMutability": "IMMUTABLE",
        "EmptyOnDelete": True,
        "LifecyclePolicy": {"LifecyclePolicyText": json.dumps({"rules": [rule]})},
    }
    template = {"Resources": {"Images": {"Type": "AWS::ECR::Repository", "Properties": properties}}}
    template["Outputs"] = {"Name": {"Value": {"Ref": "Images"}}}
    stacks, ecr = account.client("cloudformation"), account.client("ecr")
    stacks.create_stack(StackName="Repositories", TemplateBody=json.dumps(template))
    wait_until(stacks, "create")
    name = stacks.describe_stacks(StackName="Repositories")["Stacks"][0]["Outputs"][0]["OutputValue"]
    [made] = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    assert json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])["rules"] == [rule]
    ecr.put_image(repositoryName=name, imageManifest='{"mediaType": "m"}', imageTag="kept")

    properties["ImageScanningConfiguration"] = {"ScanOnPush": False}
    stacks.update_stack(StackName="Repositories", TemplateBody=json.dumps(template))
    wait_until(stacks, "update")
    assert [image["imageTags"] for image in ecr.describe_images(repositoryName=name)["imageDetails"]] == [["kept"]]
    [changed] = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    assert changed["imageScanningConfiguration"] == {"scanOnPush": False}

    stacks.delete_stack(StackName="Repositories")
    wait_until(stacks, "delete")
    assert name not in [item["repositoryName"] for item in ecr.describe_repositories()["repositories"]]


def wait_until(stacks, done):
    waiter = stacks.get_waiter(f"stack_{done}_complete")
    waiter.wait(StackName="Repositories", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
