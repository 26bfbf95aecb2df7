"""Types, groups, warm pools, storage. Source: ResourceConfig (SageMaker API reference); "Train Using SageMaker Managed
Warm Pools" (developer guide)."""

from collections.abc import Iterator

from trainwright_runtime import instances
from trainwright_runtime.problems import Problem
from trainwright_runtime.resolved import COUNT, GROUPS, KEEP_ALIVE, PREFERENCES, SPOT, TYPES, VOLUME
from trainwright_runtime.rules.look import Look

PLAN, KEY = ("compute", "training_plan_arn"), ("compute", "volume_kms_key_id")
PLACEMENT = ("compute", "instance_placement_config")
KEEP_ALIVE_SECONDS = 3600
"""The guide's and the quota's maximum; the API's model says 21,600."""


def _one_way_to_say_it(look: Look) -> Iterator[Problem]:
    request = look.request
    ways = [leaf for leaf in (TYPES, GROUPS, PREFERENCES) if request.get(*leaf)]
    for leaf in ways[1:]:
        other = look.word(ways[0])
        yield look.conflict(leaf, f"this and {other} both say on which machines to run", remedy=f"keep {other} alone")
    if request.get(*GROUPS) and request.get(*COUNT) is not None:
        problem = "instance groups have a count each"
        yield look.conflict(COUNT, problem, remedy="leave it out", remove=True)


def _preferences(look: Look) -> Iterator[Problem]:
    preferences = look.request.get(*PREFERENCES)
    if not preferences:
        return
    if look.request.spot:
        problem = "instance preferences are for on-demand capacity only, and spot is on"
        yield look.conflict(PREFERENCES, problem, remedy=f"set {look.word(SPOT)}: false, or write instance_type")
    counted = [entry for entry in preferences if entry.instance_count is not None]
    if 0 < len(counted) < len(preferences) or bool(counted) == (look.request.get(*COUNT) is not None):
        allowed = "a count on every preference, or compute.instance_count alone"
        yield look.conflict(PREFERENCES, "the counts are not clear", allowed=allowed)
    names = [entry.instance_type for entry in preferences]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        yield look.conflict(PREFERENCES, f"{twice[0]} is there twice", allowed="each type once")
    if look.request.below(*PLACEMENT):
        problem = "instance preferences and a placement exclude each other"
        yield look.conflict(PREFERENCES, problem, remedy="leave one of them out")
    if look.request.get(*PLAN) and any(entry.training_plan_arns for entry in preferences):
        yield look.conflict(PLAN, "the preferences name training plans of their own", remedy="leave one of them out")


def _groups(look: Look) -> Iterator[Problem]:
    groups = look.request.get(*GROUPS)
    known = [group.instance_group_name for group in groups or []]
    if twice := [name for name in dict.fromkeys(known) if known.count(name) > 1]:
        yield look.conflict(GROUPS, f"two groups are called {twice[0]}", allowed="names that differ")
    for name in look.request.channels:
        leaf = ("inputs", name, "instance_group_names")
        if wrong := [group for group in look.request.get(*leaf) or [] if group not in known]:
            yield look.conflict(leaf, f"there is no instance group {wrong[0]}", allowed=", ".join(known) or None)
    launched = ("distributed", "instance_groups")
    if wrong := [group for group in look.request.get(*launched) or [] if group not in known]:
        yield look.conflict(launched, f"there is no instance group {wrong[0]}", allowed=", ".join(known) or None)


def _keep_alive(look: Look) -> Iterator[Problem]:
    request = look.request
    seconds = request.get(*KEEP_ALIVE)
    if not seconds:
        return
    if seconds > KEEP_ALIVE_SECONDS:
        replacement = "1h" if look.place(KEEP_ALIVE)[-1] == "keep_alive" else KEEP_ALIVE_SECONDS
        problem = "SageMaker keeps machines for an hour at most"
        yield look.conflict(
            KEEP_ALIVE, problem, allowed="1h at most", remedy=f"write {replacement}", replacement=replacement
        )
    if request.get(*GROUPS):
        problem = "SageMaker keeps no machines of a heterogeneous cluster"
        yield look.conflict(KEEP_ALIVE, problem, remedy="leave it out", remove=True)
    if request.spot and not request.falls_back:
        problem = "SageMaker keeps no spot machines, and no on-demand attempt can follow"
        remedy = f"set {look.word(SPOT)}: false or compute.fallback: on_demand, or leave it out"
        yield look.conflict(KEEP_ALIVE, problem, remedy=remedy, remove=True)


def _keep_alive_later(look: Look) -> Iterator[str]:
    request = look.request
    if request.get(*KEEP_ALIVE) and request.spot and request.falls_back:
        yield f"{look.word(KEEP_ALIVE)}: SageMaker keeps no spot machines; it goes on the on-demand attempts"


def _volume_key(look: Look) -> Iterator[Problem]:
    """ "You can't request a VolumeKmsKeyId when using an instance type with local storage" (ResourceConfig)."""
    local = [name for name in look.request.all_instance_types if instances.has_local_storage(name)]
    if look.request.get(*KEY) and local:
        problem = f"SageMaker takes no volume key for {local[0]}, whose own storage is encrypted by its hardware"
        yield look.conflict(KEY, problem, remedy="leave it out", remove=True)


def _volume_size(look: Look) -> Iterator[str]:
    local = [name for name in look.request.all_instance_types if instances.has_local_storage(name)]
    if look.given(VOLUME) and local:
        yield f"{look.word(VOLUME)}: {local[0]} has storage of its own and ignores it"


def _ladder(look: Look) -> Iterator[Problem]:
    """A checkpoint of 4 processes does not fit 8 by itself."""
    types = look.request.instance_types
    found = [instances.find(name) for name in types]
    counts = {kind.name: kind.accelerators for kind in found if kind is not None and kind.accelerators is not None}
    if len(set(counts.values())) > 1 and look.request.get("checkpoints", "reshard") is not True:
        said = ", ".join(f"{name} has {count}" for name, count in counts.items())
        yield look.conflict(
            TYPES,
            f"these types differ in accelerators a host, so the world size would change: {said}",
            remedy="take types with as many accelerators, or say checkpoints: {reshard: true} if the script can do it",
        )
    if twice := [name for name in dict.fromkeys(types) if types.count(name) > 1]:
        yield look.conflict(TYPES, f"{twice[0]} is there twice", allowed="each type once")


REFUSALS = (_one_way_to_say_it, _preferences, _groups, _keep_alive, _volume_key, _ladder)
CAUTIONS = (_keep_alive_later, _volume_size)
