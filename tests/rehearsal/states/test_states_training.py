"""sagemaker:createTrainingJob and its .sync."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from trainwright.rehearsal.states import training as training_task

SYNC = "arn:aws:states:::sagemaker:createTrainingJob.sync"
NAMES = iter(f"job-{number}" for number in range(1000))


def train(request="{% $states.input %}", resource=SYNC, **fields):
    """A state that creates what it is given as a whole, as the main job's Train does."""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]
    state = {"Type": "Task", "Resource": resource, "Arguments": request, "Catch": catch, "Next": "Done", **fields}
    return {"Train": state, "Done": {"Type": "Succeed"}, "Caught": {"Type": "Pass", "End": True}}


def test_a_job_that_completes_is_the_tasks_result(account, training):
    name = next(NAMES)
    execution = account.start(account.machine(train()), training(name, "print('trained')"))
    ended = account.finish(execution, 60)
    assert ended["status"] == "SUCCEEDED", ended
    found = json.loads(ended["output"])
    assert (found["TrainingJobName"], found["TrainingJobStatus"]) == (name, "Completed")
    assert found["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://seen/out/{name}/output/model.tar.gz"
    assert found["ResourceConfig"]["VolumeSizeInGB"] == 5
    assert isinstance(found["CreationTime"], int)
    events = account.history(execution)
    assert [event["type"] for event in events][1:7] == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
    ]
    submitted = events[4]["taskSubmittedEventDetails"]
    assert (submitted["resourceType"], submitted["resource"]) == ("sagemaker", "createTrainingJob.sync")
    assert json.loads(submitted["output"])["TrainingJobArn"] == found["TrainingJobArn"]
    tags = account.client("sagemaker").list_tags(ResourceArn=found["TrainingJobArn"])["Tags"]
    assert {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in tags


def test_a_job_that_fails_fails_the_task_with_its_description_as_the_cause(account, training):
    code = "(ml / 'output/failure').write_text('the labels are \"empty\"'); sys.exit(3)"
    found = account.output(train(), training(next(NAMES), code))
    assert found["Error"] == "States.TaskFailed"
    described = json.loads(found["Cause"])
    assert described["TrainingJobStatus"] == "Failed"
    assert 'the labels are "empty"' in described["FailureReason"]


def test_a_job_that_somebody_stops_fails_the_task(account, training):
    name = next(NAMES)
    execution = account.start(account.machine(train()), training(name, "time.sleep(60)"))
    sagemaker = account.client("sagemaker")
    _wait_until_training(account, name)
    sagemaker.stop_training_job(TrainingJobName=name)
    found = json.loads(account.finish(execution, 30)["output"])
    assert found["Error"] == "States.TaskFailed"
    assert json.loads(found["Cause"])["TrainingJobStatus"] == "Stopped"


def _wait_until_training(account, name):
    sagemaker = account.client("sagemaker")

    def training():
        try:
            return sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] == "Training"
        except sagemaker.exceptions.ClientError:
            return False

    account.wait_for(training, "Training")


def test_a_name_in_use_is_refused(account, training):
    name = next(NAMES)
    account.output(train(), training(name))
    found = account.output(train(), training(name))
    assert found["Error"] == "SageMaker.ResourceInUseException"
    assert "(Service: AmazonSageMaker; Status Code: 400; Error Code: ResourceInUse; Request ID: " in found["Cause"]
    assert found["Cause"].endswith("; Proxy: null)")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}}, "ValidationException"),
        ({"TrainingJobName": "not a name"}, "ValidationException"),
        ({"HyperParameters": {"epochs": 3}}, "ValidationException"),
    ],
)
def test_a_request_that_sagemaker_refuses_has_its_words_as_the_cause(account, training, changes, code):
    found = account.output(train(), training(next(NAMES), **changes))
    assert found["Error"] == "SageMaker.AmazonSageMakerException"
    assert f"(Service: AmazonSageMaker; Status Code: 400; Error Code: {code}; Request ID: " in found["Cause"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ProfilerConfig": {"DisableProfiler": True}}, "ProfilerConfig"),
        ({"RemoteDebugConfig": {"EnableRemoteDebug": True}}, "RemoteDebugConfig"),
        (
            {
                "ResourceConfig": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 5,
                    "KeepAlivePeriodInSeconds": 60,
                }
            },
            "KeepAlivePeriodInSeconds",
        ),
        ({"NoSuchField": 1}, "NoSuchField"),
    ],
)
def test_a_field_that_the_integration_does_not_know_ends_the_execution(account, training, changes, field):
    ended = account.run(train(), training(next(NAMES), **changes))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert f'The field "{field}" is not supported by Step Functions' in ended["cause"]


def test_a_static_field_that_the_integration_does_not_know_is_refused_at_creation(account, training):
    request = training("never", ProfilerConfig={"DisableProfiler": True})
    with pytest.raises(account.states.exceptions.InvalidDefinition) as refused:
        account.machine(train(request))
    words = 'The field "ProfilerConfig" is not supported by Step Functions at /States/Train/Arguments'
    assert words in str(refused.value)


def test_a_task_that_times_out_leaves_its_job(account, training):
    name = next(NAMES)
    found = account.output(train(TimeoutSeconds=2), training(name, "time.sleep(30)"))
    assert found == {"Error": "States.Timeout", "Cause": ""}
    job = account.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "InProgress"
    account.client("sagemaker").stop_training_job(TrainingJobName=name)


def test_stopping_the_execution_stops_its_job(account, training):
    name = next(NAMES)
    execution = account.start(account.machine(train()), training(name, "time.sleep(60)"))
    _wait_until_training(account, name)
    account.states.stop_execution(executionArn=execution)
    assert account.finish(execution, 2)["status"] == "ABORTED"
    sagemaker = account.client("sagemaker")

    def stopped():
        return sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Stopped"

    account.wait_for(stopped, "Stopped")


def test_request_and_response_does_not_wait(account, training):
    name = next(NAMES)
    began = time.monotonic()
    states = train(resource="arn:aws:states:::sagemaker:createTrainingJob")
    found = account.output(states, training(name, "time.sleep(5)"))
    assert time.monotonic() - began < 3
    assert found["TrainingJobArn"].endswith(f":training-job/{name}")
    assert found["SdkHttpMetadata"]["HttpStatusCode"] == 200
    account.client("sagemaker").stop_training_job(TrainingJobName=name)


@pytest.mark.parametrize(
    "action",
    ["sagemaker:CreateTrainingJob", "sagemaker:AddTags", "iam:PassRole", "sagemaker:DescribeTrainingJob"],
)
def test_each_right_of_the_role_is_needed(account, training, action):
    role = account.workflow_role_without(action)
    found = account.output(train(), training(next(NAMES)), role=role)
    assert found["Error"] == "SageMaker.AmazonSageMakerException"
    assert f"is not authorized to perform: {action}" in found["Cause"]
    assert "Error Code: AccessDeniedException" in found["Cause"]


@pytest.mark.parametrize(
    ("code", "status", "waits"),
    [
        ("ThrottlingException", 400, True),
        ("InternalFailure", 500, True),
        ("AccessDeniedException", 400, False),
    ],
)
def test_a_look_that_the_service_cannot_answer_now_is_made_again(code, status, waits):
    class Busy:
        def describe_training_job(self, **_):
            response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(response, "DescribeTrainingJob")

    if waits:
        assert training_task._describe(Busy(), "job") is None
    else:
        with pytest.raises(ClientError, match=code):
            training_task._describe(Busy(), "job")
