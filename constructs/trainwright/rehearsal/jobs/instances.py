"""Which hosts a job has: one for each instance, named algo-1 and so on through all groups of instances.

Neither the groups nor the hosts of a group follow the numbers: the guide's example of a heterogeneous cluster shows
algo-2 in the first group and ["algo-3", "algo-1"] in the second
(https://docs.aws.amazon.com/sagemaker/latest/dg/train-heterogeneous-cluster-modify-training-script.html), and a public
log of four equal hosts has ["algo-3", "algo-1", "algo-4", "algo-2"] in their one group beside sorted ``hosts``
(https://github.com/ultralytics/yolov5/issues/12811). Here the order is drawn once a job, from its name.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: The one group of a job without InstanceGroups (recorded in public logs of the SageMaker training toolkit).
HOMOGENEOUS = "homogeneousCluster"


@dataclass(frozen=True)
class Group:
    """A group of equal instances; ``hosts`` in the order in which resourceconfig.json has them."""

    name: str
    instance_type: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class HostSpec:
    """One host: its name, its group and what it is."""

    name: str
    group: str
    instance_type: str


def groups_of(job: str, resources: Mapping[str, Any]) -> list[Group]:
    """The groups of a ResourceConfig that has InstanceGroups, or InstanceType and InstanceCount."""
    one = {"InstanceGroupName": HOMOGENEOUS, **resources}
    wanted = resources.get("InstanceGroups") or [one]
    names = [f"algo-{number}" for number in range(1, 1 + sum(int(group["InstanceCount"]) for group in wanted))]
    random.Random(job).shuffle(names)  # noqa: S311 - the same job gets the same hosts again
    groups = []
    for group in wanted:
        count = int(group["InstanceCount"])
        groups.append(Group(str(group["InstanceGroupName"]), str(group["InstanceType"]), tuple(names[:count])))
        names = names[count:]
    return groups


def hosts_of(groups: Sequence[Group]) -> list[HostSpec]:
    """All hosts of the groups, by number."""
    found = [HostSpec(host, group.name, group.instance_type) for group in groups for host in group.hosts]
    return sorted(found, key=lambda host: int(host.name.rpartition("-")[2]))
