"""A team's deployed parts in memory: real DynamoDB expressions, S3, Parameter Store and logs; SageMaker as a fake."""

import json
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.store import Store

REGION = "eu-west-1"
ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:first"
STARTED = "2026-11-21T04:22:12.345Z"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/platform@sha256:" + "a" * 64
REQUEST = {
    "name": "digits",
    "hyperparameters": {"epochs": 12},
    "inputs": {"train": "data://digits/train/"},
    "compute": {"instance_type": "ml.m5.large", "spot": True},
    "limits": {"max_runtime": "30m"},
}
VARIABLES = {
    "TRAINWRIGHT_TEAM": "vision",
    "TRAINWRIGHT_DATA_BUCKET": "the-data",
    "TRAINWRIGHT_ARTIFACTS_BUCKET": "the-artifacts",
    "TRAINWRIGHT_CHECKPOINTS_BUCKET": "the-checkpoints",
    "TRAINWRIGHT_REPORTS_BUCKET": "the-reports",
    "TRAINWRIGHT_RUNS_TABLE": "runs",
    "TRAINWRIGHT_EXECUTION_ROLE_ARN": "arn:aws:iam::123456789012:role/vision-execution",
    "TRAINWRIGHT_POLICY_PARAMETER": "/trainwright/teams/vision/policy",
    "TRAINWRIGHT_IMAGE_PARAMETERS": "/trainwright/images/",
    "TRAINWRIGHT_QUOTA_PARAMETERS": "/trainwright/quotas/",
    "TRAINWRIGHT_NOTICES_TOPIC": "",
    "TRAINWRIGHT_CHAT_TOPIC": "",
    "TRAINWRIGHT_VPC_SUBNETS": "",
    "TRAINWRIGHT_VPC_SECURITY_GROUPS": "",
    "TRAINWRIGHT_KMS_KEY_ARN": "",
    "AWS_REGION": "eu-west-1",
    "TRAINWRIGHT_LOG_GROUP": "/aws/sagemaker/TrainingJobs",
}


class Context:
    """What Lambda gives a handler, as far as anything here reads it."""

    function_name = "function"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:function"
    aws_request_id = "id"

    def __init__(self, milliseconds=300_000):
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self):
        self.milliseconds -= 5000
        return self.milliseconds


class FakeSageMaker:
    """Training jobs by name, each a list of states: every look takes the next, the last one stays."""

    def __init__(self):
        self.jobs = {}
        self.stopped = []
        self.updated = []
        self.tags = []

    def has(self, name, *states, **common):
        self.jobs[name] = [{**common, **state} for state in states]

    def describe_training_job(self, *, TrainingJobName):
        states = self.jobs.get(TrainingJobName)
        if not states:
            raise client_error("ValidationException", "Requested resource not found.", "DescribeTrainingJob")
        return dict(states.pop(0) if len(states) > 1 else states[0])

    def stop_training_job(self, *, TrainingJobName):
        self.stopped.append(TrainingJobName)

    def list_tags(self, *, ResourceArn, MaxResults):
        return {"Tags": self.tags}

    def update_training_job(self, *, TrainingJobName, ResourceConfig):
        self.updated.append((TrainingJobName, ResourceConfig))


class NoQuotas:
    """Service Quotas of an account that knows none: what is not known refuses nothing."""

    def list_service_quotas(self, **_):
        return {"Quotas": []}

    list_aws_default_service_quotas = list_service_quotas


class NoPrices:
    """A Price List API without products: the dated table answers."""

    def get_products(self, **_):
        return {"PriceList": []}


class NoMetrics:
    """CloudWatch without a point; `full` has what it knows, by metric."""

    def __init__(self, **full):
        self.full = full
        self.asked = []

    def get_metric_data(self, *, MetricDataQueries, **_):
        self.asked += MetricDataQueries
        known = [(each, each["MetricStat"]["Metric"]["MetricName"]) for each in MetricDataQueries]
        return {"MetricDataResults": [{"Id": each["Id"], "Values": self.full.get(name, [])} for each, name in known]}


class AnyImage:
    """A registry that has every image that is named by its digest."""

    def batch_get_image(self, *, imageIds, **_):
        return {"images": [{"imageId": each, "imageManifest": "{}"} for each in imageIds], "failures": []}


class FakeStates:
    """Executions as DescribeExecution tells them, and the tokens that were answered."""

    def __init__(self):
        self.answer = {}
        self.answered = []

    def describe_execution(self, *, executionArn):
        return {"executionArn": executionArn, **self.answer}

    def send_task_success(self, *, taskToken, output):
        self.answered.append((taskToken, json.loads(output)))

    def send_task_failure(self, *, taskToken, error, cause):
        self.answered.append((taskToken, error, cause))


def client_error(code, message, operation):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def state(status, secondary=None, **more):
    started = datetime(2026, 11, 21, 4, 23, tzinfo=UTC)
    return {
        "TrainingJobName": "name",
        "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:training-job/name",
        "TrainingJobStatus": status,
        "SecondaryStatus": secondary or status,
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "SecondaryStatusTransitions": [{"Status": "Training", "StartTime": started, "StatusMessage": "training"}],
        "ModelArtifacts": {"S3ModelArtifacts": "s3://the-artifacts/model.tar.gz"},
        **more,
    }


COMPLETED = state("Completed", TrainingTimeInSeconds=100, BillableTimeInSeconds=40)
FAILED = state("Failed", FailureReason="AlgorithmError: , exit code: 1")


SERVICES = Services()
"""Clients take long to make; moto empties what is behind them between tests."""


class Team:
    """Everything of one team, and shortcuts to look into it."""

    def __init__(self, monkeypatch):
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        self.environment = environments.read(VARIABLES)
        self.services = SERVICES
        self.sagemaker = self.services.__dict__["sagemaker"] = FakeSageMaker()
        self.states = self.services.__dict__["states"] = FakeStates()
        others = {"quick_quotas": NoQuotas(), "pricing": NoPrices(), "_registries": {REGION: AnyImage()}}
        others["cloudwatch"] = NoMetrics()
        self.services.__dict__.update(others, region=REGION)
        self.store = Store(self.services, self.environment)
        self._deploy()

    def _deploy(self):
        for bucket in ("the-data", "the-artifacts", "the-checkpoints", "the-reports"):
            self.services.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.services.s3.put_object(Bucket="the-data", Key="digits/train/a.csv", Body=b"1")
        self.services.dynamodb.create_table(
            TableName="runs",
            KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.parameter("/trainwright/teams/vision/policy", json.dumps({"team": "vision"}))
        self.parameter("/trainwright/images/platform", IMAGE)

    def parameter(self, name, value):
        self.services.ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def document(self, run, name):
        return self.store.document(run, name)

    def page(self, run):
        return self.services.s3.get_object(Bucket="the-reports", Key=f"runs/{run}/report.html")["Body"].read().decode()

    def progress(self, run, **values):
        body = json.dumps(values).encode()
        self.services.s3.put_object(Bucket="the-checkpoints", Key=f"runs/{run}/progress.json", Body=body)

    def log(self, job, *lines):
        logs = self.services.logs
        group, stream = "/aws/sagemaker/TrainingJobs", f"{job}/algo-1-1"
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        now = int(datetime.now(UTC).timestamp() * 1000)
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def prepare_event(request=None, *, arn=ARN, redrives=0):
    return {
        "schema": 2,
        "execution": {"arn": arn, "name": "first", "started": STARTED, "redrive_count": redrives},
        "request": REQUEST if request is None else request,
    }


def assess_event(run, *, attempt=1, error=None, cause=None, redrive=0, redrives=0, rung=0):
    return {
        "schema": 2,
        "run": run,
        "attempt": attempt,
        "redrive": redrive,
        "rung": rung,
        "job_name": f"{run['id']}-{attempt}" + (f"r{redrive}" if redrive else ""),
        "error": error,
        "cause": cause,
        "redrive_count": redrives,
    }
