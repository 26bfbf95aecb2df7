"""Faults of the account around training jobs: API calls, permissions, functions, events."""

from __future__ import annotations

import fnmatch
from typing import Literal

from pydantic import Field, model_validator

from trainwright.rehearsal.faults import aws
from trainwright.rehearsal.faults.base import Fault
from trainwright.rehearsal.faults.fields import CONFLICT, MISSING, WRONG_VALUE, Duration, Globs, Path, nearest, refuse

Scalar = str | int | float | bool


class ApiError(Fault):
    """A service answers a call with an error of AWS's own.

    AWS: the error's code, HTTP status and shape; SDKs and Step Functions treat it as the real one.
    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html and each operation's own errors
    """

    service: str = Field(description="botocore's name of the service, as sagemaker.", examples=["sagemaker"])
    operation: str = Field(description="The API operation, or a glob.", examples=["CreateTrainingJob", "Describe*"])
    error: str = Field(
        description="The error's code: one of the operation's, or one that every operation has.",
        examples=["ThrottlingException"],
    )
    message: str | None = Field(default=None, description='Its text; left out: AWS\'s, as "Rate exceeded".')
    callers: Literal["roles", "all"] = Field(
        default="roles", description="roles: only calls made with a role of the account. all: users' own clients too."
    )
    after: int = Field(default=0, ge=0, description="How many calls go well first.")
    times: int | None = Field(default=None, ge=1, description="How many calls fail; left out: every one.")

    @model_validator(mode="after")
    def _can_be_answered(self) -> ApiError:
        if self.service not in aws.services():
            refuse(
                WRONG_VALUE, "no service is called so", at=("service",), nearest=nearest(self.service, aws.services())
            )
        known = aws.operations(self.service)
        meant = fnmatch.filter(known, self.operation)
        if not meant:
            near = nearest(self.operation, known)
            refuse(WRONG_VALUE, f"{self.service} has no such operation", at=("operation",), nearest=near)
        codes = sorted({code for name in meant for code in aws.errors(self.service, name)})
        if self.error not in codes:
            refuse(
                WRONG_VALUE,
                f"{self.service} {self.operation} cannot answer this error",
                at=("error",),
                nearest=nearest(self.error, codes),
                allowed=", ".join(codes),
            )
        return self

    def selects(self, service: str, operation: str) -> bool:
        """Whether a call is meant, chance and count apart."""
        return service == self.service and fnmatch.fnmatchcase(operation, self.operation)


class AccessDenied(Fault):
    """A role is refused something that its policies allow.

    AWS: AccessDenied or AccessDeniedException with "is not authorized to perform" and the kind of policy that denies.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """

    role: str = Field(default="*", description="Glob on the role's name.", examples=["*ExecutionRole*"])
    actions: Globs = Field(description="Globs on the IAM action.", examples=["s3:GetObject", ["kms:*"]])
    resources: Globs = Field(default=(), description="Globs on the resource's ARN; left out: every resource.")
    kind: Literal["identity", "key", "bucket"] = Field(
        default="identity",
        description="Whose policy denies it: the role's own, a KMS key's (actions kms:...) or a bucket's (actions "
        "s3:...).",
    )
    times: int | None = Field(default=None, ge=1, description="How many checks are refused; left out: every one.")

    @model_validator(mode="after")
    def _is_an_action(self) -> AccessDenied:
        for index, action in enumerate(self.actions):
            self._check_prefix(action, ("actions", index))
        return self

    def _check_prefix(self, action: str, at: Path) -> None:
        prefix, colon, _ = action.partition(":")
        wanted = {"key": "kms", "bucket": "s3"}.get(self.kind)
        if not colon and action != "*":
            refuse(WRONG_VALUE, f"{action} is no action", at=at, allowed="service:Action, as s3:GetObject")
        if wanted and prefix != wanted:
            refuse(CONFLICT, f"kind: {self.kind} is about {wanted}: actions, not {action}", at=at)
        if action != "*" and not fnmatch.filter(aws.action_prefixes(), prefix):
            near = nearest(prefix, aws.action_prefixes())
            refuse(WRONG_VALUE, f"no service has actions {prefix}:", at=at, nearest=near)


class FunctionFault(Fault):
    """An invocation of a Lambda function does not end as its code would have it.

    AWS: unhandled: FunctionError Unhandled with errorType and errorMessage; timeout: "Task timed out after 3.00
    seconds" (Sandbox.Timedout); exit: "Runtime exited with error: exit status 1" (Runtime.ExitError); throttled:
    TooManyRequestsException (429), and the function is not started; an event waits in the queue and is tried again.
    A time-out takes the function's whole time; what failed here writes no log.
    Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html,
    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """

    function: str = Field(description="Glob on the function's name.", examples=["*Prepare*"])
    error: Literal["unhandled", "timeout", "exit", "throttled"] = Field(description="How it ends.")
    error_type: str | None = Field(
        default=None, description="errorType, with error: unhandled; left out: RuntimeError."
    )
    message: str | None = Field(default=None, description="errorMessage, with error: unhandled.")
    calls: tuple[int, ...] = Field(
        default=(),
        description="Which invocations of the function, counted from 1; left out: every one, or the first times.",
    )
    times: int | None = Field(default=None, ge=1, description="How many invocations; left out: every one.")

    @model_validator(mode="after")
    def _makes_sense(self) -> FunctionFault:
        if self.error != "unhandled":
            for name in ("error_type", "message"):
                if getattr(self, name) is not None:
                    refuse(CONFLICT, f"with error: {self.error} AWS says its own; leave {name} out", at=(name,))
        if self.calls and self.times is not None:
            refuse(CONFLICT, "calls says which invocations, times says how many; keep one of the two", at=("times",))
        for index, number in enumerate(self.calls):
            if number < 1:
                refuse(WRONG_VALUE, "invocations are counted from 1", at=("calls", index))
        return self


class EventFault(Fault):
    """An event on its way to the rules of EventBridge is lost, late, or delivered more than once.

    AWS: services emit "best effort", so that an event may be missing, or "durable", which is at least once: it may come
    twice, or up to 24 hours late. A copy has the id of the first. A .sync Task that waits for a job's event is never
    deaf: Step Functions asks now and then as well.
    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-delivery-level.html
    """

    source: str = Field(default="*", description="Glob on the event's source.", examples=["aws.sagemaker"])
    detail_type: str = Field(
        default="*", description="Glob on the event's detail-type.", examples=["SageMaker Training Job State Change"]
    )
    detail: dict[str, Scalar] = Field(
        default_factory=dict,
        description="Fields of the detail, with their values or globs.",
        examples=[{"TrainingJobStatus": "Completed"}],
    )
    lost: bool = Field(default=False, description="It reaches no rule.")
    late: Duration | None = Field(default=None, gt=0, description="It comes so much later, in account time.")
    copies: int | None = Field(default=None, ge=2, description="It is delivered so many times.")
    times: int | None = Field(default=None, ge=1, description="How many events; left out: every one.")

    @model_validator(mode="after")
    def _happens_in_one_way(self) -> EventFault:
        ways = [name for name in ("lost", "late", "copies") if getattr(self, name)]
        if not ways:
            refuse(MISSING, "say what happens to the event: lost: true, late: 60s, or copies: 2")
        if len(ways) > 1:
            refuse(CONFLICT, f"an event cannot be {' and '.join(ways)} at once; keep one of them", at=(ways[-1],))
        return self
