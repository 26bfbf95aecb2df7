"""Makes lambdas/trainwright_runtime/data/instances.json: what is known about SageMaker's training instance types.

    python tools/make_instance_table.py

The types are those of SageMaker's API model (botocore, TrainingInstanceType). The training type `ml.X` runs on EC2's
`X`, whose facts moto has recorded from EC2's DescribeInstanceTypes. What moto does not know, or what EC2's answer gets
wrong, is written down here with the AWS page that says it. A type of which nothing is known stays in the table as null,
with the reason under `unknown`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import moto
from moto.ec2.models.instance_types import INSTANCE_TYPES

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "lambdas" / "trainwright_runtime" / "data" / "instances.json"
DATE = "2026-11-21"
"""When the pages below were read; moto's data is as old as its release."""

COLUMNS = (
    "vcpus",
    "memory_gib",
    "accelerators",
    "accelerator",
    "accelerator_memory_gib",
    "architecture",
    "local_storage_gb",
    "efa",
    "bf16",
    "kind",
)

PAGES = {
    # P2 and P3: vCPUs and memory ("Hardware specifications"), EBS only ("Instance features"), no EFA ("Elastic Fabric
    # Adapter", "Supported instance types", names p3dn.24xlarge alone); GPUs and their memory are in AWS Batch's page
    "p2 and p3": (
        "Amazon EC2 User Guide, Linux accelerated computing instances and Elastic Fabric Adapter; AWS Batch User Guide,"
        " GPU jobs"
    ),
    "p6e-gb200": (
        "Specifications for Amazon EC2 accelerated computing instances,"
        " https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html"
    ),
    "memory of a Trainium2": (
        "Trainium2 Architecture Guide for NKI,"
        " https://awsdocs-neuron.readthedocs-hosted.com/en/latest/nki/arch/trainium2_arch.html"
    ),
}

# The columns up to EFA: bf16 and kind follow from the accelerator.
WRITTEN_DOWN: dict[str, tuple[int, float, int, str, int, str, int, bool]] = {
    "p2.xlarge": (4, 61, 1, "NVIDIA K80", 12, "x86_64", 0, False),
    "p2.8xlarge": (32, 488, 8, "NVIDIA K80", 12, "x86_64", 0, False),
    "p2.16xlarge": (64, 732, 16, "NVIDIA K80", 12, "x86_64", 0, False),
    "p3.2xlarge": (8, 61, 1, "NVIDIA V100", 16, "x86_64", 0, False),
    "p3.8xlarge": (32, 244, 4, "NVIDIA V100", 16, "x86_64", 0, False),
    "p3.16xlarge": (64, 488, 8, "NVIDIA V100", 16, "x86_64", 0, False),
    # the page lists it as "4 x NVIDIA B200", 740 GiB together, on Grace (Arm) and with 3 x 7500 GB of NVMe
    "p6e-gb200.36xlarge": (144, 960, 4, "NVIDIA B200", 185, "arm64", 22500, True),
}

# GiB of one accelerator where EC2's answer is not its memory. A10G, L4 and L40S: EC2 says 22888 and 45776 MiB, which
# are 24 and 48 decimal gigabytes in MiB; other GPUs' nominal gigabytes it counts as GiB, and so does AWS Batch's page
# for G5 and G6. Trainium2: EC2 says 524288 MiB a chip, 8 TiB a host; Neuron's guide has 96 GiB a chip.
MEMORY_GIB = {"NVIDIA A10G": 24, "NVIDIA L4": 24, "NVIDIA L40S": 48, "AWS Trainium2": 96}

# bfloat16 needs a GPU of compute capability 8.0 (Ampere) or higher (NVIDIA Transformer Engine, "Datatype and hardware
# support matrix"; Turing, 7.5, has none: NVIDIA TensorRT, "Support matrix"). Trainium has it: AWS Neuron, "Data types".
BF16 = {
    "NVIDIA K80": False,
    "NVIDIA M60": False,
    "NVIDIA V100": False,
    "NVIDIA T4": False,
    "NVIDIA A10G": True,
    "NVIDIA A100": True,
    "NVIDIA L4": True,
    "NVIDIA L40S": True,
    "NVIDIA H100": True,
    "NVIDIA H200": True,
    "NVIDIA B200": True,
    "NVIDIA B300": True,
    "NVIDIA RTX PRO 4500": True,
    "NVIDIA RTX PRO Server 6000": True,
    "AWS Trainium": True,
    "AWS Trainium2": True,
}


def main() -> int:
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(text(training_types(), INSTANCE_TYPES), encoding="utf-8")
    return 0


def training_types() -> list[str]:
    """SageMaker's training instance types, in the API model's order."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return list(model.shape_for("TrainingInstanceType").enum)


def text(types: list[str], ec2: Mapping[str, Any]) -> str:
    """The table as its file holds it: a line for each type, so that a new one is a short diff."""
    found = {name: row(name.removeprefix("ml."), ec2) for name in types}
    lines = ",\n".join(f"{compact(name)}:{compact(values)}" for name, values in found.items())
    unknown = {name: "neither moto nor a page of AWS's documentation has it" for name in found if found[name] is None}
    parts = {"about": compact(about()), "unknown": compact(unknown), "columns": compact(COLUMNS)}
    head = "".join(f"{compact(name)}:{part},\n" for name, part in parts.items())
    return f'{{\n{head}"types":{{\n{lines}\n}}\n}}\n'


def about() -> dict[str, Any]:
    return {
        "source": f"moto {moto.__version__}, ec2/resources/instance_types.json (EC2's DescribeInstanceTypes, recorded);"
        f" the types: botocore {botocore.__version__}, SageMaker's TrainingInstanceType",
        "beside_it": PAGES,
        "date": DATE,
        "licence": "Apache-2.0 (moto, copyright 2012 Steve Pulec; botocore, copyright Amazon.com, Inc.)",
        "changed": "training types only, rearranged by tools/make_instance_table.py",
    }


def row(name: str, ec2: Mapping[str, Any]) -> list[Any] | None:
    """The facts about EC2's type `name`, in the order of COLUMNS; None where there are none."""
    if name in WRITTEN_DOWN:
        facts: tuple[Any, ...] = WRITTEN_DOWN[name]
    elif name in ec2:
        facts = recorded(ec2[name])
    else:
        return None
    accelerator = facts[3]
    return [*facts, BF16[accelerator] if accelerator else None, kind(accelerator)]


def recorded(described: Mapping[str, Any]) -> tuple[Any, ...]:
    """The same columns as WRITTEN_DOWN's, from one answer of DescribeInstanceTypes."""
    memory = described["MemoryInfo"]["SizeInMiB"] / 1024
    (architecture,) = described["ProcessorInfo"]["SupportedArchitectures"]
    return (
        described["VCpuInfo"]["DefaultVCpus"],
        int(memory) if memory.is_integer() else memory,
        *accelerators(described),
        architecture,
        described["InstanceStorageInfo"]["TotalSizeInGB"] if described["InstanceStorageSupported"] else 0,
        described["NetworkInfo"]["EfaSupported"],
    )


def accelerators(described: Mapping[str, Any]) -> tuple[int, str | None, int | None]:
    """How many, of what make, with how many GiB each."""
    gpus = described.get("GpuInfo", {}).get("Gpus", [])
    devices = gpus or described.get("NeuronInfo", {}).get("NeuronDevices", [])
    if not devices:
        return 0, None, None
    (device,) = devices
    name = f"{device.get('Manufacturer', 'AWS')} {device['Name']}"
    return device["Count"], name, MEMORY_GIB.get(name, device["MemoryInfo"]["SizeInMiB"] // 1024)


def kind(accelerator: str | None) -> str:
    if accelerator is None:
        return "cpu"
    return "neuron" if accelerator.startswith("AWS ") else "gpu"


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    raise SystemExit(main())
