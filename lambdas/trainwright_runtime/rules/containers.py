"""What runs: an image, a framework's container, a built-in algorithm or an algorithm resource; and its script."""

from collections.abc import Iterator

from trainwright_runtime import images, scripts
from trainwright_runtime import problems as codes
from trainwright_runtime.fields import HYPERPARAMETERS, USER_TAGS, VARIABLES
from trainwright_runtime.job import image_of
from trainwright_runtime.problems import Edit, Problem, shown
from trainwright_runtime.resolved import CONTAINERS, IMAGE, ISOLATION, ResolvedRequest
from trainwright_runtime.rules.look import Look
from trainwright_runtime.scripts import CODE_CHANNEL

SOURCE, SCRIPT = ("source_code", "source_dir"), ("source_code", "entry_script")
COMMAND, REQUIREMENTS = ("source_code", "command"), ("source_code", "requirements")
PROCESSES = ("distributed", "process_count_per_node")
RESERVED_HYPERPARAMETERS = "sagemaker_"
"""Hyperparameters with this prefix are messages to AWS's toolkits, which take them from the script's."""


def _one_container(look: Look) -> Iterator[Problem]:
    given = [leaf for leaf in CONTAINERS if look.request.get(*leaf) is not None]
    for leaf in given[1:]:
        other = look.word(given[0]).removesuffix(".name")
        problem = f"this and {other} both say what runs"
        yield look.conflict(leaf, problem, remedy="keep one of them")
    if look.request.serverless and given and look.given(given[0]):
        yield look.conflict(given[0], "a serverless job has no container of its own", remove=True)


def _there_is_such_an_image(look: Look) -> Iterator[Problem]:
    request = look.request
    for instance_type in request.all_instance_types or (None,):
        try:
            image_of(request, instance_type, look.site.region)
        except images.ImageError as error:
            yield _no_image(look, error)
            return


def _no_image(look: Look, error: images.ImageError) -> Problem:
    kind = "algorithm" if look.request.get("algorithm", "name") else "framework"
    part = error.part if error.part not in ("instance_type", "region") else "name"
    leaf = ("compute", "instance_type") if error.part == "instance_type" else (kind, part)
    path = look.place(leaf)
    edit = None
    # a near version is another version, which its author may or may not have meant
    if error.sure_value is not None and error.part != "version" and look.sources.get((kind, "name")) == "run":
        edit = Edit("replace", path, _in_place(look, path, kind, error))
    return Problem(
        codes.NO_SUCH_IMAGE,
        path,
        error.problem,
        value=shown(_given(look, kind)),
        allowed=error.allowed,
        remedy=error.remedy,
        sure=edit is not None,
        edit=edit,
    )


def _given(look: Look, kind: str) -> str:
    name, version = look.request.get(kind, "name"), look.request.get(kind, "version")
    return f"{name}:{version}" if version else str(name)


def _in_place(look: Look, path: tuple[str, ...], kind: str, error: images.ImageError) -> str:
    """The whole word where the setting is written as one."""
    if path != (kind,):
        return str(error.sure_value)
    parts = {"name": look.request.get(kind, "name"), "version": look.request.get(kind, "version")}
    parts |= {error.part: error.sure_value}
    return f"{parts['name']}:{parts['version']}" if parts["version"] else str(parts["name"])


def _script(look: Look) -> Iterator[Problem]:
    request = look.request
    script, command = request.get(*SCRIPT), request.get(*COMMAND)
    if script is not None and command is not None:
        yield look.conflict(COMMAND, "this and entry_script both say what to start", remedy="keep one of them")
    if request.below("source_code") and script is None and command is None:
        yield _missing(look, SCRIPT, "write the script to start, a path inside source_dir")
    if (script or command or request.get(*REQUIREMENTS)) and request.get(*SOURCE) is None:
        yield _missing(look, SOURCE, "write the folder that holds it, such as source_dir: src")
    if request.get("framework", "name") and not request.below("source_code") and not _has_entrypoint(request):
        remedy = "write source_code: {source_dir: src, entry_script: train.py}"
        yield Problem(codes.MISSING, ("source_code",), "a framework container runs a script", remedy=remedy)
    for leaf in (("algorithm", "name"), ("algorithm_name",)):
        if request.get(*leaf) and request.below("source_code"):
            yield look.conflict(leaf, "an algorithm brings its own code, and source_code is given")


def _missing(look: Look, leaf: tuple[str, ...], remedy: str) -> Problem:
    return Problem(codes.MISSING, look.place(leaf), "this is missing", remedy=remedy)


def _has_entrypoint(request: ResolvedRequest) -> bool:
    return request.get("container_entrypoint") is not None


def _entrypoint(look: Look) -> Iterator[Problem]:
    request = look.request
    for leaf in (("container_entrypoint",), ("container_arguments",)):
        if request.get(*leaf) is not None and (request.get(*SCRIPT) or request.get(*COMMAND)):
            problem = "source_code starts the container's script, and so would this"
            yield look.conflict(leaf, problem, remedy="leave one of them out")


def _requirements(look: Look) -> Iterator[Problem]:
    """Packages come from an index, which an isolated container cannot reach."""
    if look.request.get(*ISOLATION) and look.request.get(*REQUIREMENTS):
        problem = "requirements cannot be installed under network isolation"
        yield look.conflict(REQUIREMENTS, problem, remedy="put the packages into the image, or leave isolation out")


def _requirements_name(look: Look) -> Iterator[Problem]:
    """The toolkit in AWS's containers installs requirements.txt beside the script, and no other file
    (aws/sagemaker-training-toolkit, modules.py)."""
    name = look.request.get(*REQUIREMENTS)
    if name not in (None, "requirements.txt") and look.request.get(*SCRIPT) and _has_toolkit(look.request):
        problem = "AWS's containers install requirements.txt alone"
        remedy = "call the file requirements.txt, or start the script with source_code.command"
        yield look.conflict(REQUIREMENTS, problem, allowed="requirements.txt", remedy=remedy)


def _has_toolkit(request: ResolvedRequest) -> bool:
    """Whether AWS's own toolkit starts the script, rather than trainkit."""
    image = request.get(*IMAGE)
    return request.get("framework", "name") is not None or (image is not None and images.family_of(image) is not None)


def _left_to_the_script(look: Look) -> Iterator[str]:
    request = look.request
    by_toolkit = request.runs_script and _has_toolkit(request)
    if request.below("secrets") and (by_toolkit or request.get(*COMMAND)):
        name = next(iter(request.below("secrets")))
        yield (
            "secrets: only the platform's launcher fetches them; this script finds the ARN in "
            f"TRAINWRIGHT_SECRET_{name} and fetches the value itself"
        )
    by_torchrun = request.get("distributed", "launcher") in ("torchrun", "deepspeed")
    if by_toolkit and by_torchrun and request.get(*PROCESSES) is not None:
        yield f"{look.word(PROCESSES)}: AWS's toolkit starts one process an accelerator and is told no other number"


def _names(look: Look) -> Iterator[Problem]:
    """Names that a launcher to be used would choke on, or would take for its own."""
    request = look.request
    for name in request.below("hyperparameters"):
        leaf = ("hyperparameters", name)
        if name.startswith(RESERVED_HYPERPARAMETERS):
            problem = "this prefix is for messages to AWS's toolkits, which would not pass it on"
            yield look.conflict(leaf, problem, remedy="choose another name", code=codes.RESERVED)
        elif request.runs_script and (not name.isprintable() or set(name) & set(" =\"'\\$`")):
            problem = "the launcher passes it on as --NAME VALUE, which this name does not survive"
            yield look.conflict(leaf, problem, allowed="letters, digits and . _ -")
    for name in request.channels:
        if request.get(*COMMAND) and not name.replace("_", "a").isalnum():
            meant = "".join(sign if sign.isalnum() else "_" for sign in name)
            problem = "a command is told its channels as variables SM_CHANNEL_NAME, which cannot hold this name"
            path = look.place(("inputs", name))[:2]
            edit = Edit("rename", path, ("inputs", meant))
            remedy = f"write {meant}"
            yield Problem(codes.OUT_OF_RANGE, path, problem, None, "letters, digits and _", remedy, True, edit)
        if name == CODE_CHANNEL and request.below("source_code"):
            yield look.conflict(("inputs", name, "s3_uri"), "the channel `code` is the source's own")


def _counts(look: Look) -> Iterator[Problem]:
    """The run's entries, the policy's and the platform's own count together."""
    request = look.request
    script = scripts.hyperparameters(request, instance_type=None, region=look.site.region, source="")
    for section, count, most in (
        ("hyperparameters", len(script), HYPERPARAMETERS),
        ("environment", len(scripts.environment(request)), VARIABLES),
        ("tags", len(request.below("tags")), USER_TAGS),
    ):
        if count > most:
            problem = f"{count} entries, the policy's and the platform's own included, are too many"
            yield Problem(codes.OUT_OF_RANGE, (section,), problem, allowed=f"{most} at most")


def _local_source(look: Look) -> Iterator[Problem]:
    source = look.request.get(*SOURCE)
    if source is not None and not source.startswith(("data://", "s3://")):
        yield Problem(
            codes.LOCAL_PATH,
            look.place(SOURCE),
            "this names a folder of one machine, which an execution cannot see",
            shown(source),
            "data://source/DIGEST/sourcedir.tar.gz or an s3:// address",
            "start the run with `trainwright run`, which uploads the folder",
        )
    elif source is not None and not source.endswith(".tar.gz"):
        problem = "the launchers unpack one archive, and this is none"
        yield look.conflict(SOURCE, problem, allowed="the address of a sourcedir.tar.gz, or a local folder")


def _compiler_is_old(look: Look) -> Iterator[str]:
    asked = look.request.get("compilation")
    if asked is not None and asked.training_compiler is not None:
        yield (
            "compilation.training_compiler: AWS no longer develops the Training Compiler; its last images are for "
            "PyTorch 1.13 and TensorFlow 2.11. torch_compile is its successor"
        )


def _compilation(look: Look) -> Iterator[Problem]:
    asked = look.request.get("compilation")
    if asked is None or asked.training_compiler is None:
        return
    if asked.torch_compile is not None:
        yield look.conflict(("compilation",), "torch_compile and training_compiler exclude each other")
    if look.request.get("framework", "name") is None:
        yield look.conflict(("compilation",), "the Training Compiler is in AWS's framework containers only")


def _platform_image(look: Look) -> Iterator[Problem]:
    if look.request.get("training_image_config", "training_repository_access_mode") == "Platform":
        leaf = (
            "training_image_config",
            "training_repository_auth_config",
            "training_repository_credentials_provider_arn",
        )
        if look.request.get(*leaf):
            yield look.conflict(leaf, "only images in a private registry of a VPC are signed in to this way")
    if look.request.below("training_image_config") and look.request.get(*IMAGE) is None:
        yield look.conflict(
            ("training_image_config", "training_repository_access_mode"), "this is about an image, and none is named"
        )


REFUSALS = (
    _one_container,
    _there_is_such_an_image,
    _script,
    _entrypoint,
    _requirements,
    _requirements_name,
    _names,
    _counts,
    _local_source,
    _compilation,
    _platform_image,
)
CAUTIONS = (_compiler_is_old, _left_to_the_script)
