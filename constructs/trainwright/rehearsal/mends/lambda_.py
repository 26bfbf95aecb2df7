"""Lambda: functions that run, with the configuration that they were published with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from moto.awslambda import models, responses
from moto.awslambda.exceptions import InvalidParameterValueException
from moto.core.responses import BaseResponse

from trainwright.rehearsal.functions import engine
from trainwright.rehearsal.functions.spec import FunctionSpec, Layer
from trainwright.rehearsal.mends import Mend, replace
from trainwright.rehearsal.permissions import sessions
from trainwright.rehearsal.permissions.errors import PermissionDenied

_GUIDE = "https://docs.aws.amazon.com/lambda/latest"
_RESPONSE = "moto.awslambda.responses:LambdaResponse"
_FUNCTION = "moto.awslambda.models:LambdaFunction"
_REQUEST_ID = "x-rehearsal-request-id"
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LARGEST_ANSWER = 6 * 1024 * 1024


def spec_of(function: Any, qualifier: str | None = None) -> FunctionSpec:
    """What the engine needs to know of a moto function or function version."""
    bare = function.function_arn.split(":function:")[0] + f":function:{function.function_name}"
    return FunctionSpec(
        name=function.function_name,
        version=_version(function),
        arn=f"{bare}:{_version(function)}",
        invoked_arn=f"{bare}:{qualifier}" if qualifier else bare,
        handler=function.handler or "",
        runtime=function.run_time or "container image",
        role=function.role,
        environment={name: str(value) for name, value in (function.environment_vars or {}).items()},
        timeout=int(function.timeout),
        memory=int(function.memory_size),
        code_sha256=function.code_sha_256,
        code=getattr(function, "code_bytes", b""),
        layers=tuple(_layer(function, layer["Arn"]) for layer in function.layers),
        log_group=_log_group(function),
        tracing=(function.tracing_config or {}).get("Mode") == "Active",
    )


def _version(function: Any) -> str:
    # moto calls the unpublished function's version 1 or $LATEST, depending on how it was made
    return "$LATEST" if function.function_arn.endswith(f":function:{function.function_name}") else str(function.version)


def _layer(function: Any, arn: str) -> Layer:
    found = models.lambda_backends[function.account_id][function.region].layers_versions_by_arn(arn)
    return Layer(arn, (found.code_bytes if found else None) or b"")


def _log_group(function: Any) -> str:
    wished = (getattr(function, "logging_config", None) or {}).get("LogGroup")
    return wished or f"/aws/lambda/{function.function_name}"


def invoke_function(
    self: Any, body: Any, request_headers: Any, response_headers: Any, qualifier: str | None = None
) -> bytes:
    """Run the function, or queue it when the caller asked for an event invocation."""
    event = body.encode() if isinstance(body, str) else bytes(body or b"")
    spec = spec_of(self, qualifier)
    if _kind(request_headers) == "Event":
        response_headers[_REQUEST_ID] = engine.invoke_later(spec, event, attempts=_attempts(self))
        return b""
    outcome = engine.invoke(spec, event)
    response_headers["x-amz-executed-version"] = outcome.executed_version
    response_headers[_REQUEST_ID] = outcome.request_id
    response_headers["x-amz-log-result"] = base64.b64encode(outcome.log.encode()).decode()
    if outcome.error is not None:
        response_headers["x-amz-function-error"] = outcome.error
    return outcome.payload


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("X-Amz-Invocation-Type") or headers.get("x-amz-invocation-type") or "RequestResponse"


def _attempts(function: Any) -> int:
    configs = function.event_invoke_config
    retries = configs[-1].config.get("MaximumRetryAttempts", 2) if configs else 2
    return 1 + int(retries)


def invoke(self: Any) -> tuple[int, dict[str, str], str | bytes]:
    """The API operation Invoke: 200 with the answer, 202 for an event, 204 for a dry run."""
    headers: dict[str, str] = {}
    name, qualifier = _named(unquote(self.path.rsplit("/", 2)[-2]), self._get_param("Qualifier"))
    function = self.backend.get_function(name, qualifier)
    kind = _kind(self.headers)
    if kind == "DryRun":
        return 204, {"status": "204"}, ""
    payload: bytes = function.invoke(self.body, self.headers, headers, qualifier)
    if self.headers.get("X-Amz-Log-Type") != "Tail":
        headers.pop("x-amz-log-result", None)
    if kind == "Event":
        return 202, {**headers, "status": "202"}, ""
    if len(payload) > _LARGEST_ANSWER:
        payload = _too_large(headers, len(payload))
    headers |= {"content-type": "application/json", "Content-Length": str(len(payload))}
    return 200, headers, payload


def _named(name: str, qualifier: str | None) -> tuple[str, str | None]:
    """Split ``name:qualifier`` and ``arn:...:function:name:qualifier``."""
    head, _, tail = name.rpartition(":function:") if ":function:" in name else ("", "", name)
    bare, _, own = tail.partition(":")
    return (f"{head}:function:{bare}" if head.startswith("arn:") else bare), qualifier or own or None


def _too_large(headers: dict[str, str], size: int) -> bytes:
    headers["x-amz-function-error"] = "Unhandled"
    text = f"Response payload size ({size} bytes) exceeded maximum allowed payload size (6291556 bytes)."
    return f'{{"errorMessage":"{text}","errorType":"Function.ResponseSizeTooLarge"}}'.encode()


def enrich(headers: dict[str, str], body: Any) -> tuple[dict[str, str], Any]:
    """The headers of every answer; an invocation's own request id stays."""
    request_id = headers.pop(_REQUEST_ID, None)
    enriched, text = BaseResponse._enrich_response(headers, body)
    if request_id is not None:
        enriched["x-amzn-requestid"] = request_id
    return enriched, text


_KEPT = {
    "LoggingConfig": "logging_config",
    "TracingConfig": "tracing_config",
    "KMSKeyArn": "kms_key_arn",
    "DeadLetterConfig": "dead_letter_config",
}


def _check_role(role: str) -> None:
    """Lambda takes no role that it could not assume."""
    try:
        sessions.mint(role, "lambda.amazonaws.com", "check")
    except PermissionDenied as denied:
        words = "The role defined for the function cannot be assumed by Lambda."
        raise InvalidParameterValueException(words) from denied


def _create(original: Any) -> Any:
    def __init__(self: Any, account_id: str, spec: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:
        _check_role(spec["Role"])
        original(self, account_id, spec, *args, **kwargs)
        self.logging_config = spec.get("LoggingConfig")
        self.dead_letter_config = spec.get("DeadLetterConfig")

    return __init__


def _update(original: Any) -> Any:
    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        if "Role" in config_updates:
            _check_role(config_updates["Role"])
        for key, attribute in _KEPT.items():
            if key in config_updates:
                setattr(self, attribute, config_updates[key])
        if "EphemeralStorage" in config_updates:
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        environment = config_updates.get("Environment")
        if environment is not None:  # without Variables AWS takes them all away; moto fails
            config_updates = {**config_updates, "Environment": {"Variables": environment.get("Variables", {})}}
        return dict(original(self, config_updates))

    return update_configuration


def _describe(original: Any) -> Any:
    def get_configuration(self: Any, on_create: bool = False) -> dict[str, Any]:
        config: dict[str, Any] = original(self, on_create)
        config["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": _log_group(self), **(self.logging_config or {})}
        config["Version"] = _version(self)
        return config

    return get_configuration


def _wrap(name: str, wrapper: Any) -> None:
    replace(f"{_FUNCTION}.{name}", wrapper(getattr(models.LambdaFunction, name)))


def _put(target: str, new: Any) -> None:
    replace(target, new)


MENDS: tuple[Mend, ...] = (
    Mend(
        "lambda-invoke-function",
        f"{_FUNCTION}.invoke",
        "dadc324f30aed38bf9dde5a93000c195ed3e5fb5e984f71ebd4c6629fc89aa2e",
        f"{_GUIDE}/dg/runtimes-api.html",
        "moto answers with a canned text, calls every error Handled and runs events while the caller waits",
        lambda: _put(f"{_FUNCTION}.invoke", invoke_function),
    ),
    Mend(
        "lambda-invoke-api",
        f"{_RESPONSE}.invoke",
        "8f68f0bf023a3eb476e13ab0f688e6fbde8462c194532e8ce67421dbeb91c44b",
        f"{_GUIDE}/api/API_Invoke.html",
        "moto names no executed version and answers an event invocation with its result",
        lambda: _put(f"{_RESPONSE}.invoke", invoke),
    ),
    Mend(
        "lambda-request-id",
        "moto.core.responses:BaseResponse._enrich_response",
        "86cd4a4051dd20e836fcc671792a66d3715be4c4f963705b2ae5f400bf0259d7",
        f"{_GUIDE}/api/API_Invoke.html",
        "moto gives an invocation another request id than the function sees",
        lambda: setattr(responses.LambdaResponse, "_enrich_response", staticmethod(enrich)),
    ),
    Mend(
        "lambda-create-configuration",
        f"{_FUNCTION}.__init__",
        "70a285222b4a0e116bf028325b1e929bd4a8de6615b9a14c0acb3376af6609a4",
        f"{_GUIDE}/api/API_CreateFunction.html",
        "moto drops LoggingConfig and takes a role that Lambda may not assume",
        lambda: _wrap("__init__", _create),
    ),
    Mend(
        "lambda-update-configuration",
        f"{_FUNCTION}.update_configuration",
        "eca1cdec066f996f69a7c2045cb3ae7608a15275f6fb75fc44e1c5a362f37096",
        f"{_GUIDE}/api/API_UpdateFunctionConfiguration.html",
        "moto drops LoggingConfig, TracingConfig and EphemeralStorage, and fails on an Environment without Variables",
        lambda: _wrap("update_configuration", _update),
    ),
    Mend(
        "lambda-describe-configuration",
        f"{_FUNCTION}.get_configuration",
        "803fb04bffde71d97d974007c506f6dabaf64242efdf47b05502890335eb5be2",
        f"{_GUIDE}/api/API_GetFunctionConfiguration.html",
        "moto shows no LoggingConfig and numbers the unpublished version",
        lambda: _wrap("get_configuration", _describe),
    ),
)
