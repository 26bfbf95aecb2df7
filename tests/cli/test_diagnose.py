"""`trainwright diagnose`: JSON lines in, JSON lines or a table out; a text is diagnosed whole."""

import json
from pathlib import Path

import pytest

FULL = {"id": "a", "text": "ClientError: Artifact upload failed:Insufficient disk space", "surface": "FailureReason"}
RAISED = {
    "id": 7,
    "text": 'Traceback (most recent call last):\n  File "t.py", line 1, in <module>\nValueError: no labels',
    "surface": "CloudWatch log tail",
}


def json_lines(*cases: object) -> str:
    return "".join(f"{json.dumps(case)}\n" for case in cases)


def test_each_line_is_answered_by_a_line(invoke) -> None:
    result = invoke("diagnose", "--json", stdin=json_lines(FULL, RAISED))
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [list(answer) for answer in answers] == [["id", "label", "retry", "remedy"]] * 2
    assert [(answer["id"], answer["label"], answer["retry"]) for answer in answers] == [
        ("a", "disk_full", "retry_bigger_volume"),
        (7, "user_code_exception", "no_retry"),
    ]
    assert "compute.volume" in answers[0]["remedy"]


def test_a_line_that_is_no_case_is_told_and_the_others_answered(invoke) -> None:
    content = f'{json_lines(FULL)}\n{{"id"\n[1]\n{{"id": "b"}}\n{json_lines(RAISED)}'
    result = invoke("diagnose", "--json", stdin=content)
    assert result.exit_code == 2
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a", 7]
    told = result.stderr.splitlines()
    assert [line.split(":")[0] for line in told] == ["line 3", "line 4", "line 5"]
    assert '"text" is missing' in told[2]


def test_a_file_is_read_like_standard_input(invoke, here: Path) -> None:
    (here / "cases.jsonl").write_bytes(b"\xef\xbb\xbf" + json_lines(FULL).replace("\n", "\r\n").encode())
    result = invoke("diagnose", "cases.jsonl", "--json")
    assert (result.exit_code, json.loads(result.stdout)["label"]) == (0, "disk_full")
    assert result.stdout == invoke("diagnose", "--json", "-", stdin=json_lines(FULL)).stdout


def test_a_text_is_diagnosed_whole(invoke) -> None:
    result = invoke("diagnose", stdin="epoch 1\n[FATAL tini (7)] exec train failed: No such file or directory\n")
    assert result.exit_code == 0
    assert "container_start: The container could not start its command." in result.stdout
    assert "Whose fault  request" in result.stdout
    assert "exec train failed: No such file or directory" in result.stdout


def test_the_description_of_a_job_is_a_text(invoke) -> None:
    job = {"TrainingJobName": "x", "TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: , exit code: 137"}
    result = invoke("diagnose", stdin=json.dumps(job))
    assert result.exit_code == 0
    assert "host_out_of_memory" in result.stdout


def test_cases_without_json_are_a_table_of_100_columns(invoke) -> None:
    result = invoke("diagnose", stdin=json_lines(FULL, RAISED, {"id": "[red]", "text": "\x1b[31mwhatever"}))
    rows = result.stdout.splitlines()
    assert rows[0].split() == ["Id", "Label", "Retry", "What", "to", "do"]
    assert max(map(len, rows)) <= 100
    assert "[red]" in result.stdout
    assert "unknown" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    "surface", ["FailureReason", "CloudWatch log tail", "API exception (CreateTrainingJob)", "", 5]
)
def test_where_a_text_is_from_does_not_hide_what_it_says(invoke, surface: object) -> None:
    text = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 7.81 GiB"
    result = invoke("diagnose", "--json", stdin=json_lines({"id": "x", "text": text, "surface": surface}))
    assert json.loads(result.stdout)["label"] == "gpu_out_of_memory"


def test_a_request_that_was_refused_is_a_bad_one_unless_its_words_say_more(invoke) -> None:
    def label(surface: str) -> str:
        case = {"id": "x", "text": "This is not how it is done.", "surface": surface}
        return json.loads(invoke("diagnose", "--json", stdin=json_lines(case)).stdout)["label"]

    assert label("API exception (CreateTrainingJob)") == "bad_request"
    assert label("FailureReason") == "unknown"


def test_fails_when_there_is_nothing_to_read(invoke) -> None:
    result = invoke("diagnose", stdin="\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no text" in result.stderr
    missing = invoke("diagnose", "missing.txt", "--json")
    assert (missing.exit_code, missing.stderr) == (2, "")
    assert "missing.txt" in json.loads(missing.stdout)["problems"][0]["problem"]
