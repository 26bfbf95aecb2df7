"""How a grant compares with what was used of it, as pure functions over patterns of actions and resources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from trainwright.rehearsal.permissions.policies import arn_matches, text_matches

_SEPARATORS = "/:-_."


def action_matches(pattern: str, action: str) -> bool:
    """Whether an action fits a pattern of a policy; case does not count."""
    return text_matches(pattern.lower(), action.lower())


def is_pattern(text: str) -> bool:
    """Whether an action or a resource has a wildcard."""
    return "*" in text or "?" in text


def unused(patterns: Iterable[str], used: Sequence[str], *, actions: bool) -> list[str]:
    """The patterns that nothing which was used fits."""
    fits = action_matches if actions else arn_matches
    return [pattern for pattern in patterns if not any(fits(pattern, one) for one in used)]


def enough(pattern: str, used: Iterable[str]) -> list[str]:
    """The narrowest patterns of resources that all of ``used`` fits, where they are narrower than ``pattern``.

    One for each service, region and account: what several resources have in common, up to a separator.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for one in sorted({one for one in used if arn_matches(pattern, one)}):
        groups.setdefault(tuple(one.split(":", 5)[:5]), []).append(one)
    found = [_common(group) for group in groups.values()]
    return [] if pattern in found or "*" in found else found


def _common(resources: Sequence[str]) -> str:
    if len(resources) == 1:
        return resources[0]
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(min(resources), max(resources), strict=False))
    shared = "".join(first for first, _ in pairs)
    return shared[: max(shared.rfind(separator) for separator in _SEPARATORS) + 1] + "*"
