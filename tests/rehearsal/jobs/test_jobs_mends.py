"""What plain moto does, where a mend says that it does otherwise than AWS.

Every test talks to an unmended moto in a process of its own: in this one other tests may have imported mends.
"""

import json
import subprocess
import sys

import pytest

from trainwright.rehearsal import mends
from trainwright.rehearsal.mends import codebuild, ecr, sagemaker, sagemaker_processing

PLAIN = """
import boto3, json, logging, sys
from moto.server import ThreadedMotoServer
logging.disable(logging.CRITICAL)
server = ThreadedMotoServer(port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
def client(service):
    return boto3.client(service, endpoint_url=f"http://localhost:{port}", region_name="us-east-1", **keys)
sagemaker, codebuild, ecr = client("sagemaker"), client("codebuild"), client("ecr")
request = {
    "TrainingJobName": "job", "RoleArn": "arn:aws:iam::123456789012:role/x",
    "AlgorithmSpecification": {"TrainingImage": "nowhere", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/o"}, "StoppingCondition": {"MaxRuntimeInSeconds": 1},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
}
project = {
    "name": "project", "serviceRole": "arn:aws:iam::123456789012:role/x", "artifacts": {"type": "NO_ARTIFACTS"},
    "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
    "source": {"type": "S3", "location": "no/where.zip"},
}
def failure(call, **arguments):
    try:
        call(**arguments)
    except Exception as error:
        return getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__
"""


def plain(code):
    """What the code prints, run beside a moto that nobody mended."""
    script = f"{PLAIN}\n{code}\nsys.stdout.flush()\nimport os; os._exit(0)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_plain_moto_completes_any_job_at_once():
    code = 'sagemaker.create_training_job(**request, RetryStrategy={"MaximumRetryAttempts": 1})\n'
    code += 'job = sagemaker.describe_training_job(TrainingJobName="job")\n'
    code += 'print(json.dumps([job["TrainingJobStatus"], "RetryStrategy" in job]))'
    assert plain(code) == ["Completed", False]


def test_plain_moto_cannot_stop_a_job():
    failure = plain('print(json.dumps(failure(sagemaker.stop_training_job, TrainingJobName="job")))')
    assert failure != "ValidationException"


def test_plain_moto_lists_jobs_after_cutting_the_page_and_keeps_two_tags_of_a_key():
    code = """
for name in ("a-1", "b-1", "b-2"):
    sagemaker.create_training_job(**{**request, "TrainingJobName": name}, Tags=[{"Key": "k", "Value": "1"}])
jobs = sagemaker.list_training_jobs(NameContains="b-", MaxResults=2)["TrainingJobSummaries"]
arn = jobs[0]["TrainingJobArn"]
sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "k", "Value": "2"}])
print(json.dumps([len(jobs), len(sagemaker.list_tags(ResourceArn=arn)["Tags"])]))
"""
    assert plain(code) == [1, 2]


def test_plain_moto_fails_at_the_tags_of_a_job_that_is_not_there():
    arn = "arn:aws:sagemaker:us-east-1:123456789012:training-job/none"
    assert plain(f'print(json.dumps(failure(sagemaker.list_tags, ResourceArn="{arn}")))') != "ValidationException"


def test_plain_moto_lists_processing_jobs_after_cutting_the_page_and_as_they_came():
    code = """
for name in ("b-1", "a-1", "b-2"):
    sagemaker.create_processing_job(
        ProcessingJobName=name, RoleArn=request["RoleArn"], AppSpecification={"ImageUri": "nowhere"},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}})
def listed(**asked):
    return [job["ProcessingJobName"] for job in sagemaker.list_processing_jobs(**asked)["ProcessingJobSummaries"]]
print(json.dumps([listed(NameContains="b-", MaxResults=2), listed(SortBy="Name")]))
"""
    assert plain(code) == [["b-1"], ["b-1", "a-1", "b-2"]]


def test_plain_moto_lets_every_build_succeed_and_cannot_update_a_project():
    code = """
codebuild.create_project(**project)
override = [{"name": "A", "value": "1"}]
build = codebuild.start_build(projectName="project", environmentVariablesOverride=override)["build"]
variables = build["environment"]["environmentVariables"]
status = codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]["buildStatus"]
updated = failure(codebuild.update_project, name="project", description="new")
print(json.dumps([variables, status, updated is None]))
"""
    assert plain(code) == [[], "SUCCEEDED", False]


def test_plain_moto_has_its_own_digests_and_the_wrong_error_for_a_taken_tag():
    code = """
import hashlib
ecr.create_repository(repositoryName="images", imageTagMutability="IMMUTABLE")
first, second = ('{"mediaType": "m", "layers": [{"digest": "%s"}]}' % name for name in "ab")
digest = ecr.put_image(repositoryName="images", imageManifest=first, imageTag="t")["image"]["imageId"]["imageDigest"]
right = digest == "sha256:" + hashlib.sha256(first.encode()).hexdigest()
taken = failure(ecr.put_image, repositoryName="images", imageManifest=second, imageTag="t")
print(json.dumps([right, taken, failure(ecr.put_image, repositoryName="no", imageManifest=first, imageTag="t")]))
"""
    right, taken, missing = plain(code)
    assert (right, taken) == (False, "ImageAlreadyExistsException")
    assert missing != "RepositoryNotFoundException"


def test_plain_moto_cannot_make_a_repository_without_a_name():
    code = """
template = {"Resources": {"Images": {"Type": "AWS::ECR::Repository", "Properties": {}}}}
create = client("cloudformation").create_stack
print(json.dumps(failure(create, StackName="Stack", TemplateBody=json.dumps(template))))
"""
    assert plain(code) == "InvalidParameterException"


def test_plain_moto_misreads_scanning_and_keeps_a_repository_that_is_to_be_emptied():
    code = """
properties = {"RepositoryName": "images", "EmptyOnDelete": True}
template = {"Resources": {"Images": {"Type": "AWS::ECR::Repository", "Properties": properties}}}
stacks = client("cloudformation")
stacks.create_stack(StackName="Stack", TemplateBody=json.dumps(template))
ecr.put_image(repositoryName="images", imageManifest='{"mediaType": "m"}', imageTag="t")
properties["ImageScanningConfiguration"] = {"ScanOnPush": True}
stacks.update_stack(StackName="Stack", TemplateBody=json.dumps(template))
scanning = ecr.describe_repositories()["repositories"][0].get("imageScanningConfiguration")
deleted = failure(stacks.delete_stack, StackName="Stack")
print(json.dumps([scanning, deleted is None and not ecr.describe_repositories()["repositories"]]))
"""
    scanning, deleted = plain(code)
    assert scanning != {"scanOnPush": True}
    assert not deleted


ALL = [*sagemaker.MENDS, *sagemaker_processing.MENDS, *codebuild.MENDS, *ecr.MENDS]


@pytest.mark.parametrize("mend", ALL, ids=lambda mend: mend.name)
def test_every_mend_fits_the_installed_moto_and_names_its_source(mend):
    mends.check([mend])
    assert mend.source.startswith("https://docs.aws.amazon.com/")
    assert mend.why
