"""The state machine's definition as plain data: a pure function, no aws_cdk.

The state machine routes; it does not think. Prepare and Assess answer a *step* (see docs/states.md) of which every key
is always present; the states read a path of it, pass a value whole, or compare. `lint` refuses any expression that
does more, so that whatever can be wrong stays in Python, where a test calls it ten thousand times.

`${...}` are CloudFormation's DefinitionSubstitutions: `Partition` and the ARNs of published Lambda versions.
"""

import re
from collections.abc import Iterator
from typing import Any

SUBSTITUTIONS = ("Partition", "PrepareFunction", "AssessFunction", "ReportFunction")
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
            "Train": _train(),
            "Stop job": _stop_job(),
            "Assess": _assess(),
            "Wait": {"Type": "Wait", "Seconds": "{% $step.wait_seconds %}", "Next": "After wait"},
            "After wait": _after_wait(),
            "Report": _report(),
            "Succeeded?": _verdict(),
            "Done": {"Type": "Succeed", "Output": "{% $outcome.output %}"},
            "Failed": {"Type": "Fail", "Error": "{% $outcome.error %}", "Cause": "{% $outcome.cause %}"},
            "Unknown step": _unknown_step(),
        },
    }


def _prepare() -> State:
    payload = {
        "schema": 1,
        "execution": {
            "arn": "{% $states.context.Execution.Id %}",
            "name": "{% $states.context.Execution.Name %}",
            "started": "{% $states.context.Execution.StartTime %}",
            "redrive_count": "{% $states.context.Execution.RedriveCount %}",
        },
        "request": "{% $states.input %}",
    }
    return _lambda("Prepare", payload, assign={"step": _PAYLOAD, "error": None, "cause": None}) | {"Next": "Route"}


def _route() -> State:
    return _choice({"train": "Train", "wait": "Wait", "report": "Report"}, on="next")


def _after_wait() -> State:
    return _choice({"train": "Train", "assess": "Assess"}, on="after_wait")


def _train() -> State:
    """No Retry: a retried state would send the same job name, which SageMaker refuses. Assess decides on a next
    attempt.
    """
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::sagemaker:createTrainingJob.sync",
        "Arguments": "{% $step.attempt.request %}",
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
        "schema": 1,
        "run": "{% $step.run %}",
        "attempt": "{% $step.attempt.number %}",
        "job_name": "{% $step.attempt.job_name %}",
        "error": "{% $error %}",
        "cause": "{% $cause %}",
        "redrive_count": "{% $states.context.Execution.RedriveCount %}",
    }
    return _lambda("Assess", payload, assign={"step": _PAYLOAD}) | {"Next": "Route"}


def _report() -> State:
    payload = {"schema": 1, "run": "{% $step.run %}"}
    return _lambda("Report", payload, assign={"outcome": _PAYLOAD}) | {"Next": "Succeeded?"}


def _verdict() -> State:
    return {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $outcome.succeeded = true %}", "Next": "Done"}],
        "Default": "Failed",
    }


def _unknown_step() -> State:
    return {
        "Type": "Fail",
        "Error": ERROR_UNROUTABLE,
        "Cause": "A function answered a step that this state machine does not know: deploy the two together.",
    }


def _lambda(name: str, payload: State, *, assign: State) -> State:
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
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Arguments": {"FunctionName": f"${{{name}Function}}", "Payload": payload},
        "TimeoutSeconds": _LAMBDA_TASK_SECONDS,
        "Assign": assign,
        "Output": {},
        "Retry": [retry],
    }


def _choice(routes: dict[str, str], *, on: str) -> State:
    choices = [{"Condition": f"{{% $step.{on} = '{value}' %}}", "Next": state} for value, state in routes.items()]
    return {"Type": "Choice", "Choices": choices, "Default": "Unknown step"}


def _or_null(path: str) -> str:
    return f"{{% $exists({path}) ? {path} : null %}}"


_PAYLOAD = "{% $states.result.Payload %}"
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
