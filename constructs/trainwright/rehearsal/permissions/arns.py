"""Which resource an operation is about: ARNs from parameters, service by service.

Formats: https://docs.aws.amazon.com/service-authorization/latest/reference/ (the page "Actions, resources, and
condition keys" of each service). A parameter that is an ARN already is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainwright.rehearsal.permissions.policies import UNKNOWN_RESOURCE

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where resources live."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """A regional ARN of this account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """An ARN without a region."""
        return f"arn:{self.partition}:{service}::{self.account}:{resource}"


# The first parameter that is present names the resource.
_BY_PARAMETER: dict[str, tuple[tuple[str, str], ...]] = {
    "sagemaker": (
        ("TrainingJobName", "training-job/{lower}"),
        ("ProcessingJobName", "processing-job/{lower}"),
        ("TransformJobName", "transform-job/{lower}"),
        ("HyperParameterTuningJobName", "hyper-parameter-tuning-job/{lower}"),
        ("ModelPackageGroupName", "model-package-group/{lower}"),
        ("ModelPackageName", "model-package/{lower}"),
        ("ModelName", "model/{lower}"),
        ("EndpointName", "endpoint/{lower}"),
        ("EndpointConfigName", "endpoint-config/{lower}"),
        ("PipelineName", "pipeline/{lower}"),
        ("ExperimentName", "experiment/{lower}"),
        ("ResourceArn", "{}"),
    ),
    "stepfunctions": (
        ("executionArn", "{}"),
        ("stateMachineVersionArn", "{}"),
        ("stateMachineAliasArn", "{}"),
        ("stateMachineArn", "{}"),
        ("activityArn", "{}"),
        ("mapRunArn", "{}"),
        ("resourceArn", "{}"),
    ),
    "dynamodb": (("ResourceArn", "{}"), ("TableName", "table/{}")),
    "ecr": (("repositoryName", "repository/{}"), ("resourceArn", "{}")),
    "sns": (("TopicArn", "{}"), ("TargetArn", "{}"), ("SubscriptionArn", "{}"), ("Name", "{}")),
    "secretsmanager": (("SecretId", "secret:{}"),),
    "cloudformation": (("StackName", "stack/{}/*"),),
    "scheduler": (("Name", "schedule/default/{}"),),
}
_PREFIX_IN_ARN = {"stepfunctions": "states"}
# Operations that no resource-level permission exists for: the policy must say "*".
_WITHOUT_RESOURCE: dict[str, frozenset[str]] = {
    "sagemaker": frozenset({"Search", "GetSearchSuggestions"}),
    "stepfunctions": frozenset({"ValidateStateMachineDefinition"}),
    "ecr": frozenset({"GetAuthorizationToken", "DescribeRegistry"}),
    "kms": frozenset({"CreateKey", "GenerateRandom"}),
    "ssm": frozenset({"DescribeParameters"}),
    "cloudwatch": frozenset({"PutMetricData", "GetMetricData", "GetMetricStatistics", "GetMetricWidgetImage"}),
    "logs": frozenset(
        {
            "CreateLogDelivery",
            "GetLogDelivery",
            "UpdateLogDelivery",
            "DeleteLogDelivery",
            "PutResourcePolicy",
            "DescribeResourcePolicies",
            "StopQuery",
            "GetQueryResults",
        }
    ),
    "xray": frozenset({"PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets"}),
    "sts": frozenset({"DecodeAuthorizationMessage"}),
    "service-quotas": frozenset(
        {
            "GetAWSDefaultServiceQuota",
            "GetRequestedServiceQuotaChange",
            "ListAWSDefaultServiceQuotas",
            "ListRequestedServiceQuotaChangeHistory",
            "ListServiceQuotas",
            "ListServices",
        }
    ),
    "pricing": frozenset({"DescribeServices", "GetAttributeValues", "GetProducts"}),
    "resourcegroupstaggingapi": frozenset({"GetResources", "GetTagKeys", "GetTagValues"}),
}


def resources(service: str, operation: str, params: Params, place: Place) -> list[str]:
    """The ARNs that a call is about; ``["*"]`` where AWS has no resource-level permission.

    `UNKNOWN_RESOURCE` is in the list where the account cannot tell.
    """
    if operation in _WITHOUT_RESOURCE.get(service, frozenset()) or _lists_everything(service, operation, params):
        return ["*"]
    if service in _SPECIAL:
        found = _SPECIAL[service](operation, params, place)
        if found:
            return found
    for name, pattern in _BY_PARAMETER.get(service, ()):
        if params.get(name):
            return [_fill(service, pattern, str(params[name]), place)]
    return [UNKNOWN_RESOURCE]


def _lists_everything(service: str, operation: str, params: Params) -> bool:
    """List calls that name no parent are about the whole account."""
    parents = {name for name, _ in _BY_PARAMETER.get(service, ())}
    services = {
        "sagemaker",
        "stepfunctions",
        "dynamodb",
        "lambda",
        "events",
        "kms",
        "codebuild",
        "iam",
    }
    return service in services and operation.startswith("List") and not (parents & set(params))


def _fill(service: str, pattern: str, value: str, place: Place) -> str:
    if value.startswith("arn:"):
        return value
    resource = pattern.replace("{lower}", value.lower()).replace("{}", value)
    return place.arn(_PREFIX_IN_ARN.get(service, service), resource)


def _s3(operation: str, params: Params, place: Place) -> list[str]:
    bucket, key = params.get("Bucket"), params.get("Key")
    if operation == "ListBuckets":
        return ["*"]
    if not bucket:
        return []
    arn = bucket if str(bucket).startswith("arn:") else f"arn:{place.partition}:s3:::{bucket}"
    if operation == "DeleteObjects":
        return [f"{arn}/{item['Key']}" for item in params.get("Delete", {}).get("Objects", [])]
    return [f"{arn}/{key}"] if key is not None else [arn]


def _lambda(operation: str, params: Params, place: Place) -> list[str]:
    if params.get("LayerName"):
        layer, version = params["LayerName"], params.get("VersionNumber")
        return [_fill("lambda", f"layer:{layer}" + (f":{version}" if version else ""), "", place)]
    if params.get("Resource"):
        return [str(params["Resource"])]
    name = str(params.get("FunctionName") or "")
    return [function_arn(name, params.get("Qualifier"), place)] if name else []


def function_arn(name: str, qualifier: Any, place: Place) -> str:
    """The ARN of a function given by name, partial ARN or ARN; a qualifier is part of it."""
    parts = name.split(":")
    if parts[0] == "arn":
        arn = name
    elif len(parts) >= 3 and parts[1] == "function":  # 123456789012:function:name
        arn = place.arn("lambda", ":".join(parts[1:]))
    else:
        arn = place.arn("lambda", f"function:{name}")
    return f"{arn}:{qualifier}" if qualifier else arn


def _ssm(operation: str, params: Params, place: Place) -> list[str]:
    names = params.get("Names") or [name for name in (params.get("Name"), params.get("Path")) if name]
    if not names and params.get("ResourceType") == "Parameter":
        names = [params.get("ResourceId")]
    return [_parameter(str(name), place) for name in names]


def _parameter(name: str, place: Place) -> str:
    if name.startswith("arn:"):
        return name
    bare = name.split(":", maxsplit=1)[0].strip("/")
    return place.arn("ssm", f"parameter/{bare}")


def _logs(operation: str, params: Params, place: Place) -> list[str]:
    """CloudWatch Logs names a stream, with an empty name where the call is about a group, as its refusals show."""
    if params.get("resourceArn"):
        return [str(params["resourceArn"])]
    group = params.get("logGroupName") or params.get("logGroupIdentifier")
    if operation == "DescribeLogGroups":
        group = params.get("logGroupNamePrefix") or ""
    if group is None:
        return []
    if str(group).startswith("arn:"):
        return [str(group)]
    return [place.arn("logs", f"log-group:{group}:log-stream:{params.get('logStreamName', '')}")]


def _events(operation: str, params: Params, place: Place) -> list[str]:
    if operation == "PutEvents":
        buses = {entry.get("EventBusName") or "default" for entry in params.get("Entries", [])}
        return [bus if bus.startswith("arn:") else place.arn("events", f"event-bus/{bus}") for bus in sorted(buses)]
    name = params.get("Rule") or params.get("Name")
    bus = params.get("EventBusName") or "default"
    if not name or operation.endswith("EventBus"):
        return [place.arn("events", f"event-bus/{name or bus}")] if operation.endswith("EventBus") else []
    bus_name = bus.rsplit("/", 1)[-1]
    return [place.arn("events", f"rule/{name}" if bus_name == "default" else f"rule/{bus_name}/{name}")]


def _dynamodb(operation: str, params: Params, place: Place) -> list[str]:
    tables: list[str] = []
    if "RequestItems" in params:
        tables = list(params["RequestItems"])
    if "TransactItems" in params:
        tables = [body["TableName"] for item in params["TransactItems"] for body in item.values()]
    if params.get("IndexName") and params.get("TableName"):
        return [_fill("dynamodb", "table/{}", str(params["TableName"]), place) + f"/index/{params['IndexName']}"]
    return sorted({_fill("dynamodb", "table/{}", name, place) for name in tables})


def _codebuild(operation: str, params: Params, place: Place) -> list[str]:
    projects = [params.get("projectName") or params.get("name")]
    if operation == "BatchGetProjects":
        projects = list(params.get("names", []))
    if "ids" in params or "id" in params:
        projects = [str(one).rsplit("build/", 1)[-1].split(":")[0] for one in params.get("ids") or [params["id"]]]
    return sorted({_fill("codebuild", "project/{}", str(name), place) for name in projects if name})


def _kms(operation: str, params: Params, place: Place) -> list[str]:
    key = params.get("KeyId") or params.get("TargetKeyId")
    return [key_arn(str(key), place)] if key else []


def key_arn(key: str, place: Place) -> str:
    """The ARN of a key given by id, ARN or alias."""
    name = key.rsplit(":", 1)[-1]
    if not name.startswith("alias/"):
        return key if key.startswith("arn:") else place.arn("kms", f"key/{key}")
    from moto.kms.models import kms_backends  # noqa: PLC0415

    backend = kms_backends[place.account][place.region]
    found = backend.get_key_id_from_alias(name)
    return place.arn("kms", f"key/{found}") if found else place.arn("kms", name)


def _iam(operation: str, params: Params, place: Place) -> list[str]:
    if params.get("RoleName"):
        return [role_arn(str(params["RoleName"]), place)]
    if params.get("PolicyArn"):
        return [str(params["PolicyArn"])]
    return []


def role_arn(name: str, place: Place) -> str:
    """The ARN of a role by name, with the path that it has."""
    from moto.iam.models import iam_backends  # noqa: PLC0415

    for found in list(iam_backends[place.account][place.partition].roles.values()):
        if found.name == name:
            return str(found.arn)
    return place.global_arn("iam", f"role/{name}")


def _cloudwatch(operation: str, params: Params, place: Place) -> list[str]:
    names = params.get("AlarmNames") or [name for name in (params.get("AlarmName"),) if name]
    return [place.arn("cloudwatch", f"alarm:{name}") for name in names]


def _service_quotas(operation: str, params: Params, place: Place) -> list[str]:
    if params.get("ServiceCode") and params.get("QuotaCode"):
        return [place.arn("servicequotas", f"{params['ServiceCode']}/{params['QuotaCode']}")]
    return ["*"]


def _sqs(operation: str, params: Params, place: Place) -> list[str]:
    name = str(params.get("QueueUrl") or params.get("QueueName") or "").rsplit("/", 1)[-1]
    return [place.arn("sqs", name)] if name else []


def _sts(operation: str, params: Params, place: Place) -> list[str]:
    return [str(params["RoleArn"])] if params.get("RoleArn") else []


def _stepfunctions(operation: str, params: Params, place: Place) -> list[str]:
    if operation == "CreateStateMachine" and params.get("name"):
        return [place.arn("states", f"stateMachine:{params['name']}")]
    holder = token_holder(str(params["taskToken"]), place) if params.get("taskToken") else None
    return [holder] if holder else []


def token_holder(token: str, place: Place) -> str | None:
    """What SendTask* is judged by: the state machine whose Task has the token, or the activity; None: no Task has it.

    The service authorization reference has no resource for them; AWS names the state machine when it refuses:
    https://github.com/NOAA-OWP/hydrovis/issues/837, https://github.com/aws/aws-cdk/pull/8486 (for activities too).
    """
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends  # noqa: PLC0415

    backend = stepfunctions_parser_backends[place.account][place.region]
    for execution in list(getattr(backend, "executions_by_arn", {}).values()):
        env = getattr(execution.exec_worker, "env", None)
        endpoint = env.callback_pool_manager.get(token) if env else None
        if endpoint is not None:
            return str(getattr(endpoint, "activity_arn", None) or execution.state_machine_arn)
    return None


_SPECIAL: dict[str, Callable[[str, Params, Place], list[str]]] = {
    "s3": _s3,
    "lambda": _lambda,
    "ssm": _ssm,
    "logs": _logs,
    "events": _events,
    "dynamodb": _dynamodb,
    "codebuild": _codebuild,
    "kms": _kms,
    "iam": _iam,
    "cloudwatch": _cloudwatch,
    "service-quotas": _service_quotas,
    "sqs": _sqs,
    "sts": _sts,
    "stepfunctions": _stepfunctions,
}
