"""A run's page: what a person finds on it, and where."""

import copy
import html
import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import sample_reports as samples

from trainwright_runtime import page as pages
from trainwright_runtime.page import figures, first, goodput
from trainwright_runtime.page.timeline import ROWS, timeline

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("make", samples.REPORTS.values(), ids=samples.REPORTS)
def test_these_reports_are_such_as_runs_leave(make):
    jsonschema.Draft202012Validator(SCHEMA).validate(make())


def words(page: str) -> str:
    """The text of the page's body, as it is read."""
    body = re.sub(r"<(script|style|title)\b.*?</\1>", "", page[page.index("<body>") :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "\x1f", body)).replace("\x1f", " "))


def header(page: str) -> str:
    return words(page[: page.index("</header>")])


def test_the_first_screen_has_what_one_wants_to_know_in_that_order():
    said = header(pages.html(samples.succeeded()))
    order = [
        "digits", "succeeded", "The run succeeded: validation:accuracy 0.9889.",
        "Time 1 h 12 min 20 Nov 2026 08:59:48 to 10:12:05 UTC The last run: 1 h 0 min.",
        "Cost 1.06 USD It cost 1.06 USD after spot saved 1.97 USD of 3.03 USD (65 %). 4 % of its cap of 30.00 USD.",
        "Work lost 1 min 12 s 1 interruption, 1 training job. 20 steps had to be trained again.",
        "validation:accuracy 0.98891 +0.01221 against the last run (0.9767).",
        "Goodput 76 % of 1 h 12 min",
        "The one change worth most Read the channel train with input_mode: FastFile.",
        "It could save up to 20 min 30 s and 0.41 USD.",
        "Setting hyperparameters.epochs : 8 → 12", "Code train.py : 3f2a9c1 → 9b1d0e4", "Data inputs.train",
        "Compared with vision-00ffee0011 (succeeded, 19 Nov 2026 09:00:00 UTC).",
        "Run it again", "trainwright run --team vision digits.yaml",
        "The model is at s3://models/runs/vision-0123456789/output/model.tar.gz",
    ]  # fmt: skip
    places = [said.find(each) for each in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


def test_a_refusal_shows_its_problems_first_and_no_figures_of_a_run_that_never_was():
    page = pages.html(samples.refused())
    said = header(page)
    assert said.index("2 problems in the run request") < said.index("There is no such instance type.")
    assert "max_runtime: 30m" in said
    assert "trainwright run --team vision digits.yaml" in said
    for absent in ("Goodput", "Work lost", "Cost", "Findings", "The machines over time"):
        assert absent not in words(page)


def test_a_failure_says_why_whose_fault_and_what_to_do_and_shows_the_log():
    page = pages.html(samples.failed())
    said = header(page)
    assert said.index("The run failed") < said.index("What to do:") < said.index("Time")
    assert "Whose fault: the training code." in said
    assert "torch.OutOfMemoryError: CUDA out of memory" in said
    assert 'File "train.py", line 81' in words(page)
    assert "On demand alone: 1.03 USD." in said
    assert "all of its training counts as productive" in said


def test_what_is_pending_and_missing_is_said_at_the_top_and_at_the_charts():
    page = pages.html(samples.pending(), samples.charts())
    for sentence in ("The rule ProfilerReport is still being evaluated.", "3 of 60 files could not be read"):
        assert sentence in header(page)
        assert sentence in words(page)[words(page).index("The machines over time") :]
    assert "The values are CloudWatch's, one a minute." in words(page)
    assert "still being evaluated" in words(page)


def test_a_run_without_a_profile_says_how_to_get_one():
    assert "With profiler: true in its request its machines are measured." in words(pages.html(samples.stopped()))


def test_a_job_that_has_not_ended_and_costs_that_are_not_known_are_said():
    said = header(pages.html(samples.stopped()))
    assert "had not ended when this was written" in said
    assert "What it cost is not known" in said
    assert "It had no cap." in said
    assert "Nothing: settings, code, image and data are the same." in said
    assert "The one change worth most None Nothing that was measured is worth a change." in said


def test_the_data_that_lay_in_s3_is_listed():
    said = words(pages.html(samples.succeeded()))
    assert "train s3://data/digits/train/ 1,000 or more 82.4 MB 19 Nov 2026 08:00:00 UTC" in said


def test_policys_changes_are_listed_with_what_was_asked():
    page = pages.html(samples.succeeded())
    said = words(page)
    assert "1 field is not what was asked for: Field Asked Sent Set by" in said
    assert "compute.enable_managed_spot_training false true policy always" in said
    assert "compute.volume_size_in_gb 100 policy default" in said


def test_findings_say_what_was_measured_the_threshold_the_evidence_and_the_change():
    said = words(pages.html(samples.succeeded()))
    start = said.index("The GPUs wait for input")
    article = said[start : said.index("The GPUs have room")]
    for part in (
        "in 82 % of the time",
        "Threshold 50 %",
        "algo-1, gpu0, attempt 1",
        "09:05:00 to 09:25:00 UTC",
        "Try this",
    ):
        assert part in article
    assert 'href="https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-rules.html"' in pages.html(
        samples.succeeded()
    )


def test_a_page_of_a_run_without_charts_is_small_and_has_no_chart_library():
    for make in (samples.failed, samples.refused, samples.empty, samples.stopped):
        page = pages.html(make())
        assert len(page.encode()) < 120_000
        assert "uPlot" not in page
        assert 'id="chart-data"' not in page


@pytest.mark.parametrize("make", samples.REPORTS.values(), ids=samples.REPORTS)
def test_the_goodput_shown_is_the_goodput_of_the_data(make):
    report = make()
    bar = goodput.bar(report["goodput"])
    if report["goodput"] is None:
        assert bar is None
        return
    assert {part["name"]: part["seconds"] for part in bar["parts"]} == report["goodput"]["parts"]
    assert sum(part["seconds"] for part in bar["parts"]) == pytest.approx(report["goodput"]["whole_seconds"], abs=1)
    assert sum(part["share"] for part in bar["parts"]) == pytest.approx(1)
    ends = [span["at"] + span["width"] for span in bar["spans"]]
    assert ends == sorted(ends)
    assert ends[-1] <= 100.001
    page = pages.html(report)
    for part in bar["parts"]:
        assert f"{part['title']} {figures.seconds(part['seconds'])}" in words(page)


def test_the_timeline_lies_within_the_run_and_marks_interruptions():
    drawn = timeline(samples.succeeded())
    (row,) = drawn["rows"]
    assert [span["kind"] for span in row["spans"]] == [
        "start_up", "download", "training", "waiting", "start_up", "download", "training", "upload",
    ]  # fmt: skip
    assert [span["interrupted"] for span in row["spans"]].count(True) == 1
    assert row["spans"][0]["at"] == pytest.approx(15 / 4337 * 100, abs=0.01)
    assert sum(span["width"] for span in row["spans"]) <= 100
    assert ("lost_work", "Interrupted") in drawn["legend"]
    assert "Training 25 min 0 s" in row["words"]


def test_starts_that_were_refused_are_one_row_between_their_neighbours():
    drawn = timeline(samples.long())
    titles = [row["title"] for row in drawn["rows"]]
    assert titles[:3] == ["Attempt 1", "Attempts 2 to 21", "Attempt 22"]
    (queue,) = drawn["rows"][1]["spans"]
    assert queue["kind"] == "waiting"
    assert queue["at"] == pytest.approx(
        drawn["rows"][0]["spans"][-1]["at"] + drawn["rows"][0]["spans"][-1]["width"], abs=0.1
    )
    assert queue["at"] + queue["width"] == pytest.approx(drawn["rows"][2]["spans"][0]["at"], abs=0.1)
    assert "a free quota" in queue["title"]


def test_a_timeline_of_hundreds_of_attempts_says_what_it_leaves_out():
    rows = [samples.attempt(number, number * 100, [("Training", 50.0, "m")]) for number in range(1, 101)]
    drawn = timeline({**samples.succeeded(), "attempts": rows, "ended_at": samples.at(20_000)})
    assert (len(drawn["rows"]), drawn["left_out"]) == (ROWS, 100 - ROWS)
    assert timeline(samples.empty()) is None


def test_times_that_are_none_do_not_break_the_page():
    report = samples.succeeded()
    report["attempts"][0]["transitions"][2] |= {"start": "yesterday", "end": None}
    report["attempts"][0]["ended_at"] = None
    assert "yesterday" in pages.html(report)


def places(document, path=()):
    """Where something is in a document."""
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


def with_odd(document, path, odd):
    found = copy.deepcopy(document)
    inside = found
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = odd
    return found


@pytest.mark.parametrize("part", ["charts", "findings", "profile", "comparison", "fields", "links", "inputs"])
def test_a_document_that_is_broken_in_one_place_still_gives_a_page(part):
    report = {**samples.pending(), "findings": samples.succeeded()["findings"]}
    charts = samples.charts(hosts=1, buckets=2, names=("loss",))
    whole = charts if part == "charts" else report[part]
    broken = [with_odd(whole, path, odd) for path in places(whole) if path != ("status",) for odd in (None, "x", [3])]
    assert len(broken) > 5
    for odd in broken:
        page = pages.html(report, odd) if part == "charts" else pages.html({**report, part: odd}, charts)
        assert "The run succeeded" in page


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.98891, "0.98891"), (1234.5678, "1,234.6"), (12, "12"), (3.2e-7, "3.2e-07"), (0.1 + 0.2, "0.3"),
        (-0.00012345, "-0.00012345"), (987_654.32, "987,654"),
        (None, "—"), (float("nan"), "—"), (float("inf"), "—"), (1e300, "1e+300"), (0, "0"),
        ("x", "x"), (100.0, "100"), (99_999.96, "100,000"),
    ],
)  # fmt: skip
def test_numbers_are_as_exact_as_they_need(value, said):
    assert figures.number(value) == said


def test_figures_have_their_units():
    assert [figures.seconds(each) for each in (0, 0.04, 2.44, 12.4, 200, 4000, None)] == [
        "0 s", "0 s", "2.4 s", "12 s", "3 min 20 s", "1 h 6 min", "—",
    ]  # fmt: skip
    assert [figures.percent(each) for each in (0, 0.004, 0.5, 0.996, 1, None)] == [
        "0 %", "0.4 %", "50 %", "99.6 %", "100 %", "—",
    ]  # fmt: skip
    assert [figures.amount(each, "B/s") for each in (0, 999, 82_000_000, 5e13)] == [
        "0 B/s",
        "999 B/s",
        "82 MB/s",
        "50.0 TB/s",
    ]
    assert [figures.signed(each) for each in (0.01, -3, 0, None)] == ["+0.01", "−3", "No change", "—"]
    assert figures.moment("2026-11-21T15:29:01.671Z") == "21 Nov 2026 15:29:01 UTC"
    assert figures.moment("2026-11-21T16:29:01+01:00") == "21 Nov 2026 15:29:01 UTC"
    assert figures.epoch(1e30) == "—"


def test_values_of_settings_are_shown_as_their_author_writes_them():
    assert [first.shown(each) for each in (True, None, 0.1, [1, "a"], {"k": [2]}, "text", {})] == [
        "true", "—", "0.1", "1, a", "k: 2", "text", "(empty)",
    ]  # fmt: skip
    assert len(first.shown("x" * 9000)) < 200


def by_hand(path):
    command = [sys.executable, "-m", "trainwright_runtime.report", str(path)]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_page_is_rendered_by_hand_with_the_charts_beside_the_report(tmp_path):
    report = tmp_path / "RUN.json"
    report.write_text(json.dumps(samples.succeeded()), "utf-8")
    assert by_hand(report) == (0, pages.html(samples.succeeded()), "")
    (tmp_path / "charts.json").write_text(json.dumps(samples.charts(buckets=20)), "utf-8")
    assert 'id="chart-data"' in by_hand(report)[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ('{"run": 1}', "is not a run's report.json"),
        (
            '{"schema": 2, "run": "x", "attempts": [], "cost": {}}',
            "has schema 2; this version of Trainwright draws schema 3.",
        ),
    ],
)
def test_a_file_that_is_no_report_is_told_in_a_sentence(tmp_path, content, said):
    path = tmp_path / "RUN.json"
    path.write_text(content, "utf-8")
    code, out, error = by_hand(path)
    assert (code, out) == (2, "")
    assert said in error
    assert error.count("\n") == 1


def test_a_file_that_is_not_there_is_told_in_a_sentence(tmp_path):
    code, _, error = by_hand(tmp_path / "nothing.json")
    assert code == 2
    assert "cannot be read" in error
