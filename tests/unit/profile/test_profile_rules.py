"""The platform's own rules: a busy job is left alone, each bottleneck yields its own finding and no other."""

import random
from dataclasses import replace

import pytest

from trainwright_runtime.profile import DEFAULTS, Instance, Rule, Settings

NOISE = random.Random(6)


def near(value, by=3.0):
    return min(100.0, max(0.0, value + NOISE.uniform(-by, by)))


def busy(number, host):
    return {
        "cpu": [near(60, 20) for _ in range(4)],
        "io": [near(2, 2) for _ in range(4)],
        "memory": near(50),
        "gpu": [near(88, 12), near(88, 12)],
        "gpu_memory": [near(85, 1), near(85, 1)],
        "received": 2e6,
        "sent": 1e4,
    }


def but(**changed):
    """A busy machine, some of it otherwise: `changed` maps a part to what it is at a reading."""
    return lambda number, host: busy(number, host) | {name: value(number) for name, value in changed.items()}


MOSTLY = 0.7  # of the time


def held_up(number):
    return number % 10 < 10 * MOSTLY


def idle_gpus(number):
    return [near(4), near(4)] if held_up(number) else [near(95), near(95)]


KINDS = {
    "cpu_bottleneck": but(cpu=lambda n: [97.0, 40.0, 40.0, 40.0], gpu=idle_gpus),
    "io_bottleneck": but(io=lambda n: [80.0, 0.0, 0.0, 0.0], cpu=lambda n: [15.0] * 4, gpu=idle_gpus),
    "low_gpu_use": but(gpu=lambda n: [near(30), near(30)], cpu=lambda n: [near(40)] * 4),
    "batch_size": but(
        gpu=lambda n: [near(40), near(40)], gpu_memory=lambda n: [near(30, 1)] * 2, cpu=lambda n: [near(20)] * 4
    ),
    "gpu_memory_growth": but(gpu_memory=lambda n: [40 + n / 30, 85.0]),
    "load_imbalance": but(gpu=lambda n: [near(90, 8), near(35, 8)]),
}


def test_a_busy_job_yields_nothing(made):
    assert made.job(busy, readings=3000).document()["findings"] == []


@pytest.mark.parametrize("rule", KINDS)
def test_each_kind_is_found_and_nothing_else(made, rule):
    readings = 1800 if rule == "gpu_memory_growth" else 1400
    job = made.job(KINDS[rule], readings=readings, training=[(made.start, made.start + readings / 2)])
    (finding,) = job.document()["findings"]
    assert finding["rule"] == rule
    assert finding["host"] == "algo-1"
    assert finding["measured"] and finding["threshold"] and finding["change"] and finding["title"]
    assert "2023-11-14T22:14:00Z" <= finding["start"] < finding["end"] <= "2023-11-14T22:29:00Z"
    if finding["worth_seconds"] is not None:
        assert 0 < finding["worth_seconds"] <= readings / 2


def test_the_time_that_a_bottleneck_costs_is_the_share_of_the_training(made):
    job = made.job(KINDS["io_bottleneck"], training=[(made.start, made.start + 700)])
    (finding,) = job.document()["findings"]
    assert finding["value"] == pytest.approx(70)
    assert finding["worth_seconds"] == pytest.approx(490)


def test_with_the_documented_defaults_a_thousand_readings_are_not_enough(made):
    assert DEFAULTS.patience == 1000
    assert made.job(KINDS["io_bottleneck"], readings=1000).found() == []
    assert made.job(KINDS["io_bottleneck"], readings=1001).found() == ["io_bottleneck"]


def test_patience_can_be_shortened(made):
    assert made.job(KINDS["io_bottleneck"], readings=20, settings=Settings(patience=10)).found() == ["io_bottleneck"]
    assert made.job(KINDS["low_gpu_use"], readings=20, settings=Settings(patience=10)).found() == ["low_gpu_use"]


def test_half_of_the_time_is_not_too_much(made):
    half = but(io=lambda n: [80.0, 0, 0, 0], gpu=lambda n: [near(4) if n % 2 else near(95)] * 2)
    assert "io_bottleneck" not in made.job(half).found()


def test_one_busy_gpu_is_no_bottleneck_of_the_host(made):
    assert "cpu_bottleneck" not in made.job(but(cpu=lambda n: [99.0] * 4, gpu=lambda n: [2.0, 96.0])).found()


def test_gpus_by_fits_and_starts(made):
    (finding,) = made.job(but(gpu=lambda n: [near(95) if n % 10 else 1.0] * 2)).document()["findings"]
    assert finding["title"] == "The GPUs are used by fits and starts"
    assert "num_workers" in finding["change"]


def test_larger_batches_are_no_advice_to_a_busy_processor(made):
    job = made.job(but(gpu=lambda n: [near(40)] * 2, gpu_memory=lambda n: [30.0] * 2, cpu=lambda n: [80.0] * 4))
    assert job.found() == ["low_gpu_use"]


def test_a_validation_phase_is_no_low_use(made):
    phase = but(gpu=lambda n: [near(20)] * 2 if 1000 <= n < 1500 else [near(90)] * 2)
    assert made.job(phase, readings=3000).found() == []


def test_memory_that_a_validation_takes_and_gives_back_is_no_growth(made):
    hill = but(gpu_memory=lambda n: [70.0 if 1300 < n < 1500 else 40.0, 85.0])
    assert made.job(hill, readings=2400).found() == []


def test_memory_that_fills_while_the_training_begins_is_no_growth(made):
    filling = but(gpu_memory=lambda n: [min(80.0, 20 + n / 15), 85.0])
    assert made.job(filling, readings=1800).found() == []


def test_steady_gpus_that_differ_by_little_are_balanced(made):
    assert made.job(but(gpu=lambda n: [95.0, 97.5])).found() == []


def test_gpus_of_two_hosts_are_compared(made):
    def machine(number, host):
        return busy(number, host) | {"gpu": [near(90, 8)] if host == "algo-1" else [near(40, 8)], "gpu_memory": [85.0]}

    (finding,) = made.job(machine, hosts=("algo-1", "algo-2")).document()["findings"]
    assert (finding["rule"], finding["host"], finding["device"]) == ("load_imbalance", "algo-2", "gpu0")


def test_hosts_with_the_same_trouble_share_a_finding(made):
    job = made.job(KINDS["io_bottleneck"], hosts=("algo-1", "algo-2", "algo-10"), readings=1100)
    (finding,) = job.document()["findings"]
    assert "found on 2 more hosts" in finding["measured"]


# --- hosts without GPUs --------------------------------------------------------------------------------------------


def of_cpus(cpu, io=0.0, received=0.0):
    return lambda number, host: {"cpu": [cpu, cpu], "io": [io, io], "memory": 30.0, "received": received}


def test_a_busy_processor_is_work(made):
    assert made.job(of_cpus(97.0, received=5e6), instance=Instance(2, 0)).found() == []


def test_a_processor_that_waits_for_the_disk(made):
    (finding,) = made.job(of_cpus(10.0, io=85.0), instance=Instance(2, 0)).document()["findings"]
    assert (finding["rule"], finding["title"]) == ("io_bottleneck", "The processor waits for input")


def test_one_core_that_waits_while_the_others_work_is_no_bottleneck(made):
    def machine(number, host):
        return {"cpu": [95.0, 95.0, 95.0, 10.0], "io": [0.0, 0.0, 0.0, 85.0]}

    assert made.job(machine, instance=Instance(4, 0)).found() == []


def test_a_processor_that_waits_for_the_network(made):
    job = made.job(of_cpus(4.0, received=5e6), instance=Instance(2, 0))
    (finding,) = job.document()["findings"]
    assert finding["rule"] == "io_bottleneck"
    assert "network" in finding["measured"]


def test_an_idle_processor_without_input_is_nobodys_business(made):
    assert made.job(of_cpus(4.0, received=100.0), instance=Instance(2, 0)).found() == []


def test_one_core_that_computes_is_work_on_a_big_machine(made):
    def machine(number, host):
        return {"cpu": [100.0] + [0.0] * 31, "io": [0.0] * 32, "received": 5e6}

    assert made.job(machine, instance=Instance(32, 0)).found() == []


def test_gpus_that_nobody_measured_may_be_at_work(made):
    document = made.job(of_cpus(4.0, received=5e6), instance=Instance(2, 1)).document()
    assert document["findings"] == []
    assert "the files say nothing of the accelerators that this instance type has" in document["missing"]


# --- what counts ---------------------------------------------------------------------------------------------------


def test_readings_while_the_data_are_downloaded_do_not_count(made):
    """The first 700 seconds wait for input; training begins after them."""
    machine = lambda n, host: KINDS["io_bottleneck"](0, host) if n < 1400 else busy(n, host)  # noqa: E731
    job = made.job(machine, readings=3000)
    trained = replace(job, training=[(made.start + 700, made.start + 1500)])
    assert trained.found() == []
    uneven = lambda n, host: KINDS["load_imbalance"](0, host) if n < 3600 else busy(n, host)  # noqa: E731
    assert replace(job, machine=uneven, readings=5000).found() == ["load_imbalance"]
    assert replace(job, machine=uneven, readings=5000, training=[(made.start + 1800, made.start + 2500)]).found() == []
    assert replace(job, readings=1500, training=[(made.start, made.start + 750)]).found() == ["io_bottleneck"]


def test_a_channel_that_is_streamed_is_better_copied(made):
    job = made.job(KINDS["io_bottleneck"], rest={"channels": {"train": "FastFile", "validation": "File"}})
    assert "`train` with `input_mode: File`" in job.document()["findings"][0]["change"]
    assert "num_workers" in made.job(KINDS["io_bottleneck"]).document()["findings"][0]["change"]


# --- steps ---------------------------------------------------------------------------------------------------------


def steps_of(made, times):
    job = made.job(busy, readings=10, steps=times, training=[(made.start, made.start + 7200)])
    return job.document()["findings"]


def test_a_long_time_until_the_first_step(made):
    steps = [(number, made.start + 1500 + number) for number in range(1, 100)]
    (finding,) = steps_of(made, steps)
    assert finding["rule"] == "initialisation_time"
    assert finding["value"] == pytest.approx(25)
    assert finding["worth_seconds"] == pytest.approx(1500)


def test_a_first_epoch_that_takes_long_is_no_initialisation(made):
    """Reported once an epoch, of 25 minutes each: the first one began at once."""
    assert steps_of(made, [(number, made.start + 10 + 1500 * number) for number in (1, 2, 3)]) == []


def test_one_report_alone_says_nothing(made):
    assert steps_of(made, [(1, made.start + 3000)]) == []


def every(made, apart, count):
    """Steps of a second, but of five where one is a checkpoint."""
    at, steps = float(made.start), []
    for number in range(1, count + 1):
        at += 5.0 if number % apart == 0 else 1.0
        steps.append((number, at))
    return steps


def test_steps_that_are_late_by_a_rhythm(made):
    (finding,) = steps_of(made, every(made, 20, 400))
    assert finding["rule"] == "step_outliers"
    assert finding["value"] == 20
    assert "every 20 steps" in finding["change"]
    assert finding["worth_seconds"] == pytest.approx(80)


def test_ten_outliers_are_usual(made):
    assert steps_of(made, every(made, 40, 400)) == []


# --- beside AWS's rules --------------------------------------------------------------------------------------------


def test_what_both_found_is_one_finding_that_names_both(made):
    reports = {"ProfilerReport": {"IOBottleneck.json": b'{"RuleTriggered":1,"Violations":900,"Datapoints":1400}'}}
    rules = [Rule("ProfilerReport", "IssuesFound")]
    job = made.job(KINDS["io_bottleneck"], rest={"rule_reports": reports, "rules": rules})
    (finding,) = job.document()["findings"]
    assert finding["source"] == "system metrics and ProfilerReport"
    assert finding["host"] == "algo-1"


def test_a_consequence_of_a_finding_is_none_of_its_own(made):
    reports = {"ProfilerReport": {"LowGPUUtilization.json": b'{"RuleTriggered":1,"Violations":9,"Datapoints":1400}'}}
    assert made.job(KINDS["io_bottleneck"], rest={"rule_reports": reports}).found() == ["io_bottleneck"]
    assert made.job(busy, rest={"rule_reports": reports}).found() == ["low_gpu_use"]
