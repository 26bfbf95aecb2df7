"""Becomes a stand-in's container: run as ``python start.py PROGRAM NAME URI train``, standard library only.

It runs on the job's Python, which need not have Trainwright: the programs in `container` import nothing but the
standard library, themselves, and boto3 where a source is fetched from S3.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(program: str, name: str, uri: str) -> int:
    """Run one of `container`'s programs; its exit code."""
    here = str(Path(__file__).parent)
    sys.path[:] = [here, *(path for path in sys.path if path != here)]
    play = importlib.import_module(f"container.{program}.main").main
    sys.path.remove(here)  # what the toolkit puts into PYTHONPATH is for the script
    code: int = play(name, uri)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
