"""The run report: right for tools, safe and readable for people."""

import html.parser
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright_runtime import record as records
from trainwright_runtime import report as reports
from trainwright_runtime.attempts import Planned, Progress, row
from trainwright_runtime.diagnosis import Texts, diagnose
from trainwright_runtime.facts import Run
from trainwright_runtime.outcome import Outcome
from trainwright_runtime.problems import Problem

RUN = Run("vision-0123456789", "vision", "digits")
REQUEST = {"name": "digits", "environment": {"MODE": "fast", "API_TOKEN": "hunter2"}, "compute": {"spot": True}}
KEYS = {
    "schema", "run", "team", "name", "execution_arn", "status", "started_at", "ended_at", "request", "image",
    "attempts", "model", "metrics", "diagnosis", "problems", "warnings",
}  # fmt: skip
HTML, JSON = "s3://r/runs/x/report.html", "s3://r/runs/x/report.json"


def attempt(**changes):
    planned = Planned(1, "vision-0123456789-1", "spot", {}, "/aws/sagemaker/TrainingJobs")
    job = {
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "TrainingTimeInSeconds": 3700,
        "BillableTimeInSeconds": 925,
        "SecondaryStatusTransitions": [{"Status": "Interrupted", "StatusMessage": "spot was taken"}],
    }
    return row(planned, {**job, **changes}, Progress(12, 12, 5))


def settled(status, **changes):
    item = records.new(RUN, "arn:aws:states:x", "2026-11-21T04:22:12Z", "2026-11-21T04:22:13Z")
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
    report = reports.build(record, REQUEST)
    assert set(report) == KEYS
    assert reports.html(report)


def test_attempts_are_in_order():
    rows = {str(number): {**attempt(), "number": number} for number in (10, 2, 1)}
    report = reports.build(settled("SUCCEEDED", attempts=rows), REQUEST)
    assert [each["number"] for each in report["attempts"]] == [1, 2, 10]


def test_the_answer_of_a_success():
    answer = reports.answer(reports.build(succeeded(), REQUEST), HTML, JSON)
    assert (answer["succeeded"], answer["error"], answer["cause"]) == (True, "", "")
    assert answer["output"]["model"] == {"s3_uri": "s3://a/model.tar.gz"}
    assert answer["output"]["report"] == {"html": HTML, "json": JSON}
    assert set(answer["output"]) == {"run", "status", "model", "report", "attempts"}


def test_the_answer_of_a_failure_says_why_and_what_to_do():
    answer = reports.answer(reports.build(failed(), REQUEST), HTML, JSON)
    assert (answer["succeeded"], answer["error"]) == (False, "TrainingFailed")
    assert "ValueError: bad" in answer["cause"]
    assert "What to do: " in answer["cause"]
    assert HTML in answer["cause"]


def test_the_answer_of_a_refusal_lists_the_problems():
    answer = reports.answer(reports.build(refused(), REQUEST), HTML, JSON)
    assert answer["error"] == "InvalidRunRequest"
    assert "compute.x: unknown field" in answer["cause"]


def test_a_cause_never_passes_the_limit():
    record = failed(tuple("x" * 1000 for _ in range(400)))
    many = [Problem("TW102", ("f",), "p" * 500).to_dict() for _ in range(500)]
    for report in (reports.build(record, REQUEST), reports.build(settled("REFUSED", problems=many), REQUEST)):
        assert len(reports.answer(report, HTML, JSON)["cause"]) <= 32_000


def test_values_of_secret_looking_names_are_hidden():
    report = reports.build(succeeded(), REQUEST)
    assert report["request"]["environment"]["MODE"] == "fast"
    assert "hunter2" not in reports.html(report) + str(report)


def test_the_page_says_the_status_first_in_plain_words():
    page = reports.html(reports.build(failed(), REQUEST))
    body = page[page.index("<body>") :]
    assert body.index("The run failed.") < body.index("What to do:") < body.index("<h2>Attempts")
    assert "ValueError: bad" in body
    assert "aws logs tail /aws/sagemaker/TrainingJobs --log-stream-name-prefix vision-0123456789-1/" in body


def test_the_page_shows_what_spot_saved_and_how_the_attempt_went():
    page = reports.html(reports.build(succeeded(), REQUEST))
    assert "46 min 15 s (75 %)" in page
    assert "spot was taken" in page
    assert "12 of 12" in page


def test_a_job_that_may_still_run_is_said_aloud():
    rows = {"1": attempt(TrainingJobStatus="Stopping")}
    assert "had not ended" in reports.html(reports.build(settled("STOPPED", attempts=rows), REQUEST))


class Page(html.parser.HTMLParser):
    """Counts tags and finds whatever would reach outside the page or run."""

    def __init__(self):
        super().__init__()
        self.tags, self.outside = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.outside += [name for name, _ in attrs if name in ("src", "href", "onerror", "onload", "style")]


def parsed(page):
    parser = Page()
    parser.feed(page)
    return parser


def test_the_page_needs_nothing_from_outside_and_fits_light_dark_and_paper():
    page = reports.html(reports.build(failed(), REQUEST))
    assert not parsed(page).outside
    assert not {"script", "link", "img", "iframe"} & set(parsed(page).tags)
    assert "url(" not in page
    assert "http" not in re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


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


@given(HOSTILE, HOSTILE, HOSTILE)
@settings(max_examples=100, deadline=None)
def test_hostile_text_stays_text(line, name, value):
    record = failed((line,)) | {"name": name, "warnings": [value], "problems": refused(problem=value)["problems"]}
    harmless = failed(("x",)) | {"name": "x", "warnings": ["x"], "problems": refused(problem="x")["problems"]}
    page = reports.html(reports.build(record, {"name": name, "hyperparameters": {name: value}}))
    plain = reports.html(reports.build(harmless, {"name": "x", "hyperparameters": {"x": "x"}}))
    assert parsed(page).tags == parsed(plain).tags
    assert not parsed(page).outside
    assert "49" not in page.replace(line, "") or "49" in plain
