"""A document that says what a ModelTrainer was given -> the SDK's own objects, or every problem of it.

`{"estimator": "ModelTrainer", "region": ..., "kwargs": {...}, "fit": {...}, "with": {...}}`. What `with_*` methods were
given is a mapping, `{"with_retry_strategy": {"$": "...:RetryStrategy", ...}, "with_checkpoint_config": null}`, or,
where the order or a repetition matters, a list of `[method, argument]`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from trainwright.cli.sdk.objects import SdkObject, SdkRefusal, read_objects
from trainwright.cli.sdk.trainer import classes
from trainwright.cli.sdk.trainer.classes import Additions, Fit, Mode, ModelTrainer, Session, Shape
from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Path, Problem, shown

ACCOUNT = "123456789012"
"""The sample account, for names that the SDK takes from the caller's account (the default bucket)."""
TIMESTAMP = "20260101000000"
"""What stands for the time in a job's name, which the SDK takes from the clock, to the second."""

_KEYS = {"estimator", "trainer", "region", "kwargs", "fit", "with", "job_name", "account"}
_IGNORED_KEYS = {"case", "sdk", "note", "request", "operation", "uploads", "aws_calls"}
_NAMES = {"ModelTrainer", "trainer", "sagemaker.train:ModelTrainer", "sagemaker.train.model_trainer:ModelTrainer"}

_V2_NAMES: Mapping[str, str] = {
    "image_uri": "training_image",
    "instance_type": "compute.instance_type",
    "instance_count": "compute.instance_count",
    "volume_size": "compute.volume_size_in_gb",
    "volume_kms_key": "compute.volume_kms_key_id",
    "keep_alive_period_in_seconds": "compute.keep_alive_period_in_seconds",
    "instance_groups": "compute.instance_groups",
    "training_plan": "compute.training_plan_arn",
    "use_spot_instances": "compute.enable_managed_spot_training",
    "max_run": "stopping_condition.max_runtime_in_seconds",
    "max_wait": "stopping_condition.max_wait_time_in_seconds",
    "checkpoint_s3_uri": "checkpoint_config.s3_uri",
    "checkpoint_local_path": "checkpoint_config.local_path",
    "output_path": "output_data_config.s3_output_path",
    "output_kms_key": "output_data_config.kms_key_id",
    "disable_output_compression": "output_data_config.compression_type",
    "entry_point": "source_code.entry_script",
    "source_dir": "source_code.source_dir",
    "container_entry_point": "source_code.command",
    "container_entrypoint": "source_code.command",
    "container_arguments": "source_code.args",
    "distribution": "distributed",
    "input_mode": "training_input_mode",
    "subnets": "networking.subnets",
    "security_group_ids": "networking.security_group_ids",
    "enable_network_isolation": "networking.enable_network_isolation",
    "encrypt_inter_container_traffic": "networking.enable_inter_container_traffic_encryption",
    "metric_definitions": "with_metric_definitions",
    "max_retry_attempts": "with_retry_strategy",
    "retry_strategy": "with_retry_strategy",
    "enable_infra_check": "with_infra_check_config",
    "infra_check_config": "with_infra_check_config",
    "enable_remote_debug": "with_remote_debug_config",
    "remote_debug_config": "with_remote_debug_config",
    "enable_session_tag_chaining": "with_session_chaining_config",
    "session_chaining_config": "with_session_chaining_config",
    "tensorboard_output_config": "with_tensorboard_output_config",
    "tensor_board_output_config": "with_tensorboard_output_config",
}
"""Arguments of a v2 estimator (and the API's fields) and where the SDK v3 has them."""

_NOT_IN_V3: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "profiler_config",
            "profiler_rule_configurations",
            "disable_profiler",
            "debugger_hook_config",
            "debug_hook_config",
            "debug_rule_configurations",
            "rules",
        ),
        "the SDK v3's ModelTrainer has neither profiler nor debugger; a run request has both (profiler, debugger)",
    ),
    **dict.fromkeys(
        ("framework_version", "py_version", "transformers_version", "pytorch_version", "tensorflow_version"),
        "the SDK v3's ModelTrainer looks no image up: give its URI as training_image; a run request takes framework",
    ),
    "compiler_config": "the SDK v3's ModelTrainer has no Training Compiler; a run request has it (compilation)",
    "dependencies": "put these folders into source_code.source_dir",
    "config_mgr": "defaults of a SageMaker configuration file cannot be known here; write them into kwargs",
}

_T = TypeVar("_T", bound=Shape)
_BAD: Any = object()
"""Stands for a value whose problem is told already."""


@dataclass(frozen=True)
class Call:
    """A trainer, what its methods set and what `train` was given, each as the SDK would hold it."""

    trainer: ModelTrainer
    fit: Fit
    additions: Additions
    session: Session
    region: str
    account: str = ACCOUNT
    job_name: str | None = None
    given: frozenset[str] = frozenset()
    """The settings that the document names itself, dotted: `compute.volume_size_in_gb`."""


def read(data: object) -> Call:
    """The call that a document describes; SdkRefusal with all its problems."""
    reader = _Reader()
    call = reader.call(data)
    if reader.problems or call is None:
        raise SdkRefusal(reader.problems)
    return call


@dataclass
class _Reader:
    problems: list[Problem] = field(default_factory=list)

    def call(self, data: object) -> Call | None:
        if not isinstance(data, Mapping):
            self._say(codes.NOT_A_DOCUMENT, (), "this is no mapping", shown(data))
            return None
        self._check_keys(data)
        kwargs = self._mapping(data, "kwargs")
        session, region = self._session(kwargs.pop("sagemaker_session", None), self._region(data))
        self._hyperparameters(kwargs.get("hyperparameters"))
        trainer = self._shape(ModelTrainer, self._without_unknown(kwargs), ("kwargs",))
        fit = self._shape(Fit, self._mapping(data, "fit"), ("fit",))
        additions = self._additions(data.get("with"))
        if trainer is not None:
            self._check_trainer(trainer)
        if trainer is None or fit is None or additions is None or region is None or session is None:
            return None
        named = frozenset(_dotted(kwargs))
        return Call(
            trainer, fit, additions, session, region, self._account(data), self._text(data, "job_name", None), named
        )

    # --- the document's own keys -----------------------------------------------------------------------------------

    def _check_keys(self, data: Mapping[Any, Any]) -> None:
        if "tuner" in data:
            self._say(codes.NOT_SUPPORTED, ("tuner",), "a tuning job is not a training job; only its trainer is read")
        for key in data:
            if key not in _KEYS | _IGNORED_KEYS | {"tuner"}:
                near = difflib.get_close_matches(str(key), sorted(_KEYS), n=1)
                remedy = f"did you mean {near[0]}?" if near else None
                self._say(codes.UNKNOWN_FIELD, (str(key),), "unknown key", allowed=", ".join(sorted(_KEYS)), fix=remedy)
        name = data.get("estimator", data.get("trainer", "ModelTrainer"))
        if name not in _NAMES:
            self._refuse_estimator(name)

    def _refuse_estimator(self, name: object) -> None:
        path = ("estimator",)
        if isinstance(name, str) and name.rpartition(":")[2].startswith("ModelTrainer.from_"):
            self._say(codes.NOT_SUPPORTED, path, "recipes and JumpStart models are read from S3, so not here", name)
            return
        fix = "what a v2 estimator was given is read with --estimator"
        self._say(codes.NOT_SUPPORTED, path, "this is not the SDK v3's trainer", shown(name), "ModelTrainer", fix)

    def _region(self, data: Mapping[Any, Any]) -> str | None:
        region = self._text(data, "region", None)
        if region is None and data.get("region") is None:
            fix = 'write the region that the trainer runs in, such as "region": "us-west-2"'
            self._say(codes.MISSING, ("region",), "this is missing", fix=fix)
        return region

    def _account(self, data: Mapping[Any, Any]) -> str:
        account = self._text(data, "account", ACCOUNT) or ACCOUNT
        if not re.fullmatch(r"\d{12}", account):
            self._say(codes.WRONG_TYPE, ("account",), "this is no AWS account", shown(account), "12 digits, quoted")
        return account

    def _text(self, data: Mapping[Any, Any], key: str, default: str | None) -> str | None:
        value = data.get(key)
        if value is None or isinstance(value, str):
            return default if value is None else value
        self._say(codes.WRONG_TYPE, (key,), "this is of the wrong type", shown(value), "text")
        return default

    def _mapping(self, data: Mapping[Any, Any], key: str) -> dict[str, Any]:
        value = data.get(key)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {str(name): read_objects(entry) for name, entry in value.items()}
        self._say(codes.WRONG_TYPE, (key,), "this is of the wrong type", shown(value), "a mapping of argument to value")
        return {}

    # --- the trainer's arguments -----------------------------------------------------------------------------------

    def _without_unknown(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        for name in [name for name in kwargs if name not in ModelTrainer.model_fields]:
            self._unknown(ModelTrainer, (*("kwargs",), name), name, kwargs.pop(name))
        if isinstance(mode := kwargs.get("training_mode"), SdkObject):
            kwargs["training_mode"] = mode.positional[0] if mode.positional else mode.name.rpartition(".")[2]
        if isinstance(mode := kwargs.get("training_mode"), str):
            kwargs["training_mode"] = mode.removeprefix("Mode.")
        return kwargs

    def _unknown(self, cls: type[Shape], path: Path, name: str, value: object) -> None:
        owner = "ModelTrainer" if cls is ModelTrainer else _sdk_name(cls)
        near = difflib.get_close_matches(name, list(cls.model_fields), n=1)
        fix = f"did you mean {near[0]}?" if near else None
        if cls is ModelTrainer:
            v3 = _V2_NAMES.get(name)
            fix = _NOT_IN_V3.get(name) or (f"the SDK v3 has it as {v3}" if v3 else fix)
        allowed = None if fix else ", ".join(cls.model_fields)
        self._say(codes.UNKNOWN_FIELD, path, f"{owner} has no argument {name}", _shown(value), allowed, fix)

    def _hyperparameters(self, value: object) -> None:
        path = ("kwargs", "hyperparameters")
        if isinstance(value, str) and value:
            fix = "write the file's content in its place"
            self._say(codes.NOT_SUPPORTED, path, "files of hyperparameters are not read here", shown(value), fix=fix)
        if isinstance(value, Mapping):
            for name, entry in value.items():
                if any(isinstance(part, SdkObject) for part in _parts(entry)):
                    self._say(codes.NOT_SUPPORTED, (*path, str(name)), "the text of an object cannot be known here")

    def _session(self, value: object, region: str | None) -> tuple[Session | None, str | None]:
        path: Path = ("kwargs", "sagemaker_session")
        if value is None:
            return Session(), region
        if not isinstance(value, SdkObject) or value.name != "Session" or value.positional:
            allowed = "Session with default_bucket, default_bucket_prefix"
            self._say(codes.NOT_SUPPORTED, path, "of a session only its default bucket is read", allowed=allowed)
            return None, region
        arguments = dict(value.keywords)
        boto = arguments.pop("boto_session", None)
        if isinstance(boto, SdkObject) and isinstance(boto.keywords.get("region_name"), str):
            region = boto.keywords["region_name"]
        for name in [name for name in arguments if name not in Session.model_fields]:
            self._say(codes.NOT_SUPPORTED, (*path, name), "this part of a session is not read here")
            arguments.pop(name)
        return self._shape(Session, arguments, path), region

    def _check_trainer(self, trainer: ModelTrainer) -> None:
        if trainer.training_mode is Mode.LOCAL_CONTAINER:
            text = "local mode starts a container on this machine and sends no request"
            self._say(codes.NOT_SUPPORTED, ("kwargs", "training_mode"), text, trainer.training_mode.value)
        for name, problem in trainer_conflicts(trainer):
            self._say(codes.CONFLICT, ("kwargs", name), problem)

    # --- what the with_* methods were given ------------------------------------------------------------------------

    def _additions(self, value: object) -> Additions | None:
        settings: dict[str, Any] = {}
        for path, method, arguments, keywords in self._method_calls(value):
            parameter = method.removeprefix("with_")
            if method not in METHODS:
                fix = next((f"did you mean {name}?" for name in difflib.get_close_matches(method, METHODS, n=1)), None)
                self._say(codes.UNKNOWN_FIELD, path, f"ModelTrainer has no method {method}", fix=fix)
                continue
            if keywords.keys() - {parameter} or len(arguments) + len(keywords) > 1:
                self._say(codes.WRONG_TYPE, path, f"{method} takes one argument, {parameter}")
                continue
            settings[parameter] = self._addition(method, parameter, [*arguments, *keywords.values()], path)
        return self._shape(Additions, {name: entry for name, entry in settings.items() if entry is not _BAD}, ("with",))

    def _addition(self, method: str, parameter: str, arguments: list[Any], path: Path) -> Any:
        default = METHODS[method]
        if not arguments and method in _NEEDS_ARGUMENT:
            self._say(codes.MISSING, path, f"{method} needs its argument {parameter}")
            return _BAD
        value = self._build(arguments[0], path) if arguments else None
        if value is _BAD or value:
            if method == "with_tensorboard_output_config" and isinstance(value, Mapping):
                allowed = '{"$": "sagemaker.train.configs:TensorBoardOutputConfig", ...}'
                self._say(codes.WRONG_TYPE, path, "the SDK takes an object here, not a mapping", allowed=allowed)
                return _BAD
            return value
        return default() if default else None

    def _method_calls(self, value: object) -> Iterator[tuple[Path, str, list[Any], dict[str, Any]]]:
        if value is None:
            return
        if isinstance(value, Mapping):
            for name, argument in value.items():
                yield self._method_call(("with", str(name)), str(name), read_objects(argument))
        elif isinstance(value, list):
            for position, entry in enumerate(value):
                yield from self._method_entry(("with", position), entry)
        else:
            self._say(
                codes.WRONG_TYPE,
                ("with",),
                "this is of the wrong type",
                shown(value),
                "a mapping of method to argument",
            )

    def _method_entry(self, path: Path, entry: object) -> Iterator[tuple[Path, str, list[Any], dict[str, Any]]]:
        if isinstance(entry, str):
            yield path, entry, [], {}
        elif isinstance(entry, list) and entry and isinstance(entry[0], str) and len(entry) <= 2:
            yield self._method_call(path, entry[0], read_objects(entry[1]) if len(entry) == 2 else [])
        elif isinstance(entry, Mapping) and len(entry) == 1 and "$" not in entry:
            yield from self._method_calls(entry)
        else:
            self._say(codes.WRONG_TYPE, path, "this is no call of a method", shown(entry), "[method, argument]")

    def _method_call(self, path: Path, method: str, argument: Any) -> tuple[Path, str, list[Any], dict[str, Any]]:
        """The arguments of one call: `[]` is none, `[x]` one (but a list of metric definitions is the argument itself),
        `{parameter: x}` one by its name, anything else the argument."""
        parameter = method.removeprefix("with_")
        if isinstance(argument, Mapping) and set(argument) == {parameter}:
            return path, method, [], dict(argument)
        if isinstance(argument, list):
            whole = (
                parameter == "metric_definitions" and bool(argument) and isinstance(argument[0], SdkObject | Mapping)
            )
            return path, method, [argument] if whole else argument, {}
        return path, method, [argument], {}

    # --- objects ---------------------------------------------------------------------------------------------------

    def _shape(self, cls: type[_T], arguments: Mapping[str, Any], path: Path) -> _T | None:
        """An object of `cls` from built arguments; None with its problems told."""
        built = {name: self._build(value, (*path, name)) for name, value in arguments.items()}
        return self._validated(cls, built, path)

    def _validated(self, cls: type[_T], built: Mapping[str, Any], path: Path) -> _T | None:
        bad = {name for name, value in built.items() if value is _BAD}
        try:
            shape = cls(**{name: value for name, value in built.items() if value is not _BAD})
        except ValidationError as error:
            self._tell(cls, error, path, bad)
            return None
        return None if bad else shape

    def _build(self, value: Any, path: Path) -> Any:
        if isinstance(value, SdkObject):
            return self._object(value, path)
        if isinstance(value, list):
            entries = [self._build(entry, (*path, position)) for position, entry in enumerate(value)]
            return _BAD if any(entry is _BAD for entry in entries) else entries
        if isinstance(value, Mapping):
            members = {name: self._build(entry, (*path, str(name))) for name, entry in value.items()}
            return _BAD if any(entry is _BAD for entry in members.values()) else members
        return value

    def _object(self, value: SdkObject, path: Path) -> Any:
        cls = classes.find(value.callable.rpartition(":")[0], value.name)
        if cls is None:
            text = f"{value.callable} is no class that a training job's request is made of"
            self._say(codes.NOT_SUPPORTED, path, text, allowed=", ".join(sorted(classes.BY_NAME)))
            return _BAD
        if value.positional:
            self._say(codes.WRONG_TYPE, path, f"{value.name} takes its arguments by name, not by position")
            return _BAD
        shape = self._shape(cls, value.keywords, path)
        return _BAD if shape is None else shape

    def _tell(self, cls: type[Shape], error: ValidationError, path: Path, told: set[str]) -> None:
        for where, entry in _readable(error):
            if where and where[0] in told:
                continue
            full = (*path, *where)
            if entry["type"] == "extra_forbidden":
                self._unknown(_class_at(cls, where), full, str(where[-1]), entry["input"])
            elif entry["type"] == "missing":
                self._say(codes.MISSING, full, "this is missing")
            elif entry["type"] == "value_error":
                self._say(codes.CONFLICT, full, str(entry["ctx"]["error"]))
            else:
                self._say(codes.WRONG_TYPE, full, "the SDK refuses this", _shown(entry["input"]), wanted(entry))

    def _say(
        self,
        code: str,
        path: Path,
        problem: str,
        value: str | None = None,
        allowed: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.problems.append(Problem(code, path, problem, value, allowed, fix))


METHODS: Mapping[str, Callable[[], Shape] | None] = {
    "with_retry_strategy": None,
    "with_infra_check_config": lambda: classes.InfraCheckConfig(enable_infra_check=True),
    "with_session_chaining_config": lambda: classes.SessionChainingConfig(enable_session_tag_chaining=True),
    "with_remote_debug_config": lambda: classes.RemoteDebugConfig(enable_remote_debug=True),
    "with_tensorboard_output_config": classes.TensorBoardOutputConfig,
    "with_checkpoint_config": classes.CheckpointConfig,
    "with_metric_definitions": None,
}
"""The trainer's methods and what each sets where its argument is None."""
_NEEDS_ARGUMENT = {"with_retry_strategy", "with_remote_debug_config", "with_metric_definitions"}


def trainer_conflicts(trainer: ModelTrainer) -> Iterator[tuple[str, str]]:
    """What the SDK raises for when it is given these arguments together: the argument and a sentence."""
    if not trainer.training_image and not trainer.algorithm_name:
        yield "training_image", "one of training_image and algorithm_name is needed"
    if trainer.training_image and trainer.algorithm_name:
        yield "algorithm_name", "training_image and algorithm_name exclude each other; keep one of them"
    if trainer.training_input_mode is None:
        yield "training_input_mode", "None is no input mode; leave it out for File"
    yield from _source_conflicts(trainer)
    networking = trainer.networking
    if networking is not None and (networking.subnets is None) != (networking.security_group_ids is None):
        yield "networking", "subnets and security_group_ids are needed together, or neither"


def _source_conflicts(trainer: ModelTrainer) -> Iterator[tuple[str, str]]:
    source = trainer.source_code
    if source is None:
        if trainer.distributed is not None:
            yield "distributed", "distributed needs source_code with an entry_script, which the launcher starts"
        return
    if trainer.distributed is not None and not source.entry_script:
        yield "source_code", "distributed needs an entry_script, which the launcher starts"
    if (source.requirements or source.entry_script) and not source.source_dir:
        yield "source_code", "requirements and entry_script are files of source_dir, which is missing"
    if source.requirements or source.entry_script:
        yield from _source_dir_conflicts(source.source_dir or "")
    if not source.command and not source.entry_script:
        yield "source_code", "there is nothing to start: give an entry_script or a command"
    elif (
        not source.command and trainer.distributed is None and not (source.entry_script or "").endswith((".py", ".sh"))
    ):
        yield "source_code", f"entry_script {source.entry_script} is neither a .py nor a .sh file"


def _source_dir_conflicts(source_dir: str) -> Iterator[tuple[str, str]]:
    if source_dir.startswith("s3://") and not source_dir.endswith(("/", ".tar.gz")):
        yield "source_code", "a source_dir in S3 must end in / (a folder) or in .tar.gz"


def _readable(error: ValidationError) -> Iterator[tuple[Path, Any]]:
    """pydantic's errors with the paths that the document has; of a union, only the branch with the fewest."""
    found: dict[Path, dict[str, list[tuple[Path, Any]]]] = {}
    for entry in error.errors(include_url=False):
        location = entry["loc"]
        branch = next((position for position, part in enumerate(location) if _is_branch(part)), len(location))
        label = str(location[branch]) if branch < len(location) else ""
        where = tuple(part for part in location if not _is_branch(part))
        found.setdefault(tuple(location[:branch]), {}).setdefault(label, []).append((where, entry))
    for branches in found.values():
        yield from min(branches.values(), key=lambda entries: (len(entries), _is_wrong_class(entries)))


def _is_wrong_class(entries: list[tuple[Path, Any]]) -> bool:
    return any(entry["type"] in ("is_instance_of", "model_type", "string_type") for _, entry in entries)


def _is_branch(part: str | int) -> bool:
    """Whether a part of pydantic's path is the name of a union's branch and not of a field."""
    return isinstance(part, str) and (
        part in classes.BY_NAME or part in ("str", "int", "float") or bool(re.match(r"[a-z-]+\[", part))
    )


def _class_at(cls: type[Shape], where: Path) -> type[Shape]:
    """The class whose argument the path ends in, as far as the fields' own types say."""
    for part in where[:-1]:
        model_field = cls.model_fields.get(str(part))
        text = str(model_field.annotation) if model_field else ""
        names = [name for name in classes.BY_NAME if re.search(rf"\.{name}\b", text)]
        cls = classes.BY_NAME[names[0]] if names else cls
    return cls


def _sdk_name(cls: type[Shape]) -> str:
    return {"Fit": "train"}.get(cls.__name__, cls.__name__.removeprefix("Core"))


_WANTED: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
}


def wanted(entry: Any) -> str:
    """What a field takes, in words, from one of pydantic's errors."""
    if entry["type"] in _WANTED:
        return _WANTED[entry["type"]]
    if entry["type"] in ("model_type", "dataclass_type"):
        return f"an object of class {entry['ctx']['class_name'].removeprefix('Core')}"
    if entry["type"] == "is_instance_of":
        return "an object, Torchrun or MPI"
    if entry["type"] == "enum":
        return str(entry["ctx"]["expected"])
    return str(entry["msg"])


def _shown(value: object) -> str | None:
    """A value for a message; None where an object is in it, whose text would be Python's."""
    return (
        None
        if any(isinstance(part, SdkObject | Shape | classes.Unassigned) for part in _parts(value))
        else shown(value)
    )


def _parts(value: object) -> Iterator[object]:
    yield value
    members: Iterable[object] = ()
    if isinstance(value, Mapping):
        members = value.values()
    elif isinstance(value, list):
        members = value
    for member in members:
        yield from _parts(member)


def _dotted(kwargs: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in kwargs.items():
        yield f"{prefix}{name}"
        members = value.keywords if isinstance(value, SdkObject) else value
        if isinstance(members, Mapping):
            yield from _dotted(members, f"{prefix}{name}.")
