"""Where a program stands, so that a redrive goes on from there: the state, its input, its branches or iterations.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html#redrive-behavior-states
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    inline_item_processor_worker as processors,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iterator import (
    inline_iterator_worker as iterators,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branch_worker import BranchWorker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import BranchWorkerPool
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded

from trainwright.rehearsal.states import failures

_INLINE = (processors.InlineItemProcessorWorker, iterators.InlineIteratorWorker)


@dataclass
class Point:
    """The state that a program (an execution, a branch, an iteration) entered last.

    ``parts`` are the environments of its branches or iterations by number; ``earlier`` those of the time before a
    redrive, of which the successful ones are not run again.
    """

    state: str
    input: Any
    entered_event_id: int
    entered_time: str
    parts: dict[int, Any] = field(default_factory=dict)
    earlier: dict[int, Any] = field(default_factory=dict)


def resume(env: Any, before: Any) -> None:
    """Let the program of ``env`` go on where that of ``before`` stood, with its variables."""
    env.resume = getattr(before, "point", None)
    env.variable_store = before.variable_store


def begin(env: Any, start_at: str) -> None:
    """Where a program begins: at its first state, or where it stood."""
    before = getattr(env, "resume", None)
    env.next_state_name = before.state if before else start_at
    if before:
        env.states.reset(input_value=before.input)


def again(env: Any, state: Any) -> Point | None:
    """What a redrive resumes, for a Task, Parallel or Map, which is not entered a second time; else None.

    "Schedules and starts the Task state again", but "Reenters the Fail state".
    """
    before: Point | None = getattr(env, "resume", None)
    env.resume = None
    return before if isinstance(state, ExecutionState) else None


def stand(env: Any, state: str, event_id: int, time: str, before: Point | None) -> None:
    """The program has entered a state."""
    parts = before.parts if before else {}
    env.point = Point(state, env.states.get_input(), event_id, time, parts=dict(parts), earlier=dict(parts))


def failed(env: Any, failure: FailureEventException) -> None:
    """The state failed: after a result that is too large a redrive runs every branch and iteration again."""
    name = failure.failure_event.error_name
    if name is not None and name.error_name == failures.DATA_LIMIT:
        env.point.parts.clear()


def seal(env: Any) -> None:
    """What threads of an ended program still do no longer appears in the history."""
    env.event_history_context.closed = True
    point = getattr(env, "point", None)
    for frame in (*env._frames, *(point.parts.values() if point else ())):
        if not getattr(frame.event_history_context, "closed", False):
            seal(frame)


def _is_done(frame: Any) -> bool:
    return isinstance(frame._program_state, ProgramEnded)


# --- branches and iterations ---------------------------------------------------------------------------------------


def eval_branches(self: Any, env: Any) -> None:
    """BranchesDecl._eval_body: after a redrive only the branches that failed or were aborted, from where they stood."""
    value, point = env.stack.pop(), env.point
    earlier, point.earlier = point.earlier, {}
    point.parts = {number: frame for number, frame in earlier.items() if _is_done(frame)}
    left = [number for number in range(len(self.programs)) if number not in point.parts]
    pool: Any = BranchWorkerPool(workers_num=len(left))
    workers: list[Any] = []
    for number in left:
        frame = point.parts[number] = _branch(env, value, earlier.get(number))
        workers.append(BranchWorker(branch_worker_comm=pool, program=self.programs[number], env=frame))
        workers[-1].start()
    if workers:
        pool.wait()
    _close(env, workers, pool.get_exit_event_details())
    env.stack.append([point.parts[number].states.get_input() for number in range(len(self.programs))])


def _branch(env: Any, value: Any, before: Any) -> Any:
    frame = env.open_inner_frame()
    frame.states.reset(input_value=value)
    if before is not None:
        resume(frame, before)
    return frame


def _close(env: Any, workers: list[Any], error: Any) -> None:
    for worker in workers:
        if error is not None:
            worker.stop(stop_date=datetime.datetime.now(tz=datetime.UTC), cause=None, error=None)
        env.close_frame(worker.env)
    if error is not None:
        raise FailureEventException(
            failure_event=FailureEvent(
                env=env,
                error_name=CustomErrorName(error_name=error.get("error")),
                event_type=HistoryEventType.ExecutionFailed,
                event_details=failures.event_details("executionFailed", dict(error)),
            )
        )


def eval_iteration(original: Any) -> Any:
    """IterationWorker._eval_job that, after a redrive, takes over the result of an iteration that succeeded before."""

    def evaluate(self: Any, env: Any, job: Any) -> None:
        point = getattr(self._env, "point", None)
        if point is None or not isinstance(self, _INLINE):
            original(self, env, job)
            return
        before = point.earlier.pop(job.job_index, None)
        if before is not None and _is_done(before):
            job.job_output = before.states.get_input()
            return
        if before is not None:
            resume(env, before)
        point.parts[job.job_index] = env
        original(self, env, job)

    return evaluate
