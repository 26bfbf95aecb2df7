"""State machines, rules and parameters."""

from __future__ import annotations

import json
import re
from typing import Any

from trainwright.rehearsal.resources.base import Made, Table, Wish, register, shaped, tag_list, tag_map
from trainwright.rehearsal.stacks.errors import ResourceFailed

# --- AWS::StepFunctions::StateMachine ------------------------------------------------------------------------------

_MACHINE_ELSEWHERE = (
    "StateMachineName",
    "StateMachineType",
    "Definition",
    "DefinitionString",
    "DefinitionS3Location",
    "DefinitionSubstitutions",
    "Tags",
)


def _definition(wish: Wish) -> str:
    text = _definition_text(wish)
    values = wish.properties.get("DefinitionSubstitutions", {})

    def fill(found: re.Match[str]) -> str:
        return _json_inside(values[found[1]]) if found[1] in values else found[0]

    return re.sub(r"\$\{([A-Za-z0-9_]+)\}", fill, text)


def _json_inside(value: Any) -> str:
    """A substitution's text; true, false and numbers as JSON writes them."""
    return json.dumps(value) if isinstance(value, (bool, int, float)) else str(value)


def _definition_text(wish: Wish) -> str:
    if "DefinitionString" in wish.properties:
        return str(wish.properties["DefinitionString"])
    if "Definition" in wish.properties:
        return json.dumps(wish.properties["Definition"])
    if "DefinitionS3Location" in wish.properties:
        place = wish.properties["DefinitionS3Location"]
        version = {"VersionId": place["Version"]} if place.get("Version") else {}
        found = wish.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"], **version)
        return str(found["Body"].read().decode())
    raise ResourceFailed("A state machine needs DefinitionString, Definition or DefinitionS3Location")


def _create_machine(wish: Wish) -> Made:
    name = wish.name(given=wish.properties.get("StateMachineName"), limit=80)
    arguments = shaped(wish, "stepfunctions", "CreateStateMachine", wish.properties, leave=_MACHINE_ELSEWHERE)
    found = wish.client("stepfunctions").create_state_machine(
        name=name,
        type=wish.properties.get("StateMachineType", "STANDARD"),
        definition=_definition(wish),
        tags=tag_list(wish, key="key", value="value"),
        **arguments,
    )
    return Made(
        found["stateMachineArn"], {"Arn": found["stateMachineArn"], "Name": name, "StateMachineRevisionId": "INITIAL"}
    )


def _update_machine(wish: Wish) -> Made:
    client, arn = wish.client("stepfunctions"), wish.physical_id
    arguments = shaped(wish, "stepfunctions", "UpdateStateMachine", wish.properties, leave=_MACHINE_ELSEWHERE)
    for removed, default in (("LoggingConfiguration", {"level": "OFF"}), ("TracingConfiguration", {"enabled": False})):
        if removed in wish.before and removed not in wish.properties:
            arguments[removed[0].lower() + removed[1:]] = default
    answer = client.update_state_machine(stateMachineArn=arn, definition=_definition(wish), **arguments)
    tags = tag_list(wish, key="key", value="value")
    if tags:
        client.tag_resource(resourceArn=arn, tags=tags)
    revision = answer.get("revisionId") or wish.attributes.get("StateMachineRevisionId", "INITIAL")
    return Made(arn, {**wish.attributes, "StateMachineRevisionId": revision})


register(
    "AWS::StepFunctions::StateMachine",
    Table(
        _create_machine,
        _update_machine,
        lambda wish: wish.client("stepfunctions").delete_state_machine(stateMachineArn=wish.physical_id),
        replace_on={"StateMachineName", "StateMachineType"},
    ),
)

# --- AWS::Events::Rule ---------------------------------------------------------------------------------------------


def _put_rule(wish: Wish) -> Made:
    properties, events = wish.properties, wish.client("events")
    name = wish.physical_id.rsplit("|", 1)[-1] or wish.name(given=properties.get("Name"))
    arguments = shaped(wish, "events", "PutRule", properties, leave=("Name", "EventPattern", "Targets", "Tags"))
    if "EventPattern" in properties:
        pattern = properties["EventPattern"]
        arguments["EventPattern"] = pattern if isinstance(pattern, str) else json.dumps(pattern)
    if not wish.physical_id and tag_list(wish):
        arguments["Tags"] = tag_list(wish)
    arn = events.put_rule(Name=name, **arguments)["RuleArn"]
    _targets(wish, name)
    return Made(name, {"Arn": arn})


def _targets(wish: Wish, name: str) -> None:
    events, bus = wish.client("events"), _bus(wish.properties)
    wanted = wish.properties.get("Targets", [])
    gone = [one["Id"] for one in wish.before.get("Targets", []) if one["Id"] not in {two["Id"] for two in wanted}]
    if gone:
        events.remove_targets(Rule=name, Ids=gone, **bus)
    if not wanted:
        return
    arguments = shaped(wish, "events", "PutTargets", {"Rule": name, "Targets": wanted})
    answer = events.put_targets(**arguments, **bus)
    if answer.get("FailedEntryCount"):
        raise ResourceFailed(f"PutTargets refused {answer['FailedEntries']}")


def _bus(properties: dict[str, Any]) -> dict[str, str]:
    return {"EventBusName": properties["EventBusName"]} if properties.get("EventBusName") else {}


def _delete_rule(wish: Wish) -> None:
    events, bus = wish.client("events"), _bus(wish.before)
    ids = [target["Id"] for target in wish.before.get("Targets", [])]
    if ids:
        events.remove_targets(Rule=wish.physical_id, Ids=ids, **bus)
    events.delete_rule(Name=wish.physical_id, **bus)


register("AWS::Events::Rule", Table(_put_rule, _put_rule, _delete_rule, replace_on={"Name", "EventBusName"}))

# --- AWS::SSM::Parameter -------------------------------------------------------------------------------------------


def _put_parameter(wish: Wish) -> Made:
    ssm, properties = wish.client("ssm"), wish.properties
    name = wish.physical_id or properties.get("Name") or wish.name(limit=200)
    arguments = shaped(wish, "ssm", "PutParameter", properties, leave=("Name", "Tags"))
    if wish.physical_id:
        ssm.put_parameter(Name=name, Overwrite=True, **arguments)
        if tag_map(wish):
            ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tag_list(wish))
    else:
        ssm.put_parameter(Name=name, Tags=tag_list(wish), **arguments)
    return Made(name, {"Type": properties["Type"], "Value": str(properties["Value"])})


register(
    "AWS::SSM::Parameter",
    Table(
        _put_parameter,
        _put_parameter,
        lambda wish: wish.client("ssm").delete_parameter(Name=wish.physical_id),
        replace_on={"Name"},
    ),
)
