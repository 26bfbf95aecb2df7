"""Failures in the toolkit's words (errors.py of the toolkit; of sagemaker-containers, its ancestor, for XGBoost)."""

from __future__ import annotations


class ClientError(Exception):
    """The user's fault: the text alone is the failure, the exit code 1."""


class CalledProcessError(ClientError):
    """A command ended with another code than 0.

    Args:
        name: how the failure is called; that is the class of the script's own error for some frameworks.
        command: what was run.
        code: how it ended.
        output: what stood in its log from the first error on.
        extra: what the toolkit knows beside that.
    """

    def __init__(self, name: str, command: str, code: int, output: str | None = None, extra: str | None = None) -> None:
        self.name, self.command, self.code, self.output, self.extra = name, command, code, output, extra
        super().__init__(name)

    def __str__(self) -> str:
        lines = [f"{self.name}:", f"ExitCode {self.code}", f'ErrorMessage "{self.output or ""}"']
        lines += [] if self.extra is None else [f'ExtraInfo "{self.extra}"']
        return "\n".join([*lines, f'Command "{self.command}"']).strip()


class OldCalledProcessError(CalledProcessError):
    """The same in sagemaker-containers, which is in the XGBoost images (recorded: aws/amazon-sagemaker-examples, issue
    1705)."""

    def __str__(self) -> str:
        return f'{self.name}:\nCommand "{self.command}"'
