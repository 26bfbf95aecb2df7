"""The state machine's definition as plain data: a pure function, no aws_cdk.

The state machine routes; it does not think. Prepare and Assess answer a *step* (see docs/states.md) of which every key
is always present; the states read a path of it, pass a value whole, or compare. `lint` refuses any expression that
does more, so that whatever can be wrong stays in Python, where a test calls it ten thousand times.

`${...}` are CloudFormation's DefinitionSubstitutions: `Partition` and the ARNs of published Lambda versions.
"""

import re
from collections.abc import Iterator
from typing import Any

FUNCTIONS = ("Prepare", "Launch", "Assess", "Report", "GiveUp")
"""The functions that the definition calls, by the names of their constructs."""

SUBSTITUTIONS = ("Partition", *(f"{name}Function" for name in FUNCTIONS))
SCHEMA = 2
"""Of what travels between the states and the functions; raised when a field changes its meaning or goes."""

ERROR_UNROUTABLE = "TrainwrightUnknownStep"

State = dict[str, Any]

# Faults of the Lambda service itself, which a second call cures. What our code raises is not among them: it would
# raise again.
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
_LAMBDA_FAULTS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
)
_LAMBDA_TASK_SECONDS = 360  # above the longest function's own time-out (close is not called from here)
_GIVE_UP_SECONDS = 300


def definition(*, timeout_seconds: int) -> State:
    """The whole definition. `timeout_seconds` bounds an execution, waits and every attempt included."""
    return {
        "Comment": "One training run: prepare, train (again where that helps), assess, report.",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": timeout_seconds,
        "StartAt": "Prepare",
        "States": {
            "Prepare": _prepare(),
            "Route": _route(),
            "Start how?": _start_how(),
            "Train": _train(),
            "Launch": _launch(),
            "Stop job": _stop_job(),
            "Assess": _assess(),
            "Wait": {"Type": "Wait", "Seconds": "{% $step.wait_seconds %}", "Next": "After wait"},
            "After wait": _after_wait(),
            "Report": _report(),
            "How did it end?": _how_did_it_end(),
            "Done": {"Type": "Succeed", "Output": "{% $outcome.output %}"},
            "Failed": {"Type": "Fail", "Error": "{% $outcome.error %}", "Cause": "{% $outcome.cause %}"},
            "Give up": _give_up(),
            "Unknown step": _unknown_step(),
        },
    }


def _prepare() -> State:
    payload = {
        "schema": SCHEMA,
        "execution": {
            "arn": "{% $states.context.Execution.Id %}",
            "name": "{% $states.context.Execution.Name %}",
            "started": "{% $states.context.Execution.StartTime %}",
            "redrive_count": _REDRIVES,
        },
        "request": "{% $states.input %}",
    }
    return _lambda("Prepare", payload, assign={"step": _PAYLOAD, "error": None, "cause": None}) | {"Next": "Route"}


def _route() -> State:
    return _choice({"train": "Start how?", "wait": "Wait", "report": "Report"}, on="$step.next")


def _after_wait() -> State:
    return _choice({"train": "Start how?", "assess": "Assess"}, on="$step.after_wait")


def _start_how() -> State:
    return _choice({"sync": "Train", "callback": "Launch"}, on="$step.attempt.launch")


def _train() -> State:
    """No Retry: a retried state would send the same job name, which SageMaker refuses. Assess decides on a next
    attempt.
    """
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::sagemaker:createTrainingJob.sync",
        "Arguments": "{% $step.attempt.request %}",
    } | _until_the_job_ends()


def _launch() -> State:
    """For requests whose fields are not known to pass through `.sync`: the function creates the job, the job's event
    ends the state. A retry is safe here, because the function adopts a job of this run that it finds under the name.
    """
    payload = {
        "schema": SCHEMA,
        "run": "{% $step.run %}",
        "attempt": "{% $step.attempt.number %}",
        "job_name": "{% $step.attempt.job_name %}",
        "request": "{% $step.attempt.request %}",
        "token": _TOKEN,
        "redrive_count": _REDRIVES,
    }
    return _with_token("Launch", payload) | _until_the_job_ends()


def _until_the_job_ends() -> State:
    return {
        "TimeoutSeconds": "{% $step.attempt.timeout_seconds %}",
        "Assign": {"error": None, "cause": None},
        "Output": {},
        # Step Functions does not promise to stop the job of a task that timed out, so a state of its own does.
        "Catch": [
            {"ErrorEquals": ["States.Timeout"], "Assign": _FAILURE, "Output": {}, "Next": "Stop job"},
            {"ErrorEquals": ["States.ALL"], "Assign": _FAILURE, "Output": {}, "Next": "Assess"},
        ],
        "Next": "Assess",
    }


def _stop_job() -> State:
    """Caught whatever happens: a job that is over cannot be stopped, and Assess reads the truth from SageMaker
    anyway.
    """
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::aws-sdk:sagemaker:stopTrainingJob",
        "Arguments": {"TrainingJobName": "{% $step.attempt.job_name %}"},
        "Output": {},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Output": {}, "Next": "Assess"}],
        "Next": "Assess",
    }


def _assess() -> State:
    payload = {
        "schema": SCHEMA,
        "run": "{% $step.run %}",
        "attempt": "{% $step.attempt.number %}",
        "redrive": "{% $step.attempt.redrive %}",
        "rung": "{% $step.attempt.rung %}",
        "job_name": "{% $step.attempt.job_name %}",
        "error": "{% $error %}",
        "cause": "{% $cause %}",
        "redrive_count": _REDRIVES,
    }
    return _lambda("Assess", payload, assign={"step": _PAYLOAD}) | {"Next": "Route"}


def _report() -> State:
    payload = {"schema": SCHEMA, "run": "{% $step.run %}", "redrive_count": _REDRIVES}
    return _lambda("Report", payload, assign={"outcome": _PAYLOAD}) | {"Next": "How did it end?"}


def _how_did_it_end() -> State:
    """A refused run ends in a Fail state: a redrive could only refuse it again. One that failed may be redriven."""
    return _choice({"succeeded": "Done", "refused": "Failed", "failed": "Give up"}, on="$outcome.end")


def _give_up() -> State:
    """Fails, as a Fail state would, with the outcome's error and cause: its function answers the token with them.

    A redriven execution schedules this state again, where a Fail state would only fail again; the function then sees a
    higher redrive count, answers the next step, and the run goes on.
    https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
    """
    payload = {
        "schema": SCHEMA,
        "run": "{% $step.run %}",
        "token": _TOKEN,
        "redrive_count": _REDRIVES,
        "reported_redrive": "{% $outcome.redrive %}",
        "error": "{% $outcome.error %}",
        "cause": "{% $outcome.cause %}",
    }
    return _with_token("GiveUp", payload) | {
        "TimeoutSeconds": _GIVE_UP_SECONDS,
        "Assign": {"step": "{% $states.result %}"},
        "Output": {},
        "Next": "Route",
    }


def _unknown_step() -> State:
    return {
        "Type": "Fail",
        "Error": ERROR_UNROUTABLE,
        "Cause": "A function answered a step that this state machine does not know: deploy the two together.",
    }


def _lambda(name: str, payload: State, *, assign: State) -> State:
    return _invoke("lambda:invoke", name, payload) | {
        "TimeoutSeconds": _LAMBDA_TASK_SECONDS,
        "Assign": assign,
        "Output": {},
    }


def _with_token(name: str, payload: State) -> State:
    """Ends when somebody answers the token; what the function itself answers is lost, what it raises is not."""
    return _invoke("lambda:invoke.waitForTaskToken", name, payload)


def _invoke(integration: str, name: str, payload: State) -> State:
    retry = {
        "ErrorEquals": list(_LAMBDA_FAULTS),
        "IntervalSeconds": 2,
        "MaxAttempts": 6,
        "BackoffRate": 2,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }
    return {
        "Type": "Task",
        "Resource": f"arn:${{Partition}}:states:::{integration}",
        "Arguments": {"FunctionName": f"${{{name}Function}}", "Payload": payload},
        "Retry": [retry],
    }


def _choice(routes: dict[str, str], *, on: str) -> State:
    choices = [{"Condition": f"{{% {on} = '{value}' %}}", "Next": state} for value, state in routes.items()]
    return {"Type": "Choice", "Choices": choices, "Default": "Unknown step"}


def _or_null(path: str) -> str:
    return f"{{% $exists({path}) ? {path} : null %}}"


_PAYLOAD = "{% $states.result.Payload %}"
_TOKEN = "{% $states.context.Task.Token %}"  # noqa: S105  where a token is read, no token
_REDRIVES = "{% $states.context.Execution.RedriveCount %}"
# An error need not bring a Cause (a time-out does not), and JSONata takes an absent value in Assign for an error of
# its own.
_FAILURE = {"error": _or_null("$states.errorOutput.Error"), "cause": _or_null("$states.errorOutput.Cause")}

_PATH = r"\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_LITERAL = r"(?:'[^']*'|-?\d+(?:\.\d+)?|true|false|null)"
_ALLOWED = re.compile(rf"(?:{_PATH}|{_PATH} = {_LITERAL}|\$exists\((?P<p>{_PATH})\) \? (?P=p) : null)")


def expressions(value: object, where: str = "") -> Iterator[tuple[str, str]]:
    """Every JSONata expression in a definition with the path to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from expressions(item, f"{where}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from expressions(item, f"{where}/{index}")
    elif isinstance(value, str) and value.startswith("{%"):
        yield where, value.removeprefix("{%").removesuffix("%}").strip()


def lint(machine: State) -> list[str]:
    """What the definition's expressions do beyond reading a path, passing a value whole or comparing one with a
    literal.

    One idiom more is let through: a value or null, for what AWS may leave out.
    """
    return [
        f"{where}: {text!r} computes; let a Lambda function answer the value instead"
        for where, text in expressions(machine)
        if not _ALLOWED.fullmatch(text)
    ]
