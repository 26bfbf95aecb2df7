"""`--faults FILE`: mistakes with their places, faults that a run cannot meet, and which faults struck."""

import http.server
import json
import threading
from pathlib import Path

import pytest

from trainwright.cli.errors import StepFailed
from trainwright.cli.rehearse import job, reach, struck
from trainwright.rehearsal.faults import parse_faults
from trainwright_runtime import request

BAD = """\
seed: 7
spot_interuptions:
  - after: step
functions:
  - function: x
    error: time_out
events:
  - lost: true
    late: 5s
seed: 8
"""


@pytest.mark.parametrize("command", [("rehearse",), ("account", "up")])
def test_fails_on_every_mistake_with_line_column_and_nearest_name(invoke, here: Path, command: tuple[str, ...]) -> None:
    (here / "faults.yaml").write_text(BAD)
    result = invoke(*command, "--faults", "faults.yaml")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.split(" ")[:2] for line in lines[:-1]] == [
        ["faults.yaml:2:1", "TW102"],
        ["faults.yaml:6:5", "TW106"],
        ["faults.yaml:9:5", "TW108"],
        ["faults.yaml:10:1", "TW111"],
    ]
    assert "did you mean spot_interruptions?" in lines[0]
    assert 'did you mean timeout?; given: "time_out"' in lines[1]
    assert lines[-1] == "4 problems. Nothing was started."
    assert not (here / ".rehearsal").exists()


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "- after: step\n", "step\n"])
def test_fails_on_a_file_that_has_no_fields(invoke, here: Path, content: str) -> None:
    (here / "faults.yaml").write_text(content)
    result = invoke("rehearse", "--faults", "faults.yaml")
    assert result.exit_code == 2
    assert "faults.yaml:1:1 TW109 (the document): this must be an object of fields" in result.stderr


# --- faults that a run cannot meet ---


def resolved(**compute):
    data = {
        "name": "x",
        "compute": {"instance_type": "ml.m5.large", **compute},
        "inputs": {"train": "data://train/"},
        "limits": {"max_runtime": "1h"},
    }
    checked = request.check(data)
    assert not isinstance(checked, list), checked
    return checked.resolved


SECONDS = {"after": "seconds", "seconds": 1}


@pytest.mark.parametrize(
    ("compute", "data", "why"),
    [
        (
            {"spot": False},
            {"spot_interruptions": [SECONDS]},
            "spot_interruptions[0] cannot strike: the run is not on spot",
        ),
        ({"spot": False}, {"slow_starts": [{"seconds": 1, "market": "spot"}]}, "the run is not on spot"),
        ({"spot": True}, {"slow_starts": [{"seconds": 1, "market": "on_demand"}]}, "the run is on spot only"),
        ({}, {"slow_starts": [{"seconds": 1, "instance_types": "ml.g5.*"}]}, "the run asks for ml.m5.large"),
        ({}, {"lost_hosts": [SECONDS]}, "the run has 1 host"),
        ({"instance_count": 2}, {"lost_hosts": [{**SECONDS, "host": "algo-3"}]}, "the run has 2 hosts"),
    ],
)
def test_a_fault_out_of_reach_is_named(compute, data, why: str) -> None:
    [said] = reach.out_of_reach(parse_faults(data), resolved(**compute))
    assert said.endswith(why)


def test_faults_that_may_strike_are_not_named() -> None:
    data = {
        "spot_interruptions": [SECONDS],
        "lost_hosts": [SECONDS],
        "slow_starts": [{"seconds": 1, "instance_types": "ml.m5.*", "market": "spot"}],
        "functions": [{"function": "*", "error": "exit"}],
    }
    assert reach.out_of_reach(parse_faults(data), resolved(spot=True, instance_count=2)) == []


# --- which faults struck ---


@pytest.fixture
def page():
    """An account's page of faults."""
    said = {
        "struck": [{"fault": "events[0]", "struck": "Test: x", "time": 1.5}],
        "counts": {"events[0]": 3, "functions[0]": 1, "events[1]": 0},
        "never": ["events[1]"],
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/_trainwright/faults"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_):
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_struck_and_what_never_did_is_said_and_kept(page: str, tmp_path: Path) -> None:
    found = struck.ask(page)
    assert found.lines() == [
        "Faults that struck: events[0] 3 times, functions[0] once.",
        "Never struck, so nothing is proved about them: events[1].",
    ]
    found.write(tmp_path)
    assert json.loads((tmp_path / "faults.json").read_text())["struck"][0]["time"] == 1.5


def test_an_account_that_is_gone_says_nothing() -> None:
    assert struck.ask("http://127.0.0.1:9") is None


def attempt(resumed: int | None, last: int | None) -> dict:
    return {"resumed_from_step": resumed, "last_step": last, "total_steps": 10}


@pytest.mark.parametrize(
    ("after", "checkpoints", "attempts", "said"),
    [
        ("checkpoint", 2, [attempt(4, 10)], "2 interruptions, resumed from step 4 of 10"),
        ("seconds", 2, [attempt(None, 10)], "2 interruptions; started from zero"),
        ("checkpoint", 2, [attempt(None, None)], "2 interruptions; its checkpoints came back"),
    ],
)
def test_the_interruptions_of_a_file_are_judged_by_what_they_waited_for(after, checkpoints, attempts, said) -> None:
    fault = {"after": after, **({"seconds": 1} if after == "seconds" else {})}
    asked = parse_faults({"spot_interruptions": [fault]}).spot_interruptions
    assert job._judge_asked(asked, 2, attempts, checkpoints).startswith(said)


def test_fails_when_there_was_surely_a_checkpoint_and_nobody_read_it() -> None:
    asked = parse_faults({"spot_interruptions": [{"after": "checkpoint"}]}).spot_interruptions
    with pytest.raises(StepFailed, match="started from zero although there were checkpoints"):
        job._judge_asked(asked, 1, [attempt(None, 10)], 3)
