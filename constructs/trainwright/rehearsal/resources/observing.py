"""Log groups, filters, alarms and dashboards."""

from __future__ import annotations

import json
from typing import Any

from trainwright.rehearsal.resources.base import Made, Table, Wish, register, shaped, tag_list, tag_map

# --- AWS::Logs -----------------------------------------------------------------------------------------------------


def _create_group(wish: Wish) -> Made:
    name = wish.name(given=wish.properties.get("LogGroupName"), limit=512)
    leave = (
        "LogGroupName",
        "RetentionInDays",
        "Tags",
        "DataProtectionPolicy",
        "FieldIndexPolicies",
        "ResourcePolicyDocument",
    )
    arguments = shaped(wish, "logs", "CreateLogGroup", wish.properties, leave=leave)
    tags = {"tags": tag_map(wish)} if tag_map(wish) else {}
    wish.client("logs").create_log_group(logGroupName=name, **arguments, **tags)
    _retention(wish, name)
    _unapplied(wish, "DataProtectionPolicy", "FieldIndexPolicies", "ResourcePolicyDocument")
    return Made(name, {"Arn": wish.arn("logs", f"log-group:{name}:*")})


def _unapplied(wish: Wish, *names: str) -> None:
    for name in names:
        if name in wish.properties:
            wish.say(f"{name} is recorded, but the rehearsal does not apply it")


def _retention(wish: Wish, name: str) -> None:
    days = wish.properties.get("RetentionInDays")
    if days:
        wish.client("logs").put_retention_policy(logGroupName=name, retentionInDays=int(days))
    elif wish.before.get("RetentionInDays"):
        wish.client("logs").delete_retention_policy(logGroupName=name)


def _update_group(wish: Wish) -> Made:
    logs, name = wish.client("logs"), wish.physical_id
    _retention(wish, name)
    if wish.changed("KmsKeyId"):
        key = wish.properties.get("KmsKeyId")
        if key:
            logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
        else:
            logs.disassociate_kms_key(logGroupName=name)
    if tag_map(wish):
        logs.tag_log_group(logGroupName=name, tags=tag_map(wish))
    return Made(name, dict(wish.attributes))


def _put_metric_filter(wish: Wish) -> Made:
    name = wish.physical_id or wish.name(given=wish.properties.get("FilterName"), limit=512)
    arguments = shaped(wish, "logs", "PutMetricFilter", wish.properties, leave=("FilterName",))
    wish.client("logs").put_metric_filter(filterName=name, **arguments)
    return Made(name)


def _delete_metric_filter(wish: Wish) -> None:
    wish.client("logs").delete_metric_filter(logGroupName=wish.before["LogGroupName"], filterName=wish.physical_id)


def _put_subscription(wish: Wish) -> Made:
    name = wish.physical_id or wish.name(given=wish.properties.get("FilterName"), limit=512)
    arguments = shaped(wish, "logs", "PutSubscriptionFilter", wish.properties, leave=("FilterName",))
    wish.client("logs").put_subscription_filter(filterName=name, **arguments)
    return Made(name)


def _delete_subscription(wish: Wish) -> None:
    wish.client("logs").delete_subscription_filter(
        logGroupName=wish.before["LogGroupName"], filterName=wish.physical_id
    )


def _put_resource_policy(wish: Wish) -> Made:
    name, document = wish.properties["PolicyName"], wish.properties["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document)
    wish.client("logs").put_resource_policy(policyName=name, policyDocument=text)
    return Made(name)


register(
    "AWS::Logs::LogGroup",
    Table(
        _create_group,
        _update_group,
        lambda wish: wish.client("logs").delete_log_group(logGroupName=wish.physical_id),
        replace_on={"LogGroupName", "LogGroupClass"},
    ),
)
register(
    "AWS::Logs::MetricFilter",
    Table(_put_metric_filter, _put_metric_filter, _delete_metric_filter, replace_on={"LogGroupName", "FilterName"}),
)
register(
    "AWS::Logs::SubscriptionFilter",
    Table(_put_subscription, _put_subscription, _delete_subscription, replace_on={"LogGroupName", "FilterName"}),
)
register(
    "AWS::Logs::ResourcePolicy",
    Table(
        _put_resource_policy,
        _put_resource_policy,
        lambda wish: wish.client("logs").delete_resource_policy(policyName=wish.physical_id),
        replace_on={"PolicyName"},
    ),
)

# --- AWS::CloudWatch -----------------------------------------------------------------------------------------------


def _put_alarm(wish: Wish) -> Made:
    name = wish.physical_id or wish.name(given=wish.properties.get("AlarmName"), limit=255)
    arguments = shaped(wish, "cloudwatch", "PutMetricAlarm", wish.properties, leave=("AlarmName", "Tags"))
    tags: dict[str, Any] = {"Tags": tag_list(wish)} if tag_list(wish) else {}
    wish.client("cloudwatch").put_metric_alarm(AlarmName=name, **arguments, **tags)
    return Made(name, {"Arn": wish.arn("cloudwatch", f"alarm:{name}")})


def _put_composite(wish: Wish) -> Made:
    name = wish.physical_id or wish.name(given=wish.properties.get("AlarmName"), limit=255)
    arguments = shaped(wish, "cloudwatch", "PutCompositeAlarm", wish.properties, leave=("AlarmName", "Tags"))
    wish.client("cloudwatch").put_composite_alarm(AlarmName=name, **arguments)
    return Made(name, {"Arn": wish.arn("cloudwatch", f"alarm:{name}")})


def _delete_alarm(wish: Wish) -> None:
    wish.client("cloudwatch").delete_alarms(AlarmNames=[wish.physical_id])


def _put_dashboard(wish: Wish) -> Made:
    name = wish.physical_id or wish.name(given=wish.properties.get("DashboardName"), limit=255)
    wish.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=wish.properties["DashboardBody"])
    return Made(name)


def _delete_dashboard(wish: Wish) -> None:
    wish.client("cloudwatch").delete_dashboards(DashboardNames=[wish.physical_id])


register("AWS::CloudWatch::Alarm", Table(_put_alarm, _put_alarm, _delete_alarm, replace_on={"AlarmName"}))
register(
    "AWS::CloudWatch::CompositeAlarm", Table(_put_composite, _put_composite, _delete_alarm, replace_on={"AlarmName"})
)
register(
    "AWS::CloudWatch::Dashboard", Table(_put_dashboard, _put_dashboard, _delete_dashboard, replace_on={"DashboardName"})
)
