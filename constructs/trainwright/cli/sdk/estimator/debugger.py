"""Debugger and profiler: rules, hook, parameters (estimator.EstimatorBase._prepare_*, debugger.*)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainwright.cli.sdk.estimator.channels import present
from trainwright.cli.sdk.estimator.distribution import Distribution, enabled
from trainwright.cli.sdk.estimator.document import TIMESTAMP, Call, bound, short
from trainwright.cli.sdk.estimator.report import Report, kwarg
from trainwright.cli.sdk.estimator.signatures import DEBUGGER_RULES, PROFILER_RULES
from trainwright.cli.sdk.objects import SdkObject
from trainwright_runtime import images, rules_by_name
from trainwright_runtime import problems as codes
from trainwright_runtime.launchers import is_trainium
from trainwright_runtime.problems import Path
from trainwright_runtime.rules.observation import WITHOUT_PROFILER

_HOOK = "debugger_hook_config"
_PROFILER = "profiler_config"

# sagemaker SDK v2, debugger.profiler_constants and debugger.metrics_config: argument, name, first step, steps
_METRICS: Mapping[str, tuple[str, str, int, int]] = {
    "detailed_profiling_config": ("DetailedProfilingConfig", "DetailedProfilingConfig", 5, 1),
    "dataloader_profiling_config": ("DataloaderProfilingConfig", "DataloaderProfilingConfig", 7, 1),
    "python_profiling_config": ("PythonProfilingConfig", "PythonProfilingConfig", 9, 3),
    "horovod_profiling_config": ("HorovodProfilingConfig", "HorovodProfilingConfig", 13, 1),
    "smdataparallel_profiling_config": ("SMDataParallelProfilingConfig", "SMDataParallelProfilingConfig", 15, 1),
}
_POSITIVE = ("patience", "window", "scan_interval_us", "increase", "stddev", "n_outliers")


@dataclass(frozen=True)
class Debugging:
    """The four members of a request; None for one that is not sent."""

    hook: dict[str, Any] | None
    rules: list[dict[str, Any]] | None
    profiler: dict[str, Any]
    profiler_rules: list[dict[str, Any]] | None


def supported(region: str) -> bool:
    """Whether the SDK uses debugger and profiler in a region."""
    return region.lower() not in WITHOUT_PROFILER


def profiler_off(call: Call) -> bool:
    """Whether the SDK switches the profiler off: asked for, or Trainium, or a region without it."""
    trainium = bool(call["instance_type"]) and is_trainium(call["instance_type"])
    return bool(call["disable_profiler"]) or trainium or not supported(call.region)


def debugging(
    call: Call, distribution: Distribution | None, output_path: str, job_name: str, report: Report
) -> Debugging:
    """Everything of debugger and profiler that the SDK sends."""
    rules = list(_sorted_rules(call, report))
    if report.problems:
        return Debugging(None, None, {}, None)
    debugger_rules = [rule for kind, rule in rules if kind == "Rule"]
    profiler_rules = [rule for kind, rule in rules if kind == "ProfilerRule"]
    sent = [_debugger_rule(rule, call, job_name, path, report) for path, rule in debugger_rules]
    server = call.estimator == "TensorFlow" and enabled(distribution, "parameter_server")
    return Debugging(
        hook=_hook(call, distribution, debugger_rules, output_path, report),
        rules=sent if sent and not server else None,
        profiler=_profiler(call, output_path, bool(profiler_rules), report),
        profiler_rules=_profiler_rules(call, profiler_rules, report) or None,
    )


Placed = tuple[Path, SdkObject]


def _sorted_rules(call: Call, report: Report) -> Iterator[tuple[str, Placed]]:
    for index, rule in enumerate(call["rules"] or ()):
        kind = short(rule).partition(".")[0]
        if kind in ("Rule", "ProfilerRule"):
            yield kind, (kwarg("rules", index), rule)
        else:
            wanted = "a Rule or ProfilerRule of sagemaker.debugger"
            report.wrong_type(kwarg("rules", index), wanted, getattr(rule, "callable", rule))


# ---- the hook ------------------------------------------------------------------------------------------------------


def _hook(
    call: Call, distribution: Distribution | None, rules: list[Placed], output_path: str, report: Report
) -> dict[str, Any] | None:
    given = call[_HOOK]
    if not supported(call.region):
        if (given and given is not True) or (rules and given is None):
            report.refuse(kwarg(_HOOK), f"the SDK knows no debugger in {call.region}", code=codes.NOT_SUPPORTED)
        return None
    if given is False or hook_dropped(call, distribution, report):
        return None
    if given in (None, True) or given == {}:
        given = SdkObject("sagemaker.debugger:DebuggerHookConfig")
    if short(given) != "DebuggerHookConfig":
        report.wrong_type(kwarg(_HOOK), "true, false or a DebuggerHookConfig", getattr(given, "callable", given))
        return None
    values = bound(given)
    own = values["collection_configs"] or []
    from_rules = [entry for _, rule in rules for entry in _rule_collections(rule)]
    return {
        "S3OutputPath": values["s3_output_path"] or output_path,
        **present({"LocalPath": values["container_local_output_path"], "HookParameters": values["hook_parameters"]}),
        "CollectionConfigurations": _collections([*from_rules, *own], report),
    }


def hook_dropped(call: Call, distribution: Distribution | None, report: Report | None = None) -> bool:
    """Whether the SDK leaves the debugger out: a parameter server, or checkpoints and what it takes for distribution.

    PyTorch and TensorFlow count as distributed always, because their empty distribution is `{}` and not None
    (estimator.Framework._validate_and_set_debugger_configs).
    """
    if call.estimator == "TensorFlow" and enabled(distribution, "parameter_server"):
        return True
    both = call["checkpoint_s3_uri"] and call["checkpoint_local_path"]
    if not both or call.framework not in ("mxnet", "pytorch", "tensorflow") or call[_HOOK] is False:
        return False
    count = call["instance_count"]
    if count is None:
        if report:
            problem = (
                "with instance_groups, a checkpoint URI and a checkpoint path, the SDK fails unless the debugger is off"
            )
            report.refuse(kwarg(_HOOK), problem, remedy="set debugger_hook_config to false")
        return True
    return call.framework != "mxnet" or count > 1


def _rule_collections(rule: SdkObject) -> list[SdkObject]:
    values = bound(rule)
    if values["collections_to_save"]:
        return list(values["collections_to_save"])
    wanted = rules_by_name.DEBUGGER.get(DEBUGGER_RULES.get(short(values.get("base_config")), ""), {})
    return [
        SdkObject("sagemaker.debugger:CollectionConfig", (), {"name": name, "parameters": dict(parameters)})
        for name, parameters in wanted.items()
    ]


def _collections(given: list[Any], report: Report) -> list[dict[str, Any]]:
    """Each collection once; the SDK keeps them in a set, so their order says nothing."""
    found: list[dict[str, Any]] = []
    for entry in given:
        values = bound(entry)
        collection = present({"CollectionName": values["name"], "CollectionParameters": values["parameters"]})
        if collection not in found:
            found.append(collection)
    return found


# ---- rules ---------------------------------------------------------------------------------------------------------


def _debugger_rule(rule: SdkObject, call: Call, job_name: str, path: Path, report: Report) -> dict[str, Any]:
    """Rule.sagemaker or Rule.custom as a member of DebugRuleConfigurations (debugger.Rule)."""
    values = bound(rule)
    parameters = _trials(values["other_trials_s3_input_paths"])
    own = _mapping(values["rule_parameters"], (*path, "rule_parameters"), report)
    if short(rule) == "Rule.sagemaker":
        builtin = DEBUGGER_RULES.get(short(values["base_config"]))
        if builtin is None:
            report.refuse((*path, "base_config"), "this is no rule of the debugger", code=codes.NOT_SUPPORTED)
            return {}
        if own.get("rule_to_invoke") is not None:
            report.refuse((*path, "rule_parameters"), "rule_to_invoke cannot be given for a rule of SageMaker's")
        values |= {"name": values["name"] or builtin, "image_uri": _rules_image(call, path, report)}
        values |= {"instance_type": None, "volume_size_in_gb": None}
        parameters |= {"rule_to_invoke": builtin, **own}
    else:
        parameters |= {**_source(values, path, report), **own}
    parameters.pop("action_json", None)
    actions = _actions(values["actions"], job_name, (*path, "actions"), report)
    parameters |= {"action_json": actions} if actions else {}
    return {
        "RuleConfigurationName": values["name"],
        "RuleEvaluatorImage": values["image_uri"],
        **_given({"InstanceType": values["instance_type"], "VolumeSizeInGB": values["volume_size_in_gb"]}),
        **_given({"LocalPath": values["container_local_output_path"], "S3OutputPath": values["s3_output_path"]}),
        **_given({"RuleParameters": parameters}),
    }


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """utils.build_dict: without what is empty."""
    return {name: value for name, value in values.items() if value}


def _mapping(value: Any, path: Path, report: Report) -> dict[str, Any]:
    if isinstance(value, Mapping) or value is None:
        return dict(value or {})
    report.wrong_type(path, "an object with names and values", getattr(value, "callable", value))
    return {}


def _trials(paths: Any) -> dict[str, Any]:
    return {f"other_trial_{index}": path for index, path in enumerate(paths or ())}


def _source(values: Mapping[str, Any], path: Path, report: Report) -> dict[str, Any]:
    """A rule of one's own: its file must lie in S3, because the SDK uploads one of this machine under a random name."""
    source, invoked = values["source"], values["rule_to_invoke"]
    if bool(source) != bool(invoked):
        report.refuse(path, "source and rule_to_invoke belong together")
    if source and not str(source).startswith("s3://"):
        problem = "the SDK uploads a file of this machine under a name made up at random"
        report.refuse((*path, "source"), problem, code=codes.NOT_SUPPORTED, allowed="an s3:// URI")
    return _given({"source_s3_uri": source, "rule_to_invoke": invoked})


def _rules_image(call: Call, path: Path, report: Report, *, detailed: bool = False) -> str:
    try:
        made = images.detailed_profiler_image if detailed else images.debugger_rules_image
        return made(call.region)
    except images.ImageError as error:
        report.refuse(path, error.problem, code=codes.NO_SUCH_IMAGE, allowed=error.allowed, remedy=error.remedy)
        return ""


def _actions(given: Any, job_name: str, path: Path, report: Report) -> str | None:
    """What a rule does when it fires, as the text in which the SDK sends it (smdebug_rulesconfig.actions)."""
    if given is None:
        return None
    if short(given) == "ActionList":
        return "[" + ", ".join(_action(entry, job_name, path, report) for entry in given.positional) + "]"
    if short(given) in ("Email", "SMS"):
        # the SDK calls a method that only StopTraining and ActionList have
        report.refuse(path, f"the SDK fails on {short(given)} alone", remedy="put it into an ActionList")
        return None
    return _action(given, job_name, path, report)


# smdebug_rulesconfig 1.0.1, actions.utils
_ACTIONS: Mapping[str, tuple[str, str]] = {
    "StopTraining": ("training_job_prefix", r"[A-Za-z0-9\-]+\n?"),
    "Email": ("email_address", r"[a-z0-9]+@\w+\.\w{2,3}\n?"),
    "SMS": ("phone_number", r"\+\d{1,15}\n?"),
}


def _action(action: Any, job_name: str, path: Path, report: Report) -> str:
    name = short(action)
    if name not in _ACTIONS:
        report.wrong_type(path, "StopTraining, Email, SMS or an ActionList", getattr(action, "callable", action))
        return ""
    argument, pattern = _ACTIONS[name]
    value = bound(action)[argument]
    if value is not None and not (isinstance(value, str) and re.fullmatch(pattern, value)):
        report.refuse(path, f"this is no {argument.replace('_', ' ')}", code=codes.WRONG_TYPE)
        return ""
    if name == "StopTraining":
        named: dict[str, Any] = {"name": "stoptraining", "training_job_prefix": job_name}
        parameters = named if value is None else {"training_job_prefix": value, "name": "stoptraining"}
    else:
        parameters = {"endpoint": value, "name": name.lower()}
    return "{" + ", ".join(f'\\"{key}\\": \\"{value}\\"' for key, value in parameters.items()) + "}"


def _profiler_rules(call: Call, rules: list[Placed], report: Report) -> list[dict[str, Any]]:
    if rules and profiler_off(call):
        report.refuse(kwarg("rules"), "profiler rules cannot be set while the profiler is off")
        return []
    sent = [_profiler_rule(rule, call, path, report) for path, rule in rules]
    config = call[_PROFILER]
    detailed = config is not None and bound(config)["profile_params"] is not None
    unruled = call["rules"] is None or (call["rules"] and not rules)
    return [_detailed_rule(call, report)] if detailed and unruled and not profiler_off(call) else sent


def _detailed_rule(call: Call, report: Report) -> dict[str, Any]:
    """The paid side job that the SDK adds for `Profiler` (debugger.get_default_profiler_processing_job)."""
    return {
        "RuleConfigurationName": f"DetailedProfilerProcessingJobConfig-{TIMESTAMP}",
        "RuleEvaluatorImage": _rules_image(call, kwarg(_PROFILER, "profile_params"), report, detailed=True),
        "InstanceType": "ml.m5.4xlarge",
        "VolumeSizeInGB": 128,
        "RuleParameters": {"rule_to_invoke": "DetailedProfilerProcessing"},
    }


def _profiler_rule(rule: SdkObject, call: Call, path: Path, report: Report) -> dict[str, Any]:
    values = bound(rule)
    if short(rule) == "ProfilerRule.sagemaker":
        parameters = _builtin_parameters(values["base_config"], (*path, "base_config"), report)
        if parameters is None:
            return {}
        values["name"] = values["name"] or parameters["rule_to_invoke"]
        detailed = str(values["name"]).startswith("DetailedProfilerProcessingJobConfig")
        values["image_uri"] = _rules_image(call, path, report, detailed=detailed)
        machine = (values["instance_type"] or "ml.m5.4xlarge", values["volume_size_in_gb"] or 128)
        values["instance_type"], values["volume_size_in_gb"] = machine if detailed else (None, None)
    else:
        own = _mapping(values["rule_parameters"], (*path, "rule_parameters"), report)
        parameters = {**_source(values, path, report), **own}
    return {
        "RuleConfigurationName": values["name"],
        "RuleEvaluatorImage": values["image_uri"],
        **_given({"InstanceType": values["instance_type"], "VolumeSizeInGB": values["volume_size_in_gb"]}),
        **_given({"LocalPath": values["container_local_output_path"], "S3OutputPath": values["s3_output_path"]}),
        **_given({"RuleParameters": {name: str(value) for name, value in parameters.items()}}),
    }


def _builtin_parameters(base: Any, path: Path, report: Report) -> dict[str, Any] | None:
    name = short(base)
    if name == "ProfilerReport":
        return _report_parameters(base, path, report)
    if name not in PROFILER_RULES:
        allowed = ", ".join(rules_by_name.PROFILER)
        problem = "this is no rule of the profiler"
        report.refuse(path, problem, code=codes.NOT_SUPPORTED, allowed=allowed)
        return None
    parameters = bound(base)
    for key, value in parameters.items():
        _check_rule_parameter(name, key, value, (*path, key), report)
    return {**parameters, "rule_to_invoke": name}


def _report_parameters(base: SdkObject, path: Path, report: Report) -> dict[str, Any]:
    """ProfilerReport takes the other rules' parameters: `CPUBottleneck_threshold`."""
    rules = {name.lower(): name for name in PROFILER_RULES}
    for key, value in base.keywords.items():
        first, _, parameter = key.partition("_")
        rule = rules.get(first.lower())
        if rule is None or parameter.lower() not in PROFILER_RULES[rule]:
            allowed = "RULE_PARAMETER, such as CPUBottleneck_threshold"
            report.refuse((*path, key), "no rule has this parameter", code=codes.UNKNOWN_FIELD, allowed=allowed)
        else:
            _check_rule_parameter(rule, parameter.lower(), value, (*path, key), report)
    return {**base.keywords, "rule_to_invoke": "ProfilerReport"}


def _check_rule_parameter(rule: str, key: str, value: Any, path: Path, report: Report) -> None:
    """smdebug_rulesconfig.profiler_rules.utils"""
    if (rule, key) == ("StepOutlier", "mode"):
        sound, allowed = value is None or isinstance(value, str), "text"
    elif not isinstance(value, int | float):
        sound, allowed = False, "a number"
    elif key in _POSITIVE or rule in ("Dataloader", "MaxInitializationTime"):
        sound, allowed = value > 0, "a number above 0"
    else:
        sound, allowed = 0 <= value <= 100, "0 to 100"
    if not sound:
        report.refuse(path, f"{rule} does not take this value", code=codes.OUT_OF_RANGE, allowed=allowed)


# ---- the profiler --------------------------------------------------------------------------------------------------


def _profiler(call: Call, output_path: str, rules: bool, report: Report) -> dict[str, Any]:
    given = call[_PROFILER]
    if given is None:
        return {"DisableProfiler": True} if profiler_off(call) else _sent(output_path, {})
    values = bound(given)
    if profiler_off(call) and not values["disable_profiler"]:
        reason = "disable_profiler is true" if call["disable_profiler"] else "the SDK switches it off here"
        report.refuse(kwarg(_PROFILER), f"a profiler is configured although {reason}")
    parameters = _profiling_parameters(values, report)
    interval = {"ProfilingIntervalInMilliseconds": values["system_monitor_interval_millis"]}
    rest = present({**interval, "ProfilingParameters": parameters})
    if values["disable_profiler"] is False:
        return _sent(values["s3_output_path"] or output_path, rest)
    return {"DisableProfiler": values["disable_profiler"], **rest}


def _sent(output_path: str, rest: Mapping[str, Any]) -> dict[str, Any]:
    return {"S3OutputPath": output_path, "DisableProfiler": False, **rest}


def _profiling_parameters(values: Mapping[str, Any], report: Report) -> dict[str, str] | None:
    framework, detailed = values["framework_profile_params"], values["profile_params"]
    if framework is not None and detailed is not None:
        report.refuse(kwarg(_PROFILER), "profile_params and framework_profile_params cannot be used together")
        return None
    if framework is not None:
        return _framework_parameters(bound(framework), report)
    if detailed is None:
        return None
    asked = bound(detailed)
    return {
        "CPUProfilingDuration": str(asked["cpu_profiling_duration"]),
        "SMPFileRotationSecs": str(asked["file_rotation_interval"]),
    }


def _framework_parameters(values: Mapping[str, Any], report: Report) -> dict[str, str]:
    """FrameworkProfile: metrics of one's own, else one range for all of them, else the defaults."""
    path = kwarg(_PROFILER, "framework_profile_params")
    found = {
        "LocalPath": values["local_path"],
        "RotateMaxFileSizeInBytes": str(values["file_max_size"]),
        "RotateFileCloseIntervalInSeconds": str(values["file_close_interval"]),
        "FileOpenFailThreshold": str(values["file_open_fail_threshold"]),
    }
    own = {name: values[name] for name in _METRICS if values[name] is not None}
    asked_range = {name: values[name] for name in ("start_step", "num_steps", "start_unix_time", "duration")}
    for argument, (config, name, start, steps) in _METRICS.items():
        if argument in own:
            metric = bound(own[argument])
        elif own:
            continue
        else:
            defaults = {"profile_default_steps": all(value is None for value in asked_range.values())}
            metric = {**_METRIC_DEFAULTS, **asked_range, **defaults}
        found[name] = _metric(config, metric, (start, steps), (*path, argument), report)
    _check_trace_file(values, path, report)
    return found


_METRIC_DEFAULTS: Mapping[str, Any] = {
    "metrics_regex": ".*",
    "python_profiler": "cprofile",
    "cprofile_timer": "total_time",
}


def _check_trace_file(values: Mapping[str, Any], path: Path, report: Report) -> None:
    if not isinstance(values["local_path"], str):
        report.wrong_type((*path, "local_path"), "text", values["local_path"])
    for name in ("file_max_size", "file_close_interval", "file_open_fail_threshold"):
        kinds = int | float if name == "file_close_interval" else int
        if not isinstance(values[name], kinds) or values[name] <= 0:
            report.wrong_type((*path, name), "a number above 0", values[name])


def _metric(config: str, metric: Mapping[str, Any], steps: tuple[int, int], path: Path, report: Report) -> str:
    """One metric's range as the SDK writes it: not JSON, for a comma is left at the end (debugger.utils)."""
    found = _range(metric, steps, path, report)
    if config == "DataloaderProfilingConfig":
        found["MetricsRegex"] = metric["metrics_regex"]
    if config == "PythonProfilingConfig":
        profiler = _choice(metric["python_profiler"], _PROFILERS, path, report)
        timer = _choice(metric["cprofile_timer"], _TIMERS, path, report)
        found["ProfilerName"] = profiler
        if profiler != "pyinstrument":
            found["cProfileTimer"] = "default" if metric["profile_default_steps"] else timer
    pairs = (
        f'"{key}": {json.dumps(value) if not isinstance(value, str) else _quoted(value)}, '
        for key, value in found.items()
    )
    return "{" + "".join(pairs) + "}"


def _quoted(value: str) -> str:
    return f'"{value}"'


# sagemaker SDK v2, debugger.utils: PythonProfiler and cProfileTimer
_PROFILERS = ("cprofile", "pyinstrument")
_TIMERS = ("total_time", "cpu_time", "off_cpu_time", "default")


def _choice(value: Any, allowed: tuple[str, ...], path: Path, report: Report) -> Any:
    """A value of an enumeration: as an object, whose argument is the value, or the default."""
    chosen = bound(value)["value"] if isinstance(value, SdkObject) else value
    if chosen not in allowed:
        report.refuse(path, "this is none of its values", code=codes.WRONG_TYPE, allowed=", ".join(allowed))
    return chosen


def _range(metric: Mapping[str, Any], defaults: tuple[int, int], path: Path, report: Report) -> dict[str, Any]:
    start, steps = metric["start_step"], metric["num_steps"]
    unix, duration = metric["start_unix_time"], metric["duration"]
    if metric["profile_default_steps"] or (start is None and steps is None and unix is None and duration is None):
        start, steps = defaults
    by_step, by_time = start is not None or steps is not None, unix is not None or duration is not None
    if by_step and by_time:
        report.refuse(path, "steps and times cannot be given together")
    for name, value, least in (("start_step", start, 0), ("num_steps", steps, 1), ("duration", duration, 0)):
        kinds = int | float if name == "duration" else int
        if value is not None and (not isinstance(value, kinds) or value < least):
            report.wrong_type((*path, name), "a number", value)
    if by_time and not by_step:
        return present({"StartTimeInSecSinceEpoch": unix, "Duration": duration})
    # The SDK fills in one of the two only, and writes None for the other.
    start = 0 if start is None else start
    return {"StartStep": start, "NumSteps": 1 if steps is None and metric["start_step"] is not None else steps}
