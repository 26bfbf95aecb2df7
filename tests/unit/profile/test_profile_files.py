"""Files as they come: whole, cut, empty, of something else; what cannot be used is counted and said, never raised."""

from itertools import pairwise
from pathlib import Path

import pytest

from trainwright_runtime.profile import Digest, Instance, Rule, document
from trainwright_runtime.profile.lines import LONGEST_LINE

FILES = Path(__file__).parents[1] / "data" / "profiler"


def digest_of(made, contents, **options):
    digest = Digest([(made.key(minute), len(content)) for minute, content in enumerate(contents)], **options)
    for name, content in zip(digest.plan(), contents, strict=True):
        digest.read(name, content)
    return digest


def said(digest, **given):
    given = {"rules": [], "rule_reports": {}, "host_metrics": None, "steps": [], "training": [], **given}
    return document(attempt=1, job_name="job", digest=digest, **given)


@pytest.mark.parametrize(
    ("file", "lines", "bad", "missing"),
    [
        ("good.json", 27, 0, []),
        ("crlf.json", 27, 0, []),
        ("blank_lines.json", 27, 0, []),
        ("shuffled.json", 27, 0, []),
        ("cut.json", 27, 1, ["the last line of 1 file was cut", "1 line of 27 could not be used"]),
        ("nonsense.json", 5, 5, ["5 lines of 5 could not be used"]),
        ("not_utf8.json", 28, 1, ["1 line of 28 could not be used"]),
        ("not_finite.json", 31, 4, ["4 lines of 31 could not be used"]),
        ("wrong_types.json", 34, 7, ["7 lines of 34 could not be used"]),
        ("wrong_values.json", 30, 3, ["3 lines of 30 could not be used"]),
        ("another_time.json", 29, 2, ["2 lines of 29 could not be used"]),
        ("another_host.json", 28, 1, ["1 line of 28 could not be used"]),
        ("newline_in_a_row.json", 29, 2, ["2 lines of 29 could not be used"]),
        ("deep.json", 28, 1, ["1 line of 28 could not be used"]),
        ("unknown.json", 29, 0, ["2 lines were of a metric that is not known (NeuronUtilization core0)"]),
        ("platform_network.json", 28, 0, []),
        ("empty.json", 0, 0, []),
    ],
)
def test_a_file_that_is_whole_or_not(made, file, lines, bad, missing):
    content = (FILES / file).read_bytes()
    document = said(digest_of(made, [content]))
    assert document["files"] == {"found": 1, "read": 1, "bytes": len(content), "lines": lines, "bad_lines": bad}
    assert document["missing"] == missing
    assert document["status"] == ("partial" if missing else "complete")
    if lines > 10:
        # whatever else the file holds, its good rows say what they say
        summary = document["summary"]["algo-1"]
        assert (summary["cpu"]["mean"], summary["memory"]["mean"], summary["gpu"]["max"]) == (31.9, 37.2, 88.0)
        assert summary["received"]["mean"] == 125_000
    else:
        assert document["series"] is None
        assert document["source"] is None


def test_the_order_of_the_lines_does_not_matter(made):
    settings = made.job(lambda number, host: {}).settings.for_interval(500)
    sorted_, shuffled = (
        said(digest_of(made, [(FILES / name).read_bytes()], settings=settings))
        for name in ("good.json", "shuffled.json")
    )
    assert shuffled == sorted_
    assert sorted_["series"]["hosts"]["algo-1"]["cpu"]["mean"] == [31.9, 31.9]


def test_a_line_without_an_end(made):
    content = (FILES / "good.json").read_bytes() + b'{"Type":"' + b"x" * 2 * LONGEST_LINE
    document = said(digest_of(made, [content]))
    assert document["files"]["bad_lines"] == 1
    assert document["summary"]["algo-1"]["cpu"]["mean"] == 31.9


def test_files_that_were_not_had(made):
    keys = [made.key(minute) for minute in range(4)]
    digest = Digest([(key, 100) for key in keys])
    good = (FILES / "good.json").read_bytes()
    digest.read(keys[0], good)
    digest.unreadable(keys[1], "AccessDenied")
    digest.unreadable(keys[2], "AccessDenied")
    document = said(digest)
    assert document["files"]["read"] == 1
    assert document["missing"] == ["2 files of 4 could not be read: AccessDenied", "1 file of 4 was not read"]


def test_a_host_that_has_no_file_of_some_minutes(made):
    keys = [made.key(0), made.key(3), made.key(0, "algo-2"), made.key(1, "algo-2")]
    digest = Digest([(key, 0) for key in keys])
    for key in keys:
        digest.read(key, b"")
    assert list(digest.missing()) == ["algo-1 has no file for 2 minutes between its first and its last"]


def test_the_order_is_that_of_time_whatever_the_listing(made):
    keys = [(made.key(minute, host), 1) for minute in (2, 0, 1) for host in ("algo-2", "algo-1")]
    wanted = [made.key(minute, host) for minute in (0, 1, 2) for host in ("algo-1", "algo-2")]
    assert Digest([*keys, *keys]).plan() == wanted


def test_other_things_beside_the_files_are_passed_over(made):
    beside = [
        "runs/r/job/profiler-output/system/training_job_end.ts",
        "runs/r/job/profiler-output/framework/2023111422/1700000040.algo-1.json",
        "runs/r/job/profiler-output/system/incremental/2023111422/1700000040.algo-one.json",
        "runs/r/job/profiler-output/system/incremental/1700000040.json",
        "",
    ]
    digest = Digest([(key, 9) for key in beside])
    assert digest.plan() == []
    assert said(digest)["missing"] == ["no file of system metrics was found"]


def test_a_file_of_another_century_does_not_stretch_the_axis(made):
    keys = [made.key(0), "p/system/incremental/2286112017/9999999999.algo-1.json"]
    digest = Digest([(key, 1) for key in keys])
    assert digest.plan() == [made.key(0)]
    assert "1 file was of another time than this job's" in list(digest.missing())
    assert digest.machines.axis.step == 1


def test_a_budget_of_bytes_takes_evenly_spread_minutes_of_all_hosts(made):
    keys = [(made.key(minute, host), 1000) for minute in range(100) for host in ("algo-1", "algo-2")]
    digest = Digest(keys)
    planned = digest.plan(max_bytes=50_000)
    minutes = sorted({int(key.rpartition("/")[2][:10]) for key in planned})
    assert len(planned) == 50
    assert len(minutes) == 25
    assert {after - before for before, after in pairwise(minutes)} == {240}
    for key in planned:
        digest.read(key, b"")
    assert list(digest.missing()) == ["25 of 100 minutes were read, evenly spread: the files have 0 MiB"]
    assert Digest(keys).plan(max_bytes=200_000) == Digest(keys).plan()
    assert Digest(keys).plan(max_bytes=10) == []


def test_a_budget_holds_where_some_minutes_are_larger(made):
    sizes = {made.key(minute): 9000 if minute % 4 == 0 else 1000 for minute in range(100)}
    planned = Digest(sizes.items()).plan(max_bytes=75_000)
    assert 40_000 < sum(sizes[key] for key in planned) <= 75_000


def test_a_file_that_comes_again_counts_once(made):
    good = (FILES / "good.json").read_bytes()
    digest = digest_of(made, [good])
    digest.read(made.key(0), good)
    assert said(digest)["files"]["lines"] == 27


def test_rows_within_a_moment_are_one_reading(made):
    """A core is busy and a GPU idle in rows that are 15 ms apart: one reading; 200 ms apart: two."""
    job = "cpu", "cpu0", "CPUUtilization"
    gpu = "gpu", "gpu0", "GPUUtilization"
    settings = {"settings": made.job(lambda n, h: {}).settings.for_interval(300)}
    together = b"".join(
        made.line(*job, 99.0, made.start + n) + made.line(*gpu, 1.0, made.start + n + 0.015) for n in range(20)
    )
    apart = b"".join(
        made.line(*job, 99.0, made.start + n) + made.line(*gpu, 1.0, made.start + n + 0.2) for n in range(20)
    )
    assert [finding["rule"] for finding in said(digest_of(made, [together], **settings))["findings"]] == [
        "cpu_bottleneck"
    ]
    assert "cpu_bottleneck" not in [f["rule"] for f in said(digest_of(made, [apart], **settings))["findings"]]


# --- the axis and the size -----------------------------------------------------------------------------------------


def test_a_day_at_half_a_second_on_eight_hosts_is_720_buckets_of_two_minutes(made):
    keys = [(made.key(60 * 24 * day - day), 1) for day in (0, 1)]
    axis = Digest([*keys, *((made.key(0, f"algo-{n}"), 1) for n in range(2, 9))]).machines.axis
    assert (axis.count, axis.step) == (720, 120)


def test_many_hosts_have_fewer_buckets_each(made):
    keys = [(made.key(minute, f"algo-{host}"), 1) for minute in (0, 1439) for host in range(1, 101)]
    digest = Digest(keys)
    assert digest.machines.axis.count * 64 <= 720 * 16
    assert "of 100 hosts, the first 64 were read" in list(digest.missing())


def test_a_short_job_has_buckets_of_a_second_and_no_empty_ends(made):
    job = made.job(lambda number, host: {"cpu": [50.0]}, readings=20)
    series = job.document()["series"]
    assert (series["start"], series["step"]) == (made.start, 1)
    assert series["hosts"] == {
        "algo-1": {"cpu": {"unit": "%", "mean": [50.0] * 10, "min": [50.0] * 10, "max": [50.0] * 10}}
    }


def test_minutes_without_a_reading_are_gaps_in_the_series(made):
    digest = Digest([(made.key(0), 1), (made.key(2), 1)])
    for minute in (0, 2):
        row = made.line("cpu", "cpu0", "CPUUtilization", 50.0, made.start + 60 * minute)
        digest.read(made.key(minute), row)
    assert said(digest)["series"]["hosts"]["algo-1"]["cpu"]["mean"] == [50.0, *[None] * 119, 50.0]


# --- what is pending -----------------------------------------------------------------------------------------------


def test_the_states_of_the_rules_are_the_state_of_the_document(made):
    good = (FILES / "good.json").read_bytes()

    def of(*rules, **given):
        return said(digest_of(made, [good]), rules=list(rules), **given)

    assert of(Rule("ProfilerReport", "NoIssuesFound"))["status"] == "complete"
    waiting = of(Rule("ProfilerReport", "InProgress"), Rule("Mine", "Error", "exit code 1"))
    assert waiting["status"] == "pending"
    assert waiting["pending"] == ["the rule ProfilerReport is still being evaluated"]
    assert waiting["missing"] == ["the rule Mine could not be evaluated: exit code 1"]
    lacking = of(Rule("ProfilerReport", "IssuesFound"))
    assert lacking["status"] == "partial"
    assert lacking["missing"] == ["the rule ProfilerReport found issues, and left no report that says which"]
    assert lacking["rules"] == [
        {"name": "ProfilerReport", "status": "IssuesFound", "details": None, "report_uri": None}
    ]


def test_a_job_that_was_not_profiled(made):
    document = said(None)
    assert (document["status"], document["source"], document["series"], document["findings"]) == (
        "complete",
        None,
        None,
        [],
    )


def test_a_type_without_gpus_lacks_none(made):
    row = made.line("cpu", "cpu0", "CPUUtilization", 50.0, made.start)
    assert said(digest_of(made, [row], instance=Instance(4, 0)))["missing"] == []
