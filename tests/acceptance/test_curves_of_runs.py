"""Curves of a script that reports nothing by itself: SageMaker reads its log, CloudWatch has the values, by time."""

import json


def test_metrics_of_the_log_become_curves_over_time(platform, wait):
    ran = platform.start(
        metric_definitions=[{"name": "loss", "regex": "loss=([0-9.]+)"}, {"name": "never", "regex": "never=([0-9.]+)"}],
        hyperparameters={"seconds": 0, "say": "loss=0.75 loss=0.25"},
    )
    platform.finish(ran)
    assert platform.report(ran)["metrics"] == {"loss": 0.25}
    curves = wait(lambda: charts(platform, ran)["curves"], "values from CloudWatch")
    assert (curves["axis"], curves["names"], curves["resumes"]) == ("time", ["loss"], [])
    ((moment, value),) = curves["points"]["loss"]
    assert value == 0.5, "CloudWatch has the mean of a minute"
    job = platform.client("sagemaker").describe_training_job(TrainingJobName=f"{platform.run_id(ran)}-1")
    assert abs(moment - job["TrainingStartTime"].timestamp()) <= 60


def charts(platform, ran):
    key = f"runs/{platform.run_id(ran)}/charts.json"
    found = platform.client("s3").get_object(Bucket=platform.team["reports_bucket"], Key=key)
    return json.load(found["Body"])
