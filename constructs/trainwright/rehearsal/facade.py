"""The only way in which the engines of this account reach it: as clients of its endpoint, like anybody else.

What has no public API (an event that AWS itself emits, a permission that AWS checks without a call of that name) is
here too, so that engines know nothing of moto.
"""

from __future__ import annotations

import functools
import json
import logging
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from trainwright.rehearsal import clock, permissions, processes
from trainwright.rehearsal.config import OWN_AGENT, Config
from trainwright.rehearsal.metrics import emf
from trainwright.rehearsal.permissions import sessions
from trainwright.rehearsal.permissions.errors import PermissionDenied

__all__ = ["Config", "PermissionDenied"]

log = logging.getLogger("trainwright.rehearsal")

ROOT_ACCESS_KEY = "test"
ROOT_SECRET_KEY = "test"  # noqa: S105  (a loopback account has no secrets)


class NotStarted(RuntimeError):
    """Something asked for the account before it had one."""


_config: Config | None = None
_endpoint: str | None = None
_start_callbacks: list[Callable[[], None]] = []
_stop_callbacks: list[Callable[[], None]] = []
_lost_guarantees: list[str] = []
_namespaces = False
_client_lock = threading.Lock()
_log_lock = threading.Lock()
_events = clock.Lane("events")


# --- configuration -------------------------------------------------------------------------------------------------


def configure(config: Config) -> None:
    """Set the configuration; the server does this before anything else."""
    global _config  # noqa: PLW0603  (one account a process)
    _config = config


def set_endpoint(endpoint: str) -> None:
    """Tell everybody where the account answers; the server does this once the port is bound."""
    global _endpoint  # noqa: PLW0603
    _endpoint = endpoint


def config() -> Config:
    """The configuration of this account."""
    if _config is None:
        raise NotStarted("the rehearsal account is not configured")
    return _config


def root() -> Path:
    """The folder of this account: unpacked code, hosts' files, account.log."""
    return config().root


def account_id() -> str:
    """The twelve digits of this account."""
    return config().account_id


def region() -> str:
    """The one region of this account."""
    return config().region


def endpoint() -> str:
    """``http://localhost:PORT``."""
    if _endpoint is None:
        raise NotStarted("the rehearsal account is not listening")
    return _endpoint


def lose_guarantee(sentence: str) -> None:
    """Note something that this machine cannot give; it is said in the server's ready line."""
    if sentence not in _lost_guarantees:
        _lost_guarantees.append(sentence)


def set_namespaces(possible: bool) -> None:
    """Say whether hosts get a mount namespace of their own; whoever starts hosts finds out."""
    global _namespaces  # noqa: PLW0603
    _namespaces = possible


def namespaces() -> bool:
    """What was said with `set_namespaces`."""
    return _namespaces


def lost_guarantees() -> list[str]:
    """What was noted with `lose_guarantee`."""
    return list(_lost_guarantees)


# --- life ----------------------------------------------------------------------------------------------------------


def on_start(callback: Callable[[], None]) -> None:
    """Call ``callback`` once the endpoint answers; engines register when their module is imported."""
    _start_callbacks.append(callback)


def on_stop(callback: Callable[[], None]) -> None:
    """Call ``callback`` when the account goes down; it must return within a second or two."""
    _stop_callbacks.append(callback)


def run_start_callbacks() -> None:
    """Start what registered with `on_start`, in order; the server calls this once."""
    for callback in _start_callbacks:
        callback()


def run_stop_callbacks() -> None:
    """Stop what registered with `on_stop`, last first, then kill every child that is left."""
    for callback in reversed(_stop_callbacks):
        try:
            callback()
        except Exception:
            log.exception("a part of the account did not stop cleanly")
    processes.kill_all()


def spawn(
    args: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int | IO[Any] | None = subprocess.DEVNULL,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    pass_fds: Sequence[int] = (),
    preexec: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own that does not outlive this server.

    The environment is exactly ``env``. On Linux the kernel kills the child when the server dies, however it dies;
    everywhere the whole group is killed when the server stops.
    """
    return processes.spawn(
        args, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=pass_fds, preexec=preexec
    )


# --- calls ---------------------------------------------------------------------------------------------------------


def client(
    service: str,
    *,
    role_arn: str | None = None,
    service_principal: str | None = None,
    session_name: str = "rehearsal",
) -> Any:
    """A boto3 client of this account's endpoint, cached; one attempt a call, as the caller decides about retries.

    Without ``role_arn`` it is the account's root. With it, the credentials are minted for the role as AWS does for the
    service ``service_principal``: the role's trust policy is checked, and every call against its identity policies.

    Raises:
        PermissionDenied: the role does not exist or does not trust the service.
    """
    if role_arn is None:
        return _root_client(service)
    return _role_client(service, role_arn, service_principal, session_name)


def credentials(role_arn: str, service_principal: str, session_name: str = "rehearsal") -> dict[str, str]:
    """The AWS_ variables of a process that AWS starts with a role: credentials minted for ``service_principal``.

    Raises:
        PermissionDenied: the role does not exist or does not trust the service.
    """
    session = sessions.mint(role_arn, service_principal, session_name, by=sessions.PROCESS)
    return {
        "AWS_ACCESS_KEY_ID": session.access_key,
        "AWS_SECRET_ACCESS_KEY": session.secret_key,
        "AWS_SESSION_TOKEN": session.token,
        "AWS_REGION": region(),
        "AWS_DEFAULT_REGION": region(),
        "AWS_ENDPOINT_URL": endpoint(),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@functools.lru_cache(maxsize=256)
def _root_client(service: str) -> Any:
    return _make_client(service, ROOT_ACCESS_KEY, ROOT_SECRET_KEY, None)


def _role_client(service: str, role_arn: str, service_principal: str | None, session_name: str) -> Any:
    session = sessions.mint(role_arn, service_principal, session_name)
    return _session_client(service, session.access_key)


@functools.lru_cache(maxsize=512)
def _session_client(service: str, access_key: str) -> Any:
    session = sessions.find(access_key)
    assert session is not None  # noqa: S101  (minted one line earlier by the only caller)
    return _make_client(service, session.access_key, session.secret_key, session.token)


def _make_client(service: str, access_key: str, secret_key: str, token: str | None) -> Any:
    from trainwright.rehearsal import inprocess  # noqa: PLC0415  (keeps importing this module cheap)

    with _client_lock:
        made = _boto_session().client(
            service,
            endpoint_url=endpoint(),
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=token,
            region_name=region(),
            config=_client_config(),
        )
    inprocess.use(made)
    return made


@functools.cache
def _boto_session() -> Any:
    import boto3  # noqa: PLC0415  (keeps importing this module cheap)

    return boto3.session.Session(region_name=region())


def _client_config() -> Any:
    from botocore.config import Config as BotoConfig  # noqa: PLC0415

    return BotoConfig(
        retries={"total_max_attempts": 1},
        max_pool_connections=64,
        read_timeout=960,
        s3={"addressing_style": "path"},
        inject_host_prefix=False,
        user_agent_extra=OWN_AGENT,
    )


def put_event(source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    """Emit an event of AWS's own onto the default bus; it reaches the rules in the order of emission, not at once.

    PutEvents refuses sources that begin with ``aws.``, so this does not go through the API.
    """
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail, default=str),
        "Resources": resources,
        "Time": clock.time(),
    }
    _events.submit(_deliver_event, entry)


def _deliver_event(entry: dict[str, Any]) -> None:
    from moto.events.models import events_backends  # noqa: PLC0415

    try:
        events_backends[account_id()][region()].put_events([entry])
    except Exception:
        log.exception("an event of %s could not be delivered", entry["Source"])


def put_log_lines(group: str, stream: str, lines: list[tuple[int, str]]) -> None:
    """Write lines (epoch milliseconds, text) to CloudWatch Logs, as a service does; group and stream are made."""
    if not lines:
        return
    from moto.logs.models import logs_backends  # noqa: PLC0415

    backend = logs_backends[account_id()][region()]
    with _log_lock:
        if group not in backend.groups:
            backend.create_log_group(group, {})
        if stream not in backend.groups[group].streams:
            backend.create_log_stream(group, stream)
        events = [{"timestamp": when, "message": text} for when, text in sorted(lines, key=lambda line: line[0])]
        backend.put_log_events(group, stream, events)
    _put_embedded(lines)


def _put_embedded(lines: list[tuple[int, str]]) -> None:
    """Give CloudWatch the metrics that stand in the lines."""
    now = datetime.fromtimestamp(clock.time(), UTC)
    for _, text in lines:
        for metric in emf.metrics(text, now):
            put_metrics(metric.namespace, [metric.datum])


def put_metrics(namespace: str, data: list[dict[str, Any]]) -> None:
    """Give CloudWatch values (members of PutMetricData's MetricData), as a service does."""
    from moto.cloudwatch.models import cloudwatch_backends  # noqa: PLC0415

    # moto keeps times in UTC that do not say so, and fails at comparing them with others
    naive = [{**datum, "Timestamp": datum["Timestamp"].astimezone(UTC).replace(tzinfo=None)} for datum in data]
    cloudwatch_backends[account_id()][region()].put_metric_data(namespace, naive)


def authorize(
    role_arn: str,
    action: str,
    resource_arn: str,
    context: Mapping[str, str | list[str]] | None = None,
    *,
    service_principal: str | None = None,
    session_name: str = "rehearsal",
) -> None:
    """Check a permission that AWS checks without an API call of that name; noted like any other check.

    Raises:
        PermissionDenied: with AWS's words.
    """
    permissions.authorize_role(role_arn, action, resource_arn, context or {}, service_principal, session_name)
