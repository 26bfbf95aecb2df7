"""What the profiler says of runs: collected after they have ended, with the deployed functions and their own rights.

On a clock that goes 20 times as fast, read ten times a second: AWS's rules and the platform's own have the thousand
readings that they want by default after five seconds. The first three calls of Digest fail: the news of the first run's
end are lost with their retries, and so are those of the end of its rule.
"""

import json
import urllib.request

import pytest

from trainwright.cli.processes import Processes
from trainwright.rehearsal.jobs.host import LOST_LAZINESS

FAULTS = {
    "clock": {"speed": 20},
    "functions": [{"function": "*Digest*", "error": "unhandled", "times": 3}],
    "events": [
        {"source": "aws.sagemaker", "detail_type": "SageMaker Processing Job State Change", "lost": True, "times": 1}
    ],
}
GPU = {"compute": {"instance_type": "ml.g5.xlarge"}, "inputs": {"train": {"s3_uri": "data://batches/"}}}
# Processes that wait for a file share this machine with everything else: a fifth of the time is a lot.
PATIENT = {"IOBottleneck_threshold": 20, "IOBottleneck_io_threshold": 20}
PROFILER = {"interval": "100ms", "rules": [{"name": "ProfilerReport", "parameters": PATIENT}]}
HOURLY = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
OPEN = {"run": {"S": "profiles:open"}}


@pytest.fixture(scope="module")
def house(tmp_path_factory, deployed):
    with Processes() as processes:
        found = deployed(processes, tmp_path_factory.mktemp("account"), FAULTS, "profiled_app.py")
        data = {"Bucket": found.team["data_bucket"], "Key": "batches/batches.bin"}
        found.client("s3").put_object(**data, Body=b"x" * 16 * 1024 * 1024)
        yield found


def trained(house, feeding, seconds=8, **changes):
    settings = {"feeding": feeding, "seconds": seconds}
    arn = house.start(hyperparameters=settings, limits={"max_runtime": "10h"}, name=feeding, **changes)
    execution = house.finish(arn, 90)
    assert execution["status"] == "SUCCEEDED", json.dumps(house.history(arn)[-6:], default=str)
    return arn


@pytest.fixture(scope="module")
def starving(house):
    """A run whose GPU waits for its input, ended; nobody was told."""
    if LOST_LAZINESS in house.account.lost_guarantees:
        pytest.skip("channels are not read on demand on this machine")
    inputs = {"train": {"s3_uri": "data://batches/", "input_mode": "FastFile"}}
    return trained(house, "starving", profiler=PROFILER, **{**GPU, "inputs": inputs})


def versions(house, run, name):
    """Every content that a document of the run had, the oldest first."""
    s3, bucket, key = house.client("s3"), house.team["reports_bucket"], f"runs/{run}/{name}"
    found = s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", [])
    mine = [each for each in found if each["Key"] == key]
    return [
        s3.get_object(Bucket=bucket, Key=key, VersionId=each["VersionId"])["Body"].read().decode()
        for each in reversed(mine)
    ]


def reports(house, arn):
    return [json.loads(text) for text in versions(house, house.run_id(arn), "report.json")]


def digest(house, event):
    """Call Digest, as the hourly rule does."""
    lambda_ = house.client("lambda")
    names = [function["FunctionName"] for function in lambda_.list_functions()["Functions"]]
    (name,) = [name for name in names if "FunctionsDigest" in name]
    answer = lambda_.invoke(FunctionName=name, Payload=json.dumps(event))
    assert "FunctionError" not in answer, answer["Payload"].read()
    return json.load(answer["Payload"])


def complete(house, arn, wait, seconds=90):
    """The report, once the profile is complete."""

    def look():
        report = house.report(arn)
        return report if report["profile"]["status"] in ("complete", "partial") else None

    return wait(look, "the whole profile", seconds)


def strikes(house, what):
    """How often each fault of that list of the file has struck."""
    with urllib.request.urlopen(f"{house.account.endpoint}/_trainwright/faults", timeout=30) as answer:
        return [count for place, count in json.load(answer)["counts"].items() if place.startswith(what)]


def listed(house):
    """The jobs of which there is more to come."""
    found = house.client("dynamodb").get_item(TableName=house.team["runs_table"], Key=OPEN, ConsistentRead=True)
    return set(found.get("Item", {}).get("jobs", {}).get("M", {}))


def test_a_run_that_starves_is_found_out_by_the_hour_although_all_news_of_it_were_lost(house, starving, wait):
    run = house.run_id(starving)
    wait(lambda: strikes(house, "functions") == [3] and strikes(house, "events") == [1], "all news to be lost", 60)
    (first,) = reports(house, starving)
    assert first["profile"]["status"] == "pending" and first["findings"] == []
    assert listed(house) == {f"{run}-1"}
    assert digest(house, HOURLY)["jobs"] == {f"{run}-1": "changed"}
    report = house.report(starving)
    assert report["profile"]["status"] == "complete", report["profile"]
    assert [rule["name"] for rule in report["profile"]["rules"]] == ["ProfilerReport"]
    assert report["profile"]["rules"][0]["status"] in ("IssuesFound", "NoIssuesFound")
    assert report["profile"]["rules"][0]["report_uri"].endswith("/ProfilerReport/profiler-output/profiler-report.html")
    finding = {each["rule"]: each for each in report["findings"]}["io_bottleneck"]
    assert finding["host"] == "algo-1" and "train" in finding["change"], finding
    assert finding["title"] in versions(house, run, "report.html")[-1]
    assert listed(house) == set()


def test_looking_again_changes_nothing(house, starving):
    run = house.run_id(starving)
    event = {"detail": {"TrainingJobName": f"{run}-1", "TrainingJobStatus": "Completed"}}
    digest(house, event)  # a report of the same second as its profile is written once more
    before = [len(versions(house, run, name)) for name in ("report.json", "profile/1.json")]
    assert digest(house, event)["jobs"] == digest(house, event)["jobs"] == {f"{run}-1": "as it was"}
    assert [len(versions(house, run, name)) for name in ("report.json", "profile/1.json")] == before


def test_the_profilers_files_lie_beside_the_report_which_no_job_may_write(house, starving):
    run, team = house.run_id(starving), house.team
    found = house.client("s3").list_objects_v2(Bucket=team["reports_bucket"], Prefix=f"runs/{run}/{run}-1/")
    keys = [each["Key"] for each in found["Contents"]]
    assert keys and all(key.startswith(f"runs/{run}/{run}-1/profiler-output/system/") for key in keys)
    simulated = house.client("iam").simulate_principal_policy
    role = {"PolicySourceArn": team["execution_role_arn"], "ActionNames": ["s3:PutObject"]}
    arns = [f"arn:aws:s3:::{team['reports_bucket']}/{key}" for key in (f"runs/{run}/report.json", keys[0])]
    results = simulated(**role, ResourceArns=arns)["EvaluationResults"]
    assert [each["EvalDecision"] for each in results] == ["implicitDeny", "allowed"]


def test_a_run_that_is_well_fed_has_no_finding_and_is_amended_when_its_rule_has_ended(house, starving, wait):
    arn = trained(house, "well", profiler=PROFILER, **GPU)
    report = complete(house, arn, wait)
    assert report["profile"]["status"] == "complete", report["profile"]
    assert [rule["status"] for rule in report["profile"]["rules"]] == ["NoIssuesFound"]
    assert report["findings"] == []
    assert report["profile"]["summary"]["algo-1"]["gpu"]["mean"] > 80


def test_without_the_profiler_nothing_of_it_is_sent_and_cloudwatchs_minutes_are_drawn(house, starving, wait):
    arn = trained(house, "plain", 4, **(GPU | {"compute": {"instance_type": "ml.m5.xlarge"}}))
    job = house.job(arn, "Completed")
    assert "ProfilerConfig" not in job and "ProfilerRuleConfigurations" not in job
    run = house.run_id(arn)

    def drawn():
        text = (versions(house, run, "charts.json") or ["{}"])[-1]
        return [each["series"] for each in json.loads(text).get("attempts", ()) if each["series"]]

    (series,) = wait(drawn, "the charts", 60)
    assert {"cpu", "memory", "disk"} <= series["hosts"]["algo-1"].keys() and "gpu" not in series["hosts"]["algo-1"]
    report = house.report(arn)
    assert report["findings"] == [] and report["profile"]["rules"] == []
    assert report["profile"]["source"] == "cloudwatch"
