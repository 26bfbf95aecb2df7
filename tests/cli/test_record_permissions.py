"""`--record-permissions`: written however the command ends, and told in a few lines."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from trainwright.cli.display import Display
from trainwright.cli.errors import BadInput
from trainwright.cli.rehearse.options.permissions import PAGE, recorded, target

SUMMARY = {
    "roles": 9,
    "granted_actions": 107,
    "used_actions": 71,
    "statements": 56,
    "unused_statements": 16,
    "denied": 0,
    "undecided": 2,
    "widest": ["team/JobsRole: 1 of 2 actions used, too wide first of all sagemaker:* on *"],
}
RECORD = {"version": 1, "summary": SUMMARY, "roles": []}


@pytest.fixture
def account() -> Iterator[str]:
    """An address that answers as an account does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == PAGE else 404)
            self.end_headers()
            self.wfile.write(json.dumps(RECORD).encode())

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("end", [None, ValueError, KeyboardInterrupt])
def test_it_is_written_however_the_command_ends(
    end: type[BaseException] | None, account: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        with recorded(tmp_path / "used.json", lambda: account, Display()):
            if end:
                raise end

    if end:
        with pytest.raises(end):
            run()
    else:
        run()
    assert json.loads((tmp_path / "used.json").read_text()) == RECORD
    said = capsys.readouterr().out
    assert "9 roles used 71 of 107 actions, 16 of 56 statements were never used, 2 could not be decided." in said
    assert "sagemaker:* on *" in said


def test_an_account_that_never_came_or_has_died_leaves_no_file_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "used.json"
    with recorded(file, lambda: None, Display()):
        pass
    with recorded(file, lambda: "http://localhost:9", Display()):
        pass
    assert not file.exists()
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert "there was no account to record" in first and "not written" in second


def test_without_the_option_nobody_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with recorded(None, lambda: "http://localhost:9", Display()):
        pass
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("given", "said"), [("none/used.json", "there is no folder none"), (".", "this is a folder")])
def test_a_place_that_cannot_be_written_is_refused_first(
    given: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput) as refused:
        target(Path(given))
    assert said in str(refused.value.problems[0])
