"""The request that is being answered: who makes it, and its call where it was read. Gate and engines share them."""

from __future__ import annotations

import contextvars

from trainwright.rehearsal.permissions.sessions import Session
from trainwright.rehearsal.wire import Call

caller: contextvars.ContextVar[Session | None] = contextvars.ContextVar("caller", default=None)
"""The role session; None for the account's root."""
call: contextvars.ContextVar[Call | None] = contextvars.ContextVar("call", default=None)
"""A root's calls are read for STS only."""
