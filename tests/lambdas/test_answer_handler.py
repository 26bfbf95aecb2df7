"""Answer: whoever waits for a job hears that it has ended, once, and nobody else hears anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from team_in_memory import STARTED, client_error

from trainwright_runtime import record as records
from trainwright_runtime.facts import Run, attempt_of, job_name
from trainwright_runtime.handlers.answer import answer

RUN = Run("vision-0123456789", "vision", "digits")


class States:
    """SendTaskSuccess that keeps what it is told, and refuses a token that is answered already."""

    def __init__(self):
        self.answered = []

    def send_task_success(self, *, taskToken, output):
        if taskToken in (token for token, _ in self.answered):
            raise client_error("TaskTimedOut", "Provided task does not exist anymore", "SendTaskSuccess")
        self.answered.append((taskToken, output))


@pytest.fixture
def ended(team):
    """Tell that a job has ended; answers the tokens that were answered so far."""
    states = team.services.__dict__["states"] = States()
    team.store.put(records.put_new(records.new(RUN, "arn", STARTED, STARTED)))

    def tell(job, status="Completed"):
        answer({"TrainingJobName": job, "TrainingJobStatus": status}, team.store, team.services, "vision")
        return states.answered

    return tell


@pytest.fixture
def waiting(team, ended):
    """The run's second attempt waits for its job."""
    team.store.update(records.put_token(RUN.id, 2, "token-2"))
    return ended


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_the_attempt_that_waits_is_answered_however_its_job_ended(waiting, status):
    assert waiting(f"{RUN.id}-2", status) == [("token-2", "{}")], "Assess asks SageMaker how it ended"


def test_a_job_of_a_redrive_is_known(waiting):
    assert waiting(f"{RUN.id}-2r1") == [("token-2", "{}")]


def test_an_event_that_comes_twice_changes_nothing(waiting):
    waiting(f"{RUN.id}-2")
    assert len(waiting(f"{RUN.id}-2")) == 1


def test_a_job_that_the_state_machine_started_itself_has_no_token(waiting):
    assert waiting(f"{RUN.id}-1") == []


@pytest.mark.parametrize("job", ["vision-fffffffff0-2", "vision-my-own-job", "vision-1", f"{RUN.id}-2-more"])
def test_a_job_of_no_run_is_nobodys(waiting, job):
    assert waiting(job) == []


@given(
    team=st.from_regex(r"[a-z][a-z0-9]{0,19}", fullmatch=True),
    digest=st.from_regex(r"[0-9a-f]{10}", fullmatch=True),
    attempt=st.integers(1, 9999),
    redrive=st.integers(0, 99),
)
def test_every_name_leads_back_to_its_run(team, digest, attempt, redrive):
    assert attempt_of(job_name(f"{team}-{digest}", attempt, redrive), team) == (f"{team}-{digest}", attempt)
