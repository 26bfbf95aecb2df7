"""Whatever the data: peaks survive, parts change nothing, garbage raises nothing."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright_runtime.profile import Digest, Instance, Rule, Settings, document

START = 1_700_000_040
KEY = "r/job/profiler-output/system/incremental/2023111422/{}.algo-1.json"
EAGER = Settings(patience=0, window=5, memory_window=1)
percent = st.floats(0, 100)


def line(name, dimension, value, at):
    kind = name.rstrip("0123456789")
    row = {"Type": kind, "Name": name, "Dimension": dimension, "Value": value, "NodeId": "algo-1", "Timestamp": at}
    return json.dumps(row).encode() + b"\n"


def rows(reading, at):
    """Of a second core and a second GPU that do nothing, too."""
    cpu, io, gpu = reading
    yield line("cpu1", "CPUUtilization", 0.0, at)
    yield line("cpu1", "I/OWaitPercentage", 0.0, at)
    yield line("gpu1", "GPUUtilization", 0.0, at)
    yield line("cpu0", "CPUUtilization", cpu, at)
    yield line("cpu0", "I/OWaitPercentage", io, at)
    yield line("gpu0", "GPUUtilization", gpu, at)


def digested(files, **options):
    digest = Digest([(key, len(content)) for key, content in files.items()], settings=EAGER, **options)
    for key in digest.plan():
        digest.read(key, files[key])
    return document(
        attempt=1,
        job_name="job",
        digest=digest,
        rules=[],
        rule_reports={},
        host_metrics=None,
        steps=[],
        training=[],
    )


readings = st.lists(st.tuples(percent, percent, percent), min_size=1, max_size=80)


@given(readings, st.sampled_from([0.5, 7.0, 60.0, 3600.0]))
@settings(max_examples=60, deadline=None)
def test_peaks_and_means_survive(data, apart):
    times = [START + apart * number for number in range(len(data))]
    files: dict[str, bytes] = {}
    for reading, at in zip(data, times, strict=True):
        key = KEY.format(int(at // 60 * 60))
        files[key] = files.get(key, b"") + b"".join(rows(reading, at))
    made = digested(files)
    for place, (metric, least, most) in enumerate([("cpu", 0.5, 0.5), ("io_wait", 0.5, 1), ("gpu", 0, 1)]):
        # the mean of cores and GPUs; beside it the core that waits most, and the GPUs used least and most
        values = [reading[place] for reading in data]
        series = made["series"]["hosts"]["algo-1"][metric]
        assert len(series["max"]) <= 720
        assert max(value for value in series["max"] if value is not None) == round(max(values) * most, 1)
        assert min(value for value in series["min"] if value is not None) == round(min(values) * least, 1)
        assert abs(made["summary"]["algo-1"][metric]["mean"] - sum(values) / 2 / len(values)) < 0.051
        assert made["summary"]["algo-1"][metric]["max"] == round(max(values) * most, 1)
        for low, mean, high in zip(series["min"], series["mean"], series["max"], strict=True):
            assert (mean is None) or low - 0.1 <= mean <= high + 0.1


@given(readings, st.integers(1, 5000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_how_a_file_is_divided_changes_nothing(data, chunk, cut):
    content = b"".join(row for number, reading in enumerate(data) for row in rows(reading, START + number / 2))
    files = {KEY.format(START): content[:-20] if cut else content}
    assert digested(files, chunk=chunk) == digested(files)


spoilt = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=30).map(str.encode),
    st.sampled_from([b"\n", b"\r\n", b",", b"]", b"[", b"{}", b'{"Value":', b"NaN", b"\x00", b"  ", b"\xef\xbb\xbf"]),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda c: st.lists(c, max_size=3)).map(
        lambda value: json.dumps(
            {"Timestamp": START, "Dimension": value, "Name": value, "Value": value, "NodeId": "algo-1"}
        ).encode()
    ),
    st.builds(line, st.text(max_size=9), st.text(max_size=9), st.floats() | st.integers(), st.floats() | st.integers()),
)


@given(st.lists(spoilt, max_size=12), st.integers(1, 200))
@settings(max_examples=150, deadline=None)
def test_garbage_is_counted_and_the_good_rows_are_kept(garbage, chunk):
    good = b"".join(rows((10.0, 20.0, 30.0), START + 1))
    content = good + b"\n" + b"".join(garbage)
    made = digested({KEY.format(START): content}, chunk=chunk)
    json.dumps(made, allow_nan=False)
    assert made["files"]["lines"] >= 6
    assert 0 <= made["files"]["bad_lines"] <= made["files"]["lines"]
    assert made["summary"]["algo-1"]["io_wait"]["max"] >= 20.0


@given(
    st.lists(st.tuples(st.text(max_size=60), st.integers(0, 10**12)), max_size=8),
    st.dictionaries(st.text(max_size=20), st.binary(max_size=80), max_size=4),
    st.lists(st.tuples(st.integers(-5, 10**9), st.floats(0, 2e9)), max_size=40),
    st.sampled_from(["InProgress", "IssuesFound", "Error", "Stopped", "?"]),
)
@settings(max_examples=100, deadline=None)
def test_names_reports_and_steps_of_any_kind_make_a_document(keys, reports, steps, status):
    digest = Digest(keys, instance=Instance(4, 1))
    for key in digest.plan(max_bytes=10**6):
        digest.read(key, b"")
    made = document(
        attempt=1,
        job_name="job",
        digest=digest,
        rules=[Rule("r", status)],
        rule_reports={"r": reports},
        host_metrics=None,
        steps=steps,
        training=[(0.0, 1e9), (1e9, 2e9)],
    )
    json.dumps(made, allow_nan=False)
