"""Warm pools: what is kept, who may have it, when it goes, what it costs."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.rehearsal.jobs.pools import CHAIN_SECONDS, Pools, matches

M5 = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
WARM = {**M5, "KeepAlivePeriodInSeconds": 600}
CACHE = "cache = Path(os.environ['SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY']); "


def asks(role="role", seconds=600, **more):
    return {"RoleArn": role, "ResourceConfig": {**M5, "KeepAlivePeriodInSeconds": seconds}, **more}


@pytest.fixture
def pools(tmp_path):
    went = []
    made = Pools(may_keep=lambda name: name != "without-quota", gone=went.append)
    made.went = went

    def job(name, request, *, start, end):
        taken = made.take(name, request, start)
        made.begin(name, request, start, cache=tmp_path / name, taken=taken)
        made.leave(name, end)
        return taken

    made.job = job
    return made


def test_a_pool_is_in_use_then_available_then_reused(pools, tmp_path):
    pools.begin("one", asks(), 100.0, cache=tmp_path, taken=None)
    assert pools.status("one", 150.0) == {"Status": "InUse"}
    pools.leave("one", 200.0)
    assert pools.status("one", 250.0) == {"Status": "Available"}
    assert pools.take("two", asks(), 260.4).job == "one"
    assert pools.status("one", 300.0) == {
        "Status": "Reused",
        "ResourceRetainedBillableTimeInSeconds": 61,
        "ReusedByJob": "two",
    }
    assert pools.went == []


def test_a_pool_nobody_takes_is_terminated_when_its_time_is_over(pools):
    pools.job("one", asks(seconds=60), start=0.0, end=10.0)
    assert pools.take("two", asks(), 70.0) is None
    assert pools.status("one", 500.0) == {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 60}
    assert pools.went == ["one"]


def test_zero_ends_a_pool_at_once_and_more_keeps_it_longer(pools):
    pools.job("one", asks(seconds=60), start=0.0, end=10.0)
    assert pools.update("one", 600, 20.0)
    assert pools.status("one", 300.0)["Status"] == "Available"
    assert pools.update("one", 0, 310.0)
    assert pools.status("one", 310.0)["Status"] == "Terminated"
    assert not pools.update("one", 600, 311.0)


def test_without_quota_the_job_runs_and_nothing_is_kept(pools, tmp_path):
    pools.begin("without-quota", asks(), 0.0, cache=tmp_path, taken=None)
    assert not pools.leave("without-quota", 10.0)
    assert pools.status("without-quota", 11.0) is None


def test_a_chain_of_jobs_has_an_end(pools):
    pools.job("one", asks(seconds=3600), start=0.0, end=10.0)
    assert pools.job("two", asks(seconds=3600), start=20.0, end=CHAIN_SECONDS - 60.0)
    assert pools.take("three", asks(), CHAIN_SECONDS + 1.0) is None
    assert pools.status("two", CHAIN_SECONDS + 2.0)["ResourceRetainedBillableTimeInSeconds"] == 60


@pytest.mark.parametrize(
    "other",
    [
        asks(role="another"),
        asks(EnableNetworkIsolation=True),
        asks(EnableInterContainerTrafficEncryption=True),
        asks(VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}),
        asks(SessionChainingConfig={"EnableSessionTagChaining": True}),
        {**asks(), "ResourceConfig": {**WARM, "InstanceCount": 2}},
        {**asks(), "ResourceConfig": {**WARM, "InstanceType": "ml.m5.xlarge"}},
        {**asks(), "ResourceConfig": {**WARM, "VolumeSizeInGB": 6}},
        {**asks(), "ResourceConfig": {**WARM, "VolumeKmsKeyId": "key"}},
    ],
)
def test_one_field_that_differs_needs_new_instances(other):
    assert matches(asks(), asks(seconds=1, HyperParameters={"a": "1"}))
    assert not matches(asks(), other)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 50), st.integers(0, 100), st.integers(0, 40)),
        min_size=1,
        max_size=12,
    )
)
def test_no_pool_serves_two_jobs_and_none_outlives_its_period(steps):
    gone, taken, now = [], [], 0.0
    pools = Pools(may_keep=lambda name: True, gone=gone.append)
    for number, (role, runs, keep, idle) in enumerate(steps):
        name, request = f"job-{number}", asks(role=str(role), seconds=keep)
        pool = pools.take(name, request, now)
        taken += [pool.job] if pool else []
        if keep:
            pools.begin(name, request, now, cache=_nowhere(name), taken=pool)
        now += runs
        pools.leave(name, now)
        now += idle
    pools.settle(now + 1000)
    assert len(taken) == len(set(taken))
    assert not set(taken) & set(gone)
    for number, (_, _, keep, _) in enumerate(steps):
        status = pools.status(f"job-{number}", now + 1000)
        if keep:
            assert status["Status"] in ("Reused", "Terminated")
            assert status["ResourceRetainedBillableTimeInSeconds"] <= keep


def _nowhere(name):
    return Path("/nonexistent", name)


# --- in an account -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warm(start_account, tmp_path_factory):
    types = {"ml.m5.large": {"start": 1.5, "quota": 1}, "ml.c5.xlarge": {"warm_pool_quota": 0}}
    with start_account(tmp_path_factory.mktemp("warm"), {"instance_types": types}) as started:
        yield started


def test_the_next_job_starts_at_once_and_finds_the_cache(warm):
    first = warm.train("warm-1", CACHE + "(cache / 'kept').write_text('for you')", ResourceConfig=WARM)
    assert first["WarmPoolStatus"] == {"Status": "Available"}
    assert [job["TrainingJobName"] for job in _listed(warm, "Available")] == ["warm-1"]
    began = time.monotonic()
    second = warm.train("warm-2", CACHE + "print((cache / 'kept').read_text())", ResourceConfig=WARM)
    starting = second["SecondaryStatusTransitions"][0]
    assert (starting["EndTime"] - starting["StartTime"]).total_seconds() < 1.5, time.monotonic() - began
    assert "for you" in warm.log("warm-2")
    assert warm.describe("warm-1")["WarmPoolStatus"]["ReusedByJob"] == "warm-2"
    _end(warm, "warm-2")


def test_a_pool_counts_against_the_quota_until_it_is_ended(warm):
    warm.train("holds", ResourceConfig=WARM)
    other = {"RoleArn": warm.role("second-trainer", "sagemaker.amazonaws.com", warm.rights), "ResourceConfig": M5}
    with pytest.raises(warm.client("sagemaker").exceptions.ResourceLimitExceeded) as refused:
        warm.train("wants", **other)
    words = "'ml.m5.large for training job usage' is 1 Instances, with current utilization of 1 Instances"
    assert words in str(refused.value)
    _end(warm, "holds")
    assert warm.train("wants", **other)["TrainingJobStatus"] == "Completed"


def test_of_several_calls_with_one_name_only_the_first_takes_the_pool(warm):
    warm.train("leaves", ResourceConfig=WARM)

    def ask(_):
        try:
            warm.train("takes", wait=False, ResourceConfig=WARM)
        except warm.client("sagemaker").exceptions.ResourceInUse:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(ask, range(6))) == 1
    assert warm.finish("takes")["TrainingJobStatus"] == "Completed"
    assert warm.describe("leaves")["WarmPoolStatus"]["ReusedByJob"] == "takes"
    _end(warm, "takes")
    assert warm.train("after", ResourceConfig=M5)["TrainingJobStatus"] == "Completed"  # nothing is held


def test_a_type_without_warm_pool_quota_keeps_nothing_and_says_nothing(warm):
    job = warm.train("cold", ResourceConfig={**WARM, "InstanceType": "ml.c5.xlarge"})
    assert job["TrainingJobStatus"] == "Completed"
    assert "WarmPoolStatus" not in job


def test_a_failed_script_leaves_a_pool_and_its_job_cannot_be_deleted_before_it(warm):
    assert warm.train("broken", "sys.exit(1)", ResourceConfig=WARM)["WarmPoolStatus"] == {"Status": "Available"}
    sagemaker = warm.client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ClientError, match="available warm pool"):
        sagemaker.delete_training_job(TrainingJobName="broken")
    _end(warm, "broken")
    sagemaker.delete_training_job(TrainingJobName="broken")
    with pytest.raises(sagemaker.exceptions.ClientError, match="Requested resource not found"):
        warm.describe("broken")


def test_what_has_no_pool_cannot_be_updated(warm):
    warm.train("plain", ResourceConfig=M5)
    with pytest.raises(warm.client("sagemaker").exceptions.ClientError, match="the warm pool's status is none"):
        _end(warm, "plain")


def _listed(account, status):
    return account.client("sagemaker").list_training_jobs(WarmPoolStatusEquals=status)["TrainingJobSummaries"]


def _end(account, name):
    account.client("sagemaker").update_training_job(
        TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0}
    )
    status = account.describe(name)["WarmPoolStatus"]
    assert status["Status"] == "Terminated", json.dumps(status)
