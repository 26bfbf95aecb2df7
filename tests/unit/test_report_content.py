"""What report.json says beside the record: the figure, the comparison, the advice, who set what, and where to look."""

import copy
import json
import math
import re
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from trainwright_runtime import record as records
from trainwright_runtime import report as reports
from trainwright_runtime.attempts import Planned, Seen, row
from trainwright_runtime.facts import Run
from trainwright_runtime.money import with_cost
from trainwright_runtime.preflight import GIB
from trainwright_runtime.problems import Problem
from trainwright_runtime.progress import Progress
from trainwright_runtime.report import form
from trainwright_runtime.report.avoidable import avoidable
from trainwright_runtime.report.links import console
from trainwright_runtime.request import Checked, check

RUN = Run("vision-0123456789", "vision", "digits")
ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:digits-20261121"
SENT = {
    "TrainingJobName": "vision-0123456789-1",
    "AlgorithmSpecification": {
        "TrainingImage": "image@sha256:1",
        "MetricDefinitions": [{"Name": "f1", "Regex": "f1=(.*)"}, {"Name": "loss", "Regex": "loss=(.*)"}],
    },
    "HyperParameters": {"epochs": "12", "api_key": '"sk-1"'},
    "Environment": {"MODE": "fast", "API_TOKEN": "hunter2"},
    "CheckpointConfig": {"S3Uri": "s3://checkpoints/runs/vision-0123456789/"},
    "ProfilerConfig": {"S3OutputPath": "s3://reports/runs/vision-0123456789/"},
}


def place(objects=12, size=3 * GIB, fingerprint="a", **more):
    seen = {"uri": "s3://data/train/", "objects": objects, "bytes": size, "newest": None, "fingerprint": fingerprint}
    return {**seen, "complete": True, **more}


def prepared(epochs=12, **more):
    values = {
        "compute.instance_type": (["ml.g5.xlarge"], "policy default"),
        "hyperparameters.epochs": (epochs, "run"),
        "inputs.train.s3_uri": ("data://train/", "run"),
        "source_code.source_dir": ("data://source/1/sourcedir.tar.gz", "run"),
        "training_image": ("platform", "default"),
    }
    fields = [{"field": name, "value": value, "set_by": by, "asked": None} for name, (value, by) in values.items()]
    return {"schema": 1, "fields": fields, "inputs": {"train": place()}, "code": place(1, 900, "c"), **more}


def attempt(number=1, states=(("Training", 900),), **job):
    """An attempt whose job was created with the run, and went through these states, by seconds."""
    planned = Planned(number, f"{RUN.id}-{number}", "spot", SENT, "/aws/sagemaker/TrainingJobs")
    transitions, now = [], 0
    for status, seconds in states:
        transitions.append({"status": status, "start": clock(now), "end": clock(now + seconds), "message": None})
        now += seconds
    trained = sum(seconds for status, seconds in states if status == "Training")
    found = row(
        planned,
        {
            "TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:123456789012:training-job/{RUN.id}-{number}",
            "TrainingJobStatus": "Completed",
            "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
            "TrainingTimeInSeconds": trained,
            "BillableTimeInSeconds": trained,
            **job,
        },
        Seen("completed", Progress(12, 12, 5)),
    )
    return {**with_cost(found, 4.0), "transitions": transitions, "started_at": clock(0), "ended_at": clock(now)}


def clock(seconds):
    return f"2026-11-21T04:{seconds // 60:02}:{seconds % 60:02}.000Z"


def ended(status="SUCCEEDED", seconds=900, **changes):
    item = records.new(RUN, ARN, clock(0), clock(0)) | {"status": status, "ended_at": clock(seconds)}
    return {**item, "image": "image@sha256:1", "attempts": {"1": attempt()}, **changes}


def built(record=None, **sources):
    known = {"request": {"name": "digits"}, "prepared": prepared(), "sent": SENT, "folder": "s3://reports/runs/x/"}
    return reports.build(record or ended(), reports.Sources(**{**known, **sources}))


def earlier(**changes):
    """Another run's report.json."""
    record = ended(run="vision-aaaaaaaaaa", metrics={"f1": 0.8, "gone": 1.0}, **changes.pop("record", {}))
    return built(record, **changes)


def finding(**more):
    said = {"rule": "io_bottleneck", "title": "The GPUs wait for input", "attempt": 1, "host": "algo-1", "device": None}
    told = {"severity": "high", "measured": "I/O wait over 50 % of the time", "value": 82.0, "threshold": "50 %"}
    when = {"start": clock(0), "end": clock(60), "change": "Write input_mode: FastFile.", "documentation": None}
    return {**said, **told, **when, "worth_seconds": 450.0, "source": "system metrics", **more}


def profile(*findings, status="complete", **more):
    said = {"schema": 1, "attempt": 1, "status": status, "pending": [], "missing": [], "source": "profiler"}
    return {1: {**said, "findings": list(findings), "rules": [], "summary": {}, "series": None, **more}}


# --- the figure it is judged by ---


@pytest.mark.parametrize(
    ("metrics", "sent", "curves", "name"),
    [
        ({"loss": 0.1, "f1": 0.9}, SENT, None, "f1"),
        ({"loss": 0.1}, SENT, None, "loss"),
        ({"train:loss": 0.1, "validation:accuracy": 0.9, "speed": 3.0}, None, None, "validation:accuracy"),
        ({}, None, {"names": ["b", "a"], "points": {"a": [[1, 2.0]], "b": [[1, 3.0]]}}, "b"),
        ({"train:loss": 0.1}, None, None, "train:loss"),
    ],
)
def test_the_headline_is_what_the_request_defines_else_validation(metrics, sent, curves, name):
    report = built(ended(metrics=metrics), sent=sent, curves=curves)
    assert report["headline"]["name"] == name
    assert report["verdict"] == f"The run succeeded: {name} {report['headline']['value']:.4g}."


def test_the_headline_is_held_against_the_last_run():
    report = built(ended(metrics={"f1": 0.9}), previous=earlier())
    headline = report["headline"]
    assert (headline["value"], headline["previous"]) == (0.9, 0.8)
    assert headline["change"] == pytest.approx(0.1)
    assert built(ended(metrics={"f1": 0.9}))["headline"]["change"] is None
    assert built(ended(metrics={"f1": math.nan}))["headline"] is None


def test_the_verdict_gives_the_reason():
    why = {"label": "x", "summary": "The disk was full.", "remedy": "Write volume: 100 GB."}
    assert built(ended("FAILED", diagnosis=why))["verdict"] == "The run failed. The disk was full."
    assert built(ended("STOPPED"))["verdict"] == "The run was stopped."
    problems = [Problem("TW102", ("compute", "x"), "unknown field").to_dict()] * 2
    refused = built(ended("REFUSED", problems=problems, attempts={}, current=None))
    assert refused["verdict"] == "The run was refused before anything started: its request has 2 problems."


# --- the comparison ---


def changes(report):
    return {(each["what"], each["field"]): (each["was"], each["is"]) for each in report["comparison"]["changes"]}


def test_nothing_has_changed_between_two_runs_of_one_request():
    report = built(previous=earlier())
    assert report["comparison"]["run"] == "vision-aaaaaaaaaa"
    assert report["comparison"]["changes"] == []
    assert built()["comparison"] is None


def test_settings_are_compared_one_by_one():
    report = built(prepared=prepared(epochs=20), previous=earlier())
    assert changes(report) == {("settings", "hyperparameters.epochs"): (12, 20)}


def test_code_and_image_are_no_settings():
    other = prepared()
    other["fields"] = [
        {**each, "value": "data://source/2/sourcedir.tar.gz"} if each["field"] == "source_code.source_dir" else each
        for each in other["fields"]
    ]
    report = built(ended(image="image@sha256:2"), prepared=other, previous=earlier())
    assert changes(report) == {
        ("code", "source_code.source_dir"): (
            "data://source/1/sourcedir.tar.gz",
            "data://source/2/sourcedir.tar.gz",
        ),
        ("image", "training_image"): ("image@sha256:1", "image@sha256:2"),
    }


def test_code_that_changed_in_its_place_is_seen():
    report = built(prepared=prepared(code=place(1, 950, "d")), previous=earlier())
    assert list(changes(report)) == [("code", "source_code.source_dir")]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (place(15, int(4.2 * GIB), "b"), "15 objects, 4.2 GiB: 3 more objects, 1.2 GiB more"),
        (place(11, 2 * GIB, "b"), "11 objects, 2 GiB: 1 fewer object, 1 GiB less"),
        (place(12, 3 * GIB, "b"), "12 objects, 3 GiB: as much as before, but not the same"),
        (place(1000, 3 * GIB, "b", complete=False), "the first 1,000 objects, 3 GiB: 988 more objects"),
    ],
)
def test_data_says_how_much_more_there_is(now, said):
    report = built(prepared=prepared(inputs={"train": now}), previous=earlier())
    assert changes(report) == {("data", "inputs.train"): ("12 objects, 3 GiB", said)}


def test_data_at_another_address_and_another_channel():
    other = {"train": place(uri="s3://data/other/", fingerprint="b"), "more": place(uri="s3://data/more/")}
    report = built(prepared=prepared(inputs=other), previous=earlier())
    assert changes(report) == {
        ("data", "inputs.more.s3_uri"): (None, "s3://data/more/"),
        ("data", "inputs.train.s3_uri"): ("s3://data/train/", "s3://data/other/"),
    }


@pytest.mark.parametrize(
    "now",
    [place(None, None, None, complete=False), place(9, 9, "b", complete=False)],
    ids=["denied", "counted in part"],
)
def test_data_that_was_not_seen_whole_is_not_said_to_have_changed(now):
    assert built(prepared=prepared(inputs={"train": now}), previous=earlier())["comparison"]["changes"] == []


def test_data_of_which_as_much_was_counted_can_be_told_apart():
    before, now = place(9, 9, "b", complete=False), place(9, 9, "c", complete=False)
    previous = earlier(prepared=prepared(inputs={"train": before}))
    assert changes(built(prepared=prepared(inputs={"train": now}), previous=previous))
    other = place(8, 8, "c", complete=False)
    assert not changes(built(prepared=prepared(inputs={"train": other}), previous=previous))


def test_a_refused_request_is_compared_as_it_was_written():
    before = earlier(request={"name": "digits", "compute": {"instance_type": "ml.g5.xlarge"}})
    refused = ended("REFUSED", attempts={}, image=None, problems=[Problem("TW102", (), "no").to_dict()])
    request = {"name": "digits", "compute": {"instance_type": "ml.g5.x"}}
    report = built(refused, request=request, prepared=None, sent=None, previous=before)
    assert changes(report) == {("settings", "compute.instance_type"): ("ml.g5.xlarge", "ml.g5.x")}


def test_metrics_time_and_cost_stand_side_by_side():
    report = built(ended(seconds=1200, metrics={"f1": 0.9, "loss": 0.1}), previous=earlier())
    compared = report["comparison"]
    assert compared["metrics"] == [
        {"name": "f1", "was": 0.8, "is": 0.9},
        {"name": "loss", "was": None, "is": 0.1},
        {"name": "gone", "was": 1.0, "is": None},
    ]
    assert compared["seconds"] == {"was": 900.0, "is": 1200.0}
    assert compared["cost_usd"] == {"was": 1.0, "is": 1.0}


def test_a_report_of_an_older_version_can_be_compared_to():
    keep = ("run", "status", "ended_at", "request", "image", "metrics", "cost")
    old = {name: value for name, value in earlier().items() if name in keep} | {"schema": 2}
    assert built(previous=old)["comparison"]["changes"] == []


# --- the advice ---


def test_a_failed_run_is_told_the_remedy_whatever_else_was_found():
    why = {"label": "x", "summary": "The disk was full.", "remedy": "Write volume: 100 GB."}
    advice = built(ended("FAILED", diagnosis=why), profiles=profile(finding()))["advice"]
    assert (advice["change"], advice["why"], advice["from"]) == (
        "Write volume: 100 GB.",
        "The disk was full.",
        "diagnosis",
    )


def test_a_refused_run_is_told_how_to_mend_the_first_problem():
    problem = Problem("TW102", ("compute", "x"), "unknown field", remedy="write instance_type").to_dict()
    advice = built(ended("REFUSED", attempts={}, problems=[problem, problem]))["advice"]
    assert (advice["change"], advice["from"]) == ("Write instance_type.", "problem")
    assert advice["why"] == "compute.x: unknown field. There is 1 more problem."


def test_the_finding_that_saves_the_most_money_wins():
    dear = {"1": attempt(), "2": {**attempt(2), "cost_usd": 9.0}}
    findings = [finding(worth_seconds=800.0, change="cheap"), finding(attempt=2, worth_seconds=300.0, change="dear")]
    advice = built(ended(attempts=dear), profiles=profile(*findings))["advice"]
    assert (advice["change"], advice["from"]) == ("dear", "finding")
    assert (advice["worth_seconds"], advice["worth_usd"]) == (300.0, 3.0)
    assert advice["why"] == "The GPUs wait for input: I/O wait over 50 % of the time."


def test_a_finding_without_a_figure_comes_after_what_has_one():
    unknown = profile(finding(worth_seconds=None, change="unknown"))
    assert built(profiles=unknown)["advice"]["change"] == "unknown"
    slow = {"1": attempt(states=(("Pending", 300), ("Training", 600)))}
    assert built(ended(attempts=slow), profiles=unknown)["advice"]["from"] == "goodput"
    assert built(profiles=profile(finding(worth_seconds=None, severity="low")))["advice"]["from"] == "none"


BEFORE = {
    "start_up": (("Starting", 300), ("Training", 600)),
    "data": (("Downloading", 300), ("Training", 600)),
    "image": (("DownloadingTrainingImage", 300), ("Training", 600)),
    "pending": (("Pending", 300), ("Training", 600)),
    "upload": (("Training", 600), ("Uploading", 300)),
}


def spent(states, capacity="on_demand", fields=(), **sent):
    """The advice to a run whose time went like this."""
    said = [{"field": name, "value": value, "set_by": "run", "asked": None} for name, value in fields]
    rows = {"1": {**attempt(states=BEFORE[states]), "capacity": capacity}}
    channels = [{"ChannelName": "train"}]
    request = {**SENT, "InputDataConfig": channels, **sent}
    return built(ended(attempts=rows), sent=request, prepared=prepared(fields=said))["advice"]


@pytest.mark.parametrize(
    ("states", "capacity", "word", "usd"),
    [
        ("start_up", "on_demand", "compute.keep_alive: 30m", None),
        ("data", "on_demand", "input_mode: FastFile", 0.3333),
        ("image", "on_demand", "Make the training image smaller, or keep the machines", 0.3333),
        ("image", "spot", "Make the training image smaller.", 0.3333),
        ("pending", "spot", "compute.fallback: on_demand", None),
        ("pending", "on_demand", "Name further types", None),
        ("upload", "spot", "output_compression: none", 0.3333),
    ],
)
def test_the_largest_part_of_the_time_that_could_be_avoided(states, capacity, word, usd):
    advice = spent(states, capacity)
    assert word in advice["change"]
    assert advice["why"].startswith("5 min 0 s of 15 min 0 s were spent")
    assert (advice["from"], advice["worth_seconds"], advice["worth_usd"]) == ("goodput", 300.0, usd)


def test_nobody_is_told_to_do_what_the_run_does_or_cannot_do():
    assert spent("start_up", "spot")["from"] == "none", "spot has no warm pools"
    assert spent("start_up", ResourceConfig={"KeepAlivePeriodInSeconds": 600})["from"] == "none"
    assert spent("data", InputDataConfig=[{"ChannelName": "train", "InputMode": "FastFile"}])["from"] == "none"
    assert spent("data", AlgorithmSpecification={"TrainingInputMode": "FastFile"})["from"] == "none"
    assert "compute.spot: false" in spent("pending", "spot", [("compute.fallback", "on_demand")])["change"]
    assert "compress" not in spent("upload", OutputDataConfig={"CompressionType": "NONE"})["change"]


def test_what_is_advised_can_be_written():
    told = [spent(states, capacity)["change"] for states in BEFORE for capacity in ("spot", "on_demand")]
    told += [avoidable(part, built()).change for part in ("lost_work", "checkpoints")]
    told += [avoidable("lost_work", built(sent=None)).change, built(sent=None)["advice"]["why"]]
    snippets = {each for change in told if change for each in re.findall(r"`([^`]+: [^`]+)`", change)}
    assert len(snippets) >= 8
    for snippet in snippets:
        spot, inner = "spot: true, " if "fallback" in snippet else "", snippet.removeprefix("compute.")
        compute, other = (f", {inner}", "") if inner != snippet else ("", snippet)
        text = f"name: x\ninputs: {{train: data://x/}}\ncompute: {{{spot}instance_type: ml.m5.large{compute}}}\n{other}"
        checked = check(YAML(typ="safe", pure=True).load(text))
        assert isinstance(checked, Checked), f"{snippet}: {checked}"


def test_lost_work_asks_for_checkpoints_or_for_more_of_them():
    states = (("Training", 500), ("Interrupted", 10), ("Training", 390))
    starts = [
        {"resumed_from": None, "step": 5, "began_at": epoch(0), "ready_at": epoch(0), "saved_at": epoch(200)},
        {"resumed_from": 5, "step": 12, "began_at": epoch(510), "ready_at": epoch(510), "saved_at": epoch(890)},
    ]
    lost = {**attempt(states=states), "starts": [{**each, "checkpoint_seconds": 0.0} for each in starts]}
    advice = built(ended(attempts={"1": lost}))["advice"]
    assert "Save checkpoints more often" in advice["change"]
    assert (advice["worth_seconds"], advice["from"]) == (300.0, "goodput")
    without = {name: value for name, value in SENT.items() if name != "CheckpointConfig"}
    assert "checkpoints: true" in built(ended(attempts={"1": lost}), sent=without)["advice"]["change"]
    zero = {**lost, "restarted_from_zero": True}
    assert "restore" in built(ended(attempts={"1": zero}))["advice"]["change"]


def epoch(seconds):
    return datetime.fromisoformat(clock(0)).timestamp() + seconds


def test_what_is_worth_nothing_is_said_to_be_so():
    advice = built(profiles=profile())["advice"]
    assert (advice["change"], advice["from"]) == (None, "none")
    assert advice["why"] == "Nothing that was measured is worth a change."
    assert "not all" in built(profiles=profile(status="pending"))["advice"]["why"]
    assert "`profiler: true`" in built(sent=None)["advice"]["why"]


# --- the profile ---


def test_a_profiled_run_is_pending_until_its_profile_is_read():
    assert built()["profile"]["status"] == "pending"
    off = {**SENT, "ProfilerConfig": {"DisableProfiler": True}}
    assert built(sent=off)["profile"]["status"] == "off"
    assert built(profiles=profile())["profile"]["status"] == "complete"


def test_findings_and_rules_of_all_attempts_come_together_the_worst_first():
    rule = {"name": "ProfilerReport", "status": "NoIssuesFound", "details": None, "report_uri": "s3://r/x.html"}
    low, high = finding(severity="low"), finding(severity="high", worth_seconds=10.0)
    profiles = {
        **profile(low, finding(severity="medium"), high, missing=["3 files"], summary={"algo-1": {}}),
        2: {**profile(status="partial", missing=["4 files"], rules=[rule])[1]},
    }
    report = built(profiles=profiles)
    assert [each["severity"] for each in report["findings"]] == ["high", "medium", "low"]
    assert report["profile"]["status"] == "partial"
    assert report["profile"]["missing"] == ["Attempt 1: 3 files", "Attempt 2: 4 files"]
    assert report["profile"]["rules"] == [{"attempt": 2, **rule}]
    assert report["profile"]["summary"] == {"algo-1": {}}
    assert report["links"][-1]["title"] == "ProfilerReport, attempt 2"


# --- sent, secrets, checkpoints, command ---


def test_secrets_are_hidden_wherever_they_stand():
    raw = {"Environment": {"DB_PASSWORD": "p1"}, "HyperParameters": {"api_key": "p2"}}
    request = {"name": "x", "hyperparameters": {"secret": {"deep": "p3"}}, "overrides": raw, "environment": None}
    text = json.dumps(built(request=request))
    assert "hunter2" not in text
    assert "sk-1" not in text
    assert not [word for word in ("p1", "p2", "p3") if word in text]
    assert built()["sent"]["Environment"]["MODE"] == "fast"


def test_checkpoints_say_where_they_are_and_how_far_they_reach():
    process = {"resumed_from": 5, "step": 12, "began_at": 1795234932.5, "ready_at": None, "saved_at": 1e300}
    rows = {"1": {**attempt(), "starts": [{**process, "checkpoint_seconds": 1.0}]}}
    kept = built(ended(attempts=rows))["checkpoints"]
    assert (kept["s3_uri"], kept["kept_step"]) == ("s3://checkpoints/runs/vision-0123456789/", 12)
    assert kept["starts"] == [
        {
            "attempt": 1,
            "resumed_from": 5,
            "step": 12,
            "began_at": "2026-11-21T04:22:12.500Z",
            "saved_at": None,
        }
    ]
    assert built(sent=None)["checkpoints"] is None


def test_the_command_runs_the_request_again():
    assert built()["command"] == "trainwright run --again vision-0123456789"
    assert built(request=["no", "request"])["command"] is None


# --- links ---


def test_links_lead_into_the_console_of_the_runs_region():
    links = {each["title"]: each["url"] for each in built(ended(model="s3://models/a b/model.tar.gz"))["links"]}
    root = "https://eu-west-1.console.aws.amazon.com"
    assert links == {
        "Execution": f"{root}/states/home?region=eu-west-1#/v2/executions/details/{ARN}",
        "Training job": f"{root}/sagemaker/home?region=eu-west-1#/jobs/vision-0123456789-1",
        "Log": f"{root}/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/"
        "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Dvision-0123456789-1$252F",
        "Model": f"{root}/s3/object/models?region=eu-west-1&prefix=a%20b/model.tar.gz",
        "Checkpoints": f"{root}/s3/buckets/checkpoints?region=eu-west-1&prefix=runs/vision-0123456789/",
        "Report and documents": f"{root}/s3/buckets/reports?region=eu-west-1&prefix=runs/x/",
    }


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_other_partitions_have_consoles_of_their_own(partition, region, host):
    record = ended(execution_arn=f"arn:{partition}:states:{region}:123456789012:execution:machine:x")
    assert all(each["url"].startswith(f"https://{host}/") for each in built(record)["links"])


@pytest.mark.parametrize("arn", ["arn:aws-iso:states:us-iso-east-1:1:execution:m:x", "", "x", None, "arn:aws:::::"])
def test_no_link_is_made_up(arn):
    assert console(arn) is None


# --- the form ---


def samples():
    problem = Problem("TW102", ("compute", 0), "unknown field").to_dict()
    why = {"label": "x", "fault": "code", "retry": "no_retry", "summary": "s", "remedy": "r", "evidence": None}
    failed = ended("FAILED", diagnosis={**why, "log_tail": ["x"]}, metrics={"f1": 1, "nan": math.nan})
    rule = {"name": "ProfilerReport", "status": "Error", "details": None, "report_uri": None}
    yield built()
    yield built(failed, previous=earlier(), profiles=profile(finding(), rules=[rule]))
    yield built(ended("REFUSED", attempts={}, problems=[problem], image=None), prepared=None, sent=None, request=None)
    yield built(ended(started_at=None, ended_at=None, name=None), prepared=None, folder=None)
    old = {name: value for name, value in attempt().items() if name not in ("starts", "has_checkpoints")}
    yield built(ended(attempts={"1": old}))


@pytest.mark.parametrize("number", range(5))
def test_every_report_has_the_documented_form(number):
    report = list(samples())[number]
    form.Report.model_validate(report, strict=True)
    assert list(report) != []
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_the_schema_refuses_what_it_does_not_know():
    report = built()
    with pytest.raises(ValueError, match="surprise"):
        form.Report.model_validate({**report, "surprise": 1}, strict=True)
    with pytest.raises(ValueError, match="verdict"):
        form.Report.model_validate({name: each for name, each in report.items() if name != "verdict"})


# --- whatever comes ---

CORPUS = json.loads((Path(__file__).parent / "data" / "hostile.json").read_text(encoding="utf-8"))
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(CORPUS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(CORPUS), inner, max_size=3),
    max_leaves=8,
)
WORDS = (
    "fields inputs code findings rules pending summary status metrics run cost field fingerprint uri train "
    "AlgorithmSpecification MetricDefinitions CheckpointConfig S3Uri"
)
KEYS = st.sampled_from(WORDS.split())
DOCUMENT = st.dictionaries(KEYS, ANY | st.dictionaries(KEYS, ANY, max_size=3), max_size=4)


def sometimes(known):
    return st.sampled_from([None, known]) | DOCUMENT


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    status=st.sampled_from(["SUCCEEDED", "FAILED", "STOPPED", "REFUSED"]),
    request=ANY,
    prepared_=sometimes(prepared()),
    sent=sometimes(SENT),
    previous=sometimes(earlier()),
    profiles=st.sampled_from([{}, profile(finding())]) | st.dictionaries(st.integers(1, 3), DOCUMENT, max_size=2),
    rows=st.sampled_from([{}, {"1": attempt()}]),
)
def test_a_report_is_made_of_whatever_is_there(status, request, prepared_, sent, previous, profiles, rows):
    record = ended(status, attempts=rows)
    before = copy.deepcopy((record, request))
    report = reports.build(
        record, reports.Sources(request, prepared_, sent, previous, profiles, None, "s3://reports/runs/x/")
    )
    json.dumps(report, allow_nan=False)
    assert repr((record, request)) == repr(before)


def test_hostile_text_stays_what_it_is():
    for text in CORPUS:
        record = ended(name=text, metrics={text: 1.0}, warnings=[text], model=f"s3://models/{text}")
        report = built(record, request={text: text}, profiles=profile(finding(title=text, change=text)))
        assert (report["name"], report["request"], report["warnings"]) == (text, {text: text}, [text])
        assert report["metrics"] == {text: 1.0}
        assert report["findings"][0]["title"] == text
        assert all(each["url"].isascii() and " " not in each["url"] for each in report["links"])


def test_a_request_that_is_nested_without_end_is_cut():
    request = {"name": "x"}
    for _ in range(400):
        request = {"a": [request]}
    assert "nested too deeply" in json.dumps(built(request=request)["request"])
