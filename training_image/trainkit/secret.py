"""Secrets of a run: only their ARNs travel in the job's request, the values are fetched where they are needed.

``TRAINWRIGHT_SECRET_<NAME>=<ARN>`` in the container's environment makes the launcher fetch the secret with the
execution role's credentials (secretsmanager:GetSecretValue) and give it to the script as the variable ``<NAME>``. The
value is in the environment of the script's processes and nowhere else; where one of its errors quotes it, the reason of
failure shows ``***``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trainkit import aws
from trainkit.failure import LaunchError

PREFIX = "TRAINWRIGHT_SECRET_"
_SHORTEST_MASKED = 4


def wanted(environment: Mapping[str, str]) -> dict[str, str]:
    """The ARNs that the environment names, by the variable that the script is to find."""
    return {name.removeprefix(PREFIX): arn for name, arn in environment.items() if name.startswith(PREFIX)}


def fetch(environment: Mapping[str, str]) -> dict[str, str]:
    """The secrets' values, by variable.

    Raises:
        LaunchError: a secret cannot be had; the message has its ARN and AWS's error code, never more.
    """
    return {name: _value(name, arn) for name, arn in wanted(environment).items()}


def masked(text: str, values: Iterable[str]) -> str:
    """`text` with ``***`` for each of the values."""
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST_MASKED:
            text = text.replace(value, "***")
    return text


def _value(name: str, arn: str) -> str:
    parts = arn.split(":")
    region = parts[3] if len(parts) > 3 else None
    try:
        answer = aws.call("secretsmanager", region, lambda client: client.get_secret_value(SecretId=arn))
    except aws.AwsError as error:
        raise LaunchError(f"secret {arn} cannot be fetched: {error.code}") from None
    text = answer.get("SecretString")
    if not isinstance(text, str):
        raise LaunchError(f"secret {arn} is binary: it cannot become the variable {name}; store it as text")
    return text
