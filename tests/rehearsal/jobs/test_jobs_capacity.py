"""Instances that come late or never, quotas, and what strikes a job while it trains."""

import pytest

from trainwright.rehearsal.faults import JobFacts, parse_faults, select
from trainwright.rehearsal.jobs.capacity import Fleet, missing_seconds
from trainwright.rehearsal.jobs.checkpoints import Progress
from trainwright.rehearsal.jobs.strikes import Effect, Strike, Strikes
from trainwright.rehearsal.jobs.validation import InvalidRequest

LONG = "print('ready', flush=True); time.sleep(60)"
SAVES = "checkpoints.mkdir(exist_ok=True); epochs(6, 0.15)"
HEARS = """
def save(*_):
    whole(checkpoints / "last.ckpt", "saved at SIGTERM")
    whole(checkpoints / "progress.json", json.dumps({"step": 5, "total": 10}))
    time.sleep(0.3)
    sys.exit(0)
if (checkpoints / "progress.json").exists():
    print("resumed", (checkpoints / "last.ckpt").read_text(), flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(60)
"""


def take(fleet, name, count, kind="ml.g5.xlarge", *, spot=False, busy=(), now=0.0):
    fleet.take(name, {kind: count}, spot=spot, busy=busy, now=now)


# --- counting ------------------------------------------------------------------------------------------------------


def test_a_quota_counts_what_is_held_and_says_so_as_aws_does():
    fleet = Fleet(parse_faults({"instance_types": {"ml.g5.xlarge": {"quota": 3, "spot_quota": 0}}}))
    take(fleet, "one", 2)
    with pytest.raises(InvalidRequest) as refused:
        take(fleet, "two", 2)
    assert refused.value.code == "ResourceLimitExceeded"
    assert str(refused.value) == (
        "The account-level service limit 'ml.g5.xlarge for training job usage' is 3 Instances, with current "
        "utilization of 2 Instances and a request delta of 2 Instances. Please contact AWS support to request an "
        "increase for this limit."
    )
    with pytest.raises(InvalidRequest, match="for spot training job usage' is 0 Instances"):
        take(fleet, "three", 1, spot=True)
    fleet.release("one")
    take(fleet, "two", 3)
    take(fleet, "unlimited", 500, "ml.m5.large")


def test_others_who_use_a_quota_go_after_a_while():
    faults = parse_faults({"busy_quotas": [{"limit": 4, "in_use": 3, "seconds": 60}]})
    busy = select(faults, JobFacts("job", "ml.g5.xlarge", is_spot=False)).busy_quotas
    fleet = Fleet(faults)
    with pytest.raises(InvalidRequest, match="is 4 Instances, with current utilization of 3 Instances"):
        take(fleet, "job", 2, busy=busy, now=59.0)
    take(fleet, "job", 2, busy=busy, now=60.0)


def test_missing_capacity_has_an_end_or_none():
    for_a_while, ever = parse_faults(
        {"missing_capacity": [{"from": 10, "seconds": 20}, {"from": 100, "for_ever": True}]}
    ).missing_capacity
    assert missing_seconds([for_a_while], 5.0) == 0.0
    assert missing_seconds([for_a_while], 12.0) == 18.0
    assert missing_seconds([for_a_while, ever], 500.0) == float("inf")
    longer = parse_faults({"missing_capacity": [{"seconds": 100}]}).missing_capacity[0]
    assert missing_seconds([for_a_while, longer], 20.0) == 80.0


def test_each_fault_strikes_as_often_as_it_says():
    faults = parse_faults(
        {
            "spot_interruptions": [{"after": "seconds", "seconds": 5, "times": 2}],
            "lost_hosts": [{"after": "step", "step": 3, "host": "algo-2"}],
        }
    )
    noted = []
    job = select(faults, JobFacts("job", "ml.g5.xlarge", is_spot=True, hosts=2))
    strikes = Strikes(job, is_spot=True, on_strike=noted.append)
    strikes.begin(100.0)
    assert strikes.due(Progress(), 102.0) == 3.0
    assert strikes.due(Progress(), 105.0) == Strike(Effect.INTERRUPTED)
    strikes.begin(200.0)
    assert strikes.due(Progress(checkpoints=1, since=201.0, step=3, total=9), 202.0) == Strike(
        Effect.INTERNAL_ERROR, host="algo-2"
    )
    assert strikes.due(Progress(step=9, total=9), 205.0) == Strike(Effect.INTERRUPTED)
    strikes.begin(300.0)
    assert strikes.due(Progress(step=9, total=9), 399.0) is None
    assert len(noted) == 3


# --- in an account -------------------------------------------------------------------------------------------------

FAULTS = {
    "instance_types": {"ml.g4dn.xlarge": {"start": 1.5, "quota": 0}},
    "missing_capacity": [
        {"jobs": "never-*", "for_ever": True},
        {"jobs": "prefers", "instance_types": "ml.m5.xlarge", "for_ever": True},
        {"jobs": "waits", "seconds": 6},
    ],
    "slow_starts": [{"jobs": "slow", "seconds": 1}],
    "spot_interruptions": [
        {"jobs": "warned", "after": "seconds", "seconds": 1.5, "mode": "grace"},
        {"jobs": "often", "after": "step", "step": 2, "times": 3},
    ],
    "internal_errors": [{"jobs": ["breaks", "retries"], "after": "seconds", "seconds": 0.2}],
    "lost_hosts": [
        {"jobs": ["loses", "repaired"], "after": "seconds", "seconds": 0.5, "host": "algo-2"},
    ],
    "out_of_memory": [{"jobs": "eats", "after": "seconds", "seconds": 0.2}],
}


@pytest.fixture(scope="module")
def struck(start_account, tmp_path_factory):
    with start_account(tmp_path_factory.mktemp("struck"), FAULTS) as started:
        yield started


def path(job):
    return [item["Status"] for item in job["SecondaryStatusTransitions"]]


def messages(job):
    return [item["StatusMessage"] for item in job["SecondaryStatusTransitions"]]


def machines(kind="ml.m5.large", count=1):
    return {"InstanceType": kind, "InstanceCount": count, "VolumeSizeInGB": 5}


def test_spot_capacity_that_comes_back_is_waited_for(struck):
    more = {**struck.spot("waits"), "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90}}
    struck.train("waits", wait=False, **more)
    words = "Insufficient capacity error"
    struck.wait_for(lambda: messages(struck.describe("waits"))[0].startswith(words), "the words")
    job = struck.finish("waits")
    assert (job["TrainingJobStatus"], path(job)[:2]) == ("Completed", ["Starting", "Downloading"])


def test_spot_capacity_that_never_comes_ends_with_the_wait(struck):
    times = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 2}
    job = struck.train("never-spot", **{**struck.spot("never"), "StoppingCondition": times})
    assert path(job) == ["Starting", "Stopping", "MaxWaitTimeExceeded"]
    assert job["TrainingJobStatus"] == "Stopped"
    assert messages(job)[0] == "Insufficient capacity error from EC2 while launching instances, retrying!"
    assert "TrainingStartTime" not in job and not job.get("BillableTimeInSeconds")


def test_on_demand_capacity_that_is_missing_fails_the_job(struck):
    job = struck.train("never-on-demand")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("CapacityError: Unable to provision requested ML compute capacity.")


def test_the_first_preference_with_capacity_is_taken(struck):
    preferences = [{"InstanceType": "ml.m5.xlarge"}, {"InstanceType": "ml.m5.2xlarge"}]
    resources = {"InstancePreferences": preferences, "InstanceCount": 1, "VolumeSizeInGB": 5}
    job = struck.train("prefers", ResourceConfig=resources)
    assert job["ResourceConfig"]["SelectedInstanceType"] == "ml.m5.2xlarge"


def test_a_quota_of_zero_refuses_the_request(struck):
    with pytest.raises(struck.client("sagemaker").exceptions.ResourceLimitExceeded, match="is 0 Instances"):
        struck.train("no-quota", ResourceConfig=machines("ml.g4dn.xlarge"))
    with pytest.raises(struck.client("sagemaker").exceptions.ClientError, match="not found"):
        struck.describe("no-quota")


def test_instances_that_start_slowly_start_all_the_same(struck):
    starting = struck.train("slow")["SecondaryStatusTransitions"][0]
    assert (starting["EndTime"] - starting["StartTime"]).total_seconds() >= 1.2


def test_a_warned_job_saves_and_goes_on_from_there(struck):
    job = struck.train("warned", HEARS, **struck.spot("warned"))
    assert path(job).count("Interrupted") == 1
    assert job["TrainingJobStatus"] == "Completed"
    assert "resumed saved at SIGTERM" in struck.log("warned")


def test_a_job_can_be_interrupted_again_and_again(struck):
    job = struck.train("often", SAVES, **struck.spot("often"))
    assert (job["TrainingJobStatus"], path(job).count("Interrupted")) == ("Completed", 3)


def test_an_internal_error_fails_the_job_or_is_tried_again(struck):
    assert struck.train("breaks", LONG)["FailureReason"] == (
        "InternalServerError: We encountered an internal error.  Please try again."
    )
    job = struck.train("retries", "time.sleep(0.5)", RetryStrategy={"MaximumRetryAttempts": 1})
    assert job["TrainingJobStatus"] == "Completed"
    assert path(job)[:6] == ["Starting", "Downloading", "Training", "Starting", "Downloading", "Training"]


def test_a_lost_host_takes_the_job_with_it_and_an_accelerated_cluster_is_repaired(struck):
    code = "time.sleep(1.2)"
    job = struck.train("loses", code, ResourceConfig=machines(count=2))
    assert job["FailureReason"].startswith("InternalServerError")
    job = struck.train("repaired", code, ResourceConfig=machines("ml.g5.xlarge", 2))
    assert job["TrainingJobStatus"] == "Completed"
    assert path(job).count("Starting") == 2


def test_a_process_that_the_kernel_kills_fails_its_job_with_137(struck):
    assert struck.train("eats", LONG)["FailureReason"] == "AlgorithmError: , exit code: 137"
