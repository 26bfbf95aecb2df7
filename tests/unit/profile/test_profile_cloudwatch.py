"""CloudWatch's minutes in the profiler's place, and the disks beside the profiler's files."""

import pytest

from trainwright_runtime.profile import Instance, document

START = 1_700_000_040


def minutes(value, count=30):
    return [(START + 60 * n, value(n) if callable(value) else value) for n in range(count)]


def said(hosts, instance=None, training=(), **given):
    given = {"digest": None, "rules": [], "rule_reports": {}, "steps": [], **given}
    return document(attempt=1, job_name="job", host_metrics=hosts, instance=instance, training=list(training), **given)


def machine(cpu=200.0, gpu=170.0, gpu_memory=160.0):
    return {
        "CPUUtilization": minutes(cpu),
        "MemoryUtilization": minutes(30.0),
        "DiskUtilization": minutes(lambda n: 10.0 + n),
        "GPUUtilization": minutes(gpu),
        "GPUMemoryUtilization": minutes(gpu_memory),
    }


def test_sums_over_cores_and_gpus_are_shared_out():
    document = said({"algo-1": machine()}, Instance(vcpus=4, gpus=2))
    assert document["source"] == "cloudwatch"
    series = document["series"]
    assert (series["start"], series["step"]) == (START // 60 * 60, 60)
    assert series["hosts"]["algo-1"]["cpu"]["mean"] == [50.0] * 30
    assert series["hosts"]["algo-1"]["gpu"]["mean"] == [85.0] * 30
    assert series["hosts"]["algo-1"]["disk"]["max"][-1] == 39.0
    assert document["summary"]["algo-1"]["gpu_memory"]["mean"] == 80.0
    assert document["findings"] == []
    assert document["files"]["found"] == 0


def test_where_nobody_knows_the_machine_its_peak_says_how_many_cores_there_are():
    document = said({"algo-1": {"CPUUtilization": minutes(lambda n: 390.0 if n == 5 else 100.0)}})
    assert document["series"]["hosts"]["algo-1"]["cpu"]["max"][5] == 97.5


def test_gpus_that_are_little_used_are_found_in_half_an_hour_of_minutes():
    (finding,) = said({"algo-1": machine(cpu=300.0, gpu=40.0)}, Instance(4, 2))["findings"]
    assert (finding["rule"], finding["source"]) == ("low_gpu_use", "CloudWatch's metrics")


def test_eight_minutes_are_not_enough():
    hosts = {"algo-1": {name: values[:8] for name, values in machine(gpu=2.0).items()}}
    assert said(hosts, Instance(4, 2))["findings"] == []


def test_means_of_five_minutes_are_judged_by_the_same_lengths_of_time():
    low = machine(cpu=300.0, gpu=40.0)
    apart = {name: [(START + 300 * n, value) for n, (_, value) in enumerate(values)] for name, values in low.items()}
    document = said({"algo-1": {name: values[:4] for name, values in apart.items()}}, Instance(4, 2))
    assert [finding["rule"] for finding in document["findings"]] == ["low_gpu_use"]
    assert document["series"]["step"] == 300
    assert None not in document["series"]["hosts"]["algo-1"]["cpu"]["mean"]


def test_disks_stand_beside_what_the_profiler_measured(made):
    job = made.job(lambda number, host: {"cpu": [50.0]}, readings=600)
    document = said({"algo-1": machine()}, digest=job.digest())
    assert document["source"] == "profiler"
    host = document["series"]["hosts"]["algo-1"]
    assert list(host) == ["cpu", "disk"]
    assert host["cpu"]["max"][0] == 50.0


@pytest.mark.parametrize("values", [[], [(float("nan"), 1.0), (1.0, float("inf")), (START, -5.0)]])
def test_values_that_are_none(values):
    document = said({"algo-1": {"CPUUtilization": values}, "algo-2": {}})
    assert (document["source"], document["series"]) == (None, None)
