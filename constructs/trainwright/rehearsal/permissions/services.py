"""What an AWS service may do in its own name: send to a topic or a queue whose policy, and whose key's, allow it;
invoke a function whose policy does; keep the logs of a group under a key.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trainwright.rehearsal.permissions import arns, key_use, resource_policies
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.conditions import Context, Unmapped
from trainwright.rehearsal.permissions.keys import KNOWN
from trainwright.rehearsal.permissions.policies import Statement, Undecided, speakers
from trainwright.rehearsal.wire import Call

_SENDING: dict[str, tuple[str, Callable[[str, Place], Iterable[key_use.KeyUse]]]] = {
    "sns": ("sns:Publish", key_use.topic_uses),
    "sqs": ("sqs:SendMessage", key_use.queue_uses),
    "lambda": ("lambda:InvokeFunction", lambda _function, _place: ()),
}

_LOG_KEY_USES = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")


def refusal(principal: str, resource: str, source: str, place: Place) -> str | None:
    """Why a service (``events.amazonaws.com``) may not send to a topic, a queue or a function for ``source``; None when
    it may."""
    service = resource.split(":", 3)[2]
    if service not in _SENDING:
        return None
    action, uses = _SENDING[service]
    wanted: list[key_use.KeyUse] = [(action, resource, {}), *uses(resource, place)]
    return next((why for use in wanted if (why := _refusal(principal, use, source, place))), None)


def refused_log_key(call: Call, place: Place) -> str | None:
    """Why CloudWatch Logs takes no key for a group: the key's policy must let the service in, whoever asks for it.

    The words are those of https://github.com/aws/aws-cdk/issues/28304.
    """
    if call.service != "logs" or call.operation not in ("CreateLogGroup", "AssociateKmsKey"):
        return None
    key, name = call.params.get("kmsKeyId"), str(call.params.get("logGroupName"))
    if not key:
        return None
    group, arn = place.arn("logs", f"log-group:{name}"), arns.key_arn(str(key), place)
    keys: key_use.Keys = {f"{key_use.ENCRYPTION_CONTEXT}aws:logs:arn": [group], "kms:calleraccount": [place.account]}
    principal = f"logs.{place.region}.amazonaws.com"
    if all(_refusal(principal, (action, arn, keys), group, place) is None for action in _LOG_KEY_USES):
        return None
    return f"The specified KMS key does not exist or is not allowed to be used with Arn '{group}'"


def _refusal(principal: str, use: key_use.KeyUse, source: str, place: Place) -> str | None:
    action, resource, keys = use
    policy = resource_policies.of(action, resource, place)
    if policy.missing:
        return None
    statements = [one for one in policy.statements if _names(one, principal)]
    context = _context(principal, source, place, keys)
    try:
        if speakers(statements, action, resource, context, allows=False):
            return f"{principal} is not authorized to perform: {action} on {resource} with an explicit deny"
        if speakers(statements, action, resource, context, allows=True):
            return None
    except (Undecided, Unmapped) as doubt:
        return f"the rehearsal cannot decide whether {principal} may perform {action} on {resource}: {doubt}"
    return f"{principal} is not authorized to perform: {action} on {resource}: its policy does not allow it"


def _names(statement: Statement, principal: str) -> bool:
    return any((kind == "Service" and value == principal) or value == "*" for kind, value in statement.principals)


def _context(principal: str, source: str, place: Place, keys: key_use.Keys) -> Context:
    values = {
        "aws:sourcearn": [source],
        "aws:sourceaccount": [place.account],
        "aws:principalisawsservice": ["true"],
        "aws:principalservicename": [principal],
        "aws:securetransport": ["true"],
        **keys,
    }
    return Context(values, KNOWN)
