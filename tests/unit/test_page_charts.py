"""The charts' data: what is drawn is what was measured, peaks included, and fits on a page."""

import json
import math

import pytest
import sample_reports as samples

from trainwright_runtime import page as pages
from trainwright_runtime.page import charts as drawing
from trainwright_runtime.page.charts.curves import CURVES, POINTS


def build(charts, report=None):
    return drawing.build(charts, report or samples.succeeded())


def host(metrics, start=1000.0, step=10.0, name="algo-1"):
    return {"start": start, "step": step, "hosts": {name: metrics}}


def one(*series, curves=None):
    return {
        "schema": 1,
        "attempts": [{"number": n + 1, "series": each} for n, each in enumerate(series)],
        "curves": curves,
    }


def metric(mean, low=None, high=None, unit="%"):
    return {"unit": unit, "mean": mean, "min": low or mean, "max": high or mean}


def test_a_hosts_metrics_are_charts_with_units_and_bands():
    found = build(
        one(
            host(
                {
                    "cpu": metric([10, 20.04], [1, 2], [99.96, 30]),
                    "received": metric([1e6, 12_345_678.9], unit="bytes/s"),
                }
            )
        )
    )
    processor, network = found["data"]["charts"]
    assert (processor["title"], processor["unit"], processor["range"]) == ("Processor", "%", [0, 100])
    assert processor["series"] == [{"label": "CPU use", "mean": [10, 20], "min": [1, 2], "max": [100, 30]}]
    assert (network["title"], network["unit"]) == ("Network", "B/s")
    assert network["series"] == [{"label": "Received", "mean": [1_000_000, 12_350_000]}], (
        "a band of no width is not sent"
    )
    assert found["data"]["groups"] == {"host-0": [[1000.0, 10.0, 2]]}


def test_no_gpu_no_gpu_chart():
    assert "GPU" not in {chart["title"] for chart in build(samples.charts(gpu=False))["data"]["charts"]}
    assert "GPU" in {chart["title"] for chart in build(samples.charts())["data"]["charts"]}


def test_attempts_follow_each_other_and_one_that_did_not_measure_leaves_a_gap():
    first = host({"cpu": metric([1, 2])})
    second = host({"cpu": metric([3]), "memory": metric([50])}, start=5000.0, step=20.0)
    found = build(one(first, None, second))
    assert found["data"]["groups"]["host-0"] == [[1000.0, 10.0, 2], [5000.0, 20.0, 1]]
    lines = {each["label"]: each["mean"] for chart in found["data"]["charts"] for each in chart["series"]}
    assert lines == {"CPU use": [1, 2, 3], "Memory": [None, None, 50]}


def test_a_metric_that_nobody_knows_has_a_chart_of_its_own():
    found = build(one(host({"tpu_use": metric([5], unit="things")})))
    assert [(chart["title"], chart["unit"]) for chart in found["data"]["charts"]] == [("tpu use", "things")]


def test_series_that_cannot_be_drawn_are_left_out():
    broken = [None, {}, {"start": None, "step": 1, "hosts": {}}, {"start": 1, "step": 0, "hosts": {}}, host({})]
    found = build(one(*broken))
    assert found["data"] is None or not found["data"]["charts"]
    odd = build(one(host({"cpu": metric([1, None, math.nan, math.inf, "x", True])})))
    assert odd["data"]["charts"][0]["series"][0]["mean"] == [1, None, None, None, None, None]
    assert pages.html(samples.succeeded(), one(*broken))
    for charts in (None, {}, {"attempts": None, "curves": None}):
        assert build(charts)["data"] is None


def test_what_is_too_much_gets_coarser_and_keeps_its_peaks(monkeypatch):
    values = [float(n % 7) for n in range(4000)]
    values[1234] = 99.0
    values[2345] = -5.0
    charts = one(host({"cpu": metric(values)}))
    monkeypatch.setattr(drawing, "LIMIT", 4_000)
    found = build(charts)
    (chart,) = found["data"]["charts"]
    (line,) = chart["series"]
    assert max(line["max"]) == 99
    assert min(line["min"]) == -5
    assert len(json.dumps(found["data"])) < 15_000
    ((_, step, count),) = found["data"]["groups"]["host-0"]
    assert step * count == pytest.approx(40_000, rel=0.01), "the stretch of time stays the same"
    assert "lowest and highest are kept" in found["notes"][0]


def test_metrics_of_one_kind_are_one_chart_over_steps():
    curves = {
        "axis": "step", "names": [], "resumes": [480],
        "points": {"train:loss": [[1, 0.5], [2, 0.25]], "validation:loss": [[2, 0.3]], "accuracy": [[2, 0.9]]},
    }  # fmt: skip
    loss, accuracy = build(one(curves=curves))["data"]["charts"]
    assert (loss["title"], loss["kind"], loss["x"]) == ("loss", "step", [1, 2])
    assert [(each["label"], each["mean"]) for each in loss["series"]] == [
        ("train:loss", [0.5, 0.25]),
        ("validation:loss", [None, 0.3]),
    ]
    assert accuracy["marks"] == [{"x": 480, "label": "resumed"}]


def test_curves_are_thinned_with_their_lowest_and_highest_values():
    points = [[n, float(n % 5)] for n in range(50_000)]
    points[31_313][1], points[777][1] = 1000.0, -1000.0
    found = build(one(curves={"axis": "step", "points": {"loss": points}}))
    (chart,) = found["data"]["charts"]
    values = dict(zip(chart["x"], chart["series"][0]["mean"], strict=True))
    assert len(values) <= POINTS
    assert (values[31_313], values[777], max(values)) == (1000.0, -1000.0, 49_999)


def test_points_that_are_none_are_left_out_and_of_two_the_later_holds():
    points = [[3, 1.0], [1, 2.0], [3, 5.0], [None, 1], [2, None], [2, math.nan], "x", [1, 2, 3]]
    (chart,) = build(one(curves={"axis": "step", "points": {"loss": points, "empty": []}}))["data"]["charts"]
    assert (chart["x"], chart["series"][0]["mean"]) == ([1, 3], [2.0, 5.0])


def test_more_metrics_than_a_page_holds_are_counted():
    points = {f"metric-{n}": [[1, 1.0]] for n in range(CURVES + 5)}
    found = build(one(curves={"axis": "step", "points": points, "left_out": 2}))
    assert len(found["curves"]) == CURVES
    assert "7 more metrics are not drawn." in found["notes"]


def test_the_summary_in_words_and_table_is_that_of_the_data():
    found = build(one(host({"cpu": metric([10, None, 30], [5, None, 20], [90, None, 40])})))
    (chart,) = found["hosts"][0]["charts"]
    assert chart["words"] == "Processor of algo-1. CPU use: 20.0 % on average, 5.0 % to 90.0 %."
    (row,) = found["hosts"][0]["rows"]
    assert (row["mean"], row["low"], row["high"], row["p95"]) == ("20.0 %", "5.0 %", "90.0 %", "93.0 %")


def test_a_day_at_500_ms_on_eight_hosts_is_under_3_mb():
    page = pages.html(samples.succeeded(), samples.long_charts())
    assert 500_000 < len(page.encode()) < 3_000_000
    assert "neighbouring values became one" not in page


def test_a_run_of_many_attempts_of_eight_hosts_is_under_3_mb_too():
    charts = samples.long_charts()
    charts["attempts"] = [{**charts["attempts"][0], "number": number} for number in range(1, 9)]
    assert len(pages.html(samples.succeeded(), charts).encode()) < 3_000_000
