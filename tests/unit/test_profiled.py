"""What SageMaker's answers say of a profiled job: places, times, what is still to come."""

from datetime import UTC, datetime, timedelta

import pytest

from trainwright_runtime import profiled
from trainwright_runtime.profiled import Found, Place

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
JOB = {
    "TrainingJobName": "vision-0000000001-1",
    "TrainingJobStatus": "Completed",
    "TrainingEndTime": NOW,
    "OutputDataConfig": {"S3OutputPath": "s3://artifacts/runs/vision-0000000001/"},
    "ProfilerConfig": {"S3OutputPath": "s3://reports/runs/vision-0000000001"},
}


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://bucket/a/b", Place("bucket", "a/b/")),
        ("s3://bucket/a/b/", Place("bucket", "a/b/")),
        ("s3://bucket", Place("bucket", "")),
        ("https://bucket/a", None),
        ("s3://", None),
        (None, None),
    ],
)
def test_places_end_in_a_slash_so_that_run_1_is_not_run_10(uri, place):
    assert Place.of(uri) == place


def test_files_are_below_the_jobs_name_with_or_without_a_path_of_the_profilers_own():
    below = "runs/vision-0000000001/vision-0000000001-1/profiler-output/"
    assert profiled.files(JOB) == Place("reports", below)
    assert profiled.files({**JOB, "ProfilerConfig": {"ProfilingIntervalInMilliseconds": 500}}) == Place(
        "artifacts", below
    )
    assert profiled.files({**JOB, "ProfilerConfig": None}) is None


def test_findings_are_where_the_processing_job_says_and_else_where_the_guide_says():
    named = {
        "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://there/x"}}, {"FeatureStoreOutput": {}}]}
    }
    guessed = "runs/vision-0000000001/vision-0000000001-1/rule-output/Rule/"
    assert profiled.findings(JOB, "Rule", named) == [
        Place("there", "x/"),
        Place("artifacts", guessed),
        Place("reports", guessed),
    ]
    assert profiled.findings(JOB, "Rule", None)[0] == Place("artifacts", guessed)


def test_training_is_every_stretch_and_the_last_ends_with_the_job():
    first, again = NOW - timedelta(hours=3), NOW - timedelta(hours=1)
    transitions = [
        {"Status": "Starting", "StartTime": first - timedelta(minutes=5), "EndTime": first},
        {"Status": "Training", "StartTime": first, "EndTime": first + timedelta(hours=1)},
        {"Status": "Interrupted", "StartTime": first + timedelta(hours=1), "EndTime": again},
        {"Status": "Training", "StartTime": again},
        {"Status": "Training"},
    ]
    hours = [
        (end - start) / 3600 for start, end in profiled.training({**JOB, "SecondaryStatusTransitions": transitions})
    ]
    assert hours == [1, 1]
    assert profiled.training(JOB) == []


def test_files_may_come_until_the_profiler_says_that_it_is_done_or_an_hour_is_over():
    files = [Found("x/system/incremental/1.json", 1, "a")]
    assert profiled.files_may_come(JOB, files, NOW + timedelta(minutes=59))
    assert not profiled.files_may_come(JOB, files, NOW + timedelta(minutes=61))
    assert not profiled.files_may_come(JOB, [*files, Found("x/system/training_job_end.ts", 0, "b")], NOW)
    assert not profiled.files_may_come({**JOB, "ProfilerConfig": {"DisableProfiler": True}}, files, NOW)


def test_stamp_changes_with_files_rules_and_marks_and_with_nothing_else():
    files, rule = [Found("k", 1, "a")], {"RuleConfigurationName": "R", "RuleEvaluationStatus": "InProgress"}
    job = {**JOB, "ProfilerRuleEvaluationStatuses": [rule]}
    ended = {**JOB, "ProfilerRuleEvaluationStatuses": [{**rule, "RuleEvaluationStatus": "NoIssuesFound"}]}
    stamps = [
        profiled.stamp(job, files, False),
        profiled.stamp(job, [Found("k", 2, "b")], False),
        profiled.stamp(ended, files, False),
        profiled.stamp(job, files, True),
    ]
    assert len(set(stamps)) == 4
    assert profiled.stamp({**job, "LastModifiedTime": NOW}, files, False) == stamps[0]


def test_what_is_not_waited_for_any_longer_is_missing():
    document = {"status": "pending", "pending": ["the rule R is still being evaluated"], "missing": ["a file"]}
    assert profiled.given_up(document) == {
        "status": "partial",
        "pending": [],
        "missing": [
            "a file",
            "the rule R is still being evaluated: not waited for any longer, 48 hours after the job's end",
        ],
    }
    complete = {"status": "complete", "pending": [], "missing": []}
    assert profiled.given_up(complete) == complete


@pytest.mark.parametrize(
    ("key", "number"),
    [("runs/x/profile/12.json", 12), ("runs/x/profile/12.json.bak", None), ("runs/x/plan.json", None)],
)
def test_an_attempt_is_found_in_its_profiles_key(key, number):
    assert profiled.attempt_in(key) == number
    assert number is None or key.endswith(profiled.document_name(number))


def test_names_are_read_from_arns():
    arn = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/vision-0000000001-1-report-01234567"
    assert profiled.processing_job({"RuleEvaluationJobArn": arn}) == "vision-0000000001-1-report-01234567"
    assert profiled.processing_job({}) is None
    assert profiled.training_job({"TrainingJobArn": arn.replace("processing-job", "training-job")})
    assert profiled.training_job({"ProcessingJobArn": arn}) is None
