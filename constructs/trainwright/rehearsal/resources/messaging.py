"""Topics, subscriptions and queues."""

from __future__ import annotations

import json
from typing import Any

from trainwright.rehearsal.resources.base import Made, Table, Wish, register, shaped, tag_list, tag_map

_TOPIC_ATTRIBUTES = ("DisplayName", "KmsMasterKeyId", "FifoTopic", "ContentBasedDeduplication", "TracingConfig")


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _create_topic(wish: Wish) -> Made:
    suffix = ".fifo" if str(wish.properties.get("FifoTopic")).lower() == "true" else ""
    name = wish.name(given=wish.properties.get("TopicName"), limit=250)
    name = name if name.endswith(suffix) else name + suffix
    attributes = {key: _text(wish.properties[key]) for key in _TOPIC_ATTRIBUTES if key in wish.properties}
    sns = wish.client("sns")
    arn = sns.create_topic(Name=name, Attributes=attributes, Tags=tag_list(wish))["TopicArn"]
    for one in wish.properties.get("Subscription", []):
        sns.subscribe(TopicArn=arn, Protocol=one["Protocol"], Endpoint=one["Endpoint"])
    return Made(arn, {"TopicArn": arn, "TopicName": name})


def _update_topic(wish: Wish) -> Made:
    sns = wish.client("sns")
    for key in _TOPIC_ATTRIBUTES:
        if wish.changed(key):
            value = _text(wish.properties.get(key, ""))
            sns.set_topic_attributes(TopicArn=wish.physical_id, AttributeName=key, AttributeValue=value)
    if wish.changed("Subscription"):
        wish.say("Subscription: the rehearsal does not change the subscriptions of a topic that exists")
    return Made(wish.physical_id, dict(wish.attributes))


def _put_topic_policy(wish: Wish) -> Made:
    document = json.dumps(wish.properties["PolicyDocument"])
    for topic in wish.properties["Topics"]:
        wish.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
    return Made(wish.physical_id or wish.name())


def _create_subscription(wish: Wish) -> Made:
    properties = wish.properties
    others = {
        key: _text(value)
        for key, value in properties.items()
        if key not in ("TopicArn", "Protocol", "Endpoint", "Region")
    }
    found = wish.client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        Attributes=others,
        ReturnSubscriptionArn=True,
    )
    return Made(found["SubscriptionArn"], {"Arn": found["SubscriptionArn"]})


def _queue_attributes(properties: dict[str, Any]) -> dict[str, str]:
    return {key: _text(value) for key, value in properties.items() if key not in ("QueueName", "Tags")}


def _create_queue(wish: Wish) -> Made:
    sqs, properties = wish.client("sqs"), wish.properties
    fifo = str(properties.get("FifoQueue")).lower() == "true"
    name = wish.name(given=properties.get("QueueName"), limit=75)
    name = f"{name}.fifo" if fifo and not name.endswith(".fifo") else name
    attributes = _queue_attributes(properties)
    url = sqs.create_queue(QueueName=name, Attributes=attributes, tags=tag_map(wish))["QueueUrl"]
    return Made(url, {"Arn": wish.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _update_queue(wish: Wish) -> Made:
    wish.client("sqs").set_queue_attributes(QueueUrl=wish.physical_id, Attributes=_queue_attributes(wish.properties))
    return Made(wish.physical_id, dict(wish.attributes))


def _put_queue_policy(wish: Wish) -> Made:
    document = json.dumps(wish.properties["PolicyDocument"])
    for queue in wish.properties["Queues"]:
        wish.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document})
    return Made(wish.physical_id or wish.name())


register(
    "AWS::SNS::Topic",
    Table(
        _create_topic,
        _update_topic,
        lambda wish: wish.client("sns").delete_topic(TopicArn=wish.physical_id),
        replace_on={"TopicName", "FifoTopic"},
    ),
)
register("AWS::SNS::TopicPolicy", Table(_put_topic_policy, _put_topic_policy))
register(
    "AWS::SNS::Subscription",
    Table(
        _create_subscription,
        None,
        lambda wish: wish.client("sns").unsubscribe(SubscriptionArn=wish.physical_id),
        replace_always=True,
    ),
)
register(
    "AWS::SQS::Queue",
    Table(
        _create_queue,
        _update_queue,
        lambda wish: wish.client("sqs").delete_queue(QueueUrl=wish.physical_id),
        replace_on={"QueueName", "FifoQueue"},
    ),
)
register("AWS::SQS::QueuePolicy", Table(_put_queue_policy, _put_queue_policy))


def _create_secret(wish: Wish) -> Made:
    leave = ("Name", "GenerateSecretString", "Tags", "ReplicaRegions")
    arguments = shaped(wish, "secretsmanager", "CreateSecret", wish.properties, leave=leave)
    client = wish.client("secretsmanager")
    if "GenerateSecretString" in wish.properties:
        arguments["SecretString"] = _generated(wish, client)
    name = wish.name(given=wish.properties.get("Name"), limit=512)
    found = client.create_secret(Name=name, Tags=tag_list(wish), **arguments)
    return Made(found["ARN"], {"Id": found["ARN"]})


def _generated(wish: Wish, client: Any) -> str:
    wanted = dict(wish.properties["GenerateSecretString"])
    template, key = wanted.pop("SecretStringTemplate", None), wanted.pop("GenerateStringKey", None)
    secret = client.get_random_password(**shaped(wish, "secretsmanager", "GetRandomPassword", wanted))["RandomPassword"]
    return json.dumps({**json.loads(template), str(key): secret}) if template else str(secret)


register(
    "AWS::SecretsManager::Secret",
    Table(
        _create_secret,
        None,
        lambda wish: wish.client("secretsmanager").delete_secret(
            SecretId=wish.physical_id, ForceDeleteWithoutRecovery=True
        ),
    ),
)
