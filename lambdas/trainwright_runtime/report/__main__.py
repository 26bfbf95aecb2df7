"""`python -m trainwright_runtime.report RUN.json > report.html`: a run's page again, by hand, from its report.json."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainwright_runtime import page
from trainwright_runtime.report.content import SCHEMA

_WRONG = 2


class _NotAReport(Exception):
    """Why a file is no report.json, in a sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page to standard output; answer 2, with a sentence on standard error, for a file that is no report."""
    parser = argparse.ArgumentParser(
        prog="python -m trainwright_runtime.report",
        description="Writes a run's page (report.html) to standard output. charts.json beside RUN.json is drawn too.",
    )
    parser.add_argument("report", metavar="RUN.json", type=Path, help="a run's report.json")
    path: Path = parser.parse_args(arguments).report
    try:
        html = page.html(_report(path), _charts(path.with_name("charts.json")))
    except _NotAReport as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG
    sys.stdout.buffer.write(html.encode())
    return 0


def _report(path: Path) -> dict[str, Any]:
    found = _document(path)
    if not {"schema", "run", "attempts", "cost"} <= set(found):
        raise _NotAReport(f"{path} is not a run's report.json: it lacks keys that every report has.")
    if found["schema"] != SCHEMA:
        raise _NotAReport(f"{path} has schema {found['schema']}; this version of Trainwright draws schema {SCHEMA}.")
    return found


def _charts(path: Path) -> dict[str, Any] | None:
    return _document(path) if path.is_file() else None


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _NotAReport(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise _NotAReport(f"{path} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise _NotAReport(f"{path} is not a JSON object, as a run's documents are.")
    return found


if __name__ == "__main__":
    sys.exit(main())
