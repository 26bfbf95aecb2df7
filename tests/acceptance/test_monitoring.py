"""A deployed platform is watched: runs are metrics of their team, alarms go off, the dashboard shows what there is."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from trainwright.cli.processes import Processes

TEAM = [{"Name": "team", "Value": "default"}]


@pytest.fixture(scope="module")
def platform(tmp_path_factory, deployed):
    """An account of its own: every run that ends in it is counted."""
    with Processes() as processes:
        yield deployed(processes, tmp_path_factory.mktemp("watched"), {}, "quick_app.py")


@pytest.fixture(scope="module")
def ended(platform):
    """One run that succeeded, three that failed and one that was refused, and when the first began."""
    began = datetime.now(UTC)
    good = platform.start()
    bad = [platform.start(hyperparameters={"fail": "no"}) for _ in range(3)]
    refused = platform.start(colour="red")
    assert platform.finish(good)["status"] == "SUCCEEDED"
    assert {platform.finish(arn)["status"] for arn in [*bad, refused]} == {"FAILED"}
    return began


def total(platform, name, since, statistic="Sum"):
    """A metric of the team since then, None where it has no value."""
    found = platform.client("cloudwatch").get_metric_statistics(
        Namespace="Trainwright",
        MetricName=name,
        Dimensions=TEAM,
        StartTime=since.replace(microsecond=0) - timedelta(seconds=1),
        EndTime=since + timedelta(hours=1),
        Period=3600,
        Statistics=[statistic],
    )["Datapoints"]
    return sum(point[statistic] for point in found) if found else None


def test_a_run_is_in_the_metrics_of_its_team_once(platform, ended, wait):
    wait(lambda: total(platform, "FailedCount", ended, "SampleCount") == 5, "five ends in the metrics")
    assert total(platform, "FailedCount", ended) == 3
    assert total(platform, "SucceededCount", ended) == 1
    assert total(platform, "RefusedCount", ended) == 1
    assert total(platform, "AttemptCount", ended) == 4
    assert total(platform, "CostUsd", ended) > 0


def test_metrics_have_the_team_and_nothing_else_as_their_dimension(platform, ended):
    found = platform.client("cloudwatch").list_metrics(Namespace="Trainwright")["Metrics"]
    assert found
    assert {json.dumps(metric["Dimensions"]) for metric in found} == {json.dumps(TEAM)}


def test_three_failures_set_off_the_alarm_on_failed_runs(platform, ended, wait):
    cloudwatch = platform.client("cloudwatch")

    def states():
        found = cloudwatch.describe_alarms()["MetricAlarms"]
        return {alarm["MetricName"]: alarm["StateValue"] for alarm in found if alarm["Namespace"] == "Trainwright"}

    wait(lambda: states()["FailedCount"] == "ALARM", "the alarm on failed runs")
    assert states()["BudgetUsedPercent"] in ("OK", "INSUFFICIENT_DATA")


def test_the_dashboard_shows_metrics_that_runs_write(platform, ended):
    cloudwatch = platform.client("cloudwatch")
    [entry] = cloudwatch.list_dashboards()["DashboardEntries"]
    body = json.loads(cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"])
    lines = [line for widget in body["widgets"] for line in widget["properties"].get("metrics", [])]
    shown = {line[1] for line in lines if line[0] == "Trainwright"}
    written = {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace="Trainwright")["Metrics"]}
    assert written <= shown
    assert {widget["properties"]["region"] for widget in body["widgets"] if widget["type"] == "metric"} == {"us-east-1"}
    assert body["variables"][0]["defaultValue"] == "default"


def operators(folder):
    """A template: a team's alarms, and a topic and queue that take no more than they must."""
    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sns_subscriptions as subscriptions
    from aws_cdk import aws_sqs as sqs

    from trainwright.monitoring import TeamAlarms

    app = cdk.App(outdir=str(folder))
    stack = cdk.Stack(app, "Operators", synthesizer=cdk.BootstraplessSynthesizer())
    topic = sns.Topic(stack, "Topic", enforce_ssl=True, master_key=kms.Key(stack, "Key"))
    queue = sqs.Queue(stack, "Queue")
    topic.add_subscription(subscriptions.SqsSubscription(queue))
    without = {"close_errors": None, "report_errors": None}
    TeamAlarms(stack, "Alarms", team="other", functions={}, changes=without).send(topic, ["lost_work"])
    cdk.CfnOutput(stack, "QueueUrl", value=queue.queue_url)
    return app.synth().get_stack_by_name("Operators").template


def test_an_encrypted_topic_that_wants_tls_hears_of_alarms(platform, tmp_path, wait):
    cloudformation, cloudwatch = platform.client("cloudformation"), platform.client("cloudwatch")
    cloudformation.create_stack(StackName="Operators", TemplateBody=json.dumps(operators(tmp_path)))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="Operators", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    [stack] = cloudformation.describe_stacks(StackName="Operators")["Stacks"]
    [url] = [output["OutputValue"] for output in stack["Outputs"]]
    names = [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"] if alarm["AlarmActions"]]
    [name] = [each for each in names if each.startswith("Operators-")]
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="to see who hears of it")
    sqs = platform.client("sqs")
    [message] = wait(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "the alarm in the queue")
    told = json.loads(json.loads(message["Body"])["Message"])
    assert (told["NewStateValue"], told["Trigger"]["MetricName"]) == ("ALARM", "LostWorkSeconds")
    assert "team other" in told["AlarmDescription"]
