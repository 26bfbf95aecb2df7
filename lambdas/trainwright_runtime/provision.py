"""What of a run's settings needs a capability that the team was not given: each is told with the line to add."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trainwright_runtime import problems as codes
from trainwright_runtime.forms import Leaf, as_written
from trainwright_runtime.problems import Problem, shown
from trainwright_runtime.reach import group_of, is_awss, matches
from trainwright_runtime.resolved import KEEP_ALIVE, PREFERENCES, Values
from trainwright_runtime.site import Site
from trainwright_runtime.units import spell_duration

if TYPE_CHECKING:
    from trainwright_runtime.policy import Capabilities, TeamPolicy

_RAW_SWITCHES = {
    "ExperimentConfig": "experiments",
    "RemoteDebugConfig": "remote_debug",
    "SessionChainingConfig": "session_tags",
}

Need = tuple[Leaf, str]
"""A setting, and the line of the policy that would allow it."""


def not_provisioned(values: Values, data: object, policy: "TeamPolicy", site: Site) -> Iterator[Problem]:
    """A problem for each setting that needs what the team does not have; its own network it has."""
    has = policy.capabilities
    network = _network(values, has, {"subnets": site.subnets, "security_group_ids": site.security_groups})
    for needs in (network, *(each(values, has) for each in _NEEDS)):
        for leaf, line in needs:
            yield Problem(
                codes.NOT_PROVISIONED,
                as_written(data, leaf),
                f"not provisioned for team {policy.team}: add {line} to its policy and deploy",
                value=_said(values.settings.get(leaf)),
                remedy="ask the platform team, or leave it out",
            )
    for leaf in _never_given(values):
        problem = "no team is given this: the execution role has no grant for it"
        said = _said(values.settings[leaf])
        yield Problem(codes.NOT_PROVISIONED, as_written(data, leaf), problem, said, remedy="leave it out")


def _never_given(values: Values) -> Iterator[Leaf]:
    """Hub content but AWS's own (whose ARNs have the account `aws`), and the function that signs in to a registry."""
    for leaf, value in values.settings.items():
        hub = leaf[0] == "inputs" and leaf[-1] in ("dataset_arn", "hub_content_arn")
        if (hub and not is_awss(value)) or leaf[-1] == "training_repository_credentials_provider_arn":
            yield leaf


def _said(value: Any) -> str | None:
    return shown(value) if isinstance(value, str | bool | int | list) and not _objects(value) else None


def _objects(value: Any) -> bool:
    return isinstance(value, list) and any(not isinstance(entry, str) for entry in value)


def _network(values: Values, has: "Capabilities", own: Mapping[str, Iterable[str]]) -> Iterator[Need]:
    for name in ("subnets", "security_group_ids"):
        leaf = ("networking", name)
        known = [*own[name], *(getattr(has.vpc, name) if has.vpc else [])]
        if new := [entry for entry in values.settings.get(leaf) or [] if entry not in known]:
            yield leaf, f"capabilities.vpc.{name}: [{', '.join(new)}]"


def _file_systems(values: Values, has: "Capabilities") -> Iterator[Need]:
    for leaf, value in values.settings.items():
        if leaf[0] == "inputs" and leaf[-1] == "file_system_id":
            kind = "fsx" if values.get(*leaf[:2], "file_system_type") == "FSxLustre" else "efs"
            if value not in getattr(has, kind):
                yield leaf, f"capabilities.{kind}: [{value}]"


def _listed(leaf: Leaf, name: str) -> Callable[[Values, "Capabilities"], Iterator[Need]]:
    def needs(values: Values, has: "Capabilities") -> Iterator[Need]:
        value = values.settings.get(leaf)
        if value is not None and not matches(value, getattr(has, name)):
            yield leaf, f"capabilities.{name}: [{value}]"

    return needs


def _switched(leaf: Leaf, name: str) -> Callable[[Values, "Capabilities"], Iterator[Need]]:
    def needs(values: Values, has: "Capabilities") -> Iterator[Need]:
        if values.settings.get(leaf) and not getattr(has, name):
            yield leaf, f"capabilities.{name}: true"

    return needs


def _experiments(values: Values, has: "Capabilities") -> Iterator[Need]:
    named = [leaf for leaf in values.settings if leaf[0] == "experiment_config"]
    if named and not has.experiments:
        yield named[0], "capabilities.experiments: true"


def _raw_switches(values: Values, has: "Capabilities") -> Iterator[Need]:
    """Raw fields that need a grant and name no ARN."""
    for field, name in _RAW_SWITCHES.items():
        if ("overrides", field) in values.settings and not getattr(has, name):
            yield ("overrides", field), f"capabilities.{name}: true"


def _secrets(values: Values, has: "Capabilities") -> Iterator[Need]:
    for leaf, arn in values.settings.items():
        if leaf[0] == "secrets" and not matches(arn, has.secrets):
            yield leaf, f"capabilities.secrets: [{arn}]"


def _source_package(values: Values, has: "Capabilities") -> Iterator[Need]:
    """A version belongs to its group; a package of no group to nobody that a policy could name."""
    leaf = ("model_package_config", "source_model_package_arn")
    package = values.settings.get(leaf)
    if package is None:
        return
    group = group_of(package)
    if group is None:
        yield leaf, "the group of which it is a version (capabilities.model_package)"
    elif not matches(group, has.model_package):
        yield leaf, f"capabilities.model_package: [{group}]"


def _preferred_plans(values: Values, has: "Capabilities") -> Iterator[Need]:
    leaf = PREFERENCES
    for entry in values.settings.get(leaf) or []:
        for arn in entry.training_plan_arns or []:
            if not matches(arn, has.training_plans):
                yield leaf, f"capabilities.training_plans: [{arn}]"


def _checkpoints(values: Values, has: "Capabilities") -> Iterator[Need]:
    leaf = ("checkpoint_config", "s3_uri")
    uri = values.settings.get(leaf)
    if uri is not None and not uri.startswith(tuple(has.write)):
        prefix = uri if uri.endswith("/") else f"{uri}/"
        yield leaf, f"capabilities.write: [{prefix}]"


def _keep_alive(values: Values, has: "Capabilities") -> Iterator[Need]:
    seconds = values.settings.get(KEEP_ALIVE)
    if seconds and (has.keep_alive is None or seconds > has.keep_alive.total_seconds()):
        yield KEEP_ALIVE, f"capabilities.keep_alive: {spell_duration(seconds)}"


_NEEDS: tuple[Callable[[Values, "Capabilities"], Iterator[Need]], ...] = (
    _file_systems,
    _listed(("mlflow_config", "mlflow_resource_arn"), "mlflow"),
    _listed(("model_package_config", "model_package_group_arn"), "model_package"),
    _source_package,
    _listed(("compute", "volume_kms_key_id"), "keys"),
    _listed(("output_data_config", "kms_key_id"), "keys"),
    _listed(("compute", "training_plan_arn"), "training_plans"),
    _switched(("remote_debug_config", "enable_remote_debug"), "remote_debug"),
    _switched(("session_chaining_config", "enable_session_tag_chaining"), "session_tags"),
    _experiments,
    _raw_switches,
    _secrets,
    _preferred_plans,
    _checkpoints,
    _keep_alive,
)
