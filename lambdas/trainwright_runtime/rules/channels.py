"""Input channels. Source: Channel, S3DataSource, FileSystemDataSource (SageMaker API reference); "Access Training Data"
(developer guide)."""

from collections.abc import Iterator

from trainwright_runtime import problems as codes
from trainwright_runtime.fields import CHANNELS
from trainwright_runtime.problems import Problem
from trainwright_runtime.resolved import MODE
from trainwright_runtime.rules.look import NO_VALUE, Look
from trainwright_runtime.scripts import needs_code_channel

_SOURCES = ("s3_uri", "file_system_id", "dataset_arn")
_FILE_SYSTEM = ("file_system_type", "directory_path")
_OF_S3 = ("s3_data_type", "s3_data_distribution_type", "attribute_names", "instance_group_names")


def _mode(look: Look, name: str) -> str:
    return look.request.get("inputs", name, "input_mode") or look.request.get(*MODE) or "File"


def _mode_leaf(look: Look, name: str) -> tuple[str, ...]:
    own = ("inputs", name, "input_mode")
    return own if look.request.get(*own) else MODE


def _sources(look: Look) -> Iterator[Problem]:
    for name in look.request.channels:
        channel = look.request.below("inputs", name)
        given = [source for source in _SOURCES if source in channel]
        for source in given[1:]:
            problem = f"this and {given[0]} both say where the data is"
            yield look.conflict(("inputs", name, source), problem, remedy="keep one of them")
        if "file_system_id" in channel:
            for wanted in _FILE_SYSTEM:
                if wanted not in channel:
                    remedy = f"write {wanted}: {'EFS' if wanted == 'file_system_type' else '/FOLDER'}"
                    yield Problem(codes.MISSING, ("inputs", name, wanted), "this is missing", remedy=remedy)
        for only in _OF_S3:
            if only in channel and "s3_uri" not in channel and given:
                yield look.conflict(("inputs", name, only), "this is about data in S3", remove=True)
        for only in (*_FILE_SYSTEM, "file_system_access_mode"):
            if only in channel and "file_system_id" not in channel:
                yield look.conflict(
                    ("inputs", name, only), "this is about a file system, and none is named", remove=True
                )


def _fast_file(look: Look) -> Iterator[Problem]:
    """FastFile streams the objects of an S3 prefix, and nothing else."""
    for name in look.request.channels:
        channel = look.request.below("inputs", name)
        kind = channel.get("s3_data_type", "S3Prefix")
        if _mode(look, name) == "FastFile" and (kind != "S3Prefix" or "s3_uri" not in channel):
            what = kind if "s3_uri" in channel else "a file system" if "file_system_id" in channel else "a data set"
            problem = f"FastFile works on an S3 prefix only, and channel {name} is {what}"
            yield look.conflict(
                _mode_leaf(look, name), problem, allowed="File", remedy="write File", replacement=_as_file(look, name)
            )


def _as_file(look: Look, name: str) -> object:
    """Sure where the channel itself says its mode."""
    return "File" if _mode_leaf(look, name) != MODE else NO_VALUE


def _file_systems(look: Look) -> Iterator[Problem]:
    for name in look.request.channels:
        channel = look.request.below("inputs", name)
        if "file_system_id" not in channel:
            continue
        if not look.site.vpc and not look.request.get("networking", "subnets"):
            yield look.conflict(
                ("inputs", name, "file_system_id"),
                "a file system is reached through a VPC, and the job has none",
                remedy="name network.subnets and network.security_group_ids, or give the team a VPC",
            )
        if _mode(look, name) == "Pipe":
            problem = f"a file system is mounted, which is File mode, and channel {name} asks for Pipe"
            yield look.conflict(
                _mode_leaf(look, name), problem, allowed="File", remedy="write File", replacement=_as_file(look, name)
            )
        if channel.get("file_system_type") == "FSxLustre" and not str(channel.get("directory_path", "/")).startswith(
            "/"
        ):
            leaf = ("inputs", name, "directory_path")
            yield look.conflict(
                leaf, "the path of an FSx file system begins with its mount name", allowed="/MOUNT/FOLDER"
            )


def _of_pipe_mode(look: Look) -> Iterator[Problem]:
    """CompressionType and RecordWrapperType: "in Pipe mode" (Channel)."""
    for name in look.request.channels:
        for field in ("compression_type", "record_wrapper_type"):
            leaf = ("inputs", name, field)
            if look.request.get(*leaf) not in (None, "None") and _mode(look, name) != "Pipe":
                problem = f"this works in Pipe mode only, and channel {name} comes as {_mode(look, name)}"
                yield look.conflict(leaf, problem, remedy="leave it out, or set input_mode: Pipe", remove=True)


def _manifests(look: Look) -> Iterator[Problem]:
    for name in look.request.channels:
        channel = look.request.below("inputs", name)
        augmented = channel.get("s3_data_type") == "AugmentedManifestFile"
        leaf = ("inputs", name, "attribute_names")
        if augmented and not channel.get("attribute_names"):
            remedy = "write the attributes to read, in order: attribute_names: [source-ref, label]"
            yield Problem(codes.MISSING, leaf, "this is missing for an augmented manifest", remedy=remedy)
        if channel.get("attribute_names") and not augmented:
            problem = "only an augmented manifest has attributes"
            remedy = "leave it out, or set s3_data_type: AugmentedManifestFile"
            yield look.conflict(leaf, problem, remedy=remedy, remove=True)
        if len(channel.get("attribute_names") or ()) > 16:
            yield look.conflict(leaf, "SageMaker takes 16 attributes at most")


def _count(look: Look) -> Iterator[Problem]:
    count = len(look.request.channels) + needs_code_channel(look.request)
    if count > CHANNELS:
        problem = f"{count} channels, the source's own included, are too many"
        yield Problem(codes.OUT_OF_RANGE, ("inputs",), problem, allowed=f"{CHANNELS} at most")


def _pipe(look: Look) -> Iterator[str]:
    for name in look.request.channels:
        if _mode(look, name) == "Pipe" and look.request.get("algorithm", "name") is None:
            leaf = _mode_leaf(look, name)
            yield (
                f"{look.word(leaf)}: in Pipe mode channel {name} is a FIFO, /opt/ml/input/data/{name}_0, that can be "
                "read once; a script that opens files there finds none"
            )


def _whole_folders(look: Look) -> Iterator[str]:
    """ "For FastFile mode, partial S3 prefix is not supported" (SageMaker's own refusal)."""
    for name in look.request.channels:
        uri = look.request.get("inputs", name, "s3_uri")
        if uri is not None and _mode(look, name) == "FastFile" and not uri.endswith("/"):
            leaf = ("inputs", name, "s3_uri")
            yield f"{look.word(leaf)}: FastFile takes whole folders only; end it in / if {uri} is one"


def _augmented_as_file(look: Look) -> Iterator[str]:
    for name in look.request.channels:
        kind = look.request.get("inputs", name, "s3_data_type")
        if kind == "AugmentedManifestFile" and _mode(look, name) != "Pipe":
            leaf = ("inputs", name, "s3_data_type")
            yield f"{look.word(leaf)}: the API reference knows augmented manifests in Pipe mode only"


REFUSALS = (_sources, _fast_file, _file_systems, _of_pipe_mode, _manifests, _count)
CAUTIONS = (_pipe, _whole_folders, _augmented_as_file)
