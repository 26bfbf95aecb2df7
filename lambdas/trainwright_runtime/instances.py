"""What is known about SageMaker's training instance types, from data/instances.json (tools/make_instance_table.py).

The table is read at the first question, once a process. It holds every type that SageMaker's API model named when the
table was made; AWS may have more by now, so a name that is not in it is not proof of a mistake.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

_TABLE = Path(__file__).with_name("data") / "instances.json"
_PREFIX = re.compile(r"[ml]{1,4}[\W_]+(?=.*\.)|ml[\W_]*")
"""`ml.` and what is typed in its place: `m.`, `ml-`, `ml`."""
_LONGEST = 40  # twice the longest type: what is longer is no slip, and not worth the comparing
_SIZE = re.compile(r"nano|micro|small|medium|(\d*x)?large|metal.*")


@dataclass(frozen=True)
class Instance:
    """One instance type: what a single host of it has."""

    name: str
    vcpus: int
    memory_gib: float
    accelerators: int
    """GPUs or Trainium chips a host; 0 for a CPU type. A Trainium chip has several NeuronCores."""
    accelerator: str | None
    """Maker and model, such as "NVIDIA A10G"; None for a CPU type."""
    accelerator_memory_gib: int | None
    """Of each accelerator, as its data sheet says; a driver shows a little less. None for a CPU type."""
    architecture: str
    """"x86_64" or "arm64"."""
    local_storage_gb: int
    """NVMe storage, all disks together; 0 for a type that has EBS volumes only."""
    efa: bool
    """Whether EC2 offers the Elastic Fabric Adapter on it: fast traffic between hosts, for NCCL and MPI."""
    bf16: bool | None
    """Whether the accelerator computes in bfloat16; None for a CPU type."""
    kind: Literal["cpu", "gpu", "neuron"]


def find(instance_type: str) -> Instance | None:
    """What is known about `instance_type`; None where nothing is."""
    row = _types().get(instance_type)
    return Instance(instance_type, **dict(zip(_table()["columns"], row, strict=True))) if row else None


def names() -> tuple[str, ...]:
    """Every training instance type of the table, in its order."""
    return tuple(_types())


def has_local_storage(instance_type: str) -> bool | None:
    """Whether the type brings NVMe storage, which SageMaker then uses in an EBS volume's place: it refuses a
    VolumeKmsKeyId for it, and a VolumeSizeInGB beyond it (SageMaker API reference, ResourceConfig). None where nothing
    is known about the type.
    """
    instance = find(instance_type)
    return instance.local_storage_gb > 0 if instance else None


def near(name: str) -> str | None:
    """The one type that a mistyped `name` must mean: `g5.xlarge`, `ml.g5.xl`, `ml.g5.12xlarg`, `ml.p4.24xlarge`.

    None where several could be meant, where none is close, and where the name is a right one. A number is never
    changed, nor is a letter of the family put in another's place: `ml.m6g.large` and `ml.trn2u.48xlarge` are other
    machines, which this table may just not know.
    """
    if name in _types() or len(name) > _LONGEST:
        return None
    written = _bare(name.strip().lower())
    short = _squeezed(written)
    begun = [known for known in _types() if _squeezed(known).startswith(short)]
    exact = [known for known in begun if _squeezed(known) == short]
    found = exact or begun or list(_one_slip_away(written))
    return found[0] if len(found) == 1 else None


def _bare(name: str) -> str:
    prefix = _PREFIX.match(name)
    return name[prefix.end() :] if prefix else name


def _squeezed(name: str) -> str:
    """Letters and digits only, so that separators do not count."""
    return re.sub(r"[^a-z0-9]", "", _bare(name))


def _one_slip_away(written: str) -> Iterator[str]:
    """The types that `written` is, but for one slip in its family or in its size."""
    family, _, size = written.partition(".")
    for known in _types():
        known_family, _, known_size = _bare(known).partition(".")
        if (size == known_size and _is_family_slip(family, known_family)) or (
            family == known_family and _is_size_slip(size, known_size)
        ):
            yield known


def _is_family_slip(written: str, meant: str) -> bool:
    return len(written) <= len(meant) and _is_slip(written, meant)


def _is_size_slip(written: str, meant: str) -> bool:
    return not _SIZE.fullmatch(written) and _is_slip(written, meant, replaced=True)


def _is_slip(written: str, meant: str, *, replaced: bool = False) -> bool:
    """Whether `written` is `meant` with one character left out or added, or two neighbours swapped, or, if `replaced`,
    one character in another's place; digits as they are."""
    if re.sub(r"\D", "", written) != re.sub(r"\D", "", meant):
        return False
    if len(written) == len(meant):
        differing = [place for place, pair in enumerate(zip(written, meant, strict=True)) if len(set(pair)) == 2]
        return (replaced and len(differing) == 1) or _is_swap(written, meant, differing)
    shorter, longer = sorted((written, meant), key=len)
    return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))


def _is_swap(written: str, meant: str, differing: list[int]) -> bool:
    if len(differing) != 2 or differing[1] != differing[0] + 1:
        return False
    return written[differing[0]] == meant[differing[1]] and written[differing[1]] == meant[differing[0]]


def _types() -> dict[str, list[Any] | None]:
    types: dict[str, list[Any] | None] = _table()["types"]
    return types


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table
