"""What CreateTrainingJob refuses, and in which words.

First everything that botocore's model of the API says (required fields, types, enumerations, patterns, lengths,
ranges: botocore itself checks the first two only), then AWS's rules between fields. All problems are said at once, in
the form of AWS's own answers: "2 validation errors detected: Value 'x' at 'y' failed to satisfy constraint: ...".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import StructureShape

from trainwright.rehearsal import constraints
from trainwright.rehearsal.jobs.profiler import config as profiler

Request = Mapping[str, Any]

#: Types with instance storage: "You can't request a VolumeKmsKeyId when using an instance type with local storage"
#: (API reference, ResourceConfig), and their VolumeSizeInGB is not asked for.
_LOCAL_STORAGE = re.compile(
    r"ml\.(p4d|p4de|p5|p5e|p5en|p6[\w-]*|g4dn|g5|g6|g6e|g7|g7e|trn1|trn1n|trn2|[a-z]\d+[a-z]*d[a-z]*)\.[\w-]+"
)


#: Members that this account does not play, and what to write instead; ``=`` names a value. Channels have rules below.
NOT_PLAYED: Mapping[str, str] = {
    "AlgorithmSpecification.AlgorithmName": "write TrainingImage",
    "AlgorithmSpecification.TrainingImageConfig.TrainingRepositoryAccessMode=Vpc": "push the image into ECR",
    "ResourceConfig.TrainingPlanArn": "there are no training plans here: leave it out",
    "ResourceConfig.InstancePreferences.TrainingPlanArns": "there are no training plans here: leave it out",
    "ResourceConfig.InstancePlacementConfig": "there are no UltraServers here: leave it out",
    "DebugRuleConfigurations": "rules are jobs of AWS's own image: leave them out",
    "ServerlessJobConfig": "write AlgorithmSpecification and ResourceConfig",
    "MlflowConfig": "there is no MLflow server here: leave it out",
    "ModelPackageConfig": "it registers what a serverless job made: leave it out",
}


class InvalidRequest(ValueError):
    """The request is refused; ``code`` is AWS's error code."""

    def __init__(self, message: str, code: str = "ValidationException") -> None:
        super().__init__(message)
        self.code = code


def check(request: Request) -> None:
    """Refuse what AWS would refuse without looking at anything but the request.

    Raises:
        InvalidRequest: with every problem of the first kind that has any: model, types, rules.
    """
    if problem := constraints.problem(_shape(), request):
        raise InvalidRequest(problem.message, problem.code)
    wrong = [message for rule in _RULES for message in rule(request)]
    if wrong:
        raise InvalidRequest("; ".join(wrong))


@functools.cache
def _shape() -> StructureShape:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateTrainingJob").input_shape
    assert isinstance(shape, StructureShape)  # noqa: S101 - every operation with input has one
    return shape


# --- rules between fields ------------------------------------------------------------------------------------------


def _needs_what_a_container_job_needs(request: Request) -> Iterator[str]:
    for name in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if name not in request:
            yield f"{name} is required for a training job that runs a container"
    algorithm = request.get("AlgorithmSpecification", {})
    if algorithm and ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        yield "Either AlgorithmName or TrainingImage must be specified in AlgorithmSpecification, and not both"


def _waits_with_spot_only(request: Request) -> Iterator[str]:
    """The first text is recorded (aws/amazon-sagemaker-examples, issue 869); the API reference has the second rule."""
    stopping = request.get("StoppingCondition", {})
    longest = stopping.get("MaxWaitTimeInSeconds")
    if not request.get("EnableManagedSpotTraining"):
        if longest is not None:
            yield ("Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true")
    elif longest is None or longest < stopping.get("MaxRuntimeInSeconds", 86400):
        yield ("Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds")


def _has_one_kind_of_instances(request: Request) -> Iterator[str]:
    resources = request.get("ResourceConfig", {})
    kinds = [name for name in ("InstanceType", "InstanceGroups", "InstancePreferences") if name in resources]
    if resources and len(kinds) != 1:
        yield "Exactly one of InstanceType, InstanceGroups and InstancePreferences must be given in ResourceConfig"
    if "InstanceType" in kinds and "InstanceCount" not in resources:
        yield "InstanceCount is required with InstanceType in ResourceConfig"


def _groups_its_instances(request: Request) -> Iterator[str]:
    """The guide on heterogeneous clusters: InstanceType and InstanceCount "and the instance_groups argument ... are
    mutually exclusive"; the guide on warm pools: not for heterogeneous clusters. The words are ours.
    """
    resources = request.get("ResourceConfig", {})
    groups = [group["InstanceGroupName"] for group in resources.get("InstanceGroups", ())]
    for name in sorted({name for name in groups if groups.count(name) > 1}):
        yield f"Duplicate instance group name {name!r} in ResourceConfig"
    if groups and "InstanceCount" in resources:
        yield "InstanceCount is mutually exclusive with InstanceGroups in ResourceConfig"
    if groups and resources.get("KeepAlivePeriodInSeconds"):
        yield "KeepAlivePeriodInSeconds is not supported with InstanceGroups in ResourceConfig"
    for channel in request.get("InputDataConfig", ()):
        for name in channel["DataSource"].get("S3DataSource", {}).get("InstanceGroupNames", ()):
            if name not in groups:
                yield f"InstanceGroupNames of channel {channel['ChannelName']}: {name!r} is not one of InstanceGroups"


def has_local_storage(instance_type: str) -> bool:
    """Whether the type brings disks of its own, which SageMaker uses in an EBS volume's place."""
    return _LOCAL_STORAGE.fullmatch(instance_type) is not None


def _fits_its_volume(request: Request) -> Iterator[str]:
    resources = request.get("ResourceConfig", {})
    kinds = {
        kind: None
        for holder in (resources, *resources.get("InstanceGroups", ()))
        if (kind := holder.get("InstanceType"))
    }
    for kind in kinds:
        if not has_local_storage(kind):
            if "VolumeSizeInGB" not in resources:
                yield f"VolumeSizeInGB is required for instance type {kind}, which has no local storage"
        elif "VolumeKmsKeyId" in resources:
            yield f"VolumeKmsKeyId cannot be specified with instance type {kind}, which has local storage"


def _keeps_warm_on_demand_only(request: Request) -> Iterator[str]:
    """ "Warm pools cannot be used with spot" (guide on managed warm pools); the words of the refusal are ours."""
    if request.get("EnableManagedSpotTraining") and request.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds"):
        yield "KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true"


def _names_channels_once(request: Request) -> Iterator[str]:
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", ())]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"Duplicate channel name {name!r} in InputDataConfig"


def _prefers_instances_alone(request: Request) -> Iterator[str]:
    """API reference, ResourceConfig (InstancePreferences, SelectedInstanceType) and InstancePreference."""
    resources = request.get("ResourceConfig", {})
    for name in ("SelectedInstanceType", "SelectedInstanceCount"):
        if name in resources:
            yield f"{name} in ResourceConfig is read-only and is not accepted in CreateTrainingJob requests"
    preferences = resources.get("InstancePreferences", ())
    if not preferences:
        return
    if request.get("EnableManagedSpotTraining"):
        yield "InstancePreferences is mutually exclusive with EnableManagedSpotTraining"
    if "InstancePlacementConfig" in resources:
        yield "InstancePreferences is mutually exclusive with InstancePlacementConfig"
    counts = sum("InstanceCount" in preference for preference in preferences)
    if counts not in (0, len(preferences)) or (counts > 0) == ("InstanceCount" in resources):
        yield "InstanceCount must be given once in ResourceConfig, or in every one of InstancePreferences"


def _reads_files_as_they_are(request: Request) -> Iterator[str]:
    """ "In File mode, leave this field unset or set it to None" (API reference, Channel)."""
    default = request.get("AlgorithmSpecification", {}).get("TrainingInputMode")
    for channel in request.get("InputDataConfig", ()):
        mode = channel.get("InputMode", default)
        for name in ("CompressionType", "RecordWrapperType"):
            if mode != "Pipe" and channel.get(name, "None") != "None":
                yield f"{name} {channel[name]} of channel {channel['ChannelName']} is for Pipe mode only, not {mode}"


def _reads_manifests_where_they_are_read(request: Request) -> Iterator[str]:
    """AugmentedManifestFile "can only be used if the Channel's input mode is Pipe" (API reference, S3DataSource).

    And "Channels that use FastFile mode must use a S3DataType of S3Prefix" (guide, Training Data). The words are ours.
    """
    default = request.get("AlgorithmSpecification", {}).get("TrainingInputMode")
    for channel in request.get("InputDataConfig", ()):
        source = channel["DataSource"].get("S3DataSource", {})
        mode, kind = channel.get("InputMode", default), source.get("S3DataType")
        where = f"of channel {channel['ChannelName']}"
        if kind == "AugmentedManifestFile" and mode != "Pipe":
            yield f"S3DataType AugmentedManifestFile {where} is for Pipe mode only, not {mode}"
        if kind == "ManifestFile" and mode == "FastFile":
            yield f"S3DataType ManifestFile {where} is not supported in FastFile mode, which reads S3Prefix only"
        if (kind == "AugmentedManifestFile") != bool(source.get("AttributeNames")):
            yield f"AttributeNames {where} must be given with S3DataType AugmentedManifestFile, and only with it"


def _is_played_here(request: Request) -> Iterator[str]:
    """What AWS can and this account cannot: better refused than silently done otherwise."""
    for path, instead in NOT_PLAYED.items():
        if _asks_for(request, path.split(".")):
            yield f"The rehearsal does not play {path}; {instead}"
    for channel in request.get("InputDataConfig", ()):
        path = f"InputDataConfig channel {channel['ChannelName']}"
        for problem in _unplayed_of_channel(channel):
            yield f"The rehearsal does not play {path}: {problem}"
    yield from profiler.unplayed(request)


def _asks_for(request: Any, path: list[str]) -> bool:
    """Whether there is something at the path: an absent member, an empty one and False ask for nothing."""
    if not path or not request:
        return bool(request)
    if isinstance(request, list):
        return any(_asks_for(item, path) for item in request)
    name, _, value = path[0].partition("=")
    found = request.get(name)
    return found == value if value else _asks_for(found, path[1:])


def _unplayed_of_channel(channel: Mapping[str, Any]) -> Iterator[str]:
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        kind = next(iter(channel["DataSource"]), "no DataSource")
        yield f"{kind}; write S3DataSource"
        return
    if source["S3DataType"] == "Converse":
        yield "S3DataType Converse; write S3Prefix"
    for name in ("ModelAccessConfig", "HubAccessConfig"):
        if source.get(name):
            yield f"{name}; leave it out"


_RULES: tuple[Callable[[Request], Iterator[str]], ...] = (
    _needs_what_a_container_job_needs,
    _waits_with_spot_only,
    _has_one_kind_of_instances,
    _groups_its_instances,
    _fits_its_volume,
    _keeps_warm_on_demand_only,
    _names_channels_once,
    _prefers_instances_alone,
    _reads_files_as_they_are,
    _reads_manifests_where_they_are_read,
    profiler.problems,
    _is_played_here,
)
