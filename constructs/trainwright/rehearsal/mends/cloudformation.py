"""CloudFormation: an engine of this account's own in moto's place (``trainwright.rehearsal.stacks``)."""

from __future__ import annotations

from trainwright.rehearsal.mends import Mend
from trainwright.rehearsal.stacks import api

_GUIDE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide"
_BACKEND = "moto.cloudformation.models:CloudFormationBackend"
_RESOURCES = "moto.cloudformation.parsing:ResourceMap"


def _nothing() -> None:
    """The engine stands in front of moto's as a whole: once `api.register` has run, moto's code is not reached."""


MENDS: tuple[Mend, ...] = (
    Mend(
        "cloudformation-create-fails",
        f"{_BACKEND}.create_stack",
        "dcb835c34772ed6c3a2785c44571cba7bea8a9edaf80bd4533428b093c3351a6",
        f"{_GUIDE}/stack-failure-options.html",
        "a resource that cannot be made is an HTTP error that no client can read, not CREATE_FAILED and a rollback",
        api.register,
    ),
    Mend(
        "cloudformation-update",
        f"{_RESOURCES}.update",
        "e34b0c357f3c8e357e4e9446843985fd88c0dc52e828d17ef3e08e14dfb88c8a",
        f"{_GUIDE}/using-cfn-updating-stacks-update-behaviors.html",
        "moto removes before it adds, retains nothing, and fails on a parameter with a default",
        _nothing,
    ),
    Mend(
        "cloudformation-change-sets",
        f"{_BACKEND}.execute_change_set",
        "1090cb5b81abc8ff0422a9c1df9b0ea09192550345fbc198b448e9e9a148a050",
        f"{_GUIDE}/using-cfn-updating-stacks-changesets.html",
        "moto's change sets leave outputs empty and fail on updates",
        _nothing,
    ),
    Mend(
        "cloudformation-unsupported-types",
        "moto.cloudformation.parsing:parse_resource",
        "7e5488f05fab1c07a6d4c7bf445aef104c4c7ea3e46327910fc1ae927127ad38",
        f"{_GUIDE}/resources-section-structure.html",
        "moto only warns of a type that it does not have, and drops every property that refers to it",
        _nothing,
    ),
    Mend(
        "cloudformation-custom-resources",
        "moto.cloudformation.custom_model:CustomModel.create_from_cloudformation_json",
        "1cffb9a8f9420a7651d56c7614ea451d6caa382c5ef4a979cbeb51d56f4fd2fd",
        f"{_GUIDE}/crpg-ref.html",
        "moto sends Create only and leaves properties in their types",
        _nothing,
    ),
)
