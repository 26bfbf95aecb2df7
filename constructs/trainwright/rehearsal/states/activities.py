"""Activities: Tasks that a worker outside fetches with GetActivityTask and answers under their token.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html
"""

from __future__ import annotations

from collections import deque
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.asl.eval.callback.callback import ActivityCallbackEndpoint

from trainwright.rehearsal import clock

# GetActivityTask holds the connection open for at most this many seconds.
LONGEST_POLL = 60


class Activity:
    """What a Task of this activity is handed to."""

    def __init__(self) -> None:
        self._tasks: deque[Any] = deque()
        self._workers: deque[clock.Event] = deque()

    def add_task(self, task: Any) -> None:
        """Let the next worker that asks have the task."""
        self._tasks.append(task)
        for worker in list(self._workers):
            worker.set()

    def next_task(self, seconds: float) -> Any:
        """The oldest task, or None when none has come within so many seconds."""
        end = clock.time() + seconds
        arrived = clock.Event()
        self._workers.append(arrived)
        try:
            while not self._tasks and (left := end - clock.time()) > 0:
                arrived.wait(left)
                arrived.clear()
            return self._tasks.popleft()
        except IndexError:  # another worker was faster, or there is none
            return None
        finally:
            self._workers.remove(arrived)


class Store:
    """The activities that exist when a Task asks for one; those of one account are shared by its executions."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        if not hasattr(backend, "activities_at_work"):
            backend.activities_at_work = {}

    def get(self, arn: str) -> Activity | None:
        """The activity, or None where nobody created it."""
        if arn not in self.backend.activities:
            return None
        found: Activity = self.backend.activities_at_work.setdefault(arn, Activity())
        return found


def wait_for_worker(self: Any, timeout_seconds: float) -> Any:
    """ActivityTaskStartEndpoint.wait: what the worker said of itself, or None when none came in time."""
    self._next_activity_task_start_event.wait(timeout_seconds)
    return getattr(self, "_outcome", None)


def get_activity_task(self: Any) -> ActionResult:
    """GetActivityTask: the oldest task whose execution still waits for it, or nothing after a minute.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetActivityTask.html
    """
    backend = self.stepfunction_backend
    arn = backend.describe_activity(self._get_param("activityArn")).arn
    activity = Store(backend).get(arn)
    end = clock.time() + LONGEST_POLL
    while activity is not None and (left := end - clock.time()) > 0:
        task = activity.next_task(left)
        if task is not None and _hand_over(backend, task.task_token, self._get_param("workerName"), arn):
            return ActionResult({"taskToken": task.task_token, "input": task.task_input})
    return ActionResult({})


def _hand_over(backend: Any, token: str, worker: str | None, arn: str) -> bool:
    for execution in backend._get_executions():
        env = execution.exec_worker.env
        endpoint = env.callback_pool_manager.get(token)
        if isinstance(endpoint, ActivityCallbackEndpoint) and env.is_running():
            vars(endpoint)["activity_arn"] = arn  # by which the worker's answer is judged
            endpoint.notify_activity_task_start(worker_name=worker)
            return True
    return False
