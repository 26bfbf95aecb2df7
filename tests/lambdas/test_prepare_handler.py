"""Prepare: one good step or all the problems, written once."""

import io
import json

import pytest
from team_in_memory import ARN, IMAGE, REQUEST, STARTED, VARIABLES, Context, prepare_event

from trainwright_runtime import record as records
from trainwright_runtime.facts import Run, run_id
from trainwright_runtime.handlers import prepare as module
from trainwright_runtime.handlers.prepare import NotDeployedError
from trainwright_runtime.handlers.store import now
from trainwright_runtime.handlers.telemetry import logger

RUN = run_id(ARN, "2026-11-21T04:22:12Z", "vision")
STEP_KEYS = {"schema", "next", "run", "attempt", "wait_seconds", "after_wait", "reason"}
ATTEMPT_KEYS = {"number", "redrive", "rung", "job_name", "capacity", "launch", "timeout_seconds", "request"}


def prepare(team, event):
    return module.prepare(event, team.store, team.services, team.environment)


def test_a_good_request_becomes_a_job(team):
    step = prepare(team, prepare_event())
    assert set(step) == STEP_KEYS
    assert (step["next"], step["run"]) == ("train", {"id": RUN, "team": "vision", "name": "digits"})
    attempt = step["attempt"]
    assert set(attempt) == ATTEMPT_KEYS
    assert (attempt["number"], attempt["job_name"], attempt["capacity"]) == (1, f"{RUN}-1", "spot")
    assert attempt["request"]["TrainingJobName"] == f"{RUN}-1"
    assert attempt["request"]["AlgorithmSpecification"]["TrainingImage"] == IMAGE
    assert attempt["request"]["CheckpointConfig"]["S3Uri"] == f"s3://the-checkpoints/runs/{RUN}/"


def test_what_was_prepared_is_written_down(team):
    prepare(team, prepare_event())
    record = team.store.record(RUN)
    assert (record["status"], record["image"], record["execution_arn"]) == ("RUNNING", IMAGE, ARN)
    assert team.store.record(f"execution:{ARN}")["target"] == RUN
    assert team.document(RUN, "request.json") == REQUEST
    assert team.document(RUN, "policy.json")["team"] == "vision"
    assert team.document(RUN, "plan.json")["rungs"][0]["capacity"] == "spot"
    assert record["current"]["job_name"] == f"{RUN}-1"


def test_a_retried_call_answers_what_is_written(team):
    first = prepare(team, prepare_event())
    team.parameter("/trainwright/images/platform", IMAGE.replace("a", "b"))
    team.parameter("/trainwright/teams/vision/policy", "{}")
    assert prepare(team, prepare_event()) == first


def test_two_calls_at_once_give_one_answer(team, monkeypatch):
    first = prepare(team, prepare_event())
    looked, record = [], team.store.record

    def not_yet(key):  # the second call looks before the first has written
        looked.append(key)
        return record(key) if RUN in looked[:-1] or key != RUN else None

    monkeypatch.setattr(team.store, "record", not_yet)
    assert prepare(team, prepare_event()) == first
    assert looked.count(RUN) > 1


def ended_meanwhile(team, monkeypatch):
    """What `close` writes of an execution that ended while its Prepare was under way."""
    team.parameter("/trainwright/teams/vision/policy", '{"team": "vision", "budget": {"monthly_usd": 10}}')
    written, put = [], team.store.put

    def then_closed(call):
        if not written and call["Item"]["run"] == RUN:
            written.append(True)
            item = records.new(Run(RUN, "vision", "digits"), ARN, STARTED, now())
            put(records.put_new({**item, "status": "STOPPED"}))
        return put(call)

    monkeypatch.setattr(team.store, "put", then_closed)


def test_a_run_that_ended_meanwhile_stays_ended_and_keeps_no_money(team, monkeypatch):
    ended_meanwhile(team, monkeypatch)
    assert prepare(team, prepare_event())["next"] == "report"
    assert team.store.record(RUN)["status"] == "STOPPED"
    month = team.store.record("money:2026-11")
    assert (month["committed"], RUN in month) == (0, False)


def test_a_redriven_prepare_begins_the_run_that_its_first_call_never_did(team, monkeypatch):
    ended_meanwhile(team, monkeypatch)
    step = prepare(team, prepare_event(redrives=1))
    assert step["attempt"]["job_name"] == f"{RUN}-1r1"
    assert (team.store.record(RUN)["status"], team.store.record(RUN)["redrive"]) == ("RUNNING", 1)
    assert RUN in team.store.record("money:2026-11")


def test_problems_are_data_and_start_nothing(team):
    step = prepare(team, prepare_event({"nam": "digits", "compute": {"instance_type": "ml.m5.large", "volume": 30}}))
    assert set(step) == STEP_KEYS
    assert (step["next"], step["attempt"]) == ("report", None)
    problems = team.store.record(RUN)["problems"]
    assert {problem["field"] for problem in problems} == {"nam", "compute.volume"}
    assert team.document(RUN, "plan.json") is None


@pytest.mark.parametrize("request_", [[1, 2], "text", 3])
def test_an_input_that_is_no_object_is_said_so(team, request_):
    assert prepare(team, prepare_event(request_))["next"] == "report"
    assert "not an object" in team.store.record(RUN)["problems"][0]["problem"]


def test_a_text_that_nothing_can_encode_is_refused_like_any_other(team):
    strange = json.loads('{"name": "a\\ud800", "x\\ud800": "\\udfff"}')
    step = prepare(team, prepare_event(strange))
    assert step["run"]["name"] == "a?"
    json.dumps([step, team.store.record(RUN)], ensure_ascii=False).encode()


def test_the_team_policy_holds(team):
    policy = {"team": "vision", "allow": {"instance_types": ["ml.c5.*"]}, "always": {"tags": {"cost": "1"}}}
    team.parameter("/trainwright/teams/vision/policy", json.dumps(policy))
    prepare(team, prepare_event())
    assert team.store.record(RUN)["problems"][0]["allowed"] == "ml.c5.*"


def test_what_the_policy_overrules_is_a_warning(team):
    policy = {"team": "vision", "always": {"compute": {"spot": False}}}
    team.parameter("/trainwright/teams/vision/policy", json.dumps(policy))
    step = prepare(team, prepare_event())
    assert step["attempt"]["capacity"] == "on_demand"
    assert "always sets false" in team.store.record(RUN)["warnings"][0]


def test_an_instance_type_that_aws_does_not_have_starts_nothing(team):
    prepare(team, prepare_event({**REQUEST, "compute": {"instance_type": "ml.m5.lage"}}))
    problem = team.store.record(RUN)["problems"][0]
    assert (problem["field"], problem["remedy"]) == ("compute.instance_type", "write ml.m5.large")


def test_a_request_over_the_limit_names_the_big_field(team):
    large = {**REQUEST, "hyperparameters": {f"k{number}": "v" * 2400 for number in range(60)}}
    assert prepare(team, prepare_event(large))["next"] == "report"
    problem = team.store.record(RUN)["problems"][0]
    assert (problem["code"], problem["field"]) == ("TW302", "hyperparameters")
    assert "131,072 bytes" in problem["allowed"]


def test_thousands_of_problems_still_fit_the_record(team):
    prepare(team, prepare_event({f"field_{number}_{'x' * 200}": "y" * 200 for number in range(3000)}))
    problems = team.store.record(RUN)["problems"]
    assert len(problems) < 3000
    assert "left out" in problems[-1]["problem"]


def test_another_image_of_the_platform_is_found_by_its_name(team):
    team.parameter("/trainwright/images/forecast", IMAGE)
    step = prepare(team, prepare_event({**REQUEST, "image": "forecast"}))
    assert step["attempt"]["request"]["AlgorithmSpecification"]["TrainingImage"] == IMAGE


def test_a_uri_is_taken_as_it_is(team):
    uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:1"
    step = prepare(team, prepare_event({**REQUEST, "image": uri}))
    assert step["attempt"]["request"]["AlgorithmSpecification"]["TrainingImage"] == uri


def test_an_image_that_the_platform_does_not_have_is_the_users_problem(team):
    assert prepare(team, prepare_event({**REQUEST, "image": "forcast"}))["next"] == "report"
    problem = team.store.record(RUN)["problems"][0]
    assert (problem["field"], problem["value"]) == ("image", '"forcast"')
    assert "/trainwright/images/forcast" in problem["problem"]


@pytest.mark.parametrize("name", ["/trainwright/images/platform", "/trainwright/teams/vision/policy"])
def test_fails_when_a_parameter_of_the_platform_is_missing(team, name):
    team.services.ssm.delete_parameter(Name=name)
    with pytest.raises(NotDeployedError, match=name):
        prepare(team, prepare_event())


@pytest.mark.parametrize("text", ["{", '{"team": "vision", "allow": {"data": []}}'])
def test_fails_when_the_policy_cannot_be_read(team, text):
    team.parameter("/trainwright/teams/vision/policy", text)
    with pytest.raises(NotDeployedError, match="holds no policy"):
        prepare(team, prepare_event())


def test_the_function_itself_answers_and_logs_no_value_of_the_request(team, monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(module, "services", team.services)
    written = io.StringIO()
    monkeypatch.setattr(logger.handlers[0], "stream", written)
    secret = {**REQUEST, "environment": {"TOKEN": "hunter2"}, "hyperparameters": {"k": "swordfish"}}
    step = module.handler(prepare_event(secret), Context())
    assert step["next"] == "train"
    assert RUN in written.getvalue()
    assert "hunter2" not in written.getvalue()
    assert "swordfish" not in written.getvalue()


def test_what_was_found_out_is_kept_for_the_report(team):
    step = prepare(team, prepare_event())
    kept = team.document(step["run"]["id"], "prepared.json")
    by = {each["field"]: each["set_by"] for each in kept["fields"]}
    assert (by["hyperparameters.epochs"], by["compute.instance_count"]) == ("run", "default")
    train = kept["inputs"]["train"]
    assert (train["uri"], train["objects"], train["bytes"]) == ("s3://the-data/digits/train/", 1, 1)
    assert train["newest"]
    assert len(train["fingerprint"]) == 64


def test_a_request_that_cannot_be_read_leaves_nothing_found_out(team):
    step = prepare(team, prepare_event({"name": "digits", "compute": {"x": 1}}))
    assert team.document(step["run"]["id"], "prepared.json") is None
