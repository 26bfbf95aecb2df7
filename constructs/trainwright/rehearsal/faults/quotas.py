"""What becomes of a request to raise a quota."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trainwright.rehearsal.faults.base import Strict
from trainwright.rehearsal.faults.fields import Duration


class QuotaRequests(Strict):
    """What AWS decides when it is asked to raise a quota (RequestServiceQuotaIncrease), and after how long.

    AWS: a request is PENDING while it is under review; then it is APPROVED and the quota rises, or DENIED, or
    NOT_APPROVED where no support case was allowed.
    Source: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_RequestedServiceQuotaChange.html
    """

    decision: Literal["granted", "denied", "pending"] = Field(
        default="pending", description="pending: nothing is decided as long as the account is up."
    )
    after: Duration = Field(default=0.0, description="How long it takes to decide, in account time.")
