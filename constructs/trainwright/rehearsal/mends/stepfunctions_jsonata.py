"""Step Functions: JSONata, variables and what a failing expression does."""

from __future__ import annotations

from trainwright.rehearsal.states import jsonata
from trainwright.rehearsal.states.mending import swap

_GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
_JSONATA = f"{_GUIDE}/transforming-data.html"
_ASL = "moto.stepfunctions.parser.asl"
_STRINGS = f"{_ASL}.component.common.string.string_expression"
_TIMEOUTS = f"{_ASL}.component.common.timeouts"
_WAIT = f"{_ASL}.component.state.wait.wait_function"
_FAIL = f"{_ASL}.component.state.fail"
_LAX = "moto takes any value that Python can convert, and ends in States.Runtime for others."

MENDS = (
    swap(
        "stepfunctions-jsonata",
        f"{_STRINGS}:StringJSONata._eval_body",
        "277b6f4132141b3653456f94675473b07d3e9ccd58655e27ed42ac835be30fe0",
        jsonata.eval_expression,
        source=_JSONATA,
        why="moto has no JSONata, and writes values into the expression's text, where a quote breaks it.",
    ),
    swap(
        "stepfunctions-variable",
        f"{_STRINGS}:StringVariableSample._eval_body",
        "4aa01e616a9824ddadec6e8b72fd88272752abf4a9a8478612d9f7d71a39436b",
        jsonata.eval_variable,
        source=f"{_GUIDE}/workflow-variables.html",
        why="moto needs JSONata to read a variable in a JSONPath state.",
    ),
    swap(
        "stepfunctions-condition",
        f"{_ASL}.component.state.choice.comparison.comparison:ConditionStringJSONata._eval_body",
        "0a12270eaeae37f69e3cee247c3d862be2a6a8016e9f3876205b483d2182b676",
        jsonata.condition,
        source=f"{_GUIDE}/state-choice.html",
        why="moto ends in States.Runtime when a condition is not true or false.",
    ),
    swap(
        "stepfunctions-timeout-seconds",
        f"{_TIMEOUTS}.timeout:TimeoutSecondsJSONata._eval_seconds",
        "52c78ceca25c5395f4fcacda13bc7ef34303e2ac6a4821f33b9865ea4a28b8ed",
        jsonata.seconds,
        source=f"{_GUIDE}/state-task.html",
        why=_LAX,
    ),
    swap(
        "stepfunctions-heartbeat-seconds",
        f"{_TIMEOUTS}.heartbeat:HeartbeatSecondsJSONata._eval_seconds",
        "52c78ceca25c5395f4fcacda13bc7ef34303e2ac6a4821f33b9865ea4a28b8ed",
        jsonata.seconds,
        source=f"{_GUIDE}/state-task.html",
        why=_LAX,
    ),
    swap(
        "stepfunctions-wait-seconds",
        f"{_WAIT}.seconds:SecondsJSONata._get_wait_seconds",
        "4676db2c0c05e29bb6d14ff4531a4c365ee01eabefc46662606e2eb273097144",
        jsonata.seconds,
        source=f"{_GUIDE}/state-wait.html",
        why=_LAX,
    ),
    swap(
        "stepfunctions-wait-timestamp",
        f"{_WAIT}.timestamp:Timestamp._get_wait_seconds",
        "611d040940ad5f39ceb4a907a0ecf8cd5e6c1600a53328c8f6cd445f3a885b16",
        jsonata.wait_until,
        source=f"{_GUIDE}/state-wait.html",
        why="moto compares an instant in UTC with the local time, and ends in States.Runtime for a wrong expression.",
    ),
    swap(
        "stepfunctions-items",
        f"{_ASL}.component.state.exec.state_map.items.items:ItemsJSONata._eval_body",
        "93bc9f345e9353b6e120de8dde842aa2babef628e22f36cd2c1bb4615fba942b",
        jsonata.items,
        source=f"{_GUIDE}/state-map-inline.html",
        why="moto words a wrong type for itself and publishes the failed evaluation twice.",
    ),
    swap(
        "stepfunctions-fail-error",
        f"{_FAIL}.error_decl:Error._eval_body",
        "f81cbe38705568b1f62840871a23ff348f714a599bd9525fc2842ecf71c1d8b6",
        jsonata.fail_text,
        source=f"{_GUIDE}/state-fail.html",
        why="moto takes an Error that is no text.",
    ),
    swap(
        "stepfunctions-fail-cause",
        f"{_FAIL}.cause_decl:Cause._eval_body",
        "f81cbe38705568b1f62840871a23ff348f714a599bd9525fc2842ecf71c1d8b6",
        jsonata.fail_text,
        source=f"{_GUIDE}/state-fail.html",
        why="moto takes a Cause that is no text.",
    ),
    swap(
        "stepfunctions-assign",
        f"{_ASL}.component.common.assign.assign_decl:AssignDecl._eval_body",
        "652b8326e85d93b6c337e400d68b4ed55f7b7af2f969ae8b4f47f627e19691dc",
        jsonata.pending_assign,
        source=f"{_GUIDE}/workflow-variables.html",
        why="moto sets variables before Output is computed, which must still see the old ones.",
    ),
    swap(
        "stepfunctions-assigned-variables",
        f"{_ASL}.eval.variable_store:VariableStore.get_assigned_variables",
        "accd1b2a7446a246e04a559d201740bc8422ffd3215189c2443ef83a0a5d2497",
        jsonata.assigned,
        source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_StateExitedEventDetails.html",
        why="moto writes a text with a quote in it as broken JSON.",
    ),
    swap(
        "stepfunctions-states",
        f"{_ASL}.eval.states:States.reset",
        "3026ea3d76899e69e85ceede9bd79fe186843ed076d10290f08bef5c5d1eab96",
        jsonata.reset_states,
        source=_JSONATA,
        why="moto leaves $states.result and $states.errorOutput null where they do not exist.",
    ),
)
