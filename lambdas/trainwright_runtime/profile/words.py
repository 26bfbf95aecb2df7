"""Numbers in sentences."""


def were(count: int) -> str:
    """ "was" of one, "were" of more."""
    return "was" if count == 1 else "were"


def some(count: int, what: str) -> str:
    """ "1 file", "1,234 files"."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
