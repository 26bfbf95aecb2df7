"""Which instance type to take: a short list for each kind of work, the first choice first, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trainwright_runtime import instances, prices
from trainwright_runtime.instances import Instance


@dataclass(frozen=True)
class Workload:
    """A kind of work: what it is, what to know before choosing, and (type, reason) in the order to try them."""

    title: str
    note: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Recommendation:
    """One line of the advice."""

    workload: str
    instance: Instance
    reason: str
    usd_per_hour: float | None
    """On demand; None where no price is known."""
    lowered_since: bool
    """Whether the price is an old one, and AWS asks for less by now."""


WORKLOADS: Mapping[str, Workload] = MappingProxyType(
    {
        "prototype": Workload(
            "does it run at all",
            "Keep max_runtime short, and set keep_alive where your team may: the next try then starts at once.",
            (
                ("ml.g5.xlarge", "has bf16, as the larger GPUs do: no surprise when you move up"),
                ("ml.g4dn.xlarge", "half the price, but an older GPU: fp16, no bf16"),
                ("ml.m5.xlarge", "no GPU: shows mistakes in data, script and image for cents"),
            ),
        ),
        "one-gpu": Workload(
            "a model that fits on one GPU",
            "When memory runs out, a larger GPU is less work than several: no launcher, no sharding.",
            (
                ("ml.g5.2xlarge", "8 vCPUs to feed the GPU; LoRA of a 7B model fits in bf16"),
                ("ml.g6e.2xlarge", "a faster GPU with twice the memory"),
                ("ml.g7e.2xlarge", "the last stop before splitting a model; Blackwell needs CUDA 12.8"),
                ("ml.p5.4xlarge", "the fastest memory of these, for long runs; ask for quota early"),
            ),
        ),
        "multi-gpu": Workload(
            "several GPUs",
            "Fill one host before you take a second. A ladder's types need the same number of GPUs a host.",
            (
                ("ml.g5.12xlarge", "four GPUs on one host: no network between them, nor NVLink"),
                ("ml.g6e.12xlarge", "four too, so a ladder with ml.g5.12xlarge; twice the memory"),
                ("ml.p4d.24xlarge", "eight joined by NVLink, for sharded models (FSDP, ZeRO)"),
                ("ml.p5.48xlarge", "eight too, so a ladder with ml.p4d.24xlarge; EFA for more hosts"),
            ),
        ),
        "cpu": Workload(
            "tabular data, preprocessing, classical models",
            "A GPU idles here, unless the library is told to use it (XGBoost: device=cuda).",
            (
                ("ml.m5.xlarge", "scikit-learn and XGBoost on a few GB"),
                ("ml.c7i.4xlarge", "16 vCPUs of a newer generation, for work that uses them all"),
                ("ml.r7i.4xlarge", "128 GiB, for data that must be in memory as a whole"),
            ),
        ),
        "tuning": Workload(
            "hyperparameter search: many trials of one script",
            "Many small hosts, one trial each. Trials can be repeated, so spot: true suits them.",
            (
                ("ml.g5.xlarge", "the GPU of ml.g5.12xlarge: batch size and bf16 carry over"),
                ("ml.g4dn.xlarge", "half the price, for short trials of small networks; no bf16"),
                ("ml.c7i.xlarge", "tabular data: many of these side by side beat one large host"),
            ),
        ),
    }
)


def recommend(workload: str) -> tuple[Recommendation, ...]:
    """The short list for one of WORKLOADS, the first choice first."""
    return tuple(_recommendation(workload, name, reason) for name, reason in WORKLOADS[workload].choices)


def first_choices() -> tuple[Recommendation, ...]:
    """The first choice for each of WORKLOADS."""
    return tuple(recommend(workload)[0] for workload in WORKLOADS)


def _recommendation(workload: str, name: str, reason: str) -> Recommendation:
    instance = instances.find(name)
    if instance is None:
        raise LookupError(f"{name} is recommended for {workload} and is not in the table of instance types")
    price = prices.on_demand_usd_per_hour(name)
    return Recommendation(workload, instance, reason, price, prices.lowered_since(name))
