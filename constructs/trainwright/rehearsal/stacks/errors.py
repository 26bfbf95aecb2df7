"""What CloudFormation refuses."""

from __future__ import annotations


class ValidationError(Exception):
    """A request or a template that CloudFormation refuses, with its words; nothing has happened yet."""

    code = "ValidationError"


class ChangeSetNotFound(ValidationError):
    """There is no such change set."""

    code = "ChangeSetNotFound"


class AlreadyExists(ValidationError):
    """A stack of that name lives."""

    code = "AlreadyExistsException"


class ResourceFailed(Exception):
    """A resource could not be made, changed or removed; the text is its status reason."""


class InsufficientCapabilities(ValidationError):
    """The template makes IAM resources and the caller has not said that it may."""

    code = "InsufficientCapabilitiesException"
