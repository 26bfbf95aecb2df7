"""Keeps README.md true: its snippets are the files they name, its output is what the last rehearsal printed.

    python tools/readme.py           # writes README.md anew
    python tools/readme.py --check   # says what is stale, exit code 1; the recorded output is left alone

A block is what follows `<!-- file: PATH -->` or `<!-- recorded: make rehearse -->`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TRANSCRIPT = ROOT / ".rehearsal" / "last" / "output.txt"
RECORDED_LINES = 15

_BLOCK = re.compile(
    r"<!-- (?P<kind>file|recorded): (?P<name>.+?) -->\n```(?P<language>\w*)\n(?P<content>.*?)```", re.DOTALL
)
# What a first-time reader should see: every step, and the interruption with what follows it.
_TOLD = re.compile(r"^(ok|--|no) |starting from nothing|epoch=1 |Interrupted|resumed after|saved the model")


def main() -> int:
    text = README.read_text(encoding="utf-8")
    if "--check" in sys.argv:
        stale = [
            match["name"] for match in _BLOCK.finditer(text) if match["kind"] == "file" and _new(match) != match[0]
        ]
        print("\n".join(f"README.md: {name} has changed: run tools/readme.py" for name in stale), end="")  # noqa: T201
        return 1 if stale else 0
    README.write_text(_BLOCK.sub(_new, text), encoding="utf-8")
    return 0


def _new(match: re.Match[str]) -> str:
    content = recorded() if match["kind"] == "recorded" else (ROOT / match["name"]).read_text(encoding="utf-8")
    return f"<!-- {match['kind']}: {match['name']} -->\n```{match['language']}\n{content}```"


def recorded(transcript: Path = TRANSCRIPT) -> str:
    """The lines of a rehearsal's output (the last one's) that tell the story, at most fifteen."""
    lines = [line.rstrip() for line in transcript.read_text(encoding="utf-8").splitlines() if _TOLD.search(line)]
    return "".join(f"{line}\n" for line in lines[:RECORDED_LINES])


if __name__ == "__main__":
    sys.exit(main())
