"""Metrics of a function's log, and alarms on them, in an account whose clock jumps."""

import datetime
import json
import subprocess
import sys
import time

import pytest

FAULTS = {"clock": {"jump": True}, "fake_jobs": {}}
PATIENCE = 60.0
SPEAKS = """
import json, time
def handler(event, context):
    metrics = [{"Name": "restarted", "Unit": "Count"}]
    directive = {"Namespace": "Own", "Dimensions": [["team"]], "Metrics": metrics}
    meta = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": meta, "team": event["team"], "restarted": event["value"]}))
"""
RECORDS = """
import boto3, json
def handler(event, context):
    detail = event["detail"]
    key = f"{detail['alarmName']}/{detail['state']['timestamp']}-{detail['state']['value']}"
    boto3.client("s3").put_object(Bucket="alarms", Key=key, Body=json.dumps(event).encode())
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}],
}
ALARM = {
    "Namespace": "Own",
    "MetricName": "restarted",
    "Dimensions": [{"Name": "team", "Value": "vision"}],
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}


class Account:
    """Short ways through an account whose clock jumps."""

    def __init__(self, account, helpers):
        self.account, self.helpers = account, helpers
        self.cloudwatch = account.client("cloudwatch")

    def function(self, name, source):
        policy = {"Version": "2012-10-17", "Statement": [self.helpers.allow("*", "*")]}
        iam = self.account.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        return self.account.client("lambda").create_function(
            FunctionName=name,
            Role=arn,
            Code={"ZipFile": self.helpers.zipped(source)},
            Runtime="python3.13",
            Handler="app.handler",
            Timeout=60,
        )["FunctionArn"]

    def clock(self, **wish):
        import urllib.request

        request = urllib.request.Request(
            f"{self.account.endpoint}/_trainwright/clock", data=json.dumps(wish).encode() if wish else None
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def settled(self):
        end = time.monotonic() + PATIENCE
        while (state := self.clock())["running"] or state["ready"] or state["waiting"]:
            assert time.monotonic() < end, state
            time.sleep(0.01)

    def pass_time(self, seconds):
        self.clock(sleep=seconds)
        self.settled()

    def speak(self, team, value):
        self.account.invoke("speaks", {"team": team, "value": value})
        self.settled()

    def alarm(self, name):
        [found] = self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return found

    def events(self, name):
        """The changes of state that a rule passed on, in order."""
        s3 = self.account.client("s3")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket="alarms", Prefix=f"{name}/").get("Contents", [])]
        return [json.loads(s3.get_object(Bucket="alarms", Key=key)["Body"].read()) for key in sorted(keys)]


@pytest.fixture(scope="module")
def jumping(tmp_path_factory, helpers):
    folder = tmp_path_factory.mktemp("metrics")
    process = helpers.start_server(folder, faults=FAULTS)
    made = Account(helpers.Account(helpers.ready_line(process)["endpoint"], folder / "account", process), helpers)
    made.function("speaks", SPEAKS)
    made.account.client("s3").create_bucket(Bucket="alarms")
    recorder = made.function("records", RECORDS)
    events = made.account.client("events")
    pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]}
    rule = events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule="alarms", Targets=[{"Id": "t", "Arn": recorder}])
    made.account.client("lambda").add_permission(
        FunctionName="records",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    yield made
    helpers.stop_server(process)


def test_what_a_function_says_is_a_metric(jumping):
    jumping.speak("speech", [1, 2.5])
    now = datetime.datetime.fromtimestamp(jumping.clock()["time"], datetime.UTC)
    dimensions = [{"Name": "team", "Value": "speech"}]
    [metric] = jumping.cloudwatch.list_metrics(Namespace="Own", Dimensions=dimensions)["Metrics"]
    assert metric == {"Namespace": "Own", "MetricName": "restarted", "Dimensions": dimensions}
    window = {"StartTime": now - datetime.timedelta(hours=1), "EndTime": now + datetime.timedelta(hours=1)}
    [point] = jumping.cloudwatch.get_metric_statistics(
        Namespace="Own",
        MetricName="restarted",
        Dimensions=dimensions,
        Period=3600,
        Statistics=["Sum", "SampleCount"],
        **window,
    )["Datapoints"]
    assert (point["Sum"], point["SampleCount"], point["Unit"]) == (3.5, 2, "Count")
    stat = {"Metric": metric, "Period": 3600, "Stat": "Maximum"}
    query = [{"Id": "q", "MetricStat": stat}]
    [result] = jumping.cloudwatch.get_metric_data(MetricDataQueries=query, **window)["MetricDataResults"]
    assert result["Values"] == [2.5]


def test_an_alarm_goes_off_and_comes_back(jumping):
    jumping.cloudwatch.put_metric_alarm(AlarmName="zero", AlarmDescription="from zero", **ALARM)
    assert jumping.alarm("zero")["StateValue"] == "INSUFFICIENT_DATA"
    jumping.pass_time(600)
    assert jumping.alarm("zero")["StateValue"] == "OK"
    jumping.speak("vision", 0)
    jumping.speak("speech", 5)  # another dimension
    assert jumping.alarm("zero")["StateValue"] == "OK"
    jumping.speak("vision", 1)
    now = jumping.alarm("zero")
    assert now["StateValue"] == "ALARM"
    assert "was greater than or equal to the threshold (1.0)" in now["StateReason"]
    assert json.loads(now["StateReasonData"])["recentDatapoints"] == [1.0]
    assert now["StateUpdatedTimestamp"].timestamp() == pytest.approx(jumping.clock()["time"], abs=1)
    jumping.pass_time(600)
    assert jumping.alarm("zero")["StateValue"] == "OK"
    states = [
        (event["detail"]["previousState"]["value"], event["detail"]["state"]["value"])
        for event in jumping.events("zero")
    ]
    assert states == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]
    event = jumping.events("zero")[1]
    assert event["resources"] == [now["AlarmArn"]]
    assert event["detail"]["configuration"]["description"] == "from zero"
    [metric] = event["detail"]["configuration"]["metrics"]
    assert metric["metricStat"]["metric"] == {
        "namespace": "Own",
        "name": "restarted",
        "dimensions": {"team": "vision"},
    }


def test_an_alarm_that_is_changed_keeps_its_state(jumping):
    changed = {**ALARM, "Dimensions": [{"Name": "team", "Value": "kept"}]}
    jumping.cloudwatch.put_metric_alarm(AlarmName="kept", **changed)
    jumping.speak("kept", 3)
    jumping.cloudwatch.put_metric_alarm(AlarmName="kept", **{**changed, "Threshold": 2})
    assert jumping.alarm("kept")["StateValue"] == "ALARM"


def test_values_of_users_count_as_well(jumping):
    dimensions = [{"Name": "team", "Value": "users"}]
    jumping.cloudwatch.put_metric_alarm(AlarmName="users", **{**ALARM, "Dimensions": dimensions})
    jumping.cloudwatch.put_metric_data(
        Namespace="Own", MetricData=[{"MetricName": "restarted", "Dimensions": dimensions, "Value": 1}]
    )
    jumping.settled()
    assert jumping.alarm("users")["StateValue"] == "ALARM"


def test_a_topic_hears_of_it(jumping):
    sns, sqs = jumping.account.client("sns"), jumping.account.client("sqs")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic,
            }
        ],
    }
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
    lets = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    for_topic = {"Version": "2012-10-17", "Statement": [lets | {"Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(for_topic)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    dimensions = [{"Name": "team", "Value": "told"}]
    jumping.cloudwatch.put_metric_alarm(AlarmName="told", AlarmActions=[topic], **{**ALARM, "Dimensions": dimensions})
    jumping.speak("told", 1)
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    told = json.loads(json.loads(message["Body"])["Message"])
    assert (told["AlarmName"], told["NewStateValue"], told["Trigger"]["MetricName"]) == ("told", "ALARM", "restarted")


PLAIN = """
import boto3, json
from moto import mock_aws
from moto.cloudwatch.models import CloudWatchBackend
with mock_aws():
    cloudwatch = boto3.client("cloudwatch", region_name="us-east-1")
    alarm = json.loads('''{}''')
    def state():
        return cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"]
    cloudwatch.put_metric_alarm(AlarmName="a", **alarm)
    seen = [state()]
    value = {{"MetricName": "restarted", "Dimensions": alarm["Dimensions"], "Value": 1}}
    cloudwatch.put_metric_data(Namespace="Own", MetricData=[value])
    seen.append(state())
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="r")
    cloudwatch.put_metric_alarm(AlarmName="a", **alarm)
    seen.append(state())
    print(json.dumps(seen))
"""


def test_plain_moto_judges_no_alarm_and_forgets_states():
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""
    script = PLAIN.format(json.dumps(ALARM))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["OK", "OK", "OK"]
