"""`trainwright account up` before anything starts, what it says while it serves, and whom it tells of lost runs."""

import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainwright.cli import teams
from trainwright.cli.account import closing, command, folder
from trainwright.cli.account import open as opening
from trainwright.cli.display import Display
from trainwright.cli.errors import StepFailed

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:vision"
EXECUTION = f"{MACHINE.replace(':stateMachine:', ':execution:')}:digits-1"
CLOSE = "arn:aws:lambda:eu-west-1:123456789012:function:close"
PARTS = ("data_bucket", "artifacts_bucket", "checkpoints_bucket", "reports_bucket", "runs_table", "log_group")
TEAM = teams.read(
    json.dumps({"team": "vision", "state_machine_arn": MACHINE, "execution_role_arn": "r"} | dict.fromkeys(PARTS, "x"))
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--no-deploy", "--app", "."], "--app and --no-deploy: choose one"),
        (["--no-deploy", "--data", "kept"], "--data: objects are put back into what is deployed"),
        (["--python", "nowhere"], "--python nowhere: there is no such file"),
        (["--app", "nowhere"], "--app nowhere: there is no cdk.json"),
        (["--data", "others"], "holds other files"),
    ],
)
def test_fails_before_anything_starts(words: list[str], said: str, here: Path, invoke: Any) -> None:
    (here / "others").mkdir()
    (here / "others" / "thesis.txt").write_text("")
    done = invoke("account", "up", *words)
    assert done.exit_code == 2
    assert said in done.stderr and done.stderr.endswith("1 problem. Nothing was started.\n")
    assert not (here / ".rehearsal").exists() and not (here / "kept").exists()


def test_fails_when_the_port_is_taken(invoke: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = invoke("account", "up", "--no-deploy", "--port", str(taken.getsockname()[1]))
    assert done.exit_code == 2 and "Choose another" in done.stderr


def test_an_app_that_does_not_synthesise_ends_with_1_and_its_logs(here: Path, monkeypatch: Any, invoke: Any) -> None:
    (here / "app.py").write_text("raise SystemExit('no such team')\n")
    monkeypatch.setattr(command, "forget_the_users_aws", lambda: None)  # this process is the tests' own
    monkeypatch.setattr(command, "end_on_sigterm", lambda: None)
    done = invoke("account", "up", "--data", "kept")
    assert done.exit_code == 1
    assert "no such team" in done.stdout and "Logs: .rehearsal/up/last/logs" in done.stdout
    assert "no such team" in (here / ".rehearsal/up/last/logs/synth.log").read_text()
    assert not (here / ".rehearsal/up/account").exists() and not (here / "kept/kept.json").exists()


@pytest.fixture
def serving(monkeypatch: Any, tmp_path: Path) -> Any:
    """An open account that is ended by Ctrl-C, or by `error`: what it said."""

    def serve(*, keeps: bool = True, error: Exception | None = None) -> str:
        monkeypatch.setattr(opening, "POLL_SECONDS", 0.0)
        monkeypatch.chdir(tmp_path)
        ends = [None, None, error or KeyboardInterrupt()]

        def check_alive() -> None:
            if ends and (end := ends.pop(0)):
                raise end

        display = Display()
        with folder.opened(tmp_path / "kept") as data:
            account = opening.OpenAccount(None, None, data, display, None)  # type: ignore[arg-type]
            account.account = SimpleNamespace(check_alive=check_alive, client=str)  # type: ignore[assignment]
            account._keeps = keeps
            monkeypatch.setattr(account, "_open", lambda: None)
            monkeypatch.setattr(account, "_show", lambda: None)
            with pytest.raises(type(error) if error else KeyboardInterrupt):
                account.serve()
        return display.transcript()

    return serve


def test_it_says_at_the_end_how_much_is_kept(serving: Any) -> None:
    assert serving() == "kept keeps 0 objects and 0 table rows.\n"
    assert serving(keeps=False) == ""


@pytest.mark.parametrize("hurry", [True, False], ids=["a second Ctrl-C", "too slow"])
def test_runs_that_do_not_end_in_time_are_left_to_the_next_start(hurry: bool, serving: Any, monkeypatch: Any) -> None:
    def stop(*_: Any) -> bool:
        if hurry:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(closing, "stop_running", stop)
    told, saved = serving().splitlines()
    assert told == "Not every run has ended by itself; the next start with --data closes them."
    assert saved == "kept keeps 0 objects and 0 table rows."


def test_fails_when_the_accounts_process_dies(serving: Any) -> None:
    died = StepFailed("the embedded account ended by itself (exit code -9)")
    assert serving(error=died) == ""


class Clients:
    """An account with one run that its records call RUNNING, and rules of this and of another team."""

    account_id, region = "123456789012", "eu-west-1"

    def __init__(self, *, closes: bool, error: str | None = None) -> None:
        self.invoked: list[tuple[str, Any]] = []
        self._closes, self._error = closes, error
        self._record: dict[str, Any] = {"run": {"S": "vision-1"}, "status": {"S": "RUNNING"}}
        self._record |= {"execution_arn": {"S": EXECUTION}, "started_at": {"S": "2026-11-21T08:00:00.500Z"}}

    def client(self, _service: str) -> "Clients":
        return self

    def get_paginator(self, name: str) -> Any:
        alias = {"run": {"S": f"execution:{EXECUTION}"}, "target": {"S": "vision-1"}}
        pages = {"scan": {"Items": [alias, self._record]}, "list_rules": {"Rules": self._rules()}}
        return SimpleNamespace(paginate=lambda **_: [pages[name]])

    def _rules(self) -> list[dict[str, Any]]:
        detail = {"stateMachineArn": [MACHINE], "status": ["FAILED", "ABORTED"]}
        others = {"stateMachineArn": [f"{MACHINE}2"], "status": ["ABORTED"]}
        patterns = {
            "ours": {"detail-type": [closing.STATUS_CHANGE], "detail": detail},
            "theirs": {"detail-type": [closing.STATUS_CHANGE], "detail": others},
            "failures": {"detail-type": [closing.STATUS_CHANGE], "detail": detail | {"status": ["FAILED"]}},
        }
        rules = [{"Name": name, "EventPattern": json.dumps(pattern)} for name, pattern in patterns.items()]
        return [*rules, {"Name": "every night"}]

    def list_targets_by_rule(self, *, Rule: str) -> dict[str, Any]:
        targets = [{"Arn": CLOSE}, {"Arn": "arn:aws:sns:eu-west-1:123456789012:alerts"}]
        other = {"Arn": f"{CLOSE}-other"}
        return {"Targets": [*targets, other | {"InputPath": "$.detail"}] if Rule == "ours" else [other]}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.invoked.append((FunctionName, json.loads(Payload)))
        if self._closes:
            self._record["status"] = {"S": "STOPPED"}
        payload = SimpleNamespace(read=(self._error or "").encode)
        return {"Payload": payload} | ({"FunctionError": "Unhandled"} if self._error else {})


def test_the_platforms_own_handler_hears_that_a_lost_execution_is_aborted() -> None:
    account: Any = Clients(closes=True)
    assert closing.close_left_running(account, [TEAM]) == ["vision-1"]
    ((function, event),) = account.invoked
    assert function == CLOSE
    detail = event["detail"]
    assert (event["source"], event["detail-type"]) == ("aws.states", closing.STATUS_CHANGE)
    assert (detail["executionArn"], detail["stateMachineArn"], detail["name"]) == (EXECUTION, MACHINE, "digits-1")
    assert (detail["status"], detail["startDate"]) == ("ABORTED", 1795248000500)
    assert closing.close_left_running(account, [TEAM]) == [] and len(account.invoked) == 1


def test_fails_when_the_handler_fails_or_leaves_the_run_open() -> None:
    broken: Any = Clients(closes=False, error='{"errorMessage": "no table"}')
    with pytest.raises(StepFailed, match="close failed") as failed:
        closing.close_left_running(broken, [TEAM])
    assert failed.value.details == ['{"errorMessage": "no table"}']
    lazy: Any = Clients(closes=False)
    with pytest.raises(StepFailed, match="did not close vision-1"):
        closing.close_left_running(lazy, [TEAM])
