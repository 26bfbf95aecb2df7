"""Lambda: functions, their versions, aliases, layers and permissions."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from trainwright.rehearsal.resources.base import Made, Table, Wish, register, shaped, tag_map
from trainwright.rehearsal.stacks.errors import ResourceFailed

_FUNCTION_ELSEWHERE = ("FunctionName", "Code", "Tags", "ReservedConcurrentExecutions", "RuntimeManagementConfig")
# What UpdateFunctionConfiguration must be told when the template no longer has the property.
_DEFAULTS: dict[str, Any] = {
    "Description": "",
    "Environment": {"Variables": {}},
    "Layers": [],
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "EphemeralStorage": {"Size": 512},
}


def _code(wish: Wish) -> dict[str, Any]:
    code = dict(wish.properties["Code"])
    if "ZipFile" in code:
        return {"ZipFile": _zipped(code["ZipFile"], wish.properties.get("Runtime", "python"))}
    return {key: code[key] for key in ("S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri") if key in code}


def _zipped(source: str, runtime: str) -> bytes:
    """Inline code is the file index.py or index.js of the package."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.js" if runtime.startswith("nodejs") else "index.py", source)
    return content.getvalue()


def _create_function(wish: Wish) -> Made:
    name = wish.name(given=wish.properties.get("FunctionName"))
    arguments = shaped(wish, "lambda", "CreateFunction", wish.properties, leave=_FUNCTION_ELSEWHERE)
    client = wish.client("lambda")
    found = client.create_function(FunctionName=name, Code=_code(wish), Tags=tag_map(wish), **arguments)
    _concurrency(wish, name)
    return Made(name, {"Arn": found["FunctionArn"]})


def _concurrency(wish: Wish, name: str) -> None:
    wanted = wish.properties.get("ReservedConcurrentExecutions")
    client = wish.client("lambda")
    if wanted is not None:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(wanted))
    elif wish.before.get("ReservedConcurrentExecutions") is not None:
        client.delete_function_concurrency(FunctionName=name)
    if "RuntimeManagementConfig" in wish.properties:
        wish.say("RuntimeManagementConfig is recorded, but the rehearsal does not apply it")


def _update_function(wish: Wish) -> Made:
    client, name = wish.client("lambda"), wish.physical_id
    if wish.changed("Code", "Architectures"):
        client.update_function_code(FunctionName=name, **_code(wish))
    removed = {key: default for key, default in _DEFAULTS.items() if key in wish.before and key not in wish.properties}
    leave = (*_FUNCTION_ELSEWHERE, "Architectures", "PackageType", "CodeSigningConfigArn")
    wanted = shaped(wish, "lambda", "UpdateFunctionConfiguration", {**removed, **wish.properties}, leave=leave)
    if wish.changed(*(set(wish.properties) | set(wish.before)) - {*leave}):
        client.update_function_configuration(FunctionName=name, **wanted)
    _concurrency(wish, name)
    if tag_map(wish):
        client.tag_resource(Resource=wish.attributes["Arn"], Tags=tag_map(wish))
    return Made(name, dict(wish.attributes))


def _create_version(wish: Wish) -> Made:
    client, function = wish.client("lambda"), wish.properties["FunctionName"]
    before = {one["Version"] for one in client.list_versions_by_function(FunctionName=_bare(function))["Versions"]}
    given = {"Description": wish.properties["Description"]} if wish.properties.get("Description") else {}
    found = client.publish_version(FunctionName=function, **given)
    if found["Version"] in before:
        number = found["Version"]
        raise ResourceFailed(
            f"A version for this Lambda function exists ( {number} ). Modify the function to create a new version."
        )
    if "ProvisionedConcurrencyConfig" in wish.properties:
        wish.say("ProvisionedConcurrencyConfig is recorded, but the rehearsal does not apply it")
    return Made(found["FunctionArn"], {"Version": found["Version"], "FunctionArn": found["FunctionArn"]})


def _bare(function: str) -> str:
    """A function's name, of a name or an ARN."""
    return function.rpartition(":function:")[2].split(":")[0]


def _delete_version(wish: Wish) -> None:
    function, _, number = wish.physical_id.rpartition(":")
    wish.client("lambda").delete_function(FunctionName=_bare(function), Qualifier=number)


def _create_layer(wish: Wish) -> Made:
    arguments = shaped(wish, "lambda", "PublishLayerVersion", wish.properties, leave=("LayerName",))
    name = wish.name(given=wish.properties.get("LayerName"), limit=140)
    found = wish.client("lambda").publish_layer_version(LayerName=name, **arguments)
    return Made(found["LayerVersionArn"], {"LayerVersionArn": found["LayerVersionArn"]})


def _delete_layer(wish: Wish) -> None:
    layer, _, number = wish.physical_id.rpartition(":")
    wish.client("lambda").delete_layer_version(LayerName=layer.rpartition(":")[2], VersionNumber=int(number))


def _create_permission(wish: Wish) -> Made:
    statement = wish.name(limit=100)
    arguments = shaped(wish, "lambda", "AddPermission", wish.properties)
    wish.client("lambda").add_permission(StatementId=statement, **_with_qualifier(arguments))
    return Made(statement, {"Id": statement})


def _with_qualifier(arguments: dict[str, Any]) -> dict[str, Any]:
    """Moto wants the qualifier of a version's ARN apart."""
    head, _, tail = arguments["FunctionName"].rpartition(":function:")
    name, _, qualifier = tail.partition(":")
    if not qualifier:
        return arguments
    function = f"{head}:function:{name}" if head else name
    return {**arguments, "FunctionName": function, "Qualifier": qualifier}


def _delete_permission(wish: Wish) -> None:
    arguments = _with_qualifier({"FunctionName": wish.before["FunctionName"]})
    wish.client("lambda").remove_permission(StatementId=wish.physical_id, **arguments)


def _create_alias(wish: Wish) -> Made:
    arguments = shaped(wish, "lambda", "CreateAlias", wish.properties, leave=("ProvisionedConcurrencyConfig",))
    found = wish.client("lambda").create_alias(**arguments)
    return Made(found["AliasArn"], {"AliasArn": found["AliasArn"]})


def _update_alias(wish: Wish) -> Made:
    arguments = shaped(wish, "lambda", "UpdateAlias", wish.properties, leave=("ProvisionedConcurrencyConfig",))
    wish.client("lambda").update_alias(**arguments)
    return Made(wish.physical_id, dict(wish.attributes))


def _delete_alias(wish: Wish) -> None:
    wish.client("lambda").delete_alias(FunctionName=_bare(wish.before["FunctionName"]), Name=wish.before["Name"])


def _put_invoke_config(wish: Wish) -> Made:
    arguments = shaped(wish, "lambda", "PutFunctionEventInvokeConfig", wish.properties)
    wish.client("lambda").put_function_event_invoke_config(
        **{**arguments, "FunctionName": _bare(arguments["FunctionName"])}
    )
    return Made(wish.physical_id or wish.name())


def _delete_invoke_config(wish: Wish) -> None:
    wish.client("lambda").delete_function_event_invoke_config(FunctionName=_bare(wish.before["FunctionName"]))


def _create_mapping(wish: Wish) -> Made:
    arguments = shaped(wish, "lambda", "CreateEventSourceMapping", wish.properties, leave=("Tags",))
    found = wish.client("lambda").create_event_source_mapping(**arguments)
    return Made(found["UUID"], {"Id": found["UUID"], "EventSourceMappingArn": found.get("EventSourceMappingArn", "")})


register(
    "AWS::Lambda::Function",
    Table(
        _create_function,
        _update_function,
        lambda wish: wish.client("lambda").delete_function(FunctionName=wish.physical_id),
        replace_on={"FunctionName", "PackageType"},
    ),
)
register("AWS::Lambda::Version", Table(_create_version, None, _delete_version, replace_always=True))
register("AWS::Lambda::LayerVersion", Table(_create_layer, None, _delete_layer, replace_always=True))
register("AWS::Lambda::Permission", Table(_create_permission, None, _delete_permission, replace_always=True))
register("AWS::Lambda::Alias", Table(_create_alias, _update_alias, _delete_alias, replace_on={"Name", "FunctionName"}))
register(
    "AWS::Lambda::EventInvokeConfig",
    Table(_put_invoke_config, _put_invoke_config, _delete_invoke_config, replace_on={"FunctionName", "Qualifier"}),
)
register(
    "AWS::Lambda::EventSourceMapping",
    Table(_create_mapping, None, lambda wish: wish.client("lambda").delete_event_source_mapping(UUID=wish.physical_id)),
)
