"""What a real job shows of its instances: metrics, profiler files, rules with their processing jobs and events."""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from trainwright.rehearsal.jobs import network
from trainwright.rehearsal.jobs.host import LOST_LAZINESS

ACCOUNT = "123456789012"
BUILT_IN = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
PROFILER = {"S3OutputPath": "s3://jobs/out/profiles", "ProfilingIntervalInMilliseconds": 100}
G5 = {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}
METRICS = "/aws/sagemaker/TrainingJobs"
#: Works on the CPU for a while and says of its one GPU that it is used so much.
BUSY = """
gpu = ml / "output/profiler"
gpu.mkdir(parents=True)
(gpu / "gpu.jsonl").write_text(json.dumps({{"gpu": 0, "utilization": {gpu}, "memory": 40}}) + "\\n")
end = time.time() + {seconds}
while time.time() < end:
    sum(range(1000))
"""
#: A rule that looks sooner, at fewer values, and takes a core that shares this machine for a busy one.
HASTY = {"patience": "3", "cpu_threshold": "10", "threshold": "30"}


def rule(invoke, name=None, **parameters):
    return {
        "RuleConfigurationName": name or invoke,
        "RuleEvaluatorImage": BUILT_IN,
        "RuleParameters": {"rule_to_invoke": invoke, **parameters},
    }


HASTY_REPORT = rule("ProfilerReport", **{f"CPUBottleneck_{name}": value for name, value in HASTY.items()})


@pytest.fixture(scope="module")
def role(account):
    rights = [*account.rights, {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*"}]
    return account.role("profiled", "sagemaker.amazonaws.com", rights)


def queue_of(account, name, kind):
    """The address of a queue that gets the events of that kind from now on."""
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]})
    queue = account.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    pattern = {"source": ["aws.sagemaker"], "detail-type": [kind]}
    account.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    account.client("events").put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
    return queue


def details(account, queue):
    """What the events say that are in a queue now."""
    messages = account.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"])["detail"] for message in messages]


@pytest.fixture(scope="module")
def events(account):
    """A queue with the events of rules' processing jobs."""
    return queue_of(account, "rules", "SageMaker Processing Job State Change")


@pytest.fixture(scope="module")
def starved(account, role, events):
    """A job whose GPU waits for a busy processor, evaluated by a rule of its own and by the report."""
    rules = [rule("CPUBottleneck", "Cpu", **HASTY), HASTY_REPORT]
    return trained(account, role, "starved-of-input", gpu=2, rules=rules)


def trained(account, role, name, *, gpu, rules, seconds=1.5, **changes):
    code = BUSY.format(gpu=gpu, seconds=seconds)
    changes = {"ResourceConfig": G5, "ProfilerConfig": PROFILER, "ProfilerRuleConfigurations": rules, **changes}
    job = account.train(name, code, RoleArn=role, **changes)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return judged(account, name)


def judged(account, name):
    """The job, once all its rules have ended."""

    def ended():
        job = account.describe(name)
        return job if all(one["RuleEvaluationStatus"] != "InProgress" for one in statuses(job)) else None

    return account.wait_for(ended, "the rules' end")


def statuses(job):
    return job.get("ProfilerRuleEvaluationStatuses", [])


def rows(account, name):
    keys = account.objects(f"out/profiles/{name}/profiler-output/system/incremental/")
    return [json.loads(line) for key in keys for line in account.read(key).splitlines()]


def report(account, name, rule_name, file):
    return account.read(f"out/{name}/rule-output/{rule_name}/profiler-output/{file}").decode()


def metric(account, name, dimension, of):
    now = datetime.now(UTC)
    what = {"Namespace": METRICS, "MetricName": name, "Dimensions": [{"Name": dimension, "Value": of}]}
    query = {"Id": "q", "MetricStat": {"Metric": what, "Period": 60, "Stat": "Average"}}
    found = account.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(minutes=10), EndTime=now + timedelta(minutes=5)
    )
    return found["MetricDataResults"][0]["Values"]


# --- a job that starves, and one that does not ---------------------------------------------------------------------


def test_a_job_that_starves_is_found_out(account, starved):
    assert starved["ProfilingStatus"] == "Enabled"
    found = {one["RuleConfigurationName"]: one for one in statuses(starved)}
    assert {name: one["RuleEvaluationStatus"] for name, one in found.items()} == {
        "Cpu": "IssuesFound",
        "ProfilerReport": "IssuesFound",
    }
    met = "RuleEvaluationConditionMet: Evaluation of the rule CPUBottleneck at step"
    assert found["Cpu"]["StatusDetails"].startswith(met)
    assert ":processing-job/starved-of-input-cpu-" in found["Cpu"]["RuleEvaluationJobArn"]
    assert starved["LastModifiedTime"] >= max(one["LastModifiedTime"] for one in found.values())
    assert starved["LastModifiedTime"] > starved["TrainingEndTime"]


def test_its_reports_are_where_and_what_aws_leaves(account, starved):
    said = json.loads(report(account, "starved-of-input", "Cpu", "profiler-reports/CPUBottleneck.json"))
    assert said["RuleTriggered"] == 1
    assert 0 < said["Violations"] == len(said["Details"]["bottlenecks"]) <= said["Datapoints"]
    assert said["RuleParameters"] == "threshold:30\ncpu_threshold:10\ngpu_threshold:10\npatience:3"
    folder = "out/starved-of-input/rule-output/ProfilerReport/profiler-output/"
    made = {key.removeprefix(folder) for key in account.objects(folder)}
    assert made == {"profiler-report.html"} | {
        f"profiler-reports/{name}.json"
        for name in ("BatchSize", "CPUBottleneck", "GPUMemoryIncrease", "IOBottleneck", "LoadBalancing",
                     "LowGPUUtilization", "OverallSystemUsage")
    }  # fmt: skip
    usage = json.loads(
        report(account, "starved-of-input", "ProfilerReport", "profiler-reports/OverallSystemUsage.json")
    )
    assert usage["Details"]["GPU"]["algo-1"] == dict.fromkeys(("max", "p99", "p95", "p50", "min"), 2.0)
    assert usage["Details"]["CPU"]["algo-1"]["max"] > 0
    page = report(account, "starved-of-input", "ProfilerReport", "profiler-report.html")
    assert "stand-in" in page and "starved-of-input" in page and "CPUBottleneck" in page


def test_its_files_are_measured_at_the_interval_that_was_asked_for(account, starved):
    prefix = "out/profiles/starved-of-input/profiler-output/"
    assert f"{prefix}system/training_job_end.ts" in account.objects(prefix)
    found = rows(account, "starved-of-input")
    names = {(row["Type"], row["Dimension"]) for row in found}
    assert names == {("cpu", "CPUUtilization"), ("cpu", "I/OWaitPercentage"), ("memory", "Memory"),
                     ("network", "Algorithm"), ("gpu", "GPUUtilization"), ("gpu", "GPUMemoryUtilization")}  # fmt: skip
    moments = sorted({row["Timestamp"] for row in found})
    steps = {round(later - earlier, 1) for earlier, later in itertools.pairwise(moments)}
    assert min(steps) == 0.1
    assert all(0 <= row["Value"] <= 100 for row in found if row["Type"] != "network")
    busiest = max(row["Value"] for row in found if row["Dimension"] == "CPUUtilization")
    assert busiest > 10, "it works all the time, on whatever this machine leaves it"
    assert max(row["Value"] for row in found if row["Name"] == "MemoryUsedPercent") > 0


def test_its_rules_are_processing_jobs(account, starved):
    sagemaker = account.client("sagemaker")
    listed = sagemaker.list_processing_jobs(NameContains="starved-of-input-Cpu", StatusEquals="Completed")
    [summary] = listed["ProcessingJobSummaries"]
    described = sagemaker.describe_processing_job(ProcessingJobName=summary["ProcessingJobName"])
    assert described["ProcessingJobArn"] == statuses(starved)[0]["RuleEvaluationJobArn"]
    assert described["ProcessingJobArn"].endswith(summary["ProcessingJobName"].lower())
    assert (described["TrainingJobArn"], described["RoleArn"]) == (starved["TrainingJobArn"], starved["RoleArn"])
    assert described["AppSpecification"]["ImageUri"] == BUILT_IN
    assert described["ExitMessage"].startswith("RuleEvaluationConditionMet")
    assert described["ProcessingStartTime"] < described["ProcessingEndTime"]
    by_name = sagemaker.list_processing_jobs(SortBy="Name", MaxResults=1, NameContains="starved-of-input")
    assert by_name["ProcessingJobSummaries"][0]["ProcessingJobName"] == summary["ProcessingJobName"]
    assert "NextToken" in by_name
    with pytest.raises(ClientError, match="Could not find processing job"):
        sagemaker.describe_processing_job(ProcessingJobName="nobodys")


def test_its_rules_events_say_what_awss_own_sample_reads(account, starved, events):
    heard = {}

    def both():
        for detail in details(account, events):
            invoked = detail["Environment"]["rule_to_invoke"]
            heard[detail["TrainingJobArn"], invoked, detail["ProcessingJobStatus"]] = detail
        wanted = [(starved["TrainingJobArn"], "CPUBottleneck", status) for status in ("InProgress", "Completed")]
        return [heard[one] for one in wanted] if all(one in heard for one in wanted) else None

    begun, ended = account.wait_for(both, "the rule's events")
    assert begun["ExitMessage"] == "" and "RuleEvaluationConditionMet" in ended["ExitMessage"]
    assert ended["AppSpecification"]["ImageUri"] == BUILT_IN
    assert isinstance(ended["ProcessingEndTime"], int)


def test_the_same_job_with_a_busy_gpu_gives_no_finding(account, role):
    rules = [rule("CPUBottleneck", **HASTY), rule("LowGPUUtilization", patience="3"), HASTY_REPORT]
    job = trained(account, role, "well-fed", gpu=95, rules=rules, seconds=1)
    assert {one["RuleEvaluationStatus"] for one in statuses(job)} == {"NoIssuesFound"}
    assert all("StatusDetails" not in one for one in statuses(job))
    said = json.loads(report(account, "well-fed", "LowGPUUtilization", "profiler-reports/LowGPUUtilization.json"))
    assert said["RuleTriggered"] == 0 and said["Datapoints"] > 3


def test_a_job_that_waits_for_its_input_has_io_wait(account, role):
    if LOST_LAZINESS in account.ready["lost_guarantees"] or not account.ready["namespaces"]:
        pytest.skip("channels are not read on demand on this machine")
    account.client("s3").put_object(Bucket="jobs", Key="large-input/x.bin", Body=b"x" * 64 * 1024 * 1024)
    code = """
with open(ml / "input/data/large-input/x.bin", "rb", buffering=0) as file:
    while file.read(65536):
        pass
"""
    channel = {**account.channel("large-input"), "InputMode": "FastFile"}
    account.train("waits-for-input", code, RoleArn=role, ProfilerConfig=PROFILER, InputDataConfig=[channel])
    assert max(row["Value"] for row in rows(account, "waits-for-input") if row["Dimension"] == "I/OWaitPercentage") > 0


# --- CloudWatch ----------------------------------------------------------------------------------------------------


def test_cloudwatch_has_the_instances_utilisation(account, starved):
    assert metric(account, "CPUUtilization", "Host", "starved-of-input/algo-1")[0] > 10
    assert metric(account, "MemoryUtilization", "Host", "starved-of-input/algo-1")[0] > 0
    assert metric(account, "GPUUtilization", "Host", "starved-of-input/algo-1") == [2.0]
    assert metric(account, "GPUMemoryUtilization", "Host", "starved-of-input/algo-1") == [40.0]
    assert 0 < metric(account, "DiskUtilization", "Host", "starved-of-input/algo-1")[0] < 100


def test_cloudwatch_has_what_the_log_says_as_the_roles_rights_allow(account, role):
    specification = {
        "TrainingImage": "rehearsed:1",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
    }
    code = "print('loss=0.5', flush=True); print('loss=0.25', flush=True)"
    job = account.train("measured", code, RoleArn=role, AlgorithmSpecification=specification)
    assert job["ProfilingStatus"] == "Disabled" and "ProfilerRuleEvaluationStatuses" not in job
    assert sum(metric(account, "loss", "TrainingJobName", "measured")) in (0.375, 0.75)  # one minute, or two
    unmeasured = account.train("unmeasured", code, AlgorithmSpecification=specification)
    assert unmeasured["TrainingJobStatus"] == "Completed"
    assert metric(account, "loss", "TrainingJobName", "unmeasured") == []
    assert rows(account, "unmeasured") == []


# --- while it runs -------------------------------------------------------------------------------------------------


def test_the_profiler_can_be_turned_on_changed_and_off_while_the_job_runs(account, role):
    sagemaker, name = account.client("sagemaker"), "updated"
    code = "print((ml / 'input/config/profilerconfig.json').read_text(), flush=True); time.sleep(60)"
    account.train(name, code, wait=False, RoleArn=role, ProfilerConfig={**PROFILER, "DisableProfiler": True})
    job = account.wait_until(name, "Training")
    assert job["ProfilingStatus"] == "Disabled" and not statuses(job)
    sagemaker.update_training_job(
        TrainingJobName=name,
        ProfilerConfig={"DisableProfiler": False},
        ProfilerRuleConfigurations=[rule("OverallSystemUsage"), rule("LowGPUUtilization")],
    )
    account.wait_for(lambda: len(statuses(account.describe(name))) == 2, "the rules, once the hosts are there")
    job = account.describe(name)
    assert job["ProfilingStatus"] == "Enabled" and job["ProfilerConfig"] == {**PROFILER, "DisableProfiler": False}
    assert [one["RuleEvaluationStatus"] for one in statuses(job)] == ["InProgress"] * 2
    with pytest.raises(ClientError, match="Invalid ProfilingIntervalInMilliseconds 7"):
        sagemaker.update_training_job(TrainingJobName=name, ProfilerConfig={"ProfilingIntervalInMilliseconds": 7})
    stopped = statuses(job)[1]["RuleEvaluationJobArn"].rpartition("/")[2]
    sagemaker.stop_processing_job(ProcessingJobName=stopped)
    assert [one["RuleEvaluationStatus"] for one in statuses(account.describe(name))] == ["InProgress", "Stopped"]
    sagemaker.update_training_job(TrainingJobName=name, ProfilerConfig={"DisableProfiler": True})
    job = account.describe(name)
    assert (job["ProfilingStatus"], {one["RuleEvaluationStatus"] for one in statuses(job)}) == ("Disabled", {"Stopped"})
    sagemaker.stop_training_job(TrainingJobName=name)
    account.finish(name)
    assert json.loads(account.log(name)[0])["DisableProfiler"] is True


def test_a_rule_that_cannot_run_says_error_and_the_job_goes_on(account):
    allowed = [one for one in account.rights if "s3:GetObject" not in one["Action"]]
    data = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::jobs/train/*"}
    role = account.role("writes-only", "sagemaker.amazonaws.com", [*allowed, data])
    rules = [rule("CPUBottleneck"), rule("LowGPUUtilization", "Wrong", patients="3")]
    job = trained(account, role, "unread", gpu=2, rules=rules, seconds=0.5)
    refused, wrong = statuses(job)
    assert (refused["RuleEvaluationStatus"], wrong["RuleEvaluationStatus"]) == ("Error", "Error")
    assert "AccessDenied" in refused["StatusDetails"] and "no parameter patients" in wrong["StatusDetails"]
    failed = account.client("sagemaker").list_processing_jobs(NameContains="unread", StatusEquals="Failed")
    assert len(failed["ProcessingJobSummaries"]) == 2


@pytest.mark.parametrize("path", ["s3://jobs/elsewhere", "s3://nobodys-bucket/x", "https://jobs/x"])
def test_files_that_cannot_be_written_do_not_fail_the_job(account, path):
    name = f"unwritten-{len(path)}"
    job = account.train(name, "time.sleep(0.4)", ProfilerConfig={**PROFILER, "S3OutputPath": path})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert account.objects("elsewhere/") == []
    assert f"training job {name}: " in (account.root / "account.log").read_text()


def test_a_host_without_namespaces_is_measured_too(account_without_namespaces):
    account = account_without_namespaces
    job = account.train(
        "plainly-profiled", BUSY.format(gpu=50, seconds=0.8), ProfilerConfig=PROFILER, ResourceConfig=G5
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found = rows(account, "plainly-profiled")
    assert max(row["Value"] for row in found if row["Dimension"] == "CPUUtilization") > 10
    assert {row["Value"] for row in found if row["Dimension"] == "GPUUtilization"} == {50.0}


def test_an_interrupted_job_keeps_what_was_measured_before(account, role):
    job = account.train("profiled-spot", "epochs(4, 0.4)", RoleArn=role, ProfilerConfig=PROFILER, **account.spot("p"))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    [interrupted] = [one for one in job["SecondaryStatusTransitions"] if one["Status"] == "Interrupted"]
    moments = [row["Timestamp"] for row in rows(account, "profiled-spot")]
    assert min(moments) < interrupted["StartTime"].timestamp() < max(moments)
    assert not [moment for moment in moments if interrupted["StartTime"].timestamp() + 0.2 < moment < again(job)]


def again(job):
    """When the job trained for the second time."""
    return [one for one in job["SecondaryStatusTransitions"] if one["Status"] == "Training"][1]["StartTime"].timestamp()


#: The first host sends the second a few megabytes a second.
TALKING = """
import socket
config = json.loads((ml / "input/config/resourceconfig.json").read_text())
if config["current_host"] == "algo-1":
    with socket.create_server(("algo-1", 7000)) as server:
        client = server.accept()[0]
        end = time.time() + 1
        while time.time() < end:
            client.sendall(b"x" * 500_000)
            time.sleep(0.1)
else:
    while True:
        try:
            client = socket.create_connection(("algo-1", 7000), timeout=30)
            break
        except OSError:
            time.sleep(0.02)
    while client.recv(65536):
        pass
"""


def test_each_host_has_files_and_traffic_of_its_own(account, role):
    if not account.ready["namespaces"] or network.LOST_NETWORKS in account.ready["lost_guarantees"]:
        pytest.skip("this machine lets nobody make networks")
    two = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    job = account.train("talking", TALKING, RoleArn=role, ProfilerConfig=PROFILER, ResourceConfig=two)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    traffic = {
        (node, name): max(
            row["Value"] for row in rows(account, "talking") if (row["NodeId"], row["Name"]) == (node, name)
        )
        for node in ("algo-1", "algo-2")
        for name in ("ReceiveBytesPerSecond", "TransmitBytesPerSecond")
    }
    sent, received = "TransmitBytesPerSecond", "ReceiveBytesPerSecond"
    assert traffic["algo-1", sent] > 400_000 < traffic["algo-2", received]
    assert traffic["algo-2", sent] < traffic["algo-1", sent] / 3
    assert not [row for row in rows(account, "talking") if row["Type"] == "gpu"]
    assert metric(account, "CPUUtilization", "Host", "talking/algo-2")


# --- with the fast clock -------------------------------------------------------------------------------------------


def test_on_the_fast_clock_minutes_pass_in_a_moment_and_a_rule_speaks_while_the_job_runs(start_account, tmp_path):
    with start_account(tmp_path, {"clock": {"speed": 120}}) as account:
        queue = queue_of(account, "jobs", "SageMaker Training Job State Change")
        hasty, patient = rule("LowGPUUtilization", patience="200"), rule("LowGPUUtilization", "P", patience="1000000")
        account.train(
            "quick",
            BUSY.format(gpu=5, seconds=0) + "time.sleep(90)",
            wait=False,
            ResourceConfig=G5,
            ProfilerConfig={**PROFILER, "ProfilingIntervalInMilliseconds": 500},
            ProfilerRuleConfigurations=[hasty, patient],
            StoppingCondition={"MaxRuntimeInSeconds": 86400},
        )

        def found():
            job = account.describe("quick")
            return job if any(one["RuleEvaluationStatus"] == "IssuesFound" for one in statuses(job)) else None

        assert account.wait_for(found, "the rule's finding")["SecondaryStatus"] == "Training"

        def told():
            return [one for one in details(account, queue) if "IssuesFound" in json.dumps(statuses(one))]

        [event] = account.wait_for(told, "an event that a rule can stop the job by")
        assert event["TrainingJobStatus"] == "InProgress"
        account.client("sagemaker").stop_training_job(TrainingJobName="quick")
        account.finish("quick")
        job = judged(account, "quick")
        lines, prefix = rows(account, "quick"), "out/profiles/quick/profiler-output/system/incremental/"
        files = account.objects(prefix)
    minutes = sorted(int(key.rpartition("/")[2].partition(".")[0]) for key in files)
    assert len(minutes) >= 3 and all(minute % 60 == 0 for minute in minutes)
    assert job["TrainingStartTime"].timestamp() - 60 <= minutes[0] <= minutes[-1] <= job["TrainingEndTime"].timestamp()
    moments = sorted({row["Timestamp"] for row in lines})
    assert max(later - earlier for earlier, later in itertools.pairwise(moments)) < 0.51
    assert [one["RuleEvaluationStatus"] for one in statuses(job)] == ["IssuesFound", "NoIssuesFound"]
