"""The debugger's, the profiler's and TensorBoard's blocks of a job."""

from collections.abc import Mapping

from trainwright_runtime import images
from trainwright_runtime.resolved import ResolvedRequest
from trainwright_runtime.rules_by_name import DEBUGGER, MEANT
from trainwright_runtime.sections import api_value
from trainwright_runtime.spec import JobSpec, Request, present, run_uri, section_of


def render_debug_hook(spec: JobSpec) -> Request | None:
    request = spec.request
    listed = api_value(request.get("debug_hook_config", "collection_configurations") or [])
    collections = {**_rules_collections(request), **(request.get("debugger", "collections") or {})}
    given = bool(request.below("debug_hook_config"))
    if not given and request.get("debugger", "enabled") is not True:
        return None
    short = [{"CollectionName": name, "CollectionParameters": dict(each)} for name, each in collections.items()]
    return present(
        {
            "S3OutputPath": run_uri(spec, spec.facts.deployment.artifacts_bucket),
            "LocalPath": request.get("debug_hook_config", "local_path"),
            "HookParameters": request.get("debug_hook_config", "hook_parameters"),
            "CollectionConfigurations": [*listed, *short],
        }
    )


def _rules_collections(request: ResolvedRequest) -> dict[str, Mapping[str, str]]:
    rules = request.get("debugger", "rules") or []
    return {name: parameters for rule in rules for name, parameters in DEBUGGER[rule.name].items()}


def render_debug_rules(spec: JobSpec) -> list[Request]:
    request = spec.request
    listed: list[Request] = api_value(request.get("debug_rule_configurations") or [])
    if request.get("debugger", "enabled") is not True:
        return listed
    return [*listed, *_rules(spec, [(rule.name, rule.parameters) for rule in request.get("debugger", "rules") or []])]


def _rules(spec: JobSpec, rules: list[tuple[str, Mapping[str, str] | None]]) -> list[Request]:
    """Built-in rules as the SDK v2 sends them: the evaluator's image is AWS's, the rule is a parameter."""
    if not rules:
        return []
    image = images.debugger_rules_image(spec.facts.deployment.region)
    return [
        {
            "RuleConfigurationName": name,
            "RuleEvaluatorImage": image,
            "RuleParameters": {"rule_to_invoke": name, **(parameters or {})},
        }
        for name, parameters in rules
    ]


def profiles(request: ResolvedRequest) -> bool:
    """Whether the request asks for the profiler, rather than for its absence."""
    if request.get("profiler_config", "disable_profiler") is True:
        return False
    return request.get("profiler", "enabled") is True or bool(request.below("profiler_config"))


def render_profiler(spec: JobSpec) -> Request | None:
    """ProfilerConfig, sent only where a run asks. Its files lie below the run's prefix in the reports bucket, where the
    hooks read them; no field of a request sets that."""
    request = spec.request
    asked = section_of(request, "profiler_config")
    if asked.get("DisableProfiler") is True:
        return asked
    if not profiles(request) and not request.get("profiler_rule_configurations"):
        return None
    return {"S3OutputPath": run_uri(spec, spec.facts.deployment.reports_bucket), "DisableProfiler": False} | asked


def render_profiler_rules(spec: JobSpec) -> list[Request]:
    request = spec.request
    listed: list[Request] = api_value(request.get("profiler_rule_configurations") or [])
    if request.get("profiler", "enabled") is not True:
        return listed
    rules = request.get("profiler", "rules")
    named_rules = [("ProfilerReport", None)] if rules is None else [(rule.name, rule.parameters) for rule in rules]
    meant = [(name, parameters) for each, parameters in named_rules for name in MEANT.get(each, (each,))]
    return [*listed, *_rules(spec, list(dict(meant).items()))]


def render_tensor_board(spec: JobSpec) -> Request | None:
    request = spec.request
    given = bool(request.below("tensor_board_output_config"))
    if not given and request.get("tensorboard", "enabled") is not True:
        return None
    path = request.get("tensor_board_output_config", "local_path")
    return present({"S3OutputPath": run_uri(spec, spec.facts.deployment.artifacts_bucket), "LocalPath": path})
