"""The rules by name: what a finding of each is called, how bad it is, and the one change to try.

One table for the platform's rules and for AWS's of the same kind, in the words of the run request.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from trainwright_runtime.profile.findings import Severity

_STREAMED = ("FastFile", "Pipe")


@dataclass(frozen=True)
class Entry:
    """One kind of finding."""

    rule: str
    aws: str
    """AWS's rule of this kind."""
    title: str
    severity: Severity
    change: str
    is_share_of_time: bool = False
    """Whether AWS's rule counts as a violation each reading that a change could make better."""


CPU_BOTTLENECK = Entry(
    "cpu_bottleneck",
    "CPUBottleneck",
    "The GPUs wait for the processor",
    "high",
    "Prepare the input in more worker processes of the data loader (`num_workers`, as a hyperparameter), or choose a "
    "`compute.instance_type` with more vCPUs for each GPU.",
    is_share_of_time=True,
)
IO_BOTTLENECK = Entry(
    "io_bottleneck",
    "IOBottleneck",
    "The GPUs wait for input",
    "high",
    "Load the next batches while this one computes: more worker processes of the data loader (`num_workers`, as a "
    "hyperparameter), and fewer, larger files in place of many small ones.",
    is_share_of_time=True,
)
LOW_GPU_USE = Entry(
    "low_gpu_use",
    "LowGPUUtilization",
    "The GPUs are little used",
    "medium",
    "Give each GPU more work a step: a larger batch size (a hyperparameter), or a `compute.instance_type` with fewer "
    "or smaller GPUs.",
)
BATCH_SIZE = Entry(
    "batch_size",
    "BatchSize",
    "The batches are small for this machine",
    "medium",
    "Raise the batch size (a hyperparameter), or choose a smaller `compute.instance_type`.",
)
MEMORY_GROWTH = Entry(
    "gpu_memory_growth",
    "GPUMemoryIncrease",
    "GPU memory keeps growing",
    "low",
    "Keep no tensors from one step to the next (add up `loss.item()`, not `loss`): a longer run of this script ends "
    "out of memory.",
)
LOAD_IMBALANCE = Entry(
    "load_imbalance",
    "LoadBalancing",
    "The GPUs do not share the work evenly",
    "medium",
    "Give every GPU a process and a like share of each batch (`distributed: torchrun` and a distributed sampler), or "
    "choose a `compute.instance_type` with as many GPUs as the script uses.",
)
INITIALISATION_TIME = Entry(
    "initialisation_time",
    "MaxInitializationTime",
    "It takes long until the first step",
    "medium",
    "Do once what the script does before its first step: keep preprocessed data in S3 and read them as a channel, and "
    "put packages that it installs into the image.",
)
STEP_OUTLIERS = Entry(
    "step_outliers",
    "StepOutlier",
    "Some steps take much longer than the others",
    "low",
    "Look at what the script does in them (a slow part of the data, a checkpoint, garbage collection).",
)
DATA_LOADER = Entry(
    "data_loader",
    "Dataloader",
    "The data loader is not set as it could be",
    "low",
    "Give the data loader as many worker processes as there are cores (`num_workers`), and pinned memory.",
)
_ALL = (
    CPU_BOTTLENECK,
    IO_BOTTLENECK,
    LOW_GPU_USE,
    BATCH_SIZE,
    MEMORY_GROWTH,
    LOAD_IMBALANCE,
    INITIALISATION_TIME,
    STEP_OUTLIERS,
    DATA_LOADER,
)
BY_AWS = {entry.aws: entry for entry in _ALL}


def of_aws(rule: str) -> Entry:
    """The entry of one of AWS's rules; one that is not known here is passed on under its own name."""
    name = rule[:80]
    unknown = Entry(
        name.lower(), name, f"AWS's rule {name} found something", "low", "Look at the page that the rule wrote."
    )
    return BY_AWS.get(rule, unknown)


def change(entry: Entry, channels: Mapping[str, str]) -> str:
    """What to try: input that is streamed too slowly is better copied, whatever else could be done."""
    streamed = sorted(name for name, mode in channels.items() if mode in _STREAMED)
    if entry.rule == IO_BOTTLENECK.rule and streamed:
        return (
            f"Read the channel `{streamed[0]}` with `input_mode: File`: it is copied to the disk before training begins"
            ", and no step waits for S3."
        )
    return entry.change
