"""Digest: what becomes of a run's page when its profiler, its rules and CloudWatch are done, late, broken or never."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from team_in_memory import STARTED, Context, client_error, state

from trainwright_runtime import open_profiles, profiled
from trainwright_runtime import record as records
from trainwright_runtime.attempts import Planned, Seen, row
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import objects
from trainwright_runtime.handlers.digest import digest
from trainwright_runtime.handlers.profiles import expect
from trainwright_runtime.handlers.publishing import Publisher

RUN = "vision-0000000001"
JOB = f"{RUN}-1"
REPORTS, ARTIFACTS = "the-reports", "the-artifacts"
FILES = f"runs/{RUN}/{JOB}/profiler-output/system"
FINDINGS = f"runs/{RUN}/{JOB}/rule-output/ProfilerReport/profiler-output"
HOURLY = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
TRAINED = {"detail": {"TrainingJobName": JOB, "TrainingJobStatus": "Completed"}}
JUDGED = {"detail": {"ProcessingJobName": f"{JOB}-ProfilerReport-01234567", "ProcessingJobStatus": "Completed"}}
SECONDS = 600
RULE_TRIGGERED = {"RuleTriggered": 1, "Violations": 3, "Datapoints": 9, "RuleParameters": "", "Details": {}}


class Profiled:
    """One run of the team with one profiled job, as far as SageMaker, S3 and the runs table tell of it."""

    def __init__(self, team):
        self.team, self.s3 = team, team.services.s3
        self.ended = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2)
        self.s3.put_bucket_versioning(Bucket=REPORTS, VersioningConfiguration={"Status": "Enabled"})
        team.sagemaker.describe_processing_job = self._processing
        self.stands("InProgress")

    def _processing(self, *, ProcessingJobName):
        if not ProcessingJobName.lower().startswith(JOB):
            raise client_error("ValidationException", "Could not find processing job", "DescribeProcessingJob")
        output = {"OutputName": "profiler-output", "S3Output": {"S3Uri": f"s3://{ARTIFACTS}/{FINDINGS}"}}
        arn = f"arn:aws:sagemaker:eu-west-1:123456789012:training-job/{JOB}"
        return {"TrainingJobArn": arn, "ProcessingOutputConfig": {"Outputs": [output]}}

    def stands(self, rule, status="Completed", **changes):
        """The rule, and the job, as DescribeTrainingJob tells of them from now on."""
        began = self.ended - timedelta(seconds=SECONDS)
        evaluated = {
            "RuleConfigurationName": "ProfilerReport",
            "RuleEvaluationStatus": rule,
            "RuleEvaluationJobArn": f"arn:aws:sagemaker:eu-west-1:1:processing-job/{JOB}-profilerreport-01234567",
        }
        job = {
            **state(status),
            "TrainingJobName": JOB,
            "TrainingStartTime": began,
            "TrainingEndTime": self.ended,
            "OutputDataConfig": {"S3OutputPath": f"s3://{ARTIFACTS}/runs/{RUN}/"},
            "ProfilerConfig": {"S3OutputPath": f"s3://{REPORTS}/runs/{RUN}/"},
            "ProfilerRuleEvaluationStatuses": [evaluated],
            "SecondaryStatusTransitions": [{"Status": "Training", "StartTime": began, "EndTime": self.ended}],
            **changes,
        }
        self.team.sagemaker.has(JOB, {name: value for name, value in job.items() if value is not None})

    def put(self, key, content=b"", bucket=REPORTS):
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)

    def files(self, *, cpu=40.0, done=True):
        """What the profiler leaves of every minute, and that it is done."""
        for second in range(0, SECONDS, 60):
            moment = int((self.ended - timedelta(seconds=SECONDS - second)).timestamp()) // 60 * 60
            rows = [line(moment + tick / 2, cpu) for tick in range(120)]
            self.put(f"{FILES}/incremental/2026112104/{moment}.algo-1.json", "".join(rows).encode())
        if done:
            self.put(f"{FILES}/training_job_end.ts")

    def findings(self, **reports):
        self.put(f"{FINDINGS}/profiler-report.html", b"<html>", ARTIFACTS)
        for name, said in reports.items():
            self.put(f"{FINDINGS}/profiler-reports/{name}.json", json.dumps(said).encode(), ARTIFACTS)

    def recorded(self, *, ended=True, told=True, job_name=JOB):
        """The run's record, with its attempt; `told`: its report is written."""
        item = records.new(Run(RUN, "vision", "digits"), f"arn:{RUN}", STARTED, STARTED)
        made = row(Planned(1, job_name, "on_demand", {}, "/aws/sagemaker/TrainingJobs"), state("Completed"),
                   Seen("completed"))  # fmt: skip
        money = {"usd_per_hour": 2.0, "cost_usd": 1.0, "on_demand_usd": 1.0, "saved_usd": 0.0}
        item["attempts"] = {"1": {**made, **money}}
        self.team.store.put(records.put_new(item))
        if ended:
            self.team.store.update(records.settle(RUN, "SUCCEEDED", None, STARTED))
        if told:
            publisher = Publisher(self.team.store, self.team.services, self.team.environment)
            publisher.publish(self.team.store.record(RUN))

    def hears(self, event=TRAINED, *, milliseconds=900_000):
        """What became of each job that an event made Digest look at."""
        team = self.team
        clock = Context(milliseconds)
        return digest(event, team.store, team.services, team.environment, clock)["jobs"]

    @property
    def profile(self):
        return self.team.store.document(RUN, "profile/1.json", profiled.LIMIT)

    @property
    def report(self):
        return self.team.store.document(RUN, "report.json")

    @property
    def written(self):
        """How often each document was written."""
        found = self.s3.list_object_versions(Bucket=REPORTS, Prefix=f"runs/{RUN}/").get("Versions", ())
        keys = [each["Key"].rpartition("/")[2] for each in found]
        return {name: keys.count(name) for name in ("1.json", "report.json")}

    @property
    def listed(self):
        return open_profiles.listed(self.team.store.record(open_profiles.PROFILES.key))


def line(when, value, kind="cpu", name="cpu0", dimension="CPUUtilization"):
    said = {"Type": kind, "Name": name, "Dimension": dimension, "Value": value, "NodeId": "algo-1", "Timestamp": when}
    return json.dumps(said) + "\n"


@pytest.fixture
def house(team):
    return Profiled(team)


# --- a page that says what is pending, and is amended ---


def test_a_report_is_amended_when_the_job_has_ended_and_again_when_its_rule_has(house):
    house.files()
    house.recorded()
    assert house.hears() == {JOB: "changed"}
    assert house.report["profile"]["status"] == "pending"
    assert any("ProfilerReport" in sentence for sentence in house.report["profile"]["pending"])
    assert house.profile["series"]["hosts"]["algo-1"]["cpu"]["mean"]
    assert house.listed == [JOB]

    house.stands("IssuesFound")
    house.findings(LowGPUUtilization=RULE_TRIGGERED)
    assert house.hears(JUDGED) == {JOB: "changed"}
    assert house.report["profile"]["status"] == "complete", house.report["profile"]
    assert [rule["report_uri"] for rule in house.report["profile"]["rules"]] == [
        f"s3://{ARTIFACTS}/{FINDINGS}/profiler-report.html"
    ]
    assert "ProfilerReport" in {finding["source"] for finding in house.report["findings"]}
    assert house.listed == []


def test_what_is_heard_twice_or_out_of_order_changes_nothing(house):
    house.files()
    house.findings()
    house.stands("NoIssuesFound")
    house.recorded()
    assert house.hears(JUDGED) == {JOB: "changed"}
    before = house.written
    assert before == {"1.json": 1, "report.json": 2}
    assert house.hears(JUDGED) == house.hears(TRAINED) == house.hears(TRAINED) == {JOB: "as it was"}
    assert house.written["1.json"] == 1


def test_a_call_that_died_between_profile_and_report_is_made_up_for(house, monkeypatch):
    house.files()
    house.recorded()

    def dies(*_):
        raise client_error("InternalError", "We encountered an internal error", "PutObject")

    with monkeypatch.context() as broken:
        broken.setattr(Publisher, "publish", dies)
        with pytest.raises(ClientError):
            house.hears()
    assert house.profile["status"] == "pending" and house.report["profile"]["summary"] == {}
    assert house.hears() == {JOB: "as it was"}
    assert house.report["profile"]["summary"]["algo-1"]["cpu"]["mean"] == 40


def test_a_run_that_is_under_way_has_its_profile_and_no_report_yet(house):
    house.files()
    house.recorded(ended=False, told=False)
    assert house.hears() == {JOB: "changed"}
    assert house.written == {"1.json": 1, "report.json": 0}


def test_a_run_that_has_not_been_told_of_is_told_by_report_alone(house):
    """The report's first writer tells the state machine, and counts the run."""
    house.files()
    house.recorded(told=False)
    house.hears()
    assert house.written == {"1.json": 1, "report.json": 0}
    publisher = Publisher(house.team.store, house.team.services, house.team.environment)
    publisher.publish(house.team.store.record(RUN))
    assert house.report["profile"]["summary"]["algo-1"]["cpu"]["mean"] == 40


def test_only_the_profilers_files_are_told_when_they_may_still_come(house):
    house.files(done=False)
    house.stands("NoIssuesFound")
    house.findings()
    house.recorded()
    house.hears()
    assert house.profile["pending"] == ["the profiler has not said that it is done: more of its files may come"]
    house.put(f"{FILES}/training_job_end.ts")
    assert house.hears(HOURLY) == {JOB: "changed"}
    assert (house.profile["status"], house.listed) == ("complete", [])


# --- the hour ---


def test_a_run_whose_news_were_lost_is_looked_at_by_the_hour(house):
    house.files()
    house.findings()
    house.stands("NoIssuesFound")
    house.recorded()
    expect(house.team.store.record(RUN), house.team.store)
    assert house.listed == [JOB]
    assert house.hears(HOURLY) == {JOB: "changed"}
    assert house.report["profile"]["status"] == "complete"
    assert house.listed == []
    expect(house.team.store.record(RUN), house.team.store)
    assert house.listed == [], "what is known needs no second look"


def test_a_rule_that_never_ends_is_waited_for_two_days(house):
    house.ended -= timedelta(hours=49)
    house.stands("InProgress")
    house.files()
    house.recorded()
    house.hears()
    assert house.profile["status"] == "partial" and house.profile["pending"] == []
    assert any("ProfilerReport" in said and "48 hours" in said for said in house.report["profile"]["missing"])
    assert house.listed == []


def test_one_job_that_cannot_be_looked_at_does_not_keep_the_hour_from_the_others(house, monkeypatch):
    house.files()
    house.recorded()
    house.hears()
    other = f"{RUN}-2"
    house.team.store.update(open_profiles.PROFILES.add(other, "2020-01-01T00:00:00Z"))
    house.stands("NoIssuesFound")
    house.findings()
    describe = house.team.sagemaker.describe_training_job

    def throttles(*, TrainingJobName):
        if TrainingJobName == other:
            raise client_error("ThrottlingException", "Rate exceeded", "DescribeTrainingJob")
        return describe(TrainingJobName=TrainingJobName)

    monkeypatch.setattr(house.team.sagemaker, "describe_training_job", throttles)
    assert house.hears(HOURLY) == {JOB: "changed"}
    assert house.listed == [other]


# --- nobody's ---


@pytest.mark.parametrize("name", ["vision-by-hand", "speech-0000000001-1", "vision-0000000002-1"])
def test_a_job_that_is_no_runs_is_left_alone(house, name):
    house.recorded()
    assert house.hears({"detail": {"TrainingJobName": name}}) == {name: "not a run's"}


def test_a_processing_job_of_somebodys_own_is_left_alone(house):
    assert house.hears({"detail": {"ProcessingJobName": "vision-prepares-data"}}) == {}


def test_a_job_that_trains_again_or_is_not_there_is_left_alone(house):
    house.recorded()
    house.stands("InProgress", "InProgress")
    assert house.hears(JUDGED) == {JOB: "not over"}
    house.team.sagemaker.jobs.clear()
    assert house.hears() == {JOB: "not there"}
    assert house.profile is None


def test_late_news_of_an_older_job_of_the_same_number_change_nothing(house):
    house.files()
    house.recorded(job_name=f"{JOB}r1")
    assert house.hears() == {JOB: "not a run's"}
    assert house.profile is None


# --- what is broken ---


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ProfilerConfig": {"S3OutputPath": "s3://not-there/runs/"}}, "could not be listed: NoSuchBucket"),
        ({"ProfilerConfig": {"S3OutputPath": "nonsense"}}, None),
        ({"OutputDataConfig": {"S3OutputPath": "s3://not-there/x"}}, "ProfilerReport"),
    ],
)
def test_places_that_cannot_be_read_are_said_and_fail_nothing(house, changes, said, monkeypatch):
    monkeypatch.setattr(house.team.sagemaker, "describe_processing_job", lambda **_: {})
    house.stands("NoIssuesFound", **changes)
    house.recorded()
    assert house.hears() == {JOB: "changed"}
    assert said is None or any(said in sentence for sentence in house.report["profile"]["missing"]), house.report[
        "profile"
    ]


def test_files_that_are_cut_nonsense_or_too_large_give_a_report_that_says_so(house, monkeypatch):
    house.files()
    house.stands("NoIssuesFound")
    minute = int(house.ended.timestamp()) // 60 * 60
    house.put(f"{FILES}/incremental/2026112104/{minute}.algo-1.json", b'{"Type":"cpu","Name":"cpu0","Dim')
    house.put(f"{FILES}/incremental/2026112104/{minute + 60}.algo-1.json", b"\x00\xff" * 40_000)
    monkeypatch.setattr(objects, "LARGEST", 50_000)
    house.findings(LowGPUUtilization=["not", "an", "object"])
    house.recorded()
    assert house.hears() == {JOB: "changed"}
    found = house.report["profile"]
    assert found["status"] == "partial" and found["summary"]["algo-1"]["cpu"]["mean"] == 40
    assert any("larger than" in said for said in found["missing"]), found["missing"]
    assert any("LowGPUUtilization" in said for said in found["missing"]), found["missing"]


def test_when_the_time_is_over_the_page_says_what_was_not_read(house):
    house.files()
    house.stands("NoIssuesFound")
    house.findings()
    house.recorded()
    assert house.hears(milliseconds=20_000) == {JOB: "changed"}
    assert house.profile["status"] == "partial"
    assert any("no time left" in said for said in house.profile["missing"]), house.profile["missing"]


def test_a_throttled_call_is_made_again_by_lambda(house, monkeypatch):
    def throttles(**_):
        raise client_error("ThrottlingException", "Rate exceeded", "GetMetricData")

    monkeypatch.setattr(house.team.services.cloudwatch, "get_metric_data", throttles, raising=False)
    house.recorded()
    with pytest.raises(ClientError, match="Rate exceeded"):
        house.hears()
    assert house.profile is None


# --- CloudWatch ---


class Minutes:
    """CloudWatch with one value a minute of each host and metric, in pages."""

    def __init__(self, ended):
        self.ended, self.asked = ended, []

    def get_metric_data(self, *, MetricDataQueries, StartTime, EndTime, NextToken=None):
        self.asked.append((MetricDataQueries, StartTime, EndTime))
        times = [self.ended - timedelta(minutes=count) for count in range(1, 10)]
        half = times[5:] if NextToken else times[:5]
        values = [{"Id": each["Id"], "Timestamps": half, "Values": [40.0] * len(half)} for each in MetricDataQueries]
        return {"MetricDataResults": values} | ({} if NextToken else {"NextToken": "more"})


def test_a_job_without_the_profiler_has_cloudwatchs_minutes_and_no_rules(house):
    house.stands("InProgress", ProfilerConfig=None, ProfilerRuleEvaluationStatuses=None)
    house.team.services.__dict__["cloudwatch"] = minutes = Minutes(house.ended)
    house.recorded()
    assert house.hears() == {JOB: "changed"}
    assert (house.profile["status"], house.profile["source"]) == ("complete", "cloudwatch")
    hosts = house.profile["series"]["hosts"]
    assert [round(value) for value in hosts["algo-1"]["memory"]["mean"] if value is not None] == [40] * 9
    named = {query["MetricStat"]["Metric"]["MetricName"] for query in minutes.asked[0][0]}
    assert named == {"CPUUtilization", "MemoryUtilization", "DiskUtilization"}, "no GPUs on an ml.m5.large"
    assert house.listed == []


def test_minutes_that_come_late_are_looked_for_once_more(house):
    house.stands("InProgress", ProfilerConfig=None, ProfilerRuleEvaluationStatuses=None)
    house.recorded()
    house.hears()
    assert (house.profile["series"], house.listed) == (None, [JOB])
    house.team.services.__dict__["cloudwatch"] = Minutes(house.ended)
    assert house.hears(HOURLY) == {JOB: "changed"}
    assert house.profile["source"] == "cloudwatch" and house.listed == []


def test_a_long_job_is_asked_for_in_larger_steps(house):
    house.stands(
        "InProgress",
        ProfilerConfig=None,
        ProfilerRuleEvaluationStatuses=None,
        ResourceConfig={"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 8},
        TrainingStartTime=house.ended - timedelta(days=20),
    )
    house.team.services.__dict__["cloudwatch"] = minutes = Minutes(house.ended)
    house.recorded()
    house.hears()
    (period,) = {query["MetricStat"]["Period"] for query in minutes.asked[0][0]}
    assert len(minutes.asked[0][0]) == 40
    assert period % 300 == 0 and 20 * 86_400 / period * 40 <= 200_000
