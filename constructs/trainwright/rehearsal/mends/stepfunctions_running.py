"""Step Functions: how states run, fail, wait and stop."""

from __future__ import annotations

import sys

from trainwright.rehearsal.states import failures, points, running
from trainwright.rehearsal.states.mending import act, swap, wrap

_GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
_ERRORS = f"{_GUIDE}/concepts-error-handling.html"
_REDRIVE = f"{_GUIDE}/redrive-executions.html"
_STOP = "https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html"
_ASL = "moto.stepfunctions.parser.asl"
_NAMES = f"{_ASL}.component.common.error_name"
_ENVIRONMENT = f"{_ASL}.eval.environment:Environment"
_PROGRAM = f"{_ASL}.component.program.program:Program"
_STATE = f"{_ASL}.component.state.state:CommonStateField"
_EXECUTION = f"{_ASL}.component.state.exec.execute_state:ExecutionState"
_FORGOTTEN = "moto forgets the signal that a program has ended for whoever was not waiting at that moment."


class _Forgetful(list[object]):
    def append(self, item: object) -> None:
        """Keep nothing: threads end by themselves."""


def _forget_threads() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions") and hasattr(module, "TMP_THREADS"):
            vars(module)["TMP_THREADS"] = _Forgetful()


_LOUD = "moto writes the whole component into the log for each level that a failure comes up through."

MENDS = (
    swap(
        "stepfunctions-failure-log",
        f"{_ASL}.component.eval_component:EvalComponent._log_failure_event_exception",
        "7d7aa73b14eebc890147ff5895a4381f67aba50d3b91f890bcb5f67c6481c95d",
        running.log_failure,
        source="https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html",
        why=_LOUD,
    ),
    swap(
        "stepfunctions-exception-log",
        f"{_ASL}.component.eval_component:EvalComponent._log_exception",
        "2125c07bc2eec625f737a61a1e49380c5596ac4afc5c28d885836e2ad30fe8c8",
        running.log_exception,
        source="https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html",
        why=_LOUD,
    ),
    act(
        "stepfunctions-threads",
        "moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branch_worker:BranchWorker.start",
        "30f9035b0a7ba470cc2a0345fa19a1486d05cd78ab3d948a303351d034caa1f2",
        _forget_threads,
        source="https://docs.python.org/3/library/threading.html",
        why="moto keeps every thread that it ever started.",
    ),
    swap(
        "stepfunctions-set-ended",
        f"{_ENVIRONMENT}.set_ended",
        "36f5a60b56c16c5279a3ea44d608ea63805300c7678acaa641662582065694d9",
        running.set_ended,
        source=_STOP,
        why=_FORGOTTEN,
    ),
    swap(
        "stepfunctions-set-error",
        f"{_ENVIRONMENT}.set_error",
        "6447409d405612c0e642e5e7d1942f8b48298485b7cb23630a18c78392f633d2",
        running.set_error,
        source=_STOP,
        why=_FORGOTTEN,
    ),
    swap(
        "stepfunctions-set-timed-out",
        f"{_ENVIRONMENT}.set_timed_out",
        "853b04bf9e6a7db4687e0d88655c994a25930544fcf35f8245d0130c217dd5fb",
        running.set_timed_out,
        source=_STOP,
        why=_FORGOTTEN,
    ),
    swap(
        "stepfunctions-set-stop",
        f"{_ENVIRONMENT}.set_stop",
        "163c10d46b1cb9b5acc34268858aafc6772a2401d1f56edcfbd832d51b3f3aa1",
        running.set_stop,
        source=_STOP,
        why=_FORGOTTEN,
    ),
    swap(
        "stepfunctions-program",
        f"{_PROGRAM}.eval",
        "6d701880064a8970c3a40375b8708af4ea22b6054dd6ac2fe9be295270b62f2b",
        running.eval_program,
        source=f"{_GUIDE}/statemachine-structure.html",
        why="moto reports a time-out before the history shows it, and starts a thread for every program.",
    ),
    swap(
        "stepfunctions-program-end",
        f"{_PROGRAM}._eval_body",
        "0735481f6d027e470a5e37351be3a5552f07050c421318cf2ce65d4efb620be6",
        running.eval_program_body,
        source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html",
        why="moto's ExecutionTimedOut names no error.",
    ),
    swap(
        "stepfunctions-state",
        f"{_STATE}._eval_body",
        "035f80caae1290dce90fa4b78c03ef33a32c2f78759e0328078ea70bf593b805",
        running.eval_state_body,
        source=f"{_GUIDE}/workflow-variables.html",
        why="moto shows a program as ended before its last state was left.",
    ),
    swap(
        "stepfunctions-task-attempts",
        f"{_EXECUTION}._eval_state",
        "88a5f8e4c72b10849ada6345c535c9eb30519136b9bb838952f2d9b5ce38ff0b",
        running.eval_execution_state,
        source=_ERRORS,
        why="moto does not let a Catch see a failing Output.",
    ),
    swap(
        "stepfunctions-parallel-attempts",
        f"{_ASL}.component.state.exec.state_parallel.state_parallel:StateParallel._eval_state",
        "1d86cbe57c7641265acb5ff7ce8141530d364d6a4f596d1c1402656f0f985487",
        running.eval_parallel_state,
        source=_ERRORS,
        why="moto does not let a Catch see a failing Output, nor a time-out.",
    ),
    swap(
        "stepfunctions-map-attempts",
        f"{_ASL}.component.state.exec.state_map.state_map:StateMap._eval_state",
        "bc5ea7fa3b82b34731c0f513ca58d518b2a540c6183e7067dc3c42a84fadfa26",
        running.eval_execution_state,
        source=_ERRORS,
        why="moto does not let a Catch see a failing Output.",
    ),
    swap(
        "stepfunctions-branches",
        f"{_ASL}.component.state.exec.state_parallel.branches_decl:BranchesDecl._eval_body",
        "eec2efa5fe001389c3347c247d4202b646d2c9bab48c1885c4226fc3d098151e",
        points.eval_branches,
        source=_REDRIVE,
        why="moto runs every branch whenever the state runs: a redrive takes over those that succeeded.",
    ),
    wrap(
        "stepfunctions-iterations",
        f"{_ASL}.component.state.exec.state_map.iteration.iteration_worker:IterationWorker._eval_job",
        "5f736d9451fe0d18ffb9954ee6c213236b202c952a5c3660423a37d977dfa86b",
        points.eval_iteration,
        source=_REDRIVE,
        why="moto runs every iteration whenever the state runs: a redrive takes over those that succeeded.",
    ),
    wrap(
        "stepfunctions-map-items",
        f"{_ASL}.component.state.exec.state_map.state_map:StateMap._eval_execution",
        "fb4daa9ac528b07c3f951f8cba60531eaead8483afb125079952c60d800e80c2",
        running.map_items,
        source=f"{_GUIDE}/state-map-inline.html",
        why="moto words an input that is no array with the name of Python's type.",
    ),
    swap(
        "stepfunctions-task-output",
        f"{_EXECUTION}._eval_state_output",
        "8319eaf73095fe0a5ee1f6a46c0fc8568fa074dd542a7ee4bd9b8aa3d4697b4e",
        running.eval_execution_state_output,
        source=_ERRORS,
        why="moto computes Output when no Catch can see it fail any more.",
    ),
    swap(
        "stepfunctions-task-time",
        f"{_EXECUTION}._evaluate_with_timeout",
        "c56deda08a42e98d3958bfb2ab95de74c7ec7a515085614a80e1ea4948722485",
        running.evaluate_with_timeout,
        source=_STOP,
        why="moto lets a stopped execution run until its Task has ended.",
    ),
    swap(
        "stepfunctions-retrier",
        f"{_ASL}.component.common.retry.retrier_decl:RetrierDecl._eval_body",
        "48463fff19cefa98cfb054311706ba47abfe813da0e65ce1a6376a9101f35f09",
        running.eval_retrier,
        source=_STOP,
        why="moto lets a stopped execution run until the pause before its next attempt has passed.",
    ),
    swap(
        "stepfunctions-wait",
        f"{_ASL}.component.state.wait.wait_function.wait_function:WaitFunction._wait_interval",
        "8f954dee80372b4b8233918f4d94810949f402cb3ddd2361ef4cbd9719d02253",
        running.wait_interval,
        source=f"{_GUIDE}/state-wait.html",
        why="moto rounds the time that has passed and may wait a second too long.",
    ),
    swap(
        "stepfunctions-choice",
        f"{_ASL}.component.state.choice.state_choice:StateChoice._eval_state",
        "47c01743c893e6b2db5c9b399c60277fc6739670565d311ccefe1e8550c34613",
        running.eval_choice,
        source=f"{_GUIDE}/state-choice.html",
        why="moto answers a Choice without a match with an error of its interpreter.",
    ),
    swap(
        "stepfunctions-failure-event",
        f"{_NAMES}.failure_event:FailureEvent.__init__",
        "3a94f1c26bf08185344eb0ec49dcf6055653fdbeef6ac508a3f16316152dbbe1",
        failures.init_failure_event,
        source=_ERRORS,
        why="moto says of a failed state that it was entered with the last event before the failure.",
    ),
    swap(
        "stepfunctions-failed-details",
        f"{_NAMES}.failure_event:FailureEventException.get_execution_failed_event_details",
        "cc932b747488ae7a44155c48cb6acb9a56504374d2374f003824c98b9f44a992",
        failures.execution_failed_details,
        source=_ERRORS,
        why="moto puts the words about the failed state before a cause once for every state around it.",
    ),
    swap(
        "stepfunctions-error-equals",
        f"{_NAMES}.error_equals_decl:ErrorEqualsDecl._eval_body",
        "aeda14a0cc01747d7fe2e620ba35c9c78b43178fbb03665b8578c206f196b019",
        failures.error_equals,
        source=_ERRORS,
        why="moto lets States.ALL take States.Runtime and States.DataLimitExceeded, which nothing takes.",
    ),
    swap(
        "stepfunctions-error-names",
        f"{_NAMES}.custom_error_name:CustomErrorName.__init__",
        "2814dc26f7aeecf971bdc84ac4422c6d1bd0cb804f0983bc01cb7130d71db3cb",
        failures.any_error_name,
        source=_ERRORS,
        why="moto fails when an error of Step Functions' own comes up from a branch.",
    ),
)
