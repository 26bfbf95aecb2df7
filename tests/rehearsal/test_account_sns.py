"""SNS: messages reach a function, a queue and a mailbox; a queue and a function only if they let SNS in."""

import email
import email.policy
import json
import time

import pytest
from botocore.exceptions import ClientError

KEEPS = """
import json, os, boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="event", Body=json.dumps(event).encode())
"""
MESSAGE = json.dumps({"default": "for machines", "email": "for people"})
FAILED = {"event": {"DataType": "String", "StringValue": "failed"}}


@pytest.fixture
def topic(account, helpers):
    return account.client("sns").create_topic(Name=helpers.unique("topic"))["TopicArn"]


def publish(account, topic, attributes=FAILED, **more):
    arguments = {"Subject": "It failed", "Message": MESSAGE, "MessageStructure": "json", **more}
    return account.client("sns").publish(TopicArn=topic, MessageAttributes=attributes, **arguments)


def mails(account):
    files = sorted((account.root / "mail").glob("*.eml")) if (account.root / "mail").exists() else []
    return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]


def test_a_mail_is_a_file_with_the_text_for_people(account, topic):
    account.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="team@example.com")
    publish(account, topic)
    (mail,) = [mail for mail in mails(account) if mail["X-Amz-Sns-Topic"] == topic]
    assert (mail["To"], mail["Subject"], mail.get_content().strip()) == ("team@example.com", "It failed", "for people")


def test_a_queue_gets_it_only_if_it_lets_sns_in(account, topic, helpers):
    sns, sqs = account.client("sns"), account.client("sqs")
    url = sqs.create_queue(QueueName=helpers.unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    filter_policy = json.dumps({"event": [{"exists": False}, "failed"]})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": filter_policy})

    def received():
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]

    publish(account, topic)
    assert received() == []
    lets = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    of_topic = lets | {"Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [of_topic]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    publish(account, topic)
    publish(account, topic, {"event": {"DataType": "String", "StringValue": "finished"}})
    publish(account, topic, {})
    told, alarm = received()
    assert (told["Message"], told["Subject"]) == ("for machines", "It failed")
    assert told["MessageAttributes"] == {"event": {"Type": "String", "Value": "failed"}}
    assert "MessageAttributes" not in alarm


def test_a_function_gets_it_only_if_it_lets_sns_in(account, topic, helpers):
    bucket = helpers.unique("bucket")
    account.client("s3").create_bucket(Bucket=bucket)
    role = account.role(helpers.allow("logs:*", "*"), helpers.allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    name = account.function(KEEPS, role, Environment={"Variables": {"BUCKET": bucket}})
    arn = account.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    subscription = account.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)["SubscriptionArn"]

    def event():
        listed = account.client("s3").list_objects_v2(Bucket=bucket).get("Contents")
        return listed and json.load(account.client("s3").get_object(Bucket=bucket, Key="event")["Body"])

    publish(account, topic)
    time.sleep(0.5)
    assert not event()
    account.client("lambda").add_permission(
        FunctionName=name,
        StatementId="sns",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    sent = publish(account, topic)
    (record,) = helpers.wait_for(event)["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", subscription)
    told = record["Sns"]
    assert (told["Message"], told["Subject"], told["TopicArn"]) == ("for machines", "It failed", topic)
    assert (told["MessageId"], told["MessageAttributes"]["event"]["Value"]) == (sent["MessageId"], "failed")


@pytest.mark.parametrize(
    "message", [{"Subject": "one\nBcc: two@example.com"}, {"Message": "é" * 131_073, "MessageStructure": "x"}]
)
def test_what_sns_does_not_take_is_refused(account, topic, message):
    with pytest.raises(ClientError, match="InvalidParameter"):
        publish(account, topic, **message)


def test_plain_moto_sends_no_mail_asks_no_policy_and_takes_line_breaks(plain_moto, helpers):
    sns, sqs = plain_moto.client("sns"), plain_moto.client("sqs")
    topic = sns.create_topic(Name="plain")["TopicArn"]
    url = sqs.create_queue(QueueName="plain")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="team@example.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    publish(plain_moto, topic, Subject="one\nBcc: two@example.com")
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    assert mails(plain_moto) == []
