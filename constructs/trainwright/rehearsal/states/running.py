"""How a state runs: its time-out, its retries and catchers, and how it ends at once when its execution does.

moto waits for a Task's thread even when the execution was stopped, and forgets the signal for whoever was not waiting
at that moment. Here the end of a program is a fact that stays: every wait looks at it and is woken by it.
"""

from __future__ import annotations

import datetime
import logging
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import MaxAttemptsOutcome
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.program_state import (
    ProgramEnded,
    ProgramError,
    ProgramRunning,
    ProgramState,
    ProgramStopped,
    ProgramTimedOut,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from trainwright.rehearsal import clock
from trainwright.rehearsal.states import failures, jsonata, points
from trainwright.rehearsal.states.expressions import fresh

LOG = logging.getLogger("trainwright.rehearsal")
NOT_TRUNCATED = {"truncated": False}


def iso(instant: datetime.datetime) -> str:
    """An instant as Step Functions writes it into the context object."""
    return instant.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- the end of a program is a fact that stays ---------------------------------------------------------------------


def _finish(env: Any, state: ProgramState) -> None:
    with env._state_mutex:
        if not isinstance(env._program_state, ProgramRunning):
            return
        env._program_state = state
        frames = list(env._frames)
    for frame in frames:
        _finish(frame, state)
    env.program_state_event.set()
    for wake in list(getattr(env, "wakers", ())):
        wake()


def set_ended(self: Any) -> None:
    """Environment.set_ended."""
    _finish(self, ProgramEnded())


def set_error(self: Any, error: Any) -> None:
    """Environment.set_error: the first end counts."""
    _finish(self, ProgramError(error=error))


def set_timed_out(self: Any) -> None:
    """Environment.set_timed_out."""
    _finish(self, ProgramTimedOut())


def set_stop(self: Any, stop_date: Any, cause: str | None, error: str | None) -> None:
    """Environment.set_stop."""
    _finish(self, ProgramStopped(stop_date=stop_date, cause=cause, error=error))


def on_end(env: Any, wake: Any) -> None:
    """Call ``wake`` when the program that ``env`` belongs to ends, at once if it has."""
    with env._state_mutex:
        if not hasattr(env, "wakers"):
            env.wakers = []
        env.wakers.append(wake)
    if not env.is_running():
        wake()


def sleep(env: Any, seconds: float) -> bool:
    """Wait, but not longer than the program runs; whether it still does."""
    deadline = clock.time() + seconds
    while env.is_running() and (left := deadline - clock.time()) > 0:
        env.program_state_event.wait(left)
    return bool(env.is_running())


def wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
    """WaitFunction._wait_interval."""
    sleep(env, wait_seconds)


# --- a whole program -----------------------------------------------------------------------------------------------


def eval_program(self: Any, env: Any) -> None:
    """Program.eval: in the calling thread, with a timer where the program has a time-out."""
    points.begin(env, self.start_at.start_at_name)
    timer = _timer(self.timeout_seconds, env)
    try:
        EvalComponent.eval(self, env)
    finally:
        if timer is not None:
            timer.cancel()


def _timer(timeout: Any, env: Any) -> clock.Timer | None:
    if timeout is None:
        return None
    timer = clock.Timer(timeout.timeout_seconds, env.set_timed_out, "time-out")
    timer.start()
    return timer


def eval_program_body(self: Any, env: Any) -> None:
    """Program._eval_body: the states one after the other, then the event of how the execution ended."""
    try:
        while env.is_running():
            self._get_state(env.next_state_name).eval(env)
            env.stack.clear()
            env.heap.clear()
    except FailureEventException as failure:
        env.set_error(error=failure.get_execution_failed_event_details())
    except Exception as error:  # noqa: BLE001  (whatever the interpreter cannot do is a run-time error of the machine)
        cause = failures.decorate(env, f"{type(error).__name__}({error})")
        env.set_error(error={"error": failures.RUNTIME_ERROR, "cause": cause})
    if not env.is_frame():
        _publish_end(env)


def _publish_end(env: Any) -> None:
    state = env.program_state()
    if isinstance(state, (ProgramStopped, ProgramTimedOut)):
        env.event_history_context.source_event_id = 0
    kind, details = _end_event(env, state)
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=kind,
        event_details=failures.event_details(kind.value[:1].lower() + kind.value[1:], details),
    )


def _end_event(env: Any, state: Any) -> tuple[HistoryEventType, dict[str, Any]]:
    if isinstance(state, ProgramError):
        error: Any = state.error or {}
        return HistoryEventType.ExecutionFailed, _given(error=error.get("error"), cause=error.get("cause"))
    if isinstance(state, ProgramStopped):
        return HistoryEventType.ExecutionAborted, _given(error=state.error, cause=state.cause)
    if isinstance(state, ProgramTimedOut):
        return HistoryEventType.ExecutionTimedOut, {"error": failures.TIMEOUT}
    output = to_json_str(env.states.get_input(), separators=(",", ":"))
    return HistoryEventType.ExecutionSucceeded, {"output": output, "outputDetails": NOT_TRUNCATED}


def _given(**values: str | None) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


# --- one state -----------------------------------------------------------------------------------------------------


class Prepared:
    """A state's output that was computed while its catchers could still see it fail."""

    def __init__(self, value: Any) -> None:
        self.value = value


def eval_state_body(self: Any, env: Any) -> None:
    """CommonStateField._eval_body: enter, run, set variables, go on."""
    _enter(self, env)
    try:
        self._eval_state_input(env=env)
        _run(self, env)
        if not env.is_running():
            return
        self._eval_state_output(env=env)
        self._verify_size_quota(env=env, value=env.states.get_input())
    except FailureEventException as failure:
        points.failed(env, failure)
        if failure.failure_event.event_type == HistoryEventType.EvaluationFailed:
            failures.publish(env, failure.failure_event)
        raise
    jsonata.apply_assign(env)
    _leave(self, env)


def _enter(self: Any, env: Any) -> None:
    before = points.again(env, self)
    env.entered_event_id = before.entered_event_id if before else _publish_entered(self, env)
    time = before.entered_time if before else iso(datetime.datetime.now(tz=datetime.UTC))
    env.states.context_object.context_object_data["State"] = {"EnteredTime": time, "Name": self.name}
    points.stand(env, self.name, env.entered_event_id, time, before)


def _publish_entered(self: Any, env: Any) -> int:
    event_id: int = env.event_manager.add_event(
        context=env.event_history_context,
        event_type=self.state_entered_event_type,
        event_details=failures.event_details("stateEntered", self._get_state_entered_event_details(env=env)),
    )
    return event_id


def _run(self: Any, env: Any) -> None:
    try:
        self._eval_state(env)
    except NoSuchJsonPathError as missing:
        raise failures.runtime_failure(env, no_such_path(env, missing)) from missing


def no_such_path(env: Any, missing: Any) -> str:
    """What Step Functions says of a JSONPath that leads nowhere."""
    return (
        f"The JSONPath '{missing.json_path}' specified for the field '{env.next_field_name}' could not be found in "
        f"the input '{to_json_str(missing.data, separators=(',', ':'))}'"
    )


def _leave(self: Any, env: Any) -> None:
    # The exit is in the history before the program ends: who sees the end must find the whole history.
    if self.state_exited_event_type is not None:
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=self.state_exited_event_type,
            event_details=failures.event_details("stateExited", self._get_state_exited_event_details(env=env)),
        )
    self._set_next(env)


def eval_execution_state(self: Any, env: Any) -> None:
    """ExecutionState._eval_state: a Task's attempts, until one succeeds, a catcher takes the failure or none does."""
    _attempt_until_settled(self, env, prepare=lambda: None)


def eval_parallel_state(self: Any, env: Any) -> None:
    """StateParallel._eval_state: the branches' input is computed once for all attempts."""
    _count_retries(env, 0)
    if self.parargs is not None:
        self.parargs.eval(env=env)
    value = fresh(env.stack.pop())
    _attempt_until_settled(self, env, prepare=lambda: env.stack.append(fresh(value)))


def _attempt_until_settled(self: Any, env: Any, prepare: Any) -> None:
    _count_retries(env, 0)
    depth = len(env.stack)
    while env.is_running():
        prepare()
        try:
            self._evaluate_with_timeout(env)
            _prepare_output(self, env)
        except Exception as error:  # noqa: BLE001  (every failure is the state's, to be retried, caught or raised)
            if env.is_running() and _retry(self, env, error, depth):
                continue
        return


def _count_retries(env: Any, count: int) -> None:
    env.states.context_object.context_object_data["State"]["RetryCount"] = count


def _prepare_output(self: Any, env: Any) -> None:
    if self.output is None or not env.is_running():
        return
    self.output.jsonata_template_value.eval(env=env)
    env.stack.append(Prepared(env.stack.pop()))


def map_items(original: Any) -> Any:
    """StateMap._eval_execution that says in JSON what a Map without Items got in the place of an array.

    https://github.com/localstack/localstack, tests/aws/services/stepfunctions/v2/scenarios/test_base_scenarios
    """

    def eval_execution(self: Any, env: Any) -> None:
        given = env.states.get_input()
        if not self._is_language_query_jsonpath() and self.items is None and not self.item_reader:
            _check_items(env, given)
        original(self, env)

    return eval_execution


def _check_items(env: Any, given: Any) -> None:
    if isinstance(given, list):
        return
    text = to_json_str(given, separators=(",", ":"))
    raise failures.query_failure(env, f"Map state input must be an array but was: {text}", None)


def eval_execution_state_output(self: Any, env: Any) -> None:
    """ExecutionState._eval_state_output: take what was prepared; a catcher has set its own."""
    output = env.stack[-1]
    if isinstance(output, Prepared):
        env.states.reset(input_value=output.value)
    elif not isinstance(output, CatchOutcome):
        CommonStateField._eval_state_output(self, env=env)


def _retry(self: Any, env: Any, error: Exception, depth: int) -> bool:
    """Whether the state is to be tried again; raises the failure when nothing takes it."""
    failure: FailureEvent = self._from_error(env=env, ex=error)
    jsonata.drop_assign(env)
    del env.stack[depth:]
    _publish_attempt(self, env, failure)
    output = _error_output(failure)
    env.states.set_error_output(output)
    env.states.set_result(output)
    if self.retry and self._handle_retry(env=env, failure_event=failure) == RetryOutcome.CanRetry:
        return True
    if not env.is_running():
        return False
    _publish_failed(self, env, failure)
    if self.catch and failure.error_name is not None:
        self._handle_catch(env=env, failure_event=failure)
        if env.stack[-1] == CatchOutcome.Caught:
            return False
    raise FailureEventException(failure_event=failure) from error


def _publish_attempt(self: Any, env: Any, failure: FailureEvent) -> None:
    group = _group_failed(self)
    if group is None or failure.event_type == HistoryEventType.EvaluationFailed:
        failures.publish(env, failure)


def _publish_failed(self: Any, env: Any, failure: FailureEvent) -> None:
    group = _group_failed(self)
    if group is not None and not failures.is_runtime(failure):
        env.event_manager.add_event(context=env.event_history_context, event_type=group)


def _group_failed(self: Any) -> HistoryEventType | None:
    if self.state_entered_event_type == HistoryEventType.ParallelStateEntered:
        return HistoryEventType.ParallelStateFailed
    if self.state_entered_event_type == HistoryEventType.MapStateEntered:
        return HistoryEventType.MapStateFailed
    return None


def _error_output(failure: Any) -> dict[str, str | None]:
    # Where an error or a cause is missing, Step Functions gives an empty text, and nulls after a SendTaskFailure
    # without an error.
    details: dict[str, Any] = next(iter((failure.event_details or {}).values()), {})
    if failure.event_type == HistoryEventType.TaskFailed and "error" not in details:
        return {"Error": None, "Cause": details.get("cause")}
    error = details.get("error", "")
    return {"Error": error, "Cause": failures.own_words(failure, error, details.get("cause") or "")}


# --- one attempt of one state --------------------------------------------------------------------------------------


class _Attempt:
    def __init__(self, env: Any) -> None:
        self.frame = env.open_frame()
        self.frame.point = env.point
        self.frame.states.reset(input_value=env.states.get_input())
        self.frame.stack = fresh(env.stack)
        self.frame.entered_event_id = failures.entered_event_id(env)
        self.done = False
        self.output: Any = None
        self.error: Exception | None = None

    def run(self, evaluate: Any) -> None:
        try:
            evaluate(self.frame)
            self.output = self.frame.stack[-1] if self.frame.stack else None
        except NoSuchJsonPathError as missing:
            self.error = failures.runtime_failure(self.frame, no_such_path(self.frame, missing))
        except Exception as error:  # noqa: BLE001  (handed to the thread that waits)
            self.error = error
        self.done = True
        self.frame.program_state_event.set()

    def wait(self, seconds: float) -> None:
        deadline = clock.time() + seconds
        while not self.done and self.frame.is_running() and (left := deadline - clock.time()) > 0:
            self.frame.program_state_event.wait(left)


def evaluate_with_timeout(self: Any, env: Any) -> None:
    """ExecutionState._evaluate_with_timeout: one attempt, in a thread that is left behind when time or program ends."""
    self.timeout.eval(env=env)
    seconds = env.stack.pop()
    attempt = _Attempt(env)
    name = f"{self.name} in {env.states.context_object.context_object_data['Execution']['Name']}"
    clock.thread(attempt.run, name, self._eval_execution)
    attempt.wait(seconds)
    finished, stopped = attempt.done, not env.is_running()
    # Whatever an abandoned thread still does must not appear in the history.
    attempt.frame.event_history_context.closed = not finished or stopped
    if attempt.error is not None:
        # The iterations that are under way end with the one that failed.
        attempt.frame.set_stop(stop_date=None, cause=None, error=None)
    attempt.frame.set_ended()
    env.close_frame(attempt.frame)
    if stopped:
        return
    if not finished:
        raise EvalTimeoutError
    if attempt.error is not None:
        raise attempt.error
    _take_result(self, env, attempt.output)


def _take_result(self: Any, env: Any, output: Any) -> None:
    env.stack.append(output)
    if not self._is_language_query_jsonpath():
        env.states.set_result(output)
    if self.assign_decl:
        self.assign_decl.eval(env=env)
    if self.result_selector:
        self.result_selector.eval(env=env)
    if self.result_path:
        self.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())


def eval_retrier(self: Any, env: Any) -> None:
    """RetrierDecl._eval_body: the pause before the next attempt ends when the program does."""
    self.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.append(RetrierOutcome.Skipped)
        return
    self.max_attempts.eval(env=env)
    if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
        env.stack.append(RetrierOutcome.Failed)
        return
    for part in (self.interval_seconds, self.backoff_rate, self.max_delay_seconds, self.jitter_strategy):
        part.eval(env=env)
    sleep(env, env.stack.pop())
    env.stack.append(RetrierOutcome.Executed)


def eval_choice(self: Any, env: Any) -> None:
    """StateChoice._eval_state: the first rule that holds, else the default, else the end of the execution."""
    for rule in self.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True:
            env.stack.append(rule.next_stmt.name)
            return
    if self.default_state is None:
        words = "Failed to transition out of the state. The state does not point to a next state."
        raise failures.runtime_failure(env, words)
    env.stack.append(self.default_state.state_name)


def log_failure(self: Any, failure_event_exception: FailureEventException) -> None:
    """EvalComponent._log_failure_event_exception: a machine's failure is in its history, not in the account's log."""
    if LOG.isEnabledFor(logging.DEBUG):
        LOG.debug("%s: %s", type(self).__name__, failure_event_exception.failure_event.event_details)


def log_exception(self: Any, exception: Exception) -> None:
    """EvalComponent._log_exception: where moto's interpreter itself failed, with the way to that place."""
    if not isinstance(exception, (TimeoutError, NoSuchJsonPathError)):
        LOG.debug("%s failed", type(self).__name__, exc_info=exception)
