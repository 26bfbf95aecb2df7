"""What starts inside the container: hyperparameters, the launcher's messages, the source, and variables."""

import json
from typing import Any

from trainwright_runtime import launchers
from trainwright_runtime.resolved import ISOLATION, ResolvedRequest
from trainwright_runtime.units import scalar_text

CODE_CHANNEL = "code"
"""Where the SDK v2 puts the source of an isolated job (Framework, enable_network_isolation)."""

ARCHIVE = "sourcedir.tar.gz"
CODE_FOLDER = "/opt/ml/code"
JOB_NAME = "sagemaker_job_name"
"""The hyperparameter that tells AWS's toolkits the job's name."""

_UNPACK = (
    f"mkdir -p {CODE_FOLDER} && cd {CODE_FOLDER} && tar -xzf /opt/ml/input/data/{CODE_CHANNEL}/{ARCHIVE}"
    ' && if [ -f "$1" ]; then python3 -m pip install -qr "$1"; fi && exec /bin/bash -c "$0"'
)
"""Runs the command, given as $0, in the unpacked source, after the requirements, given as $1. An argument of the API
has 256 characters, so the command travels in one of its own."""


def mpi_options(words: list[str] | None) -> str:
    """Further words for mpirun as the toolkit takes them, one text."""
    return " ".join(words or [])


def distribution_of(request: ResolvedRequest) -> launchers.Distribution | None:
    """How the processes of a job find each other; None for one process a host."""
    asked = request.below("distributed")
    if "launcher" not in asked:
        return None
    return launchers.Distribution(
        launcher=asked["launcher"],
        process_count_per_node=asked.get("process_count_per_node"),
        mpi_options=mpi_options(asked.get("mpi_additional_options")),
        parameters=asked.get("parameters") or {},
        instance_groups=tuple(asked.get("instance_groups") or ()),
    )


def hyperparameters(request: ResolvedRequest, *, instance_type: str | None, region: str, source: str) -> dict[str, str]:
    """The job's HyperParameters: the user's, and for a script what its launcher needs to know. `source` is the
    archive's address in S3."""
    given = request.below("hyperparameters")
    distribution = distribution_of(request)
    name, _ = request.container
    launched = launchers.hyperparameters(distribution, instance_type, framework=name) if distribution else {}
    if not request.runs_script:
        return {name: text_of(value) for name, value in given.items()} | launched | _compiler(request)
    submitted = f"/opt/ml/input/data/{CODE_CHANNEL}/{ARCHIVE}" if request.get(*ISOLATION) else source
    script = launchers.script_hyperparameters(
        program=request.get("source_code", "entry_script"), submit_directory=submitted, job_name="", region=region
    )
    return launchers.encode_json(given) | script | launched | _compiler(request)


def _compiler(request: ResolvedRequest) -> dict[str, str]:
    """The Training Compiler's switches (SageMaker SDK v2, training_compiler.config)."""
    compiler = request.get("compilation")
    if compiler is None or compiler.training_compiler is None:
        return {}
    debug = bool(compiler.training_compiler.debug)
    return launchers.encode_json(
        {"sagemaker_training_compiler_enabled": True, "sagemaker_training_compiler_debug_mode": debug}
    )


def text_of(value: Any) -> str:
    """A hyperparameter as text for an image that reads it as it is: a scalar's shortest spelling, all else as JSON."""
    return scalar_text(value) if isinstance(value, bool | int | float | str) else json.dumps(value)


def needs_code_channel(request: ResolvedRequest) -> bool:
    """Whether the source arrives as a channel: for a command, and for a container without a network."""
    command = request.get("source_code", "command") is not None
    return command or (request.runs_script and bool(request.get(*ISOLATION)))


def entrypoint(request: ResolvedRequest) -> tuple[list[str] | None, list[str] | None]:
    """The container's entry point and arguments; Nones leave the image's own."""
    command = request.get("source_code", "command")
    if command is None:
        return request.get("container_entrypoint"), request.get("container_arguments")
    requirements = request.get("source_code", "requirements") or "requirements.txt"
    return ["/bin/bash"], ["-c", _UNPACK, command, requirements]


def environment(request: ResolvedRequest) -> dict[str, str]:
    """The container's variables: what the request's settings mean to Accelerate, to the Trainer and to trainkit, under
    what the user wrote."""
    return {
        **_precision(request.get("precision")),
        **_compile(request),
        **_deepspeed(request),
        **_checkpoints(request),
        **_script(request),
        **{f"TRAINWRIGHT_SECRET_{name}": arn for name, arn in request.below("secrets").items()},
        **request.below("environment"),
    }


def _precision(precision: str | None) -> dict[str, str]:
    """https://huggingface.co/docs/accelerate: the launcher's ACCELERATE_MIXED_PRECISION."""
    if precision in (None, "off"):
        return {}
    return {"TRAINWRIGHT_PRECISION": precision, "ACCELERATE_MIXED_PRECISION": precision}


def _compile(request: ResolvedRequest) -> dict[str, str]:
    asked = request.get("compilation")
    if asked is None or asked.torch_compile is None:
        return {}
    backend, mode = asked.torch_compile.backend or "inductor", asked.torch_compile.mode
    found = {"TRAINWRIGHT_COMPILE": backend, "ACCELERATE_DYNAMO_BACKEND": backend.upper()}
    return found | ({"TRAINWRIGHT_COMPILE_MODE": mode, "ACCELERATE_DYNAMO_MODE": mode} if mode else {})


def _deepspeed(request: ResolvedRequest) -> dict[str, str]:
    """Accelerate and the Trainer read these; https://huggingface.co/docs/accelerate/usage_guides/deepspeed."""
    asked = request.below("distributed")
    if asked.get("launcher") != "deepspeed":
        return {}
    if config := asked.get("config"):
        chosen = {"ACCELERATE_DEEPSPEED_CONFIG_FILE": f"{CODE_FOLDER}/{config}"}
    else:
        chosen = {"ACCELERATE_DEEPSPEED_ZERO_STAGE": str(asked.get("zero_stage", 2))}
    return {"ACCELERATE_USE_DEEPSPEED": "true", **chosen}


def _checkpoints(request: ResolvedRequest) -> dict[str, str]:
    every, keep = request.get("checkpoints", "every"), request.get("checkpoints", "keep")
    found = {"TRAINWRIGHT_CHECKPOINT_EVERY_SECONDS": every, "TRAINWRIGHT_CHECKPOINT_KEEP": keep}
    return {name: str(value) for name, value in found.items() if value is not None}


def _script(request: ResolvedRequest) -> dict[str, str]:
    found: dict[str, str] = {}
    processes = request.get("distributed", "process_count_per_node")
    # AWS's toolkit reads no such variable, and for MPI both it and trainkit read the hyperparameter
    by_trainkit = request.get("distributed", "launcher") == "torchrun" and request.container == (None, None)
    if processes and by_trainkit:
        found["TRAINWRIGHT_PROCESSES_PER_NODE"] = str(processes)
    if (requirements := request.get("source_code", "requirements")) and request.runs_script:
        found["TRAINWRIGHT_REQUIREMENTS"] = requirements
    if request.get("source_code", "command") is not None:
        # no toolkit stands between SageMaker and a command: it is told where things are by the toolkit's names
        found |= {"SM_MODEL_DIR": "/opt/ml/model", "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data"}
        found |= {channel_variable(name): f"/opt/ml/input/data/{name}" for name in request.channels}
    return found


def channel_variable(channel: str) -> str:
    """The variable in which the toolkits tell a channel's folder."""
    return f"SM_CHANNEL_{channel.upper()}"
