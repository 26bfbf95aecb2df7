"""Launch: a job created with the API, its token kept before, and no job that is left without somebody to hear of it."""

import pytest
from botocore.exceptions import ConnectTimeoutError, ParamValidationError
from team_in_memory import STARTED, client_error, state

from trainwright_runtime import record as records
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers.launch import EXECUTION_TAG, launch

RUN = Run("vision-0123456789", "vision", "digits")
JOB = f"{RUN.id}-1"
REQUEST = {"TrainingJobName": JOB, "RoleArn": "role", "Tags": [{"Key": "trainwright:team", "Value": "vision"}]}
OWN_TAG = {"Key": EXECUTION_TAG, "Value": RUN.id}


class Sagemaker:
    """CreateTrainingJob that keeps what it is sent, or refuses it."""

    def __init__(self, seen):
        self.seen = seen
        self.refusal = None
        self.there = None
        self.tags = [OWN_TAG]

    def create_training_job(self, **request):
        self.seen.append(("create", request))
        if self.refusal:
            raise self.refusal

    def describe_training_job(self, *, TrainingJobName):
        if self.there is None:
            raise client_error("ValidationException", "Requested resource not found.", "DescribeTrainingJob")
        return dict(self.there)

    def list_tags(self, *, ResourceArn, MaxResults):
        assert ResourceArn == self.there["TrainingJobArn"]
        return {"Tags": self.tags}


class States:
    """SendTaskSuccess and SendTaskFailure that keep what they are told."""

    def __init__(self, seen):
        self.seen = seen
        self.refusal = None

    def send_task_success(self, **answer):
        self._sent("success", answer)

    def send_task_failure(self, **answer):
        self._sent("failure", answer)

    def _sent(self, what, answer):
        self.seen.append((what, answer))
        if self.refusal:
            raise self.refusal


class Started:
    """A team whose run waits in the state Launch."""

    def __init__(self, team):
        self.seen = []
        self.team = team
        self.sagemaker = team.services.__dict__["sagemaker"] = Sagemaker(self.seen)
        self.states = team.services.__dict__["states"] = States(self.seen)
        team.store.put(records.put_new(records.new(RUN, "arn", STARTED, STARTED)))

    def launch(self, token="token-1", request=REQUEST):
        event = {"run": RUN.to_dict(), "attempt": 1, "job_name": JOB, "request": request, "token": token}
        launch({"schema": 2, **event, "redrive_count": 0}, self.team.store, self.team.services)
        return self.seen

    def refused(self, error):
        self.sagemaker.refusal = error
        return self.launch()

    def token(self):
        return records.token_of(self.team.store.record(RUN.id), 1)


@pytest.fixture
def started(team):
    return Started(team)


def refusal(code, text="no", status=400):
    error = client_error(code, text, "CreateTrainingJob")
    error.response["ResponseMetadata"] = {"HTTPStatusCode": status}
    return error


def test_the_request_is_sent_as_it_is_with_the_runs_tag(started):
    ((what, request),) = started.launch()
    assert what == "create"
    assert request == {**REQUEST, "Tags": [*REQUEST["Tags"], OWN_TAG]}


def test_a_request_without_tags_gets_one(started):
    ((_, request),) = started.launch(request={"TrainingJobName": JOB})
    assert request["Tags"] == [OWN_TAG]


def test_the_token_is_kept_before_the_job_is_asked_for(started):
    kept = []
    create = started.sagemaker.create_training_job
    started.sagemaker.create_training_job = lambda **request: (kept.append(started.token()), create(**request))
    started.launch("token-1")
    assert kept == ["token-1"], "the job's event may come before this function has ended"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (refusal("ResourceLimitExceeded", "... is 2 Instances"), "SageMaker.ResourceLimitExceededException"),
        (refusal("ThrottlingException", "Rate exceeded"), "SageMaker.ThrottlingException"),
        (refusal("ValidationException", "1 validation error"), "SageMaker.ValidationException"),
        (refusal("AccessDeniedException", "not authorized to perform"), "SageMaker.AccessDeniedException"),
        (refusal("ServiceUnavailable", "later", 503), "SageMaker.ServiceUnavailableException"),
        (ParamValidationError(report="Unknown parameter"), "SageMaker.ValidationException"),
        (ConnectTimeoutError(endpoint_url="https://api.sagemaker"), "SageMaker.SdkClientException"),
    ],
)
def test_a_refusal_is_handed_on_in_its_own_words(started, error, name):
    _, (what, answer) = started.refused(error)
    assert (what, answer["taskToken"], answer["error"]) == ("failure", "token-1", name)
    assert answer["cause"] == str(error)


def test_a_refusal_is_cut_to_what_step_functions_takes(started):
    _, (_, answer) = started.refused(refusal("ValidationException", "x" * 40_000))
    assert len(answer["cause"]) == 32_768


@pytest.mark.parametrize(
    "error",
    [
        refusal("ResourceInUse", "exists"),
        refusal("InternalFailure", "oops", 500),
        ConnectTimeoutError(endpoint_url="https://api.sagemaker"),
    ],
)
def test_the_runs_own_job_is_adopted_and_waited_for(started, error):
    started.sagemaker.there = state("InProgress")
    assert [what for what, _ in started.refused(error)] == ["create"]
    assert started.token() == "token-1"


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_an_adopted_job_that_has_ended_is_answered_for(started, status):
    """Its event came and went, and answered the token of the first call."""
    started.sagemaker.there = state(status)
    _, (what, answer) = started.refused(refusal("ResourceInUse"))
    assert (what, answer) == ("success", {"taskToken": "token-1", "output": "{}"})


def test_somebody_elses_job_of_this_name_is_no_job_of_the_run(started):
    started.sagemaker.there = state("InProgress")
    started.sagemaker.tags = [{"Key": EXECUTION_TAG, "Value": "vision-9876543210"}]
    _, (what, answer) = started.refused(refusal("ResourceInUse", "exists already"))
    assert (what, answer["error"]) == ("failure", "SageMaker.ResourceInUseException")


def test_a_refused_request_leaves_a_job_of_the_same_name_alone(started):
    """ValidationException says that nothing was made: what is there is not this attempt's."""
    started.sagemaker.there = state("Completed")
    _, (what, _) = started.refused(refusal("ValidationException"))
    assert what == "failure"


def test_a_second_call_waits_with_the_new_token(started):
    started.launch("token-1")
    started.sagemaker.there = state("InProgress")
    started.sagemaker.refusal = refusal("ResourceInUse")
    started.launch("token-2")
    assert started.token() == "token-2"
    assert [what for what, _ in started.seen] == ["create", "create"]


def test_no_job_is_started_for_a_run_that_is_over(started):
    """Somebody stopped the execution, and `close` has settled its run: nobody would stop this job."""
    started.team.store.update(records.settle(RUN.id, "STOPPED", None, STARTED))
    ((what, answer),) = started.launch()
    assert (what, answer["error"]) == ("failure", "TrainwrightRunIsOver")


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_an_execution_that_has_ended_needs_no_answer(started, code):
    started.states.refusal = client_error(code, "gone", "SendTaskFailure")
    assert [what for what, _ in started.refused(refusal("ValidationException"))] == ["create", "failure"]


def test_an_answer_that_is_denied_is_an_error(started):
    started.states.refusal = client_error("AccessDeniedException", "not authorized", "SendTaskFailure")
    with pytest.raises(type(started.states.refusal), match="not authorized"):
        started.refused(refusal("ValidationException"))
