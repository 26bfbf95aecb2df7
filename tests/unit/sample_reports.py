"""Reports of every kind, as their runs leave them: report.json (schema 3), charts.json, lines of the runs' index."""

import copy
import itertools
import json
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Report = dict[str, Any]

HOSTILE: list[str] = json.loads((Path(__file__).parent / "data" / "hostile.json").read_text("utf-8"))
"""What users and scripts may write to do harm, or by accident: every page and notice shows it as text."""
BEGAN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def attempt(number: int, start: float, states: list[tuple[str, float, str]], **more: Any) -> Report:
    """An attempt whose job went through these states: name, seconds, message."""
    transitions, now = [], start
    for status, seconds, message in states:
        transitions.append({"status": status, "start": at(now), "end": at(now + seconds), "message": message})
        now += seconds
    name = f"vision-0123456789-{number}"
    trained = sum(seconds for status, seconds, _ in states if status == "Training")
    return {
        "number": number,
        "redrive": 0,
        "rung": 0,
        "job_name": name,
        "job_arn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}",
        "capacity": "spot",
        "launch": "sync",
        "status": "Completed",
        "secondary_status": "Completed",
        "outcome": "completed",
        "looks": 0,
        "diagnosis": None,
        "decision": "The training job completed.",
        "instance_type": "ml.g5.2xlarge",
        "instance_count": 2,
        "volume_gb": 100,
        "max_runtime_seconds": 86_400,
        "max_wait_seconds": 90_000,
        "then_wait_seconds": 0,
        "interruptions": sum(status == "Interrupted" for status, _, _ in states),
        "checkpoint_step": None,
        "resumed_from_step": None,
        "restarted_from_zero": False,
        "processes": 1,
        "has_checkpoints": True,
        "last_step": 1200,
        "total_steps": 1200,
        "started_at": at(start),
        "ended_at": at(now),
        "training_seconds": int(trained),
        "billable_seconds": int(trained * 0.35),
        "waiting_seconds": int(now - start - trained),
        "warm_pool": None,
        "reused_pool": None,
        "transitions": transitions,
        "failure_reason": None,
        "log": {"group": "/aws/sagemaker/TrainingJobs", "stream_prefix": f"{name}/"},
        "usd_per_hour": 3.03,
        "cost_usd": 1.06,
        "on_demand_usd": 3.03,
        "saved_usd": 1.97,
        "starts": [],
        **more,
    }


STATES = [
    ("Starting", 95.0, "Preparing the instances for training"),
    ("Downloading", 140.0, "Downloading input data"),
    ("Training", 1500.0, "Training image download completed. Training in progress."),
    ("Interrupted", 420.0, "Training job interrupted"),
    ("Starting", 90.0, "Preparing the instances for training"),
    ("Downloading", 60.0, "Downloading input data"),
    ("Training", 1980.0, "Training image download completed. Training in progress."),
    ("Uploading", 35.0, "Uploading generated training model"),
    ("Completed", 0.0, "Training job completed"),
]


def goodput(**parts: float) -> Report:
    names = ("productive", "waiting", "start_up", "download", "lost_work", "checkpoints", "upload")
    spent = {name: float(parts.get(name, 0)) for name in names}
    whole = sum(spent.values())
    return {"whole_seconds": whole, "parts": spent, "share": spent["productive"] / whole, "notes": []}


def finding(**more: Any) -> Report:
    return {
        "rule": "io_bottleneck",
        "title": "The GPUs wait for input",
        "attempt": 1,
        "host": "algo-1",
        "device": "gpu0",
        "severity": "high",
        "value": 82.0,
        "threshold": "50 %",
        "measured": "GPU use was below 10 % while waiting for I/O took over 50 % of the processor, in 82 % of the time",
        "start": at(300),
        "end": at(1500),
        "change": "Read the channel `train` with input_mode: FastFile, or keep the data on the machines' own disk.",
        "worth_seconds": 1230.0,
        "source": "system metrics",
        "documentation": "https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-rules.html",
        **more,
    }


def succeeded() -> Report:
    """A run on spot that was interrupted once, was profiled, and has an earlier run to compare with."""
    run = "vision-0123456789"
    arn = "arn:aws:states:us-east-1:123456789012:execution:training-vision:digits-20261120"
    return {
        "schema": 3,
        "run": run,
        "team": "vision",
        "name": "digits",
        "execution_arn": arn,
        "status": "SUCCEEDED",
        "started_at": at(-12),
        "ended_at": at(4325),
        "request": {
            "name": "digits",
            "hyperparameters": {"epochs": 12, "learning_rate": 0.1},
            "inputs": {"train": "data://digits/train/"},
            "compute": {"instance_type": "ml.g5.2xlarge"},
        },
        "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/training@sha256:0b7a",
        "cost": {
            "usd": 1.064,
            "on_demand_usd": 3.03,
            "saved_usd": 1.966,
            "pool_usd": None,
            "worst_usd": 72.7,
            "best_usd": 2.1,
            "best_assumption": "spot costs 0.4 of the on-demand price",
            "cap_usd": 30.0,
            "price_source": "AWS's Price List API",
            "complete": True,
        },
        "restarted_from_zero": False,
        "resume": [
            {"attempt": 1, "checkpoint_step": 480, "resumed_from_step": 480, "lost_steps": 20, "from_zero": False}
        ],
        "waits": [],
        "decisions": [{"attempt": 1, "decision": "The training job completed."}],
        "pool": None,
        "attempts": [attempt(1, 3, STATES, resumed_from_step=480)],
        "model": {"s3_uri": f"s3://models/runs/{run}/output/model.tar.gz"},
        "metrics": {"validation:accuracy": 0.98891, "train:loss": 0.0412},
        "diagnosis": None,
        "problems": [],
        "warnings": ["The channel `train` has 41,203 small files: FastFile may be slow."],
        "verdict": "The run succeeded: validation:accuracy 0.9889.",
        "seconds": 4337.0,
        "goodput": goodput(
            productive=3310, waiting=420, start_up=212, download=200, lost_work=72, checkpoints=88, upload=35
        ),
        "headline": {"name": "validation:accuracy", "value": 0.98891, "previous": 0.9767, "change": 0.01221},
        "comparison": {
            "run": "vision-00ffee0011",
            "status": "SUCCEEDED",
            "ended_at": at(-86_400),
            "changes": [
                {"what": "settings", "field": "hyperparameters.epochs", "was": 8, "is": 12},
                {"what": "code", "field": "train.py", "was": "3f2a9c1", "is": "9b1d0e4"},
                {"what": "data", "field": "inputs.train", "was": "40,100 objects", "is": "41,203 objects"},
            ],
            "metrics": [{"name": "validation:accuracy", "was": 0.9767, "is": 0.98891}],
            "seconds": {"was": 3605.0, "is": 4337.0},
            "cost_usd": {"was": 0.91, "is": 1.064},
        },
        "advice": {
            "change": "Read the channel `train` with input_mode: FastFile.",
            "worth_usd": 0.41,
            "worth_seconds": 1230.0,
            "why": "The GPUs waited for input in 82 % of the time.",
            "from": "finding",
        },
        "findings": [
            finding(),
            finding(
                rule="batch_size",
                title="The GPUs have room for larger batches",
                severity="medium",
                measured="GPU memory use stayed below 34 %",
                threshold="70 %",
                device=None,
                change="Double `batch_size`.",
                worth_seconds=None,
                documentation=None,
            ),
        ],
        "profile": {
            "status": "complete",
            "pending": [],
            "missing": [],
            "source": "profiler",
            "rules": [
                {
                    "name": "ProfilerReport",
                    "attempt": 1,
                    "status": "IssuesFound",
                    "details": "RuleEvaluationConditionMet",
                    "report_uri": "s3://reports/runs/x/rule-output/ProfilerReport/profiler-output/profiler-report.html",
                }
            ],
            "summary": {"algo-1": {"cpu": {"mean": 61.2, "p95": 93.0, "max": 99.8}}},
        },
        "fields": [
            {"field": "compute.instance_type", "value": "ml.g5.2xlarge", "set_by": "run", "asked": "ml.g5.2xlarge"},
            {"field": "compute.enable_managed_spot_training", "value": True, "set_by": "policy always", "asked": False},
            {"field": "compute.volume_size_in_gb", "value": 100, "set_by": "policy default", "asked": None},
            {"field": "limits.max_runtime", "value": 86_400, "set_by": "default", "asked": None},
        ],
        "inputs": {
            "train": {
                "uri": "s3://data/digits/train/",
                "objects": 1000,
                "bytes": 82_400_000,
                "newest": at(-90_000),
                "fingerprint": "0b7a",
                "complete": False,
            }
        },
        "code": None,
        "sent": {"TrainingJobName": "vision-0123456789-1", "HyperParameters": {"epochs": "12"}},
        "checkpoints": {
            "s3_uri": f"s3://checkpoints/runs/{run}/",
            "kept_step": 1200,
            "starts": [
                {"attempt": 1, "resumed_from": None, "step": 500, "began_at": at(238), "saved_at": at(1588)},
                {"attempt": 1, "resumed_from": 480, "step": 1200, "began_at": at(2308), "saved_at": at(4288)},
            ],
        },
        "command": "trainwright run --team vision digits.yaml",
        "links": [
            {
                "title": "Execution",
                "url": "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/"
                + arn,
            },
            {
                "title": "Log",
                "url": "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups",
            },
        ],
    }


def failed() -> Report:
    report = succeeded()
    states = [*STATES[:2], ("Training", 612.0, "Training in progress."), ("Failed", 0.0, "Training job failed")]
    tail = [
        "Traceback (most recent call last):",
        '  File "train.py", line 81, in <module>',
        "    loss.backward()",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB",
    ]
    diagnosis = {
        "label": "gpu_memory",
        "fault": "code",
        "retry": "never",
        "summary": "The GPU's memory was full.",
        "remedy": "Use a smaller batch, or a machine whose GPUs have more memory (ml.g5.12xlarge).",
        "evidence": tail[-1],
        "log_tail": tail,
    }
    row = attempt(
        1,
        3,
        states,
        status="Failed",
        secondary_status="Failed",
        outcome="script_failed",
        diagnosis=diagnosis,
        decision="It ends: another try would fail the same way.",
        last_step=180,
        on_demand_usd=1.03,
        capacity="on_demand",
        failure_reason="AlgorithmError: ExecuteUserScriptError: exit code 1",
        saved_usd=None,
        cost_usd=1.03,
    )
    return {
        **report,
        "status": "FAILED",
        "ended_at": at(860),
        "seconds": 872.0,
        "attempts": [row],
        "diagnosis": diagnosis,
        "verdict": "The run failed: the GPU's memory was full.",
        "model": None,
        "resume": [],
        "warnings": [],
        "cost": {**report["cost"], "usd": 1.03, "on_demand_usd": 1.03, "saved_usd": None},
        "goodput": {
            **goodput(productive=612, start_up=120, download=140),
            "notes": ["The script says nothing of its progress: all of its training counts as productive."],
        },
        "headline": {"name": "validation:accuracy", "value": 0.41, "previous": None, "change": None},
        "comparison": None,
        "metrics": {"validation:accuracy": 0.41},
        "findings": [],
        "checkpoints": None,
        "advice": {
            "change": "Use a smaller batch, or a machine whose GPUs have more memory.",
            "worth_usd": None,
            "worth_seconds": None,
            "why": "Nothing was kept of this run.",
            "from": "diagnosis",
        },
    }


def refused() -> Report:
    problems = [
        {
            "code": "TW102",
            "field": "compute.instance_type",
            "path": ["compute", "instance_type"],
            "problem": "There is no such instance type.",
            "value": '"ml.g5.3xlarge"',
            "allowed": "ml.g5.xlarge, ml.g5.2xlarge, ml.g5.4xlarge",
            "remedy": "instance_type: ml.g5.2xlarge",
            "sure": True,
            "edit": None,
        },
        {
            "code": "TW231",
            "field": "limits.max_runtime",
            "path": ["limits", "max_runtime"],
            "problem": "It has no unit.",
            "value": "30",
            "allowed": None,
            "remedy": "max_runtime: 30m",
            "sure": True,
            "edit": None,
        },
    ]
    return {
        **_nothing(),
        "status": "REFUSED",
        "verdict": "The run was refused before anything started.",
        "problems": problems,
        "ended_at": at(2),
        "seconds": 2.0,
        "command": "trainwright run --team vision digits.yaml",
        "name": "digits",
        "request": {"name": "digits", "compute": {"instance_type": "ml.g5.3xlarge"}, "limits": {"max_runtime": 30}},
    }


def stopped() -> Report:
    report = succeeded()
    states = [
        *STATES[:2],
        ("Training", 300.0, "Training in progress."),
        ("Stopping", 60.0, "Stopping the training job"),
    ]
    row = attempt(
        1,
        3,
        states,
        status="Stopping",
        secondary_status="Stopping",
        outcome="stopped_by_person",
        ended_at=None,
        training_seconds=None,
        billable_seconds=None,
        cost_usd=None,
        on_demand_usd=None,
        saved_usd=None,
    )
    return {
        **report,
        "status": "STOPPED",
        "verdict": "The run was stopped.",
        "attempts": [row],
        "model": None,
        "resume": [],
        "cost": {
            **report["cost"],
            "usd": None,
            "on_demand_usd": None,
            "saved_usd": None,
            "complete": False,
            "cap_usd": None,
        },
        "headline": None,
        "comparison": {**report["comparison"], "changes": [], "metrics": []},
        "advice": {
            "change": None,
            "why": "Nothing that was measured is worth a change.",
            "worth_usd": None,
            "worth_seconds": None,
            "from": "none",
        },
        "metrics": {},
        "findings": [],
        "profile": {**report["profile"], "status": "off", "rules": [], "summary": {}, "source": None},
    }


def pending() -> Report:
    """A run whose profile is not whole yet."""
    report = succeeded()
    return {
        **report,
        "profile": {
            **report["profile"],
            "status": "pending",
            "source": "cloudwatch",
            "pending": ["The rule ProfilerReport is still being evaluated."],
            "missing": ["3 of 60 files could not be read: the last line of 2 files was cut."],
            "rules": [
                {"name": "ProfilerReport", "attempt": 1, "status": "InProgress", "details": None, "report_uri": None}
            ],
        },
        "findings": [],
    }


def long() -> Report:
    """A run of two days: capacity that did not come, a machine that broke, a start from zero."""
    report = succeeded()
    first = attempt(
        1,
        60,
        [("Starting", 300.0, "m"), ("Training", 30_000.0, "m"), ("Failed", 0.0, "InternalServerError")],
        status="Failed",
        outcome="service_failed",
        decision="It goes on with the same machines.",
        then_wait_seconds=60,
        instance_count=8,
        failure_reason="InternalServerError: Please try again.",
    )
    waits = [
        attempt(
            number,
            30_500 + 900 * number,
            [],
            job_arn=None,
            status=None,
            secondary_status=None,
            outcome="quota_busy",
            then_wait_seconds=900,
            ended_at=None,
            started_at=None,
            training_seconds=None,
            billable_seconds=None,
            failure_reason="ResourceLimitExceeded: the quota is in use " * 4,
            decision="It waits.",
            cost_usd=None,
        )
        for number in range(2, 22)
    ]
    tries = [
        attempt(
            number,
            50_500 + 3_000 * number,
            [("Starting", 200.0, "m"), ("Training", 1_700.0, "m"), ("Interrupted", 800.0, "m")],
            decision="It goes on.",
            instance_count=8,
            checkpoint_step=800,
            restarted_from_zero=number == 22,
        )
        for number in range(22, 40)
    ]
    return {
        **report,
        "ended_at": at(170_400),
        "seconds": 170_412.0,
        "attempts": [first, *waits, *tries],
        "resume": [
            {"attempt": 22, "checkpoint_step": 800, "resumed_from_step": 0, "lost_steps": 800, "from_zero": True}
        ],
        "restarted_from_zero": True,
        "goodput": goodput(
            productive=52_000,
            waiting=88_000,
            start_up=9_000,
            download=2_400,
            lost_work=18_000,
            checkpoints=900,
            upload=112,
        ),
    }


def _nothing() -> Report:
    """Every key, as little as can be known."""
    report = dict.fromkeys(succeeded())
    return {
        **report,
        "schema": 3,
        "run": "vision-0123456789",
        "team": "vision",
        "status": "FAILED",
        "restarted_from_zero": False,
        "execution_arn": "arn:aws:states:us-east-1:123456789012:execution:x:y",
        "started_at": at(0),
        "image": None,
        "cost": {**dict.fromkeys(succeeded()["cost"]), "complete": True},
        "metrics": {},
        "inputs": {},
        "advice": {"change": None, "why": "", "worth_usd": None, "worth_seconds": None, "from": "none"},
        "profile": {"status": "off", "pending": [], "missing": [], "rules": [], "summary": {}, "source": None},
        **{
            name: []
            for name in (
                "resume",
                "waits",
                "decisions",
                "attempts",
                "problems",
                "warnings",
                "findings",
                "fields",
                "links",
            )
        },
    }


def empty() -> Report:
    """A run that died before anything was known of it."""
    return {**_nothing(), "verdict": "The run failed.", "started_at": None}


REPORTS = {each.__name__: each for each in (succeeded, failed, refused, stopped, pending, long, empty)}


def charts(
    hosts: int = 2, buckets: int = 300, step: float = 12.0, gpu: bool = True, names: tuple[str, ...] = ()
) -> Report:
    """charts.json of machines that wait for input now and then, and of a script that learns."""
    chance = random.Random(7)
    series = {
        "start": BEGAN.timestamp() + 100,
        "step": step,
        "hosts": {f"algo-{host + 1}": _host(chance, buckets, gpu) for host in range(hosts)},
    }
    curves = names or ("train:loss", "validation:loss", "validation:accuracy")
    return {
        "schema": 1,
        "attempts": [{"number": 1, "series": series}],
        "curves": {
            "axis": "step",
            "names": list(curves),
            "resumes": [480],
            "points": {name: _learning(chance, name) for name in curves},
        },
    }


def long_charts() -> Report:
    """A day at 500 ms on 8 hosts, as the profile has it: 720 buckets of 8 metrics; and 20 curves."""
    return charts(
        8, 720, 120.0, names=tuple(f"{part}:metric-{n}" for n in range(10) for part in ("train", "validation"))
    )


def _host(chance: random.Random, buckets: int, gpu: bool) -> Report:
    waves = {"cpu": (55, 30), "io_wait": (20, 18), "memory": (62, 4), "disk": (31, 2)}
    if gpu:
        waves |= {"gpu": (60, 35), "gpu_memory": (71, 6)}
    found = {name: _band(chance, buckets, middle, swing, "%") for name, (middle, swing) in waves.items()}
    return found | {
        "received": _band(chance, buckets, 82e6, 70e6, "B/s"),
        "sent": _band(chance, buckets, 3e6, 2e6, "B/s"),
    }


def _band(chance: random.Random, buckets: int, middle: float, swing: float, unit: str) -> Report:
    mean = [middle + swing * math.sin(n / 11) * chance.uniform(0.4, 1) for n in range(buckets)]
    low = [value - swing * chance.uniform(0.05, 0.4) for value in mean]
    high = [value + swing * chance.uniform(0.05, 0.4) for value in mean]
    top = 100.0 if unit == "%" else math.inf
    return {
        "unit": unit,
        **{
            fact: [min(max(value, 0.0), top) for value in values]
            for fact, values in (("mean", mean), ("min", low), ("max", high))
        },
    }


def _learning(chance: random.Random, name: str) -> list[list[float]]:
    every = 50 if name.startswith("validation") else 10
    rising = "accuracy" in name
    curve = ((n, math.exp(-n / 300) * chance.uniform(0.9, 1.1)) for n in range(every, 1201, every))
    return [[n, 1 - 0.7 * left if rising else 0.03 + 2 * left] for n, left in curve]


def lines(count: int = 60) -> list[Report]:
    """Lines of the runs' index."""
    chance = random.Random(3)
    return [_index_line(chance, number) for number in range(count)]


def _index_line(chance: random.Random, number: int) -> Report:
    status = chance.choice(["SUCCEEDED"] * 6 + ["FAILED", "FAILED", "STOPPED", "REFUSED"])
    ran = status != "REFUSED"
    return {
        "run": f"vision-{number:010x}",
        "name": chance.choice(["digits", "resnet-large", "bert", "nightly"]),
        "status": status,
        "started_at": at(-5_000 * number),
        "ended_at": at(-5_000 * number + 3_000),
        "seconds": chance.uniform(60, 90_000) if ran else 1.2,
        "cost_usd": chance.uniform(0.01, 40) if ran else None,
        "saved_usd": chance.uniform(0, 20) if ran else None,
        "goodput": chance.uniform(0.2, 0.97) if ran else None,
        "headline": {"name": "validation:accuracy", "value": chance.uniform(0.7, 0.99)}
        if status == "SUCCEEDED"
        else None,
        "interruptions": chance.choice([0, 0, 0, 1, 3]),
        "attempts": 1,
        "instance_type": chance.choice(["ml.g5.2xlarge", "ml.m5.large"]),
        "diagnosis": "gpu_memory" if status == "FAILED" else None,
        "findings": chance.choice([0, 0, 1, 2]),
    }


FIXED = {
    "status",
    "severity",
    "schema",
    "started_at",
    "ended_at",
    "start",
    "end",
    "launch",
    "outcome",
    "set_by",
    "axis",
    "from",
    "what",
    "unit",
    "run_status",
    "then_wait_seconds",
}
"""Keys whose values are the platform's own words."""


def poisoned(document: Any, text: str | Iterator[str]) -> Any:
    """The document with every text in it that others may have written replaced: by the same text each time, or by the
    next one that there is."""
    texts = itertools.repeat(text) if isinstance(text, str) else text
    return _poisoned(copy.deepcopy(document), texts)


def _poisoned(value: Any, texts: Iterator[str]) -> Any:
    if isinstance(value, dict):
        return {name: each if name in FIXED else _poisoned(each, texts) for name, each in value.items()}
    if isinstance(value, list):
        return [_poisoned(each, texts) for each in value]
    return next(texts) if isinstance(value, str) else value
