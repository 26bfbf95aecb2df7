"""Lots that do not depend on the order of threads: each is drawn from the seed, the fault and what it is about."""

from __future__ import annotations

import hashlib


def happens(chance: float, seed: int, *about: str | int) -> bool:
    """Whether a lot of this chance is drawn; the same arguments always draw the same."""
    if chance >= 1:
        return True
    text = "\0".join(str(part) for part in (seed, *about))
    drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
    return drawn < chance
