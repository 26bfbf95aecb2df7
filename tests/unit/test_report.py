"""The run report: right for tools, safe and readable for people."""

import html.parser
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright_runtime import page as pages
from trainwright_runtime import record as records
from trainwright_runtime import report as reports
from trainwright_runtime.attempts import Planned, Seen, row
from trainwright_runtime.diagnosis import Texts, diagnose
from trainwright_runtime.facts import Run
from trainwright_runtime.money import with_cost
from trainwright_runtime.outcome import Outcome
from trainwright_runtime.problems import Problem
from trainwright_runtime.progress import Progress

RUN = Run("vision-0123456789", "vision", "digits")
REQUEST = {"name": "digits", "environment": {"MODE": "fast", "API_TOKEN": "hunter2"}, "compute": {"spot": True}}
SOURCES = reports.Sources(REQUEST)
KEYS = {
    "schema", "run", "team", "name", "execution_arn", "status", "started_at", "ended_at", "request", "image",
    "attempts", "model", "metrics", "diagnosis", "problems", "warnings",
    "cost", "restarted_from_zero", "resume", "waits", "decisions", "pool",
    "verdict", "seconds", "goodput", "headline", "comparison", "advice", "findings", "profile", "fields", "sent",
    "checkpoints", "command", "links", "inputs", "code",
}  # fmt: skip
HTML, JSON = "s3://r/runs/x/report.html", "s3://r/runs/x/report.json"


MONEY = {
    "worst_usd": 20.0,
    "best_usd": 4.0,
    "best_assumption": "spot costs 0.4 of the on-demand price",
    "cap_usd": 30.0,
    "price_source": "AWS's Price List API",
}


def attempt(number=1, capacity="spot", seen=None, hourly=4.0, more=None, **changes):
    planned = Planned(number, f"vision-0123456789-{number}", capacity, {}, "/aws/sagemaker/TrainingJobs")
    job = {
        "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:1:training-job/x",
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "TrainingTimeInSeconds": 3700,
        "BillableTimeInSeconds": 925,
        "SecondaryStatusTransitions": [{"Status": "Interrupted", "StatusMessage": "spot was taken"}],
    }
    found = row(planned, {**job, **changes}, seen or Seen("completed", Progress(12, 12, 5)))
    return {**with_cost(found, hourly), **(more or {})}


def waited(number, seconds, outcome="quota_busy", refusal="the quota is in use"):
    planned = Planned(number, f"vision-0123456789-{number}", "spot", {}, "/aws/sagemaker/TrainingJobs")
    found = with_cost(row(planned, None, Seen(outcome, refusal=refusal)), 4.0)
    return {**found, "then_wait_seconds": seconds, "decision": "It waits."}


def numbered(*rows):
    return {str(each["number"]): each for each in rows}


def settled(status, **changes):
    item = records.new(RUN, "arn:aws:states:x", "2026-11-21T04:22:12Z", "2026-11-21T04:22:13Z")
    item = {**item, "money": MONEY}
    return {**item, "status": status, "ended_at": "2026-11-21T05:00:00Z", "image": "image@sha256:1", **changes}


def succeeded():
    return settled("SUCCEEDED", attempts={"1": attempt()}, model="s3://a/model.tar.gz", metrics={"accuracy": 0.97})


def failed(tail=("ValueError: bad",)):
    texts = Texts(failure_reason="AlgorithmError: ", log_tail=("Traceback (most recent call last):", *tail))
    diagnosis = diagnose(texts, Outcome.SCRIPT_FAILED).to_dict(tail)
    row_ = attempt(TrainingJobStatus="Failed", FailureReason="AlgorithmError: exit code 1")
    return settled("FAILED", attempts={"1": row_}, diagnosis=diagnosis)


def refused(**problem):
    given_ = {"code": "TW102", "path": ("compute", "x"), "problem": "unknown field", "value": '"1"', **problem}
    return settled("REFUSED", problems=[Problem(**given_).to_dict()])


@pytest.mark.parametrize("record", [succeeded(), failed(), refused(), settled("STOPPED"), settled("FAILED", name=None)])
def test_every_key_is_always_there(record):
    report = reports.build(record, SOURCES)
    assert set(report) == KEYS
    assert pages.html(report)


def test_attempts_are_in_order():
    rows = {str(number): {**attempt(), "number": number} for number in (10, 2, 1)}
    report = reports.build(settled("SUCCEEDED", attempts=rows), SOURCES)
    assert [each["number"] for each in report["attempts"]] == [1, 2, 10]


def test_the_answer_of_a_success():
    answer = reports.answer(reports.build(succeeded(), SOURCES), HTML, JSON)
    assert (answer["schema"], answer["redrive"]) == (2, 0)
    assert (answer["end"], answer["error"], answer["cause"]) == ("succeeded", "", "")
    assert answer["output"]["model"] == {"s3_uri": "s3://a/model.tar.gz"}
    assert answer["output"]["report"] == {"html": HTML, "json": JSON}
    assert set(answer["output"]) == {"run", "status", "model", "report", "cost", "attempts"}


def test_the_answer_holds_jobs_only_and_stays_small_however_often_a_run_tried():
    message = [{"Status": "Training", "StatusMessage": "m" * 500}] * 50
    rows = [attempt(number, SecondaryStatusTransitions=message, FailureReason="x" * 1024) for number in range(1, 101)]
    rows += [waited(number, 60) for number in range(101, 400)]
    answer = reports.answer(reports.build(settled("STOPPED", attempts=numbered(*rows)), SOURCES), HTML, JSON, 3)
    assert (answer["end"], answer["error"], answer["redrive"]) == ("failed", "TrainingStopped", 3)
    assert [each["number"] for each in answer["output"]["attempts"]] == list(range(51, 101))
    assert len(json.dumps(answer)) < 200_000, "a state's output is 256 KiB at most"


def test_the_answer_of_a_failure_says_why_and_what_to_do():
    answer = reports.answer(reports.build(failed(), SOURCES), HTML, JSON)
    assert (answer["end"], answer["error"]) == ("failed", "TrainingFailed")
    assert "It cost 1.03 USD after spot saved 3.08 USD of 4.11 USD (75 %)." in answer["cause"]
    assert "ValueError: bad" in answer["cause"]
    assert "What to do: " in answer["cause"]
    assert HTML in answer["cause"]


def test_the_answer_of_a_refusal_lists_the_problems():
    answer = reports.answer(reports.build(refused(), SOURCES), HTML, JSON)
    assert (answer["end"], answer["error"]) == ("refused", "InvalidRunRequest")
    assert "compute.x: unknown field" in answer["cause"]


def test_a_cause_never_passes_the_limit():
    record = failed(tuple("x" * 1000 for _ in range(400)))
    many = [Problem("TW102", ("f",), "p" * 500).to_dict() for _ in range(500)]
    for report in (reports.build(record, SOURCES), reports.build(settled("REFUSED", problems=many), SOURCES)):
        assert len(reports.answer(report, HTML, JSON)["cause"]) <= 32_000


def test_values_of_secret_looking_names_are_hidden():
    report = reports.build(succeeded(), SOURCES)
    assert report["request"]["environment"]["MODE"] == "fast"
    assert "hunter2" not in pages.html(report) + str(report)


def test_the_page_says_the_status_first_in_plain_words():
    page = pages.html(reports.build(failed(), SOURCES))
    body = page[page.index("<body>") :]
    assert body.index("The run failed.") < body.index("What to do:") < body.index("<h2>Attempts")
    assert "ValueError: bad" in body
    assert "aws logs tail /aws/sagemaker/TrainingJobs --log-stream-name-prefix vision-0123456789-1/" in body


def test_the_page_shows_what_spot_saved_and_how_the_attempt_went():
    page = pages.html(reports.build(succeeded(), SOURCES))
    assert "46 min 15 s (75 %)" in page
    assert "spot was taken" in page
    assert "12 of 12" in page


def test_the_cost_is_on_the_first_screen_with_what_was_known_before():
    report = reports.build(succeeded(), SOURCES)
    cost = report["cost"]
    assert (cost["usd"], cost["on_demand_usd"], cost["saved_usd"]) == (1.027778, 4.111111, 3.083333)
    assert (cost["worst_usd"], cost["best_usd"], cost["cap_usd"], cost["pool_usd"]) == (20.0, 4.0, 30.0, None)
    assert (cost["complete"], cost["price_source"]) == (True, "AWS's Price List API")
    page = pages.html(report)
    assert page.index("It cost 1.03 USD after spot saved") < page.index("<h2>")
    assert "3 % of its cap of 30.00 USD." in page
    assert "4.00 USD, if spot costs 0.4 of the on-demand price" in page


def test_what_is_not_known_yet_is_not_called_the_cost():
    running = attempt(2, TrainingJobStatus="Stopping")
    report = reports.build(settled("STOPPED", attempts=numbered(attempt(), running)), SOURCES)
    assert (report["cost"]["usd"], report["cost"]["complete"]) == (1.027778, False)
    assert "It cost 1.03 USD so far" in pages.html(report)
    unpriced = reports.build(settled("FAILED", money=None, attempts=numbered(attempt(hourly=None))), SOURCES)
    assert (unpriced["cost"]["usd"], unpriced["cost"]["complete"]) == (None, False)
    assert "What it cost is not known" in pages.html(unpriced)
    assert "It cost nothing" in pages.html(reports.build(settled("FAILED", attempts=numbered(waited(1, 60))), SOURCES))


def test_a_restart_from_zero_stands_out_on_the_page_and_in_the_cause():
    lost = attempt(2, seen=Seen("completed", Progress(3, 12, None), checkpoint_step=8, earlier_processes=1))
    assert lost["restarted_from_zero"]
    report = reports.build(settled("FAILED", attempts=numbered(attempt(), lost)), SOURCES)
    assert report["restarted_from_zero"] is True
    assert report["resume"] == [
        {"attempt": 2, "checkpoint_step": 8, "resumed_from_step": 0, "lost_steps": 8, "from_zero": True}
    ]
    sentence = "Attempt 2 began at step 0 although a checkpoint of step 8 existed: 8 steps were trained for nothing."
    page = pages.html(report)
    assert page.index(sentence) < page.index("<h2>")
    assert sentence in reports.cause(report, HTML)


def test_a_run_that_went_on_where_it_was_says_so_and_raises_no_alarm():
    second = attempt(2, seen=Seen("completed", Progress(12, 12, 7), checkpoint_step=8, earlier_processes=1))
    report = reports.build(settled("SUCCEEDED", attempts=numbered(attempt(), second)), SOURCES)
    assert report["restarted_from_zero"] is False
    assert report["resume"] == [
        {"attempt": 2, "checkpoint_step": 8, "resumed_from_step": 7, "lost_steps": 1, "from_zero": False}
    ]
    assert "began at step 0" not in pages.html(report)


def test_refusals_that_were_waited_out_are_one_line():
    rows = [waited(number, 600) for number in range(1, 15)] + [waited(15, 20, "throttled"), attempt(16)]
    report = reports.build(settled("SUCCEEDED", attempts=numbered(*rows)), SOURCES)
    assert report["waits"] == [
        {"reason": "a free quota", "times": 14, "seconds": 8400},
        {"reason": "AWS to take more requests", "times": 1, "seconds": 20},
    ]
    page = pages.html(report)
    assert "waited 14 times, 2 h 20 min, for a free quota" in page
    assert "waited once, 20 s, for AWS to take more requests" in page
    assert "vision-0123456789-3" not in page, "a start that was only refused has no section of its own"
    assert len(re.findall("<h2>Attempt [0-9]", page)) == 1
    assert [each["attempt"] for each in report["decisions"]] == list(range(1, 17))


def test_the_pool_says_whether_it_was_reused_and_what_it_cost_once_it_ended():
    kept = {"status": "Available", "reused_by": None, "kept_billable_seconds": None, "kept_usd": None}
    open_ = attempt(more={"warm_pool": kept, "reused_pool": True})
    report = reports.build(settled("SUCCEEDED", attempts=numbered(open_)), SOURCES)
    assert (report["pool"]["reused"], report["pool"]["status"], report["cost"]["complete"]) == (
        True,
        "Available",
        False,
    )
    ended = {"status": "Terminated", "reused_by": None, "kept_billable_seconds": 1800, "kept_usd": 2.0}
    done = {**open_, "warm_pool": ended}
    report = reports.build(settled("SUCCEEDED", attempts=numbered(done)), SOURCES)
    assert (report["cost"]["pool_usd"], report["cost"]["complete"]) == (2.0, True)
    page = pages.html(report)
    assert "and 2.00 USD for machines that were kept" in page
    assert "kept from an earlier job" in page
    assert "(Terminated, 30 min 0 s)" in page


def test_a_job_that_may_still_run_is_said_aloud():
    rows = {"1": attempt(TrainingJobStatus="Stopping")}
    assert "had not ended" in pages.html(reports.build(settled("STOPPED", attempts=rows), SOURCES))


class Page(html.parser.HTMLParser):
    """Counts tags and finds whatever would reach outside the page or run."""

    def __init__(self):
        super().__init__()
        self.tags, self.outside = [], []

    def handle_starttag(self, tag, attrs):
        if tag != "code":  # words between backticks are shown as code
            self.tags.append(tag)
        self.outside += [name for name, _ in attrs if name in ("src", "onerror", "onload", "style")]
        self.outside += [value for name, value in attrs if name == "href" and value != "data:,"]


def parsed(page):
    parser = Page()
    parser.feed(page)
    return parser


HOSTILE = st.text(max_size=40) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</pre><img src=x onerror=alert(1)>",
        "{{ 7 * 7 }}",
        "{% raw %}",
        "\"'><b>",
        "\x00\ud800",
    ]
)


def hostile(text):
    """A failed run with this text wherever the platform passes on what others wrote."""
    pool = {"status": text or "x", "reused_by": text or "x", "kept_billable_seconds": 1, "kept_usd": 1.0}
    said = {"decision": text or "x", "diagnosis": {"summary": text or "x"}, "warm_pool": pool}
    rows = numbered(attempt(more=said), waited(2, 60, refusal=text or "x"))
    return failed((text,)) | {"attempts": rows, "money": {**MONEY, "price_source": text or "x"}}


@given(HOSTILE, HOSTILE, HOSTILE)
@settings(max_examples=100, deadline=None)
def test_hostile_text_stays_text(line, name, value):
    record = hostile(line) | {"name": name, "warnings": [value], "problems": refused(problem=value)["problems"]}
    harmless = hostile("x") | {"name": "x", "warnings": ["x"], "problems": refused(problem="x")["problems"]}
    page = pages.html(reports.build(record, reports.Sources({"name": name, "hyperparameters": {name: value}})))
    plain = pages.html(reports.build(harmless, reports.Sources({"name": "x", "hyperparameters": {"x": "x"}})))
    assert parsed(page).tags == parsed(plain).tags
    assert not parsed(page).outside
    assert "49" not in page.replace(line, "") or "49" in plain
