"""Network and access. Sources: "Access a training container through AWS Systems Manager", VpcConfig."""

from collections.abc import Iterator
from dataclasses import replace

from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Problem
from trainwright_runtime.resolved import ISOLATION
from trainwright_runtime.rules.containers import RESERVED_HYPERPARAMETERS
from trainwright_runtime.rules.look import Look

SUBNETS, GROUPS = ("networking", "subnets"), ("networking", "security_group_ids")
REMOTE = ("remote_debug_config", "enable_remote_debug")
_OWNED = {
    "TrainingJobName": "the platform names the jobs",
    "RoleArn": "the platform sets the execution role",
    "Tags": "the platform's tags are on every job; write tags",
}
_OUTPUT = "S3OutputPath"
_PREFIXES: dict[str, tuple[str, ...]] = {
    "HyperParameters": (RESERVED_HYPERPARAMETERS,),
    "Environment": ("TRAINWRIGHT_", "TRAINING_JOB_"),
}
"""What the launchers take from the platform: where the source is, secrets, checkpoints."""


def _whole_vpc(look: Look) -> Iterator[Problem]:
    subnets, groups = look.request.get(*SUBNETS), look.request.get(*GROUPS)
    if subnets and not groups and not look.site.vpc:
        remedy = "write network.security_group_ids too"
        yield look.conflict(SUBNETS, "subnets need security groups, and there are none", remedy=remedy)
    if groups and not subnets and not look.site.vpc:
        yield look.conflict(
            GROUPS, "security groups need subnets, and there are none", remedy="write network.subnets too"
        )


def _remote_debug(look: Look) -> Iterator[Problem]:
    if look.request.get(*REMOTE) is not True:
        return
    if look.request.get(*ISOLATION):
        problem = "an isolated container cannot be reached, so there would be no session"
        yield look.conflict(REMOTE, problem, remedy="leave it out, or leave isolation out", remove=True)
    if look.request.get("algorithm", "name") or look.request.get("algorithm_name"):
        problem = "AWS lets nobody into the containers of its algorithms"
        yield look.conflict(REMOTE, problem, remedy="leave it out", remove=True)


def _overrides(look: Look) -> Iterator[Problem]:
    """The role, the platform's tags and the output prefix are never the user's."""
    for name, value in look.request.below("overrides").items():
        leaf = ("overrides", name)
        if name in _OWNED:
            yield look.conflict(leaf, _OWNED[name], remedy="leave it out", remove=True)
        elif _OUTPUT in _keys(value):
            problem = "the platform decides where outputs go: the team's artifacts bucket"
            yield look.conflict(leaf, problem, remedy=f"leave {_OUTPUT} out")
        elif kept := [key for key in _keys(value) if key.startswith(_PREFIXES.get(name, ()))]:
            problem = f"{kept[0]} is the platform's own to set"
            found = look.conflict(leaf, problem, remedy=f"leave {kept[0]} out", code=codes.RESERVED)
            yield replace(found, value=None)  # variables may hold secrets, against all advice


def _keys(value: object) -> Iterator[str]:
    """The names anywhere in a value."""
    if isinstance(value, dict):
        yield from map(str, value)
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(entry)


def _secrets(look: Look) -> Iterator[Problem]:
    if look.request.below("secrets") and look.request.get(*ISOLATION):
        name = next(iter(look.request.below("secrets")))
        problem = "an isolated container cannot reach AWS Secrets Manager"
        yield look.conflict(("secrets", name), problem, remedy="leave isolation out, or put the value into a channel")


REFUSALS = (_whole_vpc, _remote_debug, _overrides, _secrets)
CAUTIONS = ()
