"""The account's quotas of training instances, as Service Quotas applies them now.

Only what the quota is, never how much of it is in use: counting with ListTrainingJobs is slow, late and wrong where
others share the account. SageMaker itself says when a quota is busy, and the run waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime.handlers.aws import Services, error_code
from trainwright_runtime.handlers.environment import Environment
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.handlers.together import Deadline
from trainwright_runtime.quotas import SERVICE, Kind, parameter, quota_name

Codes = dict[str, str]

CODES_SECONDS = 3600
"""How long a sandbox keeps the codes that it found by name; what a quota amounts to is asked at every run."""

SECONDS = 8
"""After so long a run asks for no more quotas: what it does not know by then stays unknown."""

_PAGE, _PAGES = 100, 40
"""ListServiceQuotas: MaxResults 100 at most. SageMaker has some 1,500 quotas."""
_LISTS = ("list_service_quotas", "list_aws_default_service_quotas")
_found: dict[str, tuple[float, Codes]] = {}
_lock = threading.Lock()


class Quotas:
    """What the account may use at once. Made anew for each run; look-ups that fail are said in `warnings`, once."""

    def __init__(
        self, clients: Services, environment: Environment, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clients = clients
        self._prefix = environment.quota_parameters
        self._clock = clock
        self._deadline = Deadline.after(SECONDS, clock)
        self._known: dict[tuple[str, Kind], int | None] = {}
        self._troubles: list[str] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why quotas are not known, where they could not be looked up."""
        return tuple(dict.fromkeys(self._troubles))

    def applied(self, instance_type: str, kind: Kind) -> int | None:
        """Instances of the type that may run at once; None where that cannot be found out.

        The applied value, else AWS's default where the account has none of its own (GetServiceQuota: "For some quotas,
        only the default values are available").
        """
        key = (instance_type, kind)
        if key not in self._known:
            self._known[key] = self._looked_up(instance_type, kind)
        return self._known[key]

    def _looked_up(self, instance_type: str, kind: Kind) -> int | None:
        try:
            self._in_time()
            code = self._code(instance_type, kind)
            return self._value(code) if code else None
        except (ClientError, BotoCoreError, TimeoutError) as error:
            told = error_code(error) if isinstance(error, ClientError) else type(error).__name__
            logger.warning("quota not read", extra={"instance_type": instance_type, "kind": kind, "code": told})
            self._troubles.append(f"the account's quotas could not be looked up ({told})")
            return None

    def _in_time(self) -> None:
        if not self._deadline.left:
            raise TimeoutError

    def _value(self, code: str) -> int | None:
        service = self._clients.quick_quotas
        for call in (service.get_service_quota, service.get_aws_default_service_quota):
            try:
                quota = call(ServiceCode=SERVICE, QuotaCode=code)["Quota"]
            except ClientError as error:
                if error_code(error) != "NoSuchResource":
                    raise
            else:
                return int(quota["Value"]) if quota.get("Value") is not None else None
        return None

    def _code(self, instance_type: str, kind: Kind) -> str | None:
        """The quota's code: the platform's parameter where there is one, else found by name."""
        try:
            name = parameter(self._prefix, instance_type, kind)
            return str(self._clients.ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ClientError as error:
            if error_code(error) != "ParameterNotFound":
                raise
        wanted = quota_name(instance_type, kind)
        return next((codes[wanted] for list_ in _LISTS if wanted in (codes := self._codes(list_))), None)

    def _codes(self, operation: str) -> Codes:
        """Codes by name, listed once an hour and sandbox; whoever comes meanwhile waits for the first."""
        with _lock:
            until, codes = _found.get(operation, (0.0, {}))
            if self._clock() >= until:
                codes = self._listed(operation)
                _found[operation] = (self._clock() + CODES_SECONDS, codes)
            return codes

    def _listed(self, operation: str) -> Codes:
        codes: Codes = {}
        more: dict[str, Any] = {}
        for _ in range(_PAGES):
            self._in_time()
            page = getattr(self._clients.quick_quotas, operation)(ServiceCode=SERVICE, MaxResults=_PAGE, **more)
            codes |= {quota["QuotaName"]: quota["QuotaCode"] for quota in page["Quotas"]}
            if not page.get("NextToken"):
                break
            more = {"NextToken": page["NextToken"]}
        return codes


def forget() -> None:
    """Forget the codes that were found by name."""
    _found.clear()
