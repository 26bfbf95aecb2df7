"""Invocations: a sandbox for each, warm where there is one; asynchronous ones are tried again as Lambda does."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from trainwright.rehearsal import clock, facade
from trainwright.rehearsal.faults import invocations
from trainwright.rehearsal.functions.runtime_api import Invocation
from trainwright.rehearsal.functions.sandbox import Sandbox
from trainwright.rehearsal.functions.spec import FunctionSpec, Outcome
from trainwright.rehearsal.permissions.errors import PermissionDenied

log = logging.getLogger("trainwright.rehearsal")

# AWS waits one and two minutes between the attempts of an asynchronous invocation; at the wall's speed nobody wants to
# watch that. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
RETRY_SECONDS = (60.0, 120.0)
WATCHED_RETRY_SECONDS = (1.0, 2.0)
# A function has at most this many sandboxes at once; further invocations wait for one.
SANDBOXES = max(4, 2 * (os.cpu_count() or 1))
# A sandbox that has not been used for so long is given up.
IDLE_SECONDS = 600.0
_LOG_TAIL_BYTES = 4096
_FAILURES_KEPT = 100


class _Pool:
    """The sandboxes of one function version."""

    def __init__(self, spec: FunctionSpec) -> None:
        self.spec = spec
        self.idle: list[tuple[float, Sandbox]] = []
        self.slots = clock.Slots(SANDBOXES)


_pools: dict[str, _Pool] = {}
_newest: dict[str, str] = {}  # function version ARN -> fingerprint
_lock = threading.Lock()
_sandboxes: set[Sandbox] = set()
_background = clock.Lane("lambda-async", width=64)
_log_writer = clock.Lane("lambda-logs")
_on_failure: dict[str, Callable[[Outcome], None]] = {}
_failed: OrderedDict[str, Outcome] = OrderedDict()


def invoke(spec: FunctionSpec, event: bytes, *, request_id: str | None = None) -> Outcome:
    """Run one invocation and wait for its end.

    An exception, a time-out (``Sandbox.Timedout``) and the end of the process (``Runtime.ExitError``) are outcomes
    whose ``error`` is ``Unhandled``, with errorType and errorMessage in the payload, as Lambda answers.

    Raises:
        PermissionDenied: Lambda may not assume the function's role.
        Throttled: a fault has Lambda take no more invocations now.
    """
    request_id = request_id or str(uuid.uuid4())
    failed = invocations.strike(spec.name, request_id, spec.timeout)
    if failed is not None:
        return Outcome(failed, "Unhandled", "", spec.version, request_id)
    if not spec.runtime.startswith("python"):
        return _refused(spec, request_id, f"the rehearsal runs Python functions only, not {spec.runtime}")
    pool = _pool(spec)
    with pool.slots:
        sandbox = _idle_sandbox(pool) or _new_sandbox(spec)
        with clock.away():
            outcome, reusable = _run(sandbox, spec, event, request_id)
        _give_back(pool, sandbox, reusable=reusable)
    return outcome


def invoke_later(spec: FunctionSpec, event: bytes, *, attempts: int = 3) -> str:
    """Queue an asynchronous invocation and return its request id; it is tried again when it fails."""
    request_id = str(uuid.uuid4())
    _background.submit(_try_until_done, spec, event, request_id, attempts)
    return request_id


def on_failure(request_id: str, tell: Callable[[Outcome], None]) -> None:
    """Have somebody told when an asynchronous invocation has failed for good; each id is told once."""
    with _lock:
        outcome = _failed.pop(request_id, None)
        if outcome is None:
            _on_failure[request_id] = tell
    if outcome is not None:
        tell(outcome)


def _try_until_done(spec: FunctionSpec, event: bytes, request_id: str, attempts: int) -> None:
    for attempt in range(attempts):
        try:
            outcome = invocations.until_taken(lambda: invoke(spec, event, request_id=request_id))
        except PermissionDenied as denied:
            outcome = _refused(spec, request_id, str(denied))
        except Exception as error:  # whatever happens, whoever waits must hear of it
            log.exception("the invocation %s of %s failed", request_id, spec.arn)
            outcome = _refused(spec, request_id, repr(error))
        if outcome.error is None:
            _on_failure.pop(request_id, None)
            return
        if attempt < attempts - 1:
            pauses = WATCHED_RETRY_SECONDS if clock.current().mode == "wall" else RETRY_SECONDS
            clock.sleep(pauses[min(attempt, len(pauses) - 1)])
    _tell(request_id, outcome)


def _tell(request_id: str, outcome: Outcome) -> None:
    with _lock:
        tell = _on_failure.pop(request_id, None)
        if tell is None:  # whoever wants to know may not have said so yet
            _failed[request_id] = outcome
            while len(_failed) > _FAILURES_KEPT:
                _failed.popitem(last=False)
    if tell is not None:
        tell(outcome)


def _refused(spec: FunctionSpec, request_id: str, message: str) -> Outcome:
    payload = json.dumps({"errorMessage": message, "errorType": "Runtime.Refused"}).encode()
    return Outcome(payload, "Unhandled", "", spec.version, request_id)


def _pool(spec: FunctionSpec) -> _Pool:
    with _lock:
        fingerprint = spec.fingerprint
        stale = _newest.get(spec.arn)
        _newest[spec.arn] = fingerprint
        if stale not in (None, fingerprint) and (old := _pools.pop(stale, None)):
            _retire(old)
        return _pools.setdefault(fingerprint, _Pool(spec))


def _retire(pool: _Pool) -> None:
    for _, sandbox in pool.idle:
        _background.submit(_kill, sandbox)
    pool.idle.clear()


def _idle_sandbox(pool: _Pool) -> Sandbox | None:
    while True:
        with _lock:
            if not pool.idle:
                return None
            since, sandbox = pool.idle.pop()
        if sandbox.alive and time.monotonic() - since < IDLE_SECONDS:
            return sandbox
        _kill(sandbox)


def _new_sandbox(spec: FunctionSpec) -> Sandbox:
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[{spec.version}]{uuid.uuid4().hex}"
    sandbox = Sandbox(spec, facade.root() / "functions", stream)
    with _lock:
        _sandboxes.add(sandbox)
    if spec.tracing:
        _log_writer.submit(_allowed, spec, "xray:PutTraceSegments", "*")
    return sandbox


def _give_back(pool: _Pool, sandbox: Sandbox, *, reusable: bool) -> None:
    with _lock:
        current = _pools.get(pool.spec.fingerprint) is pool
        if reusable and current:
            pool.idle.append((time.monotonic(), sandbox))
            return
    _kill(sandbox)


def _kill(sandbox: Sandbox) -> None:
    with _lock:
        _sandboxes.discard(sandbox)
    sandbox.kill()


def _run(sandbox: Sandbox, spec: FunctionSpec, event: bytes, request_id: str) -> tuple[Outcome, bool]:
    started = clock.time()
    if not sandbox.wait_until_ready():
        payload = _failed_start(sandbox, request_id)
        return _outcome(sandbox, spec, request_id, payload, "Unhandled", started), False
    invocation = Invocation(request_id, event or b"{}", _headers(spec, request_id))
    began = clock.time()
    answered = sandbox.run(invocation)
    if answered:
        error = "Unhandled" if invocation.failed else None
        return _outcome(sandbox, spec, request_id, invocation.payload, error, began), True
    return _outcome(sandbox, spec, request_id, _without_answer(sandbox, spec, request_id), "Unhandled", began), False


def _headers(spec: FunctionSpec, request_id: str) -> dict[str, str]:
    deadline = int((clock.time() + clock.account(spec.timeout)) * 1000)
    return {
        "Lambda-Runtime-Aws-Request-Id": request_id,
        "Lambda-Runtime-Deadline-Ms": str(deadline),
        "Lambda-Runtime-Invoked-Function-Arn": spec.invoked_arn,
        "Lambda-Runtime-Trace-Id": f"Root=1-{int(clock.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
    }


def _failed_start(sandbox: Sandbox, request_id: str) -> bytes:
    if sandbox.api.init_error is not None:
        return sandbox.api.init_error
    if sandbox.alive:
        message = f"RequestId: {request_id} Error: Runtime initialisation took longer than 10 seconds"
        return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}).encode()
    return _exited(sandbox, request_id)


def _without_answer(sandbox: Sandbox, spec: FunctionSpec, request_id: str) -> bytes:
    if not sandbox.alive:
        return _exited(sandbox, request_id)
    message = f"RequestId: {request_id} Error: Task timed out after {spec.timeout:.2f} seconds"
    return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}).encode()


def _exited(sandbox: Sandbox, request_id: str) -> bytes:
    message = f"RequestId: {request_id} Error: Runtime exited with error: {sandbox.exit_status}"
    return json.dumps({"errorType": "Runtime.ExitError", "errorMessage": message}).encode()


def _outcome(
    sandbox: Sandbox, spec: FunctionSpec, request_id: str, payload: bytes, error: str | None, began: float
) -> Outcome:
    lines = _log_lines(sandbox, spec, request_id, (clock.time() - began) * 1000)
    _log_writer.submit(_write_log, spec, sandbox.log_stream, lines)
    text = "".join(f"{line}\n" for _, line in lines)
    return Outcome(payload, error, text[-_LOG_TAIL_BYTES:], spec.version, request_id)


def _log_lines(sandbox: Sandbox, spec: FunctionSpec, request_id: str, took: float) -> list[tuple[int, str]]:
    lines = sandbox.output()
    now = int(clock.time() * 1000)
    first = min([when for when, _ in lines], default=now)
    report = f"REPORT RequestId: {request_id}\tDuration: {took:.2f} ms\tBilled Duration: {int(took) + 1} ms"
    return [
        (first, f"START RequestId: {request_id} Version: {spec.version}"),
        *lines,
        (now, f"END RequestId: {request_id}"),
        (now, f"{report}\tMemory Size: {spec.memory} MB"),
    ]


def _write_log(spec: FunctionSpec, stream: str, lines: list[tuple[int, str]]) -> None:
    """Write under the function's role, as Lambda does: without the permission the lines are lost."""
    arn = f"arn:aws:logs:{facade.region()}:{facade.account_id()}:log-group:{spec.log_group}:log-stream:{stream}"
    try:
        if _allowed(spec, "logs:CreateLogStream", arn) and _allowed(spec, "logs:PutLogEvents", arn):
            facade.put_log_lines(spec.log_group, stream, lines)
    except Exception:
        log.exception("the log of %s could not be written", spec.arn)


def _allowed(spec: FunctionSpec, action: str, resource: str) -> bool:
    try:
        facade.authorize(spec.role, action, resource, service_principal="lambda.amazonaws.com", session_name=spec.name)
    except PermissionDenied as denied:
        log.warning("%s", denied)
        return False
    return True


def stop() -> None:
    """Kill every sandbox."""
    with _lock:
        everything = list(_sandboxes)
        _sandboxes.clear()
    for sandbox in everything:
        sandbox.kill()


facade.on_stop(stop)
