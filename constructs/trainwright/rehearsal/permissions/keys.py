"""Condition keys: what of a request the policies can ask about.

Global keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
Service keys: the services' pages in https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from trainwright.rehearsal import clock
from trainwright.rehearsal.permissions import arns, tags
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.conditions import Context
from trainwright.rehearsal.wire import Call

Params = Mapping[str, Any]
Keys = dict[str, list[str]]

# Keys that the account can tell, so that one missing from a request really is absent. "x/" stands for all "x/...".
KNOWN = frozenset(
    key.lower()
    for key in [
        "aws:CalledVia",
        "aws:CalledViaFirst",
        "aws:CalledViaLast",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:FederatedProvider",
        "aws:MultiFactorAuthAge",
        "aws:MultiFactorAuthPresent",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalServiceName",
        "aws:PrincipalTag/",
        "aws:PrincipalType",
        "aws:referer",
        "aws:RequestedRegion",
        "aws:RequestTag/",
        "aws:ResourceAccount",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceIp",
        "aws:SourceIdentity",
        "aws:SourceOrgID",
        "aws:SourceOwner",  # only services that publish to a topic in the old way bring it
        "aws:SourceVpc",
        "aws:SourceVpce",
        "aws:TagKeys",
        "aws:TokenIssueTime",
        "aws:UserAgent",
        "aws:userid",
        "aws:username",
        "aws:ViaAWSService",
        "aws:VpcSourceIp",
        "iam:PassedToService",
        "iam:AssociatedResourceArn",
        "sagemaker:InstanceTypes",
        "sagemaker:MaxRuntimeInSeconds",
        "sagemaker:VolumeKmsKey",
        "sagemaker:OutputKmsKey",
        "sagemaker:VpcSubnets",
        "sagemaker:VpcSecurityGroupIds",
        "sagemaker:NetworkIsolation",
        "sagemaker:InterContainerTrafficEncryption",
        "sagemaker:KeepAlivePeriod",
        "sagemaker:EnableRemoteDebug",
        "sagemaker:FileSystemId",
        "sagemaker:FileSystemAccessMode",
        "sagemaker:FileSystemType",
        "sagemaker:FileSystemDirectoryPath",
        "kms:GrantIsForAWSResource",
        "kms:GrantOperations",
        "kms:GranteePrincipal",
        "kms:ViaService",
        "kms:CallerAccount",
        "kms:EncryptionContext:",
        "kms:EncryptionContextKeys",
        "s3:prefix",
        "s3:delimiter",
        "s3:max-keys",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-acl",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-storage-class",
        "s3:x-amz-copy-source",
        "s3:versionid",
        "s3:RequestObjectTag/",
        "s3:RequestObjectTagKeys",
        "s3:TlsVersion",
        "s3:ResourceAccount",
        "s3:authType",
        "s3:signatureversion",
        "cloudwatch:namespace",
        "sts:ExternalId",
        "sts:RoleSessionName",
        "sts:SourceIdentity",
        "sts:DurationSeconds",
        "sts:TransitiveTagKeys",
        "lambda:FunctionArn",
        "lambda:SourceFunctionArn",
        "ssm:Overwrite",
        "ssm:Recursive",
    ]
)


def request_keys(call: Call, place: Place) -> Keys:
    """The service's own keys of one call, and its tags."""
    keys = _SERVICE[call.service](call, place) if call.service in _SERVICE else {}
    return {**keys, **_tags(call.params)}


@dataclass(frozen=True)
class Caller:
    """Who asks: a role's session, or the account's root.

    Args:
        arn: of the role, or of the root.
        session: the session's own ARN.
        user_id: as ``aws:userid`` has it.
        tags: of the role, and of the session in their place.
        issued: seconds since 1970 at which the credentials were made.
    """

    arn: str
    session: str
    user_id: str
    tags: Mapping[str, str]
    issued: float
    kind: str = "AssumedRole"


def context(keys: Mapping[str, Iterable[str]], caller: Caller, place: Place, resource: str) -> Context:
    """A whole context: the request's keys and the global ones."""
    values: dict[str, list[str]] = {key.lower(): list(found) for key, found in keys.items()}
    for key, found in _global(caller, place, resource).items():
        values.setdefault(key.lower(), found)
    if values["aws:viaawsservice"] == ["true"]:
        del values["aws:sourceip"]  # what comes from a service comes from none of the caller's addresses
    return Context(values, KNOWN, lambda key: tags.ask(key, resource, place))


def _global(caller: Caller, place: Place, resource: str) -> Keys:
    now = clock.time()
    owner = resource.split(":")[4] if resource.count(":") >= 5 else ""
    return {
        "aws:PrincipalArn": [caller.arn],
        "aws:PrincipalAccount": [place.account],
        "aws:PrincipalType": [caller.kind],
        "aws:PrincipalIsAWSService": ["false"],
        "aws:userid": [caller.user_id],
        # The endpoint is plain HTTP on the loopback interface; nothing there can be read by others.
        "aws:SecureTransport": ["true"],
        "s3:TlsVersion": ["1.3"],
        "aws:SourceIp": ["127.0.0.1"],
        "aws:RequestedRegion": [place.region],
        "aws:CurrentTime": [datetime.fromtimestamp(now, UTC).isoformat()],
        "aws:EpochTime": [str(int(now))],
        "aws:TokenIssueTime": [datetime.fromtimestamp(caller.issued, UTC).isoformat()],
        "aws:ViaAWSService": ["false"],
        "aws:ResourceAccount": [owner or place.account],
        **{f"aws:PrincipalTag/{name}": [value] for name, value in caller.tags.items()},
    }


def _tags(params: Params) -> Keys:
    given = params.get("Tags") or params.get("tags") or []
    if isinstance(given, Mapping):
        pairs = {str(key): str(value) for key, value in given.items()}
    else:
        pairs = dict(_pair(tag) for tag in given if isinstance(tag, Mapping))
    if not pairs:
        return {}
    return {**{f"aws:requesttag/{key.lower()}": [value] for key, value in pairs.items()}, "aws:tagkeys": list(pairs)}


def _pair(tag: Mapping[str, Any]) -> tuple[str, str]:
    """A tag in any of the services' spellings."""
    named = {name.lower(): str(value) for name, value in tag.items()}
    return named.get("key", named.get("tagkey", "")), named.get("value", named.get("tagvalue", ""))


def _sagemaker(call: Call, place: Place) -> Keys:
    if not call.operation.startswith(("Create", "Update")):
        return {}
    return {key: found for key, reader in _TRAINING.items() if (found := reader(call.params, place))}


def _instance_types(params: Params, place: Place) -> list[str]:
    config = params.get("ResourceConfig") or {}
    # that the types of InstancePreferences count too is not documented; a fence that forgot them would be none
    several = [*(config.get("InstanceGroups") or []), *(config.get("InstancePreferences") or [])]
    types = [config.get("InstanceType"), *(one.get("InstanceType") for one in several)]
    return [str(one) for one in types if one]


def _file_systems(name: str) -> Callable[[Params, Place], list[str]]:
    def read(params: Params, place: Place) -> list[str]:
        channels = params.get("InputDataConfig") or []
        sources = [(channel.get("DataSource") or {}).get("FileSystemDataSource") or {} for channel in channels]
        return [str(source[name]) for source in sources if source.get(name)]

    return read


def _at(*path: str, key: bool = False) -> Callable[[Params, Place], list[str]]:
    def read(params: Params, place: Place) -> list[str]:
        value: Any = params
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if value in (None, "", []):
            return []
        if isinstance(value, list):
            return [str(one) for one in value]
        if isinstance(value, bool):
            return [str(value).lower()]
        return [arns.key_arn(str(value), place) if key else str(value)]

    return read


_TRAINING: dict[str, Callable[[Params, Place], list[str]]] = {
    "sagemaker:instancetypes": _instance_types,
    "sagemaker:maxruntimeinseconds": _at("StoppingCondition", "MaxRuntimeInSeconds"),
    "sagemaker:volumekmskey": _at("ResourceConfig", "VolumeKmsKeyId", key=True),
    "sagemaker:outputkmskey": _at("OutputDataConfig", "KmsKeyId", key=True),
    "sagemaker:vpcsubnets": _at("VpcConfig", "Subnets"),
    "sagemaker:vpcsecuritygroupids": _at("VpcConfig", "SecurityGroupIds"),
    "sagemaker:networkisolation": _at("EnableNetworkIsolation"),
    "sagemaker:intercontainertrafficencryption": _at("EnableInterContainerTrafficEncryption"),
    "sagemaker:keepaliveperiod": _at("ResourceConfig", "KeepAlivePeriodInSeconds"),
    "sagemaker:enableremotedebug": _at("RemoteDebugConfig", "EnableRemoteDebug"),
    "sagemaker:filesystemid": _file_systems("FileSystemId"),
    "sagemaker:filesystemaccessmode": _file_systems("FileSystemAccessMode"),
    "sagemaker:filesystemtype": _file_systems("FileSystemType"),
    "sagemaker:filesystemdirectorypath": _file_systems("DirectoryPath"),
}


def _s3(call: Call, place: Place) -> Keys:
    parameters = {
        "s3:prefix": "Prefix",
        "s3:delimiter": "Delimiter",
        "s3:max-keys": "MaxKeys",
        "s3:x-amz-server-side-encryption": "ServerSideEncryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
        "s3:x-amz-acl": "ACL",
        "s3:x-amz-storage-class": "StorageClass",
        "s3:x-amz-copy-source": "CopySource",
        "s3:versionid": "VersionId",
    }
    fixed = {"s3:authtype": ["REST-HEADER"], "s3:signatureversion": ["AWS4-HMAC-SHA256"]}
    present = {key: [str(call.params[name])] for key, name in parameters.items() if call.params.get(name) is not None}
    return {**fixed, "s3:resourceaccount": [place.account], **present, **_object_tags(call.params)}


def _object_tags(params: Params) -> Keys:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-and-policies.html"""
    given = params.get("Tagging")
    if isinstance(given, Mapping):
        pairs = [_pair(tag) for tag in given.get("TagSet") or []]
    else:
        pairs = parse_qsl(str(given or ""), keep_blank_values=True)
    if not pairs:
        return {}
    named = {f"s3:requestobjecttag/{name.lower()}": [value] for name, value in pairs}
    return {**named, "s3:requestobjecttagkeys": [name for name, _ in pairs]}


def _cloudwatch(call: Call, place: Place) -> Keys:
    namespace = call.params.get("Namespace")
    return {"cloudwatch:namespace": [str(namespace)]} if namespace else {}


def _kms(call: Call, place: Place) -> Keys:
    keys = {"kms:calleraccount": [place.account]}
    context = call.params.get("EncryptionContext") or {}
    keys |= {f"kms:encryptioncontext:{name.lower()}": [str(value)] for name, value in context.items()}
    if context:
        keys["kms:encryptioncontextkeys"] = [str(name) for name in context]
    if call.operation == "CreateGrant":
        keys["kms:grantoperations"] = [str(one) for one in call.params.get("Operations", [])]
        keys["kms:granteeprincipal"] = [str(call.params.get("GranteePrincipal"))]
        keys["kms:grantisforawsresource"] = ["false"]
    return keys


def _ssm(call: Call, place: Place) -> Keys:
    names = {"ssm:overwrite": "Overwrite", "ssm:recursive": "Recursive"}
    return {key: [str(call.params[name]).lower()] for key, name in names.items() if name in call.params}


def _sts(call: Call, place: Place) -> Keys:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html"""
    names = {
        "sts:externalid": "ExternalId",
        "sts:rolesessionname": "RoleSessionName",
        "sts:sourceidentity": "SourceIdentity",
        "sts:durationseconds": "DurationSeconds",
    }
    keys = {key: [str(call.params[name])] for key, name in names.items() if call.params.get(name)}
    transitive = [str(name) for name in call.params.get("TransitiveTagKeys") or []]
    return {**keys, **({"sts:transitivetagkeys": transitive} if transitive else {})}


_SERVICE: dict[str, Callable[[Call, Place], Keys]] = {
    "sagemaker": _sagemaker,
    "s3": _s3,
    "cloudwatch": _cloudwatch,
    "kms": _kms,
    "ssm": _ssm,
    "sts": _sts,
}
