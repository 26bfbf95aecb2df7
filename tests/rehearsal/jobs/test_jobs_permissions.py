"""What a training process does with its own credentials, beside what SageMaker does with the same role."""

import json
import urllib.request

LIST = """
import boto3
boto3.client("s3").list_objects_v2(Bucket="jobs", Prefix="mine/")
"""


def test_the_scripts_own_calls_are_recorded_apart_from_sagemakers(account):
    role = account.role("recorded", "sagemaker.amazonaws.com", account.rights)
    job = account.train("recorded", LIST, RoleArn=role)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    with urllib.request.urlopen(f"{account.endpoint}/_trainwright/permissions/record", timeout=10) as answer:
        [entry] = [one for one in json.load(answer)["roles"] if one["arn"] == role]
    used = {(use["action"], use["by"]) for one in entry["statements"] for use in one["used"]}
    assert {("s3:ListBucket", "process"), ("s3:ListBucket", "service"), ("s3:GetObject", "service")} <= used
    assert ("s3:GetObject", "process") not in used
