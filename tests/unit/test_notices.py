"""Notices: which there are, that they say what a person needs, and that no user text gets out of its place."""

import json
import pathlib
import re
import unicodedata

import jsonschema
import pytest

from trainwright_runtime import months, notices
from trainwright_runtime import record as records
from trainwright_runtime import report as reports
from trainwright_runtime.facts import Run
from trainwright_runtime.notices import Month, Place
from trainwright_runtime.notices.run import FAULTS
from trainwright_runtime.notices.texts import chat, plain, shown, subject, without_secrets
from trainwright_runtime.outcome import Fault

HOSTILE = json.loads(pathlib.Path(__file__).with_name("data").joinpath("hostile.json").read_text(encoding="utf-8"))
AT = "2026-11-21T05:00:00Z"
PLACE = Place("s3://reports/runs/vision-0123456789/report.html", "s3://reports/runs/vision-0123456789/report.json")
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:vision:first"
LINK = {"title": "Execution", "url": "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/x"}
ROW = {"number": 1, "job_arn": "arn:aws:sagemaker:eu-west-1:123456789012:training-job/vision-0123456789-1"}
COST = {
    "usd": 1.2,
    "on_demand_usd": 4.0,
    "saved_usd": 2.8,
    "pool_usd": None,
    "cap_usd": 30.0,
    "complete": True,
}
DIAGNOSIS = {
    "label": "script_error",
    "fault": "code",
    "retry": "no_retry",
    "summary": "The training script raised ValueError: bad shape",
    "remedy": "Look at the traceback in the log.",
    "evidence": "EVIDENCE-LINE",
    "log_tail": ["LOG-TAIL-LINE"],
}


def report(status="FAILED", **changes):
    return {
        "schema": 3,
        "run": "vision-0123456789",
        "team": "vision",
        "name": "digits",
        "execution_arn": EXECUTION,
        "status": status,
        "started_at": "2026-11-21T04:22:12Z",
        "ended_at": "2026-11-21T04:59:12Z",
        "request": {"name": "digits", "hyperparameters": {"secret_sauce": "HYPER"}, "environment": {"X": "ENVIRON"}},
        "sent": {"HyperParameters": {"a": "HYPER"}, "Environment": {"X": "ENVIRON"}},
        "cost": COST,
        "attempts": [ROW],
        "diagnosis": DIAGNOSIS if status == "FAILED" else None,
        "problems": [],
        "verdict": "The run failed: ValueError: bad shape",
        "seconds": 2220,
        "goodput": {"share": 0.5},
        "headline": {"name": "validation:accuracy", "value": 0.98, "previous": 0.97, "change": 0.01},
        "advice": {"change": "Read train as FastFile.", "why": "It waited.", "worth_usd": 0.4, "from": "goodput"},
        "findings": [],
        "profile": {"status": "off"},
        "command": "trainwright run --again vision-0123456789",
        "links": [LINK],
        **changes,
    }


def finding(**changes):
    return {
        "rule": "io_bottleneck",
        "title": "The GPUs wait for input",
        "attempt": 1,
        "host": "algo-1",
        "device": "gpu0",
        "severity": "high",
        "measured": "GPU use below 10 %, 82 % of the time",
        "value": 82.0,
        "threshold": "50 %",
        "start": AT,
        "end": AT,
        "change": "Read the channel with FastFile.",
        "worth_seconds": 60.0,
        "source": "system metrics",
        "documentation": None,
        **changes,
    }


def found(*findings, status="complete"):
    return report("SUCCEEDED", findings=list(findings), profile={"status": status})


def month(committed=85.0, spent=60.0):
    return Month("vision", "2026-11", "UTC", 100.0, committed, spent)


def made(event="failed", *, of=None):
    return notices.of_run(of or report(), event, PLACE, AT)


def published(notice):
    forms = json.loads(notices.message(notice)["Message"])
    return {**forms, "json": json.loads(forms["default"])}


@pytest.mark.parametrize(
    ("of", "events"),
    [
        (report(), ("failed",)),
        (report("SUCCEEDED"), ("finished",)),
        (report("REFUSED"), ("refused",)),
        (report("STOPPED", diagnosis={**DIAGNOSIS, "fault": "person"}), ("finished",)),
        (report("STOPPED", diagnosis={**DIAGNOSIS, "fault": "request"}), ("failed",)),
        (report("STOPPED"), ("failed",)),
        (found(finding()), ("finished", "finding")),
        (found(finding(severity="medium"), status="partial"), ("finished", "finding")),
        (found(finding(severity="low")), ("finished",)),
        (found(finding(), status="pending"), ("finished",)),
    ],
)
def test_which_notices_a_report_gives(of, events):
    assert notices.of_report(of) == events


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "STOPPED", "REFUSED"])
@pytest.mark.parametrize("name", ["digits", None])
def test_a_report_that_knows_nothing_gives_a_notice_all_the_same(status, name):
    record = records.new(Run("vision-0123456789", "vision", name), EXECUTION, AT, AT) | {"status": status}
    of = reports.build(record | {"ended_at": AT}, reports.Sources())
    notice = made(notices.of_report(of)[0], of=of)
    jsonschema.Draft202012Validator(SCHEMA).validate(published(notice)["json"])
    assert (name or "vision-0123456789") in notice.subject


def test_every_fault_has_words():
    assert set(FAULTS) == {fault.value for fault in Fault}


def test_a_failure_says_what_whose_what_to_do_what_it_cost_and_where():
    notice = made()
    assert notice.subject == "[vision] digits failed: The training script raised ValueError: bad shape"
    assert notice.attributes == {"event": "failed", "team": "vision", "status": "FAILED", "fault": "code"}
    for said in (
        "The run failed: ValueError: bad shape",
        "Whose: the training code's (script_error)",
        "What to do: Look at the traceback in the log.",
        "It cost 1.20 USD after spot saved 2.80 USD of 4.00 USD (70 %).",
        "The change worth most: Read train as FastFile.",
        f"Page: {PLACE.html_uri}",
        f"Execution: {LINK['url']}",
        "Run it again: trainwright run --again vision-0123456789",
    ):
        assert said in notice.text.splitlines(), said


def test_a_finding_says_what_was_measured_and_what_to_change():
    notice = made("finding", of=found(finding(), finding(severity="low", title="Not told"), finding(title="Second")))
    assert notice.subject == "[vision] digits: 2 findings: The GPUs wait for input"
    assert "  Measured: GPU use below 10 %, 82 % of the time; threshold: 50 %" in notice.text
    assert "Not told" not in notice.text
    assert [each["title"] for each in notice.document["findings"]] == ["The GPUs wait for input", "Second"]


def test_a_refusal_lists_its_problems():
    problem = {"field": "compute.x", "problem": "unknown field", "value": "VALUE", "remedy": None}
    assert "- compute.x: unknown field" in made("refused", of=report("REFUSED", problems=[problem])).text


def test_a_chat_gets_a_thread_a_run():
    told, later = made().chat, made("finding", of=found(finding())).chat
    assert (told["version"], told["source"], told["content"]["textType"]) == ("1.0", "custom", "client-markdown")
    assert told["content"]["title"] == "❌ digits failed: The training script raised ValueError: bad shape"
    assert told["content"]["nextSteps"] == ["Look at the traceback in the log.", "Read train as FastFile."]
    assert LINK["url"] in told["content"]["description"]
    assert told["metadata"]["threadId"] == later["metadata"]["threadId"] == "vision-0123456789"
    assert told["metadata"]["relatedResources"] == [EXECUTION, ROW["job_arn"]]
    assert told["id"] != later["id"]


def test_secrets_and_logs_are_in_no_form():
    of = report(
        diagnosis={**DIAGNOSIS, "summary": "raised KeyError: api_key=hunter2 https://user:hunter2@host/x"},
        verdict="The run failed: Bearer hunter2, AKIAABCDEFGHIJKLMNOP",
    )
    notice = made(of=of)
    text = json.dumps(notices.message(notice)) + json.dumps(notice.chat)
    for hidden in ("hunter2", "AKIAABCD", "HYPER", "ENVIRON", "LOG-TAIL-LINE", "EVIDENCE-LINE"):
        assert hidden not in text
    assert "KeyError" in text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("db_password: x1y2", "(hidden)"),
        ("?X-Amz-Signature=0a1b&x=1", "?X-Amz-Signature=(hidden)&x=1"),
        ("tokens: 512 max", "(hidden) max"),
        ("the tokenizer failed at token 5", "the tokenizer failed at token 5"),
        ("secretary is fine", "secretary is fine"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text, left):
    assert without_secrets(text) == left


# --- the month ---


@pytest.mark.parametrize(("committed", "passed"), [(79.9, None), (80, 80), (99, 80), (100, 100), (140, 100)])
def test_the_highest_threshold_that_a_month_has_passed(committed, passed):
    assert notices.threshold(month(committed)) == passed


def test_a_month_knows_what_is_spent_from_what_is_set_aside():
    item = {"run": "money:2026-11", "committed": 85_000_000, "vision-0123456789": 25_000_000, "told:x:y": {"at": 1}}
    money = {"monthly_usd": 100.0, "month": "2026-11", "time_zone": "UTC"}
    assert Month.of("vision", money, item) == month()
    assert Month.of("vision", {**money, "monthly_usd": None}, item) is None
    assert months.committed(None) == 0


def test_the_notice_of_a_month():
    notice = notices.of_month(month(), 80, AT)
    assert notice.subject == "[vision] 85 % of the month's budget of 100.00 USD is committed"
    assert "Spent: 60.00 USD. Runs under way may cost 25.00 USD more, at worst." in notice.text
    assert "A run that could cost more than 15.00 USD is refused until money comes back." in notice.text
    assert notice.document["month"]["threshold_percent"] == 80
    assert notice.id == "vision:budget:2026-11:80"


# --- forms ---

SCHEMA = notices.json_schema()
SAMPLES = {
    "failed": made(),
    "refused": made("refused", of=report("REFUSED", seconds=None, headline=None, goodput=None, advice=None)),
    "finding": made("finding", of=found(finding(), finding(host=None, device=None, value=None))),
    "budget": notices.of_month(month(), 100, AT),
}


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_the_json_keeps_to_its_schema(sample):
    forms = published(SAMPLES[sample])
    jsonschema.Draft202012Validator(SCHEMA).validate(forms["json"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate({**forms["json"], "more": 1})


def test_a_message_is_never_too_long():
    long = "𝄞" * 5000
    findings = [finding(**dict.fromkeys(("title", "measured", "change", "host", "threshold"), long))] * 200
    many = report("SUCCEEDED", name=long, findings=findings, profile={"status": "complete"}, verdict=long)
    message = notices.message(made("finding", of=many))
    assert len(message["Message"].encode()) < notices.LIMIT
    assert json.loads(json.loads(message["Message"])["default"])["findings"]
    assert len(json.loads(notices.chat_message(made("finding", of=many))["Message"])["content"]["description"]) <= 3000


# --- hostile text, in every field ---


def infested(text):
    """A report with the same text wherever text comes from people or scripts."""
    diagnosis = {**DIAGNOSIS, "summary": text, "remedy": text, "label": text}
    problem = {"field": text, "problem": text, "value": text, "remedy": text}
    headline = {"name": text, "value": 1.0, "previous": None, "change": None}
    advice = {"change": text, "why": text, "worth_usd": None, "worth_seconds": None, "from": "finding"}
    texts = {"title": text, "measured": text, "threshold": text, "change": text, "host": text}
    whole = report(name=text, diagnosis=diagnosis, problems=[problem], headline=headline, advice=advice, verdict=text)
    return whole | {"findings": [finding(**texts)], "profile": {"status": "complete"}, "command": text or None}


@pytest.mark.parametrize("event", ["failed", "finding"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_place(text, event):
    notice = made(event, of=infested(text))
    arguments = notices.message(notice)
    assert re.fullmatch(r"[ -~]{1,99}", arguments["Subject"])
    arguments["Message"].encode()  # UTF-8 can say it
    forms = published(notice)
    jsonschema.Draft202012Validator(SCHEMA).validate(forms["json"])
    tame = infested("x") | ({} if plain(text) else {"command": None, "advice": None})
    assert forms["email"].count("\n") == made(event, of=tame).text.count("\n")
    assert _no_marks(forms["email"].replace("\n", ""))
    told = json.loads(notices.chat_message(notice)["Message"])
    for said in _texts(told["content"]):
        _no_way_out(said)


def _texts(value):
    if isinstance(value, str):
        yield value
    else:
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _texts(entry)


def _no_marks(text):
    return not [each for each in text if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def _no_way_out(said):
    ours = said.replace(LINK["url"], "")
    assert not set("*`~[]@<|") & set(ours), ours
    assert not re.search(r"(?i)\b(https?|ftp|mailto):|\bwww\.", ours)
    assert not re.search(r"&(?!amp;|lt;|gt;)", ours)
    assert _no_marks(ours.replace("\n", ""))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("make", [plain, shown, chat])
def test_every_text_has_its_longest(make, text):
    assert len(make(text, 40)) <= 40
    assert len(subject(text)) < 100


def test_ordinary_text_is_left_alone():
    assert plain("Größe 5 × 3: naïve café, 你好 עברית") == "Größe 5 × 3: naïve café, 你好 עברית"
    assert chat("my_run_3: R&D") == "my_run_3: R&amp;D"
    assert shown("see https://example.com") == "see https[:]//example.com"
    assert subject("naïve – 5 ×") == "naive ? 5 ?"
