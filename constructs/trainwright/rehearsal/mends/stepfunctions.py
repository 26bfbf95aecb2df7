"""Step Functions: machines that execute, are checked when they are made, and answer with all their fields."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser import api as parser_api
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from trainwright.rehearsal import facade
from trainwright.rehearsal.mends import find, replace
from trainwright.rehearsal.states import activities, api, executions, history, machines, program, tokens
from trainwright.rehearsal.states.mending import act, swap, wrap

_GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
_REFERENCE = "https://docs.aws.amazon.com/step-functions/latest/apireference"
_BACKEND = "moto.stepfunctions.parser.models:StepFunctionsParserBackend"
_MODELS = "moto.stepfunctions.models:StepFunctionBackend"
_RESPONSE = "moto.stepfunctions.responses:StepFunctionResponse"
_PARSER = "moto.stepfunctions.parser.asl.parse"
_WORKER = "moto.stepfunctions.parser.backend.execution_worker:ExecutionWorker"
_EXECUTION = "moto.stepfunctions.parser.backend.execution"


def _executing_backend(account: str, region: str) -> Any:
    return stepfunctions_parser_backends[account][region]


def _own_scopes() -> None:
    def initialise(self: Any) -> None:
        self._query_language_per_scope = []

    preprocessor: Any = find(f"{_PARSER}.preprocessor:Preprocessor")
    preprocessor.__init__ = initialise


def _name_errors() -> None:
    def initialise(self: Any, message: str = "") -> None:
        AWSError.__init__(self, message)

    for error in vars(parser_api).values():
        if isinstance(error, type) and issubclass(error, AWSError) and error is not AWSError:
            _name_error(error, initialise)


def _name_error(error: Any, initialise: Any) -> None:
    error.TYPE, error.STATUS, error.__init__ = error.code, error.status_code, initialise


def _add_validation() -> None:
    answers: Any = find(_RESPONSE)
    answers.validate_state_machine_definition = api.validate_state_machine_definition


def _add_synchronous() -> None:
    answers: Any = find(_RESPONSE)
    answers.start_sync_execution = api.start_sync_execution


def _add_redrive() -> None:
    answers: Any = find(_RESPONSE)
    answers.redrive_execution = api.redrive_execution


def _add_activities() -> None:
    answers: Any = find(_RESPONSE)
    answers.get_activity_task = activities.get_activity_task


def _keep_line_breaks() -> None:
    target = f"{_PARSER}.intrinsic.preprocessor:Preprocessor._text_of_str"
    replace(target, staticmethod(program.literal_of(find(target).__func__)))


def _describe_with_revision(original: Any) -> Any:
    def describe(self: Any, state_machine_arn: str) -> Any:
        answer = original(self, state_machine_arn)
        machine = self.stepfunction_backend.describe_state_machine(state_machine_arn)
        answer.result.update(api.revision(machine))
        return answer

    return describe


def _parse_once() -> None:
    target = f"{_PARSER}.asl_parser:AmazonStateLanguageParser.parse"
    replace(target, staticmethod(program.parse_once(find(target).__func__)))


facade.on_stop(history.DELIVERY.stop)

MENDS = (
    swap(
        "stepfunctions-execute",
        "moto.stepfunctions.responses:get_backend",
        "e736380f7d9c98a50540b6b8e86c014eeb8c3beb66eefc05b2fa73796b0d1589",
        _executing_backend,
        source=f"{_REFERENCE}/API_StartExecution.html",
        why="moto runs a state machine only when a setting of the test says so.",
    ),
    act(
        "stepfunctions-parse-once",
        f"{_PARSER}.asl_parser:AmazonStateLanguageParser.parse",
        "a59a7d18760fb22efc9fd46d8f0fb3bb6c0293abbce2b9053e1589181c6f0711",
        _parse_once,
        source="https://states-language.net/spec.html",
        why="moto parses the definition anew for each execution (5 to 11 ms) and forgets where an expression stands.",
    ),
    act(
        "stepfunctions-query-language-scope",
        f"{_PARSER}.preprocessor:Preprocessor._open_query_language_scope",
        "4e0bad6eb66e4cc1894409783b3487faff1bbecd6b723cb8e65e0709489f997f",
        _own_scopes,
        source=f"{_GUIDE}/transforming-data.html",
        why="moto keeps the query language of a refused definition for all later machines of the process.",
    ),
    swap(
        "stepfunctions-text",
        f"{_PARSER}.preprocessor:Preprocessor._inner_string_of",
        "d9f476327b5bbd34dbafb7898ef60534a0aa99b9950c96659d29be42a2e93ac9",
        staticmethod(program.text_of),
        source="https://www.rfc-editor.org/rfc/rfc8259#section-7",
        why="moto takes the escapes of JSON texts in a definition as they are written.",
    ),
    wrap(
        "stepfunctions-string-literal",
        "moto.stepfunctions.parser.asl.antlt4utils.antlr4utils:from_string_literal",
        "516a21a5607ff5c986681e5880e8465c6093dcda042263c2b903058a716b4c4e",
        lambda _: program.text_of,
        source="https://www.rfc-editor.org/rfc/rfc8259#section-7",
        why="moto reads JSON texts as texts of Python, whose escapes differ.",
    ),
    swap(
        "stepfunctions-intrinsic-text",
        f"{_PARSER}.preprocessor:Preprocessor.visitString_intrinsic_function",
        "c9faa27fc0978c2475426367f3f17deda204f3b32574b2f07f0a26e76760f589",
        program.intrinsic_of,
        source=f"{_GUIDE}/intrinsic-functions.html",
        why="moto reads the call of an intrinsic function with the escapes of the JSON text around it.",
    ),
    swap(
        "stepfunctions-intrinsic-escapes",
        f"{_PARSER}.intrinsic.preprocessor:Preprocessor._replace_escaped_characters",
        "3d84ce1e384470c242c6504d794057dcec391539d9d99d1997d1580f6d5e9aae",
        staticmethod(program.unescaped),
        source=f"{_GUIDE}/intrinsic-functions.html",
        why="moto leaves the backslash before a quote in the text of an intrinsic function.",
    ),
    swap(
        "stepfunctions-unique",
        "moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.array.array_unique:"
        "ArrayUnique._eval_body",
        "c06f9b1f5f7d3de5b2bd1eef4c4312ba0bee3fa0fcb8304780b5478613eabc5e",
        program.unique,
        source=f"{_GUIDE}/intrinsic-functions.html",
        why="moto takes true for 1, and fails where an array holds arrays or objects.",
    ),
    wrap(
        "stepfunctions-path-key",
        "moto.stepfunctions.parser.asl.utils.json_path:extract_json",
        "932245247973780c72287b75597e70031472f0cd764f35a199100d8a195987a4",
        program.extract,
        source=f"{_GUIDE}/amazon-states-language-paths.html",
        why="moto's JSONPath undoes escapes in a quoted key.",
    ),
    act(
        "stepfunctions-intrinsic-line-breaks",
        f"{_PARSER}.intrinsic.preprocessor:Preprocessor._text_of_str",
        "b123da45ffbee924553f4d8f478cffa5dd18fbf7d6fda8d785a7ea6d38d07af5",
        _keep_line_breaks,
        source=f"{_GUIDE}/intrinsic-functions.html",
        why="moto's grammar takes no line break in a text of an intrinsic function.",
    ),
    swap(
        "stepfunctions-format",
        "moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.generic.string_format:"
        "StringFormat._eval_body",
        "97791ffd1722b6812981b2263d13b3541fc046ca1ee1ccb709ec6ab390bffca7",
        program.format_text,
        source=f"{_GUIDE}/intrinsic-functions.html",
        why="moto takes the text for one of Python's format strings.",
    ),
    act(
        "stepfunctions-error-codes",
        "moto.stepfunctions.parser.api:InvalidDefinition",
        "27c1fd0238a4321f0465bbc894ebe7328484806f40b8544f06a2af28ebbfb1e5",
        _name_errors,
        source=f"{_REFERENCE}/API_CreateStateMachine.html#API_CreateStateMachine_Errors",
        why="moto answers errors of the interpreter with an empty code, and cannot raise those without a message.",
    ),
    swap(
        "stepfunctions-definition",
        f"{_BACKEND}._validate_definition",
        "a5921e3d3b46dcd341ec3a64e61af486cd2f843751a1890e07e9ea0f0008569b",
        staticmethod(machines.check_definition),
        source=f"{_REFERENCE}/API_CreateStateMachine.html#API_CreateStateMachine_Errors",
        why="moto accepts a definition whose Next names no state.",
    ),
    swap(
        "stepfunctions-create",
        f"{_BACKEND}.create_state_machine",
        "dc56ec54216f7b975da2fe4653e4675e85ea2773e3167dad3017dbfa89c0bbd5",
        machines.create,
        source=f"{_GUIDE}/connect-sagemaker.html",
        why="moto checks neither the role nor the log group, drops the type, and takes a name that is used.",
    ),
    swap(
        "stepfunctions-update",
        f"{_BACKEND}.update_state_machine",
        "03b6b2ec8ffdfbb0c8e75574810521875200207fbacd0b563e008f82f3f9515f",
        machines.update,
        source=f"{_REFERENCE}/API_UpdateStateMachine.html",
        why="moto checks neither the role nor the log group and gives no revision.",
    ),
    wrap(
        "stepfunctions-update-answer",
        f"{_RESPONSE}.update_state_machine",
        "438f6dc8472ae90cc88fb31efb82d15ae3db9d5cd94edd08ded7090263413017",
        api.update_state_machine,
        source=f"{_REFERENCE}/API_UpdateStateMachine.html#API_UpdateStateMachine_ResponseSyntax",
        why="moto answers UpdateStateMachine without the revision's id.",
    ),
    wrap(
        "stepfunctions-describe-machine",
        f"{_RESPONSE}._describe_state_machine",
        "44f4c687f927be5de93330e842ee60bb2c0ca564d2ccab581d0ac706a0401a8f",
        _describe_with_revision,
        source=f"{_REFERENCE}/API_DescribeStateMachine.html",
        why="moto describes a state machine without its revision's id.",
    ),
    act(
        "stepfunctions-validate",
        _RESPONSE,
        "902a711f9a6a165a6678be37d210ef0d36549cbbfd83af57a03c1c5fabd16470",
        _add_validation,
        source=f"{_REFERENCE}/API_ValidateStateMachineDefinition.html",
        why="moto answers ValidateStateMachineDefinition with an internal error.",
    ),
    act(
        "stepfunctions-start-sync",
        _RESPONSE,
        "902a711f9a6a165a6678be37d210ef0d36549cbbfd83af57a03c1c5fabd16470",
        _add_synchronous,
        source=f"{_REFERENCE}/API_StartSyncExecution.html",
        why="moto does not know StartSyncExecution.",
    ),
    act(
        "stepfunctions-redrive",
        _RESPONSE,
        "902a711f9a6a165a6678be37d210ef0d36549cbbfd83af57a03c1c5fabd16470",
        _add_redrive,
        source=f"{_REFERENCE}/API_RedriveExecution.html",
        why="moto does not know RedriveExecution.",
    ),
    act(
        "stepfunctions-activity-task",
        _RESPONSE,
        "902a711f9a6a165a6678be37d210ef0d36549cbbfd83af57a03c1c5fabd16470",
        _add_activities,
        source=f"{_REFERENCE}/API_GetActivityTask.html",
        why="moto does not know GetActivityTask, and a Task finds no activity.",
    ),
    swap(
        "stepfunctions-activity-start",
        "moto.stepfunctions.parser.asl.eval.callback.callback:ActivityTaskStartEndpoint.wait",
        "80f71c6a0a52877c92f78763aec1af814a038c0bf5110f5de8fdea4fc01eb2be",
        activities.wait_for_worker,
        source=f"{_GUIDE}/concepts-activities.html",
        why="moto fails itself when no worker comes for a task in time.",
    ),
    swap(
        "stepfunctions-start",
        f"{_BACKEND}.start_execution",
        "0f8d9dd57baf0c2803dda23c5250b1c787a4a1a3d05239cafbddff1ef905be3a",
        executions.start_execution,
        source=f"{_REFERENCE}/API_StartExecution.html",
        why="moto names an execution without a name None, checks no limit of the input, and delivers no logs.",
    ),
    swap(
        "stepfunctions-find-execution",
        f"{_MODELS}.describe_execution",
        "74309ac20095b1027ed76d4d2ccbbb5974dff772184eadf1e5a7409281b04d5e",
        executions.describe_execution,
        source=f"{_REFERENCE}/API_DescribeExecution.html",
        why="moto looks for an execution in a list, and finds none of a version.",
    ),
    swap(
        "stepfunctions-list-running",
        f"{_BACKEND}._get_executions",
        "99c66bbf9dd987f228bb924b66520497b1969ad9e334431bb69ef5cc552c1ca4",
        executions.running,
        source=f"{_REFERENCE}/API_SendTaskSuccess.html",
        why="moto walks over every machine's executions.",
    ),
    swap(
        "stepfunctions-execution-start",
        f"{_EXECUTION}:Execution.start",
        "07e927c2d5f9e1045b9afd33ffd85b672eca4da712ad93354365076b2419cc13",
        executions.start,
        source=f"{_GUIDE}/eventbridge-integration.html",
        why="moto emits no event when an execution starts.",
    ),
    swap(
        "stepfunctions-worker-start",
        f"{_WORKER}.start",
        "0b502dd3a4e5fd2b4a39da9a65b15f74350feef9820bfb36147b2abd7825d4cf",
        executions.start_worker,
        source=f"{_REFERENCE}/API_StopExecution.html",
        why="moto answers an internal error when an execution is stopped before its thread has begun.",
    ),
    swap(
        "stepfunctions-worker-run",
        f"{_WORKER}._execution_logic",
        "baa3e2a48fd228d951b7b443e34acffcd060721f17c184df43db83ec0c0ffd25",
        executions.execution_logic,
        source=f"{_REFERENCE}/API_DescribeExecution.html",
        why="moto leaves an execution RUNNING when the interpreter itself fails.",
    ),
    swap(
        "stepfunctions-context",
        f"{_WORKER}._get_evaluation_environment",
        "ce8421b71dabea7dcf3020a980e562af7df7ae0035d2f79751d1c2204c70fca5",
        executions.environment,
        source=f"{_GUIDE}/input-output-contextobject.html",
        why="moto's context object holds a start time that is no JSON and lacks the redrive count.",
    ),
    swap(
        "stepfunctions-end",
        f"{_EXECUTION}:BaseExecutionWorkerCommunication._reflect_execution_status",
        "038a396107afe59b6db55d26f755d9b8358762e53f7fa67c1a78fd09fdd5218a",
        executions.terminated,
        source=f"{_GUIDE}/eventbridge-integration.html",
        why="moto shows a final status before the output is there, drops StopExecution's error, and emits no event.",
    ),
    swap(
        "stepfunctions-describe-execution",
        f"{_RESPONSE}.describe_execution",
        "c3953bdc9ce21fda47ee3e996bf749950fb31c22a169464f6f2c878aa8372977",
        api.describe_execution,
        source=f"{_REFERENCE}/API_DescribeExecution.html",
        why="moto gives no inputDetails, redriveCount or redriveStatus, and no stopDate of what timed out.",
    ),
    swap(
        "stepfunctions-list-executions",
        f"{_RESPONSE}.list_executions",
        "6fec14cfc5afd6b885954398772bfbf30a82bf37da8b30c4005ec49b1c84df9a",
        api.list_executions,
        source=f"{_REFERENCE}/API_ListExecutions.html",
        why="moto takes any page size, and lists without redriveCount.",
    ),
    swap(
        "stepfunctions-history-pages",
        f"{_RESPONSE}.get_execution_history",
        "3889cc6224ac2f762d44a217cdd02255957d21862ad88af0c6b30af47b17a206",
        api.get_execution_history,
        source=f"{_REFERENCE}/API_GetExecutionHistory.html",
        why="moto gives the whole history at once, always in one order and with all data.",
    ),
    swap(
        "stepfunctions-stop-execution",
        f"{_RESPONSE}.stop_execution",
        "633c8a544aacfd14c07f24bf62b1688a2125f8aba91eecc1feaa40bb7dc45d24",
        api.stop_execution,
        source=f"{_REFERENCE}/API_StopExecution.html",
        why="moto forgets the error and the cause that StopExecution is given.",
    ),
    swap(
        "stepfunctions-machine-of-execution",
        f"{_RESPONSE}.describe_state_machine_for_execution",
        "6ea2c887b4ce3e5e76bc71839f2458dda0f7f8131962d79cde87cecae1bf0bc6",
        api.describe_state_machine_for_execution,
        source=f"{_REFERENCE}/API_DescribeStateMachineForExecution.html",
        why="moto shows the machine as it is now, not as the execution runs it, and without updateDate.",
    ),
    swap(
        "stepfunctions-task-failure",
        f"{_RESPONSE}.send_task_failure",
        "f0fed5e805768377c3886da87839f8dc3ea37bdaa5a64bab13da2784b5e00304",
        api.send_task_failure,
        source=f"{_REFERENCE}/API_SendTaskFailure.html",
        why="moto drops the cause.",
    ),
    swap(
        "stepfunctions-token-success",
        f"{_BACKEND}.send_task_success",
        "2e95c66f0d676001a8c7b2e9b5b43972c0419af46a28f49842c81f0405bfc402",
        tokens.send_task_success,
        source=f"{_REFERENCE}/API_SendTaskSuccess.html",
        why="moto takes an answer under a token that nobody waits for any more, and an output that is no JSON.",
    ),
    swap(
        "stepfunctions-token-failure",
        f"{_BACKEND}.send_task_failure",
        "2d5a9597cf1d92f9cb4bc47b3b6ae48a0fe5d3c72e20b3cc57afdeabfcddd5ca",
        tokens.send_task_failure,
        source=f"{_REFERENCE}/API_SendTaskFailure.html",
        why="moto takes an answer under a token that nobody waits for any more.",
    ),
    swap(
        "stepfunctions-token-heartbeat",
        f"{_BACKEND}.send_task_heartbeat",
        "279ad79cd7a2f24b6971a61a7924c092b4684bfa25fdb4b36ad922140c2917de",
        tokens.send_task_heartbeat,
        source=f"{_REFERENCE}/API_SendTaskHeartbeat.html",
        why="moto cannot raise TaskTimedOut.",
    ),
    swap(
        "stepfunctions-add-event",
        "moto.stepfunctions.parser.asl.eval.event.event_manager:EventManager.add_event",
        "cb430fa2e3fed3e889bc5fc4a648275417eb214a55252d2495e5242cf2e53ecd",
        history.add_event,
        source=f"{_GUIDE}/cw-logs.html",
        why="moto writes events of abandoned tasks after the execution's last one, and cannot deliver logs.",
    ),
    swap(
        "stepfunctions-get-history",
        "moto.stepfunctions.parser.asl.eval.event.event_manager:EventManager.get_event_history",
        "d42caf342c6e20c131caee8d5a312215b55dfc934cadc1a916d4cbbccadaf1f2",
        history.get_event_history,
        source=f"{_REFERENCE}/API_GetExecutionHistory.html",
        why="moto copies the whole history deeply for every look at it.",
    ),
)
