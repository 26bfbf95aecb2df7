"""What plain moto does, where a mend of Step Functions or EventBridge says that it does otherwise than AWS.

The other tests of this folder show what the mended account does.
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainwright.rehearsal import mends

MODULES = ("stepfunctions", "stepfunctions_jsonata", "stepfunctions_running", "stepfunctions_tasks", "events")
MENDS = [mend for name in MODULES for mend in importlib.import_module(f"trainwright.rehearsal.mends.{name}").MENDS]

PLAIN = {
    # the machine
    "stepfunctions-execute": "RUNNING",  # a Fail state never runs
    "stepfunctions-parse-once": [False, 2],
    "stepfunctions-query-language-scope": [False, 2],  # what a refused definition leaves behind
    "stepfunctions-text": {'a\\"b': 1},
    "stepfunctions-string-literal": "a\\/b",
    "stepfunctions-intrinsic-text": "it\\\\",  # cut at the quote
    "stepfunctions-intrinsic-escapes": "it\\\\",
    "stepfunctions-intrinsic-line-breaks": "ValueError",
    "stepfunctions-unique": [1],
    "stepfunctions-path-key": "NoSuchJsonPathError",
    "stepfunctions-format": "FAILED",
    "stepfunctions-error-codes": "ClientError",  # no code of its own
    "stepfunctions-definition": True,
    "stepfunctions-create": True,
    "stepfunctions-update": [False, False],
    "stepfunctions-update-answer": [False, False],
    "stepfunctions-describe-machine": [False, False],
    "stepfunctions-validate": "NotImplementedError",
    # its executions
    "stepfunctions-start": "None",
    "stepfunctions-start-sync": [False, False, False],
    "stepfunctions-activity-task": [False, False, False],
    "stepfunctions-redrive": [False, False, False],
    "stepfunctions-activity-start": "AttributeError",
    "stepfunctions-find-execution": "AttributeError",
    "stepfunctions-list-running": "AttributeError",
    "stepfunctions-execution-start": 0,  # events
    "stepfunctions-worker-start": "AttributeError",
    "stepfunctions-worker-run": 0,
    "stepfunctions-context": "TypeError",
    "stepfunctions-end": 0,
    "stepfunctions-describe-execution": [False, False],
    "stepfunctions-list-executions": 0,  # no refusal
    "stepfunctions-history-pages": [1, 2, 3, 4],
    "stepfunctions-stop-execution": "",
    "stepfunctions-machine-of-execution": False,
    "stepfunctions-task-failure": False,
    "stepfunctions-token-success": True,
    "stepfunctions-token-failure": True,
    "stepfunctions-token-heartbeat": "TypeError",
    "stepfunctions-add-event": ["ExecutionAborted", "TaskSucceeded"],
    "stepfunctions-get-history": ["ExecutionAborted", "TaskSucceeded"],
    # JSONata
    "stepfunctions-jsonata": "States.Runtime",
    "stepfunctions-variable": "States.Runtime",
    "stepfunctions-condition": "States.Runtime",
    "stepfunctions-timeout-seconds": "States.Runtime",
    "stepfunctions-heartbeat-seconds": "States.Runtime",
    "stepfunctions-wait-seconds": "States.Runtime",
    "stepfunctions-wait-timestamp": True,
    "stepfunctions-items": 2,
    "stepfunctions-fail-error": "FAILED",
    "stepfunctions-fail-cause": "FAILED",
    "stepfunctions-assign": "2",
    "stepfunctions-assigned-variables": '"a"b"',
    "stepfunctions-states": True,
    # running
    "stepfunctions-failure-log": [True, True],
    "stepfunctions-exception-log": [True, True],
    "stepfunctions-threads": 2,
    "stepfunctions-set-ended": False,
    "stepfunctions-set-error": False,
    "stepfunctions-set-timed-out": False,
    "stepfunctions-set-stop": "",
    "stepfunctions-program": {},
    "stepfunctions-program-end": {},
    "stepfunctions-state": True,
    "stepfunctions-task-attempts": "FAILED",
    "stepfunctions-parallel-attempts": "FAILED",
    "stepfunctions-map-attempts": "FAILED",
    "stepfunctions-branches": [False, False],
    "stepfunctions-iterations": [False, False],
    "stepfunctions-map-items": "<class 'dict'>",
    "stepfunctions-task-output": "FAILED",
    "stepfunctions-task-time": "RUNNING",
    "stepfunctions-retrier": "RUNNING",
    "stepfunctions-wait": True,
    "stepfunctions-choice": "RuntimeError(('No branching option reached in state %s', 'A'))",
    "stepfunctions-failure-event": False,
    "stepfunctions-failed-details": True,
    "stepfunctions-error-equals": ["SUCCEEDED", True],
    "stepfunctions-error-names": True,
    # tasks
    "stepfunctions-client": False,
    "stepfunctions-credentials": ["role_arn"],
    "stepfunctions-api-gateway-error": "TypeError",
    "stepfunctions-sagemaker": True,
    "stepfunctions-execution-error": ["SUCCEEDED", True],
    "stepfunctions-task-error": False,
    "stepfunctions-token-error": "ValueError",
    "stepfunctions-lambda-error": "Lambda.AccessDeniedException",
    "stepfunctions-sdk-error": "sagemaker",
    "stepfunctions-parameters": False,
    "stepfunctions-request-names": True,
    "stepfunctions-response-names": True,
    "stepfunctions-lambda-result": False,
    "stepfunctions-integration-pattern": "AttributeError",
    # events
    "events-targets": "NotImplementedError",
    "events-schedules": False,
    "events-listeners": "NotImplementedError",
    "events-detail": 0,
}


@pytest.fixture(scope="module")
def plain():
    """What moto shows in a process in which nothing is mended."""
    keys = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    script = Path(__file__).with_name("plain_moto.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env={**os.environ, **keys},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("mend", MENDS, ids=lambda mend: mend.name)
def test_plain_moto_differs_where_a_mend_says_so(plain, mend):
    assert plain[mend.name] == PLAIN[mend.name], mend.why


@pytest.mark.parametrize("mend", MENDS, ids=lambda mend: mend.name)
def test_a_mend_says_what_it_is_for(mend):
    assert mends._problem(mend) is None
    assert mend.source.startswith("https://")
    assert mend.why.endswith(".")


def test_no_mend_has_gone_without_its_plain_counterpart():
    assert {mend.name for mend in MENDS} == set(PLAIN)
