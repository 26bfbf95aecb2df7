"""How a permission is refused."""

from __future__ import annotations


class PermissionDenied(Exception):
    """AWS's refusal, in AWS's words (``str()`` is the message)."""

    def __init__(self, message: str, *, action: str, resource: str, principal: str) -> None:
        super().__init__(message)
        self.action = action
        self.resource = resource
        self.principal = principal


class NotEvaluated(PermissionDenied):
    """Something that the evaluator does not know: an action, a condition key, an operator. Never taken for allowed."""
