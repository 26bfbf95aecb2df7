"""JSONata, variables and what a failing expression does."""

import re

import pytest

PASS = {"Type": "Pass", "End": True}


def given(expression):
    return {"Give": {**PASS, "Output": {"v": f"{{% {expression} %}}"}}}


def test_output_arguments_and_variables_read_paths_and_pass_whole_values(account):
    states = {
        "Keep": {
            "Type": "Pass",
            "Assign": {"kept": "{% $states.input %}", "text": 'say "hi"\n\\ \u00e9'},
            "Output": {"name": "{% $states.input.a.name %}"},
            "Next": "Give",
        },
        "Give": {**PASS, "Output": {"in": "{% $states.input %}", "kept": "{% $kept %}", "text": "{% $text %}"}},
    }
    value = {"a": {"name": 'quote " and \n newline', "none": None, "list": [1, None, 2.5]}}
    assert account.output(states, value) == {
        "in": {"name": 'quote " and \n newline'},
        "kept": value,
        "text": 'say "hi"\n\\ \u00e9',
    }


def test_null_is_a_value_and_a_missing_path_is_none(account):
    states = {"Give": {**PASS, "Output": {"v": "{% $states.input.a %}", "there": "{% $exists($states.input.b) %}"}}}
    assert account.output(states, {"a": None}) == {"v": None, "there": False}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$hash('a', 'SHA-256')", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("$partition([1..5], 2)", [[1, 2], [3, 4], [5]]),
        ("$range(0, 6, 3)", [0, 3, 6]),
        ("$random(7) = $random(7)", True),
        ("$states.input.n / 2", 2),
        ("$merge([$states.input, {'b': 1}])", {"n": 4, "b": 1}),
        ("$count($states.input)", 1),
    ],
)
def test_functions_of_step_functions_and_of_jsonata(account, expression, value):
    assert account.output(given(expression), {"n": 4}) == {"v": value}


def test_uuid_is_a_new_one_each_time(account):
    found = account.output(given("[$uuid(), $uuid()]"))["v"]
    assert found[0] != found[1]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found[0])


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("$states.input.absent", "returned nothing (undefined)."),
        ("$states.input.s + 1", "threw an error during evaluation. T2001: The left side of the"),
        ("$eval('1 + 1')", "threw an error during evaluation. T1006:"),
        ("function($x) { $x }", "returned an unsupported result type."),
        ("$range(0, 1)", "returned nothing (undefined)."),
    ],
)
def test_a_failing_expression_is_a_query_evaluation_error(account, expression, words):
    execution = account.start(account.machine(given(expression)), {"s": "text"})
    ended = account.finish(execution)
    start = "An error occurred while executing the state 'Give' (entered at the event id #2). "
    wanted = f"{start}The JSONata expression '{expression}' specified for the field 'Output/v' {words}"
    assert (ended["status"], ended["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert ended["cause"].startswith(wanted)
    events = account.history(execution)
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "PassStateEntered",
        "EvaluationFailed",
        "ExecutionFailed",
    ]
    assert [event["previousEventId"] for event in events] == [0, 0, 2, 3]
    assert events[2]["evaluationFailedEventDetails"] == {
        "error": "States.QueryEvaluationError",
        "cause": ended["cause"],
        "location": "Output/v",
        "state": "Give",
    }


@pytest.mark.parametrize(
    ("field", "location"),
    [
        (
            {"Arguments": {"FunctionName": "echo", "Payload": {"a": ["{% $states.input.x %}"]}}},
            "Arguments/Payload/a[0]",
        ),
        ({"Output": "{% $states.input.x %}"}, "Output"),
        ({"Assign": {"k": {"l": "{% $states.input.x %}"}}}, "Assign/k/l"),
        ({"TimeoutSeconds": "{% 'soon' %}"}, "TimeoutSeconds"),
    ],
)
def test_a_catch_sees_a_failing_expression_of_its_state(account, field, location):
    call = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "echo"}}
    catch = {
        "ErrorEquals": ["States.QueryEvaluationError"],
        "Next": "End",
        "Assign": {"caught": "{% $states.errorOutput.Cause %}"},
        "Output": {"error": "{% $states.errorOutput.Error %}", "input": "{% $states.input %}"},
    }
    states = {
        "Call": {**call, **field, "Catch": [catch], "Next": "End"},
        "End": {**PASS, "Output": {"in": "{% $states.input %}", "cause": "{% $caught %}"}},
    }
    found = account.output(states, {"y": 1})
    assert found["in"] == {"error": "States.QueryEvaluationError", "input": {"y": 1}}
    assert f"specified for the field '{location}'" in found["cause"]
    assert "executing the state 'Call' (entered at the event id #2)" in found["cause"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            {"Type": "Wait", "Seconds": "{% 'x' %}", "Next": "End"},
            "Expected 'number', but was 'string' for value: \"x\"",
        ),
        ({"Type": "Wait", "Seconds": "{% -1 %}", "Next": "End"}, "not an integer from 0 to 99999999"),
        ({"Type": "Wait", "Timestamp": "{% 'tomorrow' %}", "Next": "End"}, "specified for the field 'Timestamp'"),
        ({"Type": "Choice", "Choices": [{"Condition": "{% 1 %}", "Next": "End"}]}, "field 'Choices[0]/Condition'"),
    ],
)
def test_a_value_of_the_wrong_type_is_one_too(account, state, words):
    ended = account.run({"Try": state, "End": {"Type": "Succeed"}})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert words in ended["cause"]


def test_output_still_sees_the_variables_as_the_state_found_them(account):
    states = {
        "One": {"Type": "Pass", "Assign": {"n": 1}, "Next": "Two"},
        "Two": {"Type": "Pass", "Assign": {"n": "{% $n + 1 %}", "m": "{% $n %}"}, "Output": "{% $n %}", "Next": "End"},
        "End": {**PASS, "Output": "{% [$states.input, $n, $m] %}"},
    }
    assert account.output(states) == [1, 2, 1]


def test_a_choice_goes_by_its_conditions_and_sets_what_its_rule_says(account):
    rules = [
        {"Condition": "{% $states.input.next = 'wait' %}", "Next": "Wait"},
        {"Condition": "{% $states.input.n > 2 %}", "Next": "End", "Assign": {"way": "many"}, "Output": {"n": "many"}},
    ]
    states = {
        "Choose": {"Type": "Choice", "Choices": rules, "Default": "Few"},
        "Few": {"Type": "Pass", "Assign": {"way": "few"}, "Next": "End"},
        "Wait": {"Type": "Wait", "Seconds": "{% $states.input.n %}", "Assign": {"way": "waited"}, "Next": "End"},
        "End": {**PASS, "Output": {"way": "{% $way %}", "in": "{% $states.input %}"}},
    }
    machine = account.machine(states)

    def way(value):
        return account.wait_for(lambda: account.finish(account.start(machine, value)), "an end")["output"]

    assert way({"n": 3}) == '{"way":"many","in":{"n":"many"}}'
    assert way({"n": 1}) == '{"way":"few","in":{"n":1}}'
    assert way({"n": 0, "next": "wait"}) == '{"way":"waited","in":{"n":0,"next":"wait"}}'


def test_a_choice_without_a_match_ends_the_execution(account):
    ended = account.run({"A": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "B"}]}, "B": PASS})
    assert ended["error"] == "States.Runtime"
    assert "Failed to transition out of the state." in ended["cause"]


def test_a_fail_state_takes_error_and_cause_from_expressions(account):
    fail = {"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "{% 'because: ' & $states.input.c %}"}
    ended = account.run({"F": fail}, {"e": "InvalidRunRequest", "c": 'line "1"\nline 2'})
    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidRunRequest")
    assert ended["cause"] == 'because: line "1"\nline 2'


def test_the_context_object_has_what_step_functions_gives(account):
    machine = account.machine({"Give": {**PASS, "Output": "{% $states.context %}"}})
    execution = account.start(machine, {"a": 1}, name="context-test")
    found = __import__("json").loads(account.finish(execution)["output"])
    assert (
        found["Execution"].items()
        >= {
            "Id": execution,
            "Name": "context-test",
            "Input": {"a": 1},
            "RoleArn": account.role_arn,
            "RedriveCount": 0,
        }.items()
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["Execution"]["StartTime"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["State"]["EnteredTime"])
    assert found["State"]["Name"] == "Give"
    assert found["StateMachine"] == {"Id": machine, "Name": machine.rpartition(":")[2]}


def test_a_map_and_a_parallel_state_evaluate_their_parts(account):
    double = {"Type": "Pass", "Output": "{% $states.input * 2 %}", "End": True}
    states = {
        "Each": {
            "Type": "Map",
            "Items": "{% $states.input.items %}",
            "ItemProcessor": {"StartAt": "Double", "States": {"Double": double}},
            "Next": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Arguments": {"all": "{% $states.input %}"},
            "Branches": [
                {"StartAt": "Sum", "States": {"Sum": {**PASS, "Output": "{% $sum($states.input.all) %}"}}},
                {"StartAt": "Max", "States": {"Max": {**PASS, "Output": "{% $max($states.input.all) %}"}}},
            ],
            "Output": {"sum": "{% $states.result[0] %}", "max": "{% $states.result[1] %}"},
            "End": True,
        },
    }
    assert account.output(states, {"items": [1, 2, 3]}) == {"sum": 12, "max": 6}


def test_a_jsonpath_state_reads_variables(account):
    states = {
        "Keep": {"Type": "Pass", "Assign": {"v.$": "$.a", "t": '"quoted"'}, "Next": "Give"},
        "Give": {"Type": "Pass", "Parameters": {"b.$": "$v.b[1]", "t.$": "$t"}, "End": True},
    }
    assert account.output(states, {"a": {"b": [1, {"c": 2}]}}, language="JSONPath") == {"b": {"c": 2}, "t": '"quoted"'}


def test_a_refused_jsonata_definition_leaves_the_next_machine_alone(account):
    broken = {"X": {"Type": "Pass", "QueryLanguage": "JSONata", "InputPath": "$.a", "End": True}}
    with pytest.raises(account.states.exceptions.InvalidDefinition):
        account.machine(broken)
    states = {"Y": {"Type": "Pass", "Parameters": {"b.$": "$.a"}, "End": True}}
    assert account.output(states, {"a": 1}, language="JSONPath") == {"b": 1}


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("States.Format('it\\'s {} \"q\"', $.a)", 'it\'s 1 "q"'),
        ("States.Format('\\{\\} {} \u00e9', $.s)", '{} a"b \u00e9'),
        ("States.StringToJson('{\"k\": 1}')", {"k": 1}),
        ("States.ArrayContains(States.Array('a\"b', 1), $.s)", True),
        ("States.JsonToString($)", '{"a":1,"s":"a\\"b"}'),
    ],
)
def test_the_functions_of_jsonpath_states_read_their_texts_as_written(account, call, value):
    states = {"A": {"Type": "Pass", "Parameters": {"x.$": call}, "End": True}}
    assert account.output(states, {"a": 1, "s": 'a"b'}, language="JSONPath") == {"x": value}
