"""The profiler's rules, measured numbers and files: pure functions against plain re-computations."""

import json
import math
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.rehearsal.jobs.profiler import config, lines, processes, reports
from trainwright.rehearsal.jobs.profiler.gpus import Gpus, Use, has_gpus
from trainwright.rehearsal.jobs.profiler.processes import Process, Traffic
from trainwright.rehearsal.jobs.profiler.readings import Look, between, spread
from trainwright.rehearsal.jobs.profiler.rules import (
    RULES,
    BadParameter,
    Finding,
    Row,
    parameters_of,
    report_parameters,
)
from trainwright.rehearsal.jobs.profiler.rules.base import box, quantile
from trainwright.rehearsal.jobs.profiler.rules.gpus import distance, histogram

percent = st.floats(0, 100)
series = st.lists(percent, min_size=2, max_size=40)


def gpu(values, *, name="gpu0", node="algo-1", dimension="GPUUtilization", kind="gpu"):
    return [Row(kind, name, dimension, value, node, 1000.0 + at) for at, value in enumerate(values)]


def cpu(values, dimension="CPUUtilization"):
    return gpu(values, name="cpu0", dimension=dimension, kind="cpu")


def judge(name, rows, **given_parameters):
    parameters = parameters_of(name, {key: str(value) for key, value in given_parameters.items()})
    return RULES[name].judge(rows, parameters)


# --- arithmetic ----------------------------------------------------------------------------------------------------


@given(series, st.integers(1, 99))
def test_quantiles_are_those_of_the_standard_library(values, share):
    expected = statistics.quantiles(values, n=100, method="inclusive")[share - 1]
    assert quantile(values, share / 100) == pytest.approx(expected, abs=1e-9)


@given(series)
def test_a_box_lies_within_the_values_and_around_its_middle(values):
    found = box(values, 25, 50, 75)
    assert min(values) <= found["lower"] <= found["p50"] + 1e-9
    assert found["p50"] - 1e-9 <= found["upper"] <= max(values)


@given(st.lists(percent, min_size=1, max_size=50), st.lists(percent, min_size=1, max_size=50))
def test_the_distance_of_histograms_is_one_of_two_distributions(first, second):
    one, other = histogram(first), histogram(second)
    assert sum(one) == len(first)
    assert distance(one, one) == pytest.approx(0.0, abs=1e-9)
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert 0.0 <= distance(one, other) <= math.sqrt(math.log(2)) + 1e-9


def test_gpus_that_have_nothing_in_common_are_as_far_apart_as_can_be():
    assert distance(histogram([100.0] * 5), histogram([0.0] * 5)) == pytest.approx(math.sqrt(math.log(2)))


# --- rules ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(percent, percent), min_size=1, max_size=60), st.integers(0, 30), st.integers(0, 100))
@pytest.mark.parametrize(
    ("rule", "dimension", "name", "busy"),
    [
        ("CPUBottleneck", "CPUUtilization", "cpu_threshold", 90),
        ("IOBottleneck", "I/OWaitPercentage", "io_threshold", 50),
    ],
)
def test_a_bottleneck_is_a_busy_core_beside_an_idle_gpu_most_of_the_time(
    rule, dimension, name, busy, pairs, patience, threshold
):
    rows = [*gpu([idle for idle, _ in pairs]), *cpu([used for _, used in pairs], dimension)]
    found = judge(rule, rows, patience=patience, threshold=threshold)
    held = [1 for idle, used in pairs if idle < 10 and used > busy]
    assert found.violations == len(held) == len(found.details["bottlenecks"])
    assert found.datapoints == len(pairs)
    assert found.triggered == (len(pairs) > patience and len(held) * 100 / len(pairs) > threshold)
    assert judge(rule, rows, patience=patience, threshold=threshold, **{name: 100}).violations == 0


def test_rows_of_one_moment_may_lie_a_hundredth_of_a_second_apart():
    rows = [
        Row("gpu", "gpu0", "GPUUtilization", 1, "algo-1", 10.0),
        Row("cpu", "cpu0", "CPUUtilization", 99, "algo-1", 10.01),
    ]
    found = judge("CPUBottleneck", rows, patience=0)
    assert (found.triggered, found.datapoints) == (1, 1)
    assert found.details["bottlenecks"] == {"10.0": {"GPUs": 1, "CPUs": 1}}


def test_without_a_gpu_nothing_is_a_bottleneck():
    assert judge("CPUBottleneck", cpu([100.0] * 50), patience=1).violations == 0


@given(series, st.integers(0, 40), st.integers(1, 40))
def test_a_gpu_is_used_little_or_by_fits_and_starts(values, patience, window):
    found = judge("LowGPUUtilization", gpu(values), patience=patience, window=window)
    cut = values[-window:]
    high, low = (quantile(cut, share) for share in (0.95, 0.05))
    assert found.triggered == (len(values) > patience and (high < 70 or (high > 70 and low < 10)))
    if found.triggered:
        assert found.details["algo-1"]["gpu0"]["gpu_95"] == high
        assert found.details["algo-1"]["gpu0"]["gpu_max"] == max(values)


def test_a_gpu_that_idled_before_the_window_is_used_well():
    assert judge("LowGPUUtilization", gpu([0.0] * 20 + [90.0] * 20), patience=5, window=20).triggered == 0
    assert judge("LowGPUUtilization", gpu([0.0] * 20 + [90.0] * 20), patience=5, window=30).triggered == 1


@given(st.lists(st.integers(0, 100), min_size=1, max_size=40), st.integers(0, 20), st.integers(2, 10))
def test_memory_grows_where_the_mean_of_a_window_does(values, patience, window):
    found = judge("GPUMemoryIncrease", gpu(values, dimension="GPUMemoryUtilization"), patience=patience, window=window)
    expected = 0
    for count in range(window + 2, len(values) + 1):
        upto = values[:count]
        grown = statistics.fmean(upto[-window:]) - statistics.fmean(upto[-window - 1 : -2])
        expected += count > patience and grown > 5 + 1e-9
        if abs(grown - 5) < 1e-6:
            return  # on the edge the two ways of adding up may differ
    assert found.violations == expected


def test_two_gpus_of_a_node_with_different_work_are_out_of_balance():
    rows = [*gpu([90.0] * 20), *gpu([5.0] * 20, name="gpu1"), *gpu([90.0] * 20, node="algo-2")]
    found = judge("LoadBalancing", rows, patience=10)
    assert (found.triggered, list(found.details)) == (1, ["algo-1"])
    assert found.details["algo-1"]["distances"]["gpu0"]["gpu1"] > 0.5
    assert judge("LoadBalancing", rows, patience=20).triggered == 0
    assert judge("LoadBalancing", [*gpu([50.0] * 20), *gpu([50.0] * 20, name="gpu1")], patience=1).triggered == 0


@pytest.mark.parametrize(
    ("cpu_use", "gpu_use", "memory", "triggered"), [(20, 20, 20, 1), (90, 20, 20, 0), (20, 90, 20, 0), (20, 20, 90, 0)]
)
def test_a_batch_is_too_small_when_nothing_is_used_much(cpu_use, gpu_use, memory, triggered):
    rows = [*cpu([cpu_use] * 30), *gpu([gpu_use] * 30), *gpu([memory] * 30, dimension="GPUMemoryUtilization")]
    found = judge("BatchSize", rows, patience=20, window=10)
    assert found.triggered == triggered
    if triggered:
        assert set(found.details["algo-1"]) == {"cpu", "gpu0", "gpu0_memory"}
    assert judge("BatchSize", rows, patience=30, window=10).triggered == 0


@given(st.lists(percent, min_size=1, max_size=20), st.lists(percent, min_size=1, max_size=20))
def test_overall_usage_is_the_spread_over_all_cores_and_never_triggers(one, other):
    both = min(len(one), len(other))
    rows = [*cpu(one[:both]), *gpu(other[:both], name="cpu1", dimension="CPUUtilization", kind="cpu")]
    found = judge("OverallSystemUsage", rows)
    means = [(a + b) / 2 for a, b in zip(one, other, strict=False)]
    assert found.triggered == 0 and found.datapoints == both
    assert found.details["CPU"]["algo-1"]["max"] == pytest.approx(max(means), abs=0.01)
    assert found.details["CPU"]["algo-1"]["min"] == pytest.approx(min(means), abs=0.01)
    assert found.details["GPU"] == {}


def test_parameters_have_awss_names_and_defaults():
    assert parameters_of("LowGPUUtilization", {"patience": "20", "rule_to_invoke": "LowGPUUtilization"}) == {
        "threshold_p95": 70, "threshold_p5": 10, "window": 500, "patience": 20, "scan_interval_us": 60_000_000,
    }  # fmt: skip
    given_to_all = report_parameters({"cpubottleneck_cpu_threshold": "80", "StepOutlier_stddev": "3"})
    assert given_to_all["CPUBottleneck"]["cpu_threshold"] == 80
    assert set(given_to_all) == set(RULES)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"CPUBottleneck_speed": "1"}, "no parameter speed"), ({"Nothing_x": "1"}, "invalid rule name"),
     ({"IOBottleneck_patience": "soon"}, "must be a number")],
)  # fmt: skip
def test_a_parameter_that_means_nothing_is_said(parameters, message):
    with pytest.raises(BadParameter, match=message):
        report_parameters(parameters)


# --- reports -------------------------------------------------------------------------------------------------------


def test_the_report_has_awss_members_and_the_page_escapes_everything():
    said = reports.report(Finding(1, 2, 3, {"<b>": {}}), {"threshold": 50.0, "patience": 0.5, "scan_interval_us": 6e7})
    assert said["RuleParameters"] == "threshold:50\npatience:0.5"
    assert (said["RuleTriggered"], said["Violations"], said["Datapoints"]) == (1, 2, 3)
    page = reports.page("<script>", {"CPUBottleneck": said})
    assert "<script>" not in page and "<b>" not in page
    assert "&lt;script&gt;" in page and "stand-in" in page


# --- measuring -----------------------------------------------------------------------------------------------------


def test_the_line_of_a_process_with_an_ugly_name_is_read():
    numbers = ["0"] * 50
    numbers[0:2], numbers[11:15], numbers[21], numbers[36] = ["D", "7"], ["100", "50", "30", "20"], "3", "1"
    found = processes.parse(f"42 (a ) (b) {' '.join(numbers)}")
    assert found[:3] == (42, 7, "D")
    assert found.seconds == 200 / processes.TICKS
    assert (found.core, found.memory) == (1, 3 * processes.PAGE)


def test_a_family_is_everything_below_its_root():
    parents = {2: 1, 3: 2, 4: 3, 5: 1, 6: 4, 7: 99, 8: 8}
    table = {pid: Process(pid, parent, "S", 0.0, 0, 0) for pid, parent in parents.items()}
    found = processes.families(table, [2, 5, 55])
    assert {root: sorted(one.pid for one in family) for root, family in found.items()} == {
        2: [2, 3, 4, 6],
        5: [5],
        55: [],
    }


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is nothing to read")
def test_this_process_is_among_the_processes_of_this_machine():
    import os

    found = processes.table()[os.getpid()]
    assert found.memory > 0 and found.seconds > 0
    assert processes.memory_bytes() > found.memory


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 5)), max_size=8), st.floats(0.05, 2))
def test_time_fills_cores_and_none_is_lost_or_made(worked, seconds):
    found = spread(worked, [0, 1, 2, 3], seconds)
    total = min(sum(wanted for _, wanted in worked), 4 * seconds)
    assert sum(found.values()) == pytest.approx(100 * total / seconds, abs=1e-6)
    assert all(-1e-9 <= value <= 100 + 1e-9 for value in found.values())


def look(at, *family, received=0):
    return Look(at, {process.pid: process for process in family}, Traffic(received, 0))


def test_a_reading_is_what_happened_between_two_looks():
    before = look(0.0, Process(1, 0, "S", 1.0, 0, 100), received=100)
    after = look(2.0, Process(1, 0, "S", 2.0, 0, 100), Process(2, 1, "D", 0.5, 1, 100), received=300)
    found = between(before, after, [0, 1], 1000)
    assert found.cpu == {0: 50.0, 1: 25.0} and found.total_cpu == 75.0
    assert found.io_wait == {0: 0.0, 1: 75.0}
    assert (found.memory, found.received) == (20.0, 100.0)


def test_a_child_that_ended_is_not_counted_twice():
    before = look(0.0, Process(1, 0, "S", 1.0, 0, 0), Process(2, 1, "R", 3.0, 1, 0))
    after = look(1.0, Process(1, 0, "S", 4.5, 0, 0))
    assert between(before, after, [0, 1], 1).total_cpu == 50.0


def test_what_a_process_would_have_run_on_a_machine_of_its_own_counts():
    before = look(0.0, Process(1, 0, "R", 1.0, 0, 0, waited=5.0))
    after = look(1.0, Process(1, 0, "R", 1.25, 0, 0, waited=5.75))
    assert between(before, after, [0, 1], 1).cpu == {0: 100.0, 1: 0.0}


def test_gpus_are_what_the_process_said_of_them_last(tmp_path):
    file = tmp_path / "gpu.jsonl"
    told = Gpus(file)
    assert told.look() == {}
    file.write_text('{"gpu": 0, "utilization": 30, "memory": 10}\nnonsense\n{"gpu": 1}\n{"gpu": 0, "util')
    assert told.look() == {0: Use(30.0, 10.0)}
    with file.open("a") as more:
        more.write('ization": 400}\n{"gpu": 3, "utilization": "x"}\n')
    assert told.look() == {0: Use(100.0, 0.0)}


def test_gpus_are_those_of_gpu_types_only():
    types = ("ml.g5.xlarge", "ml.p4d.24xlarge", "ml.g6e.12xlarge", "ml.m5.large", "ml.trn1.2xlarge", "ml.c7g.xlarge")
    assert [has_gpus(kind) for kind in types] == [True, True, True, False, False, False]


# --- files ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 400), st.sampled_from(["", "minutes", "all"])), max_size=60))
def test_every_row_is_in_the_file_of_its_minute_whenever_files_are_uploaded(steps):
    files, stored, rows = lines.Files(), {}, []
    for when, uploads in sorted(steps):
        row = Row("cpu", "cpu0", "CPUUtilization", 50.0, "algo-1", when)
        rows.append(row)
        files.add([row])
        if uploads:
            files.flush(when, stored.__setitem__, all_of_them=uploads == "all")
    files.flush(401.0, stored.__setitem__, all_of_them=True)
    found = {key: list(lines.read(content)) for key, content in stored.items()}
    assert sorted(row.timestamp for read in found.values() for row in read) == [row.timestamp for row in rows]
    assert set(found) == {f"system/incremental/1970010100/{int(row.timestamp // 60) * 60}.algo-1.json" for row in rows}


def test_a_line_is_as_awss_are_and_a_cut_one_is_left_out():
    row = Row("gpu", "gpu0", "GPUMemoryUtilization", 14.761, "algo-2", 1591161699.157)
    line = lines.write(row)
    assert json.loads(line) == {
        "Type": "gpu", "Name": "gpu0", "Dimension": "GPUMemoryUtilization",
        "Value": 14.76, "NodeId": "algo-2", "Timestamp": 1591161699.157,
    }  # fmt: skip
    assert list(lines.read((line + line[:40]).encode())) == [row._replace(value=14.76)]


# --- requests ------------------------------------------------------------------------------------------------------

BUILT_IN = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"


def rule(name="mine", image=BUILT_IN, **parameters):
    return {"RuleConfigurationName": name, "RuleEvaluatorImage": image, "RuleParameters": parameters}


def test_what_the_documentation_rules_out_is_refused():
    wrong = {"ProfilerConfig": {"ProfilingIntervalInMilliseconds": 300}, "ProfilerRuleConfigurations": [rule(), rule()]}
    interval, names = config.problems(wrong)
    assert "300" in interval and "100, 200, 500, 1000, 5000, 60000" in interval
    assert "'mine'" in names
    assert list(config.problems({"ProfilerConfig": {"ProfilingIntervalInMilliseconds": 100}})) == []


@pytest.mark.parametrize(
    ("given_rule", "message"),
    [
        (rule(image="123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:1"), "is not AWS's"),
        (rule(rule_to_invoke="StepOutlier"), "discontinued"),
        (rule(rule_to_invoke="Mine"), "write one of BatchSize"),
        (rule(), "rule_to_invoke None"),
        (rule(rule_to_invoke="BatchSize"), None),
        (rule(rule_to_invoke="ProfilerReport"), None),
    ],
)
def test_only_awss_rules_for_system_metrics_are_played(given_rule, message):
    said = list(config.unplayed({"ProfilerRuleConfigurations": [given_rule]}))
    assert (message in said[0]) if message else not said


def test_nothing_is_profiled_unless_it_is_asked_for():
    output = {"OutputDataConfig": {"S3OutputPath": "s3://b/out"}, "TrainingJobName": "j"}
    assert config.profiling(output) is None
    assert config.profiling({**output, "ProfilerConfig": {"DisableProfiler": True}}) is None
    found = config.profiling({**output, "ProfilerConfig": {"S3OutputPath": "s3://p/"}})
    assert (found.interval, str(found.target)) == (0.5, "s3://p/j/profiler-output")
    assert str(config.profiling({**output, "ProfilerConfig": {}}).target) == "s3://b/out/j/profiler-output"
    assert str(config.rule_target(output, rule())) == "s3://b/out/j/rule-output/mine/profiler-output"
