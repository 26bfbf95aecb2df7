"""What runs inside a sandbox: prepares the import path as Lambda has it, then hands over to AWS's runtime client.

Started with ``python -S`` and one argument, a JSON object: ``handler``, ``code`` (the unpacked zip), ``site`` (this
machine's installed packages), ``importable`` (their names that the function's layers and the Lambda runtime bring),
``layers`` (unpacked layers, for what is not installed here) and ``clock`` (null for the wall's). A package that the
deployed function would not have cannot be imported here either.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import importlib.util
import json
import os
import sys
from typing import Any


class InstalledHere:
    """Finds the allowed top-level packages among those installed on this machine."""

    def __init__(self, site: list[str], names: frozenset[str]) -> None:
        self.site = site
        self.names = names

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Find an allowed top-level package; submodules are found through their package."""
        if path is not None or name.partition(".")[0] not in self.names:
            return None
        return importlib.machinery.PathFinder.find_spec(name, self.site, target)

    def find_distributions(self, context=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Tell importlib.metadata about the allowed distributions only."""
        wanted = importlib.metadata.DistributionFinder.Context(name=getattr(context, "name", None), path=self.site)
        for found in importlib.metadata.MetadataPathFinder.find_distributions(wanted):
            if (found.metadata["Name"] or "").replace("-", "_").lower() in self.names:
                yield found


def _see_time(wish: dict[str, Any]) -> None:
    """Give this process the account's time; neither the module for it nor its library are on the function's path."""
    beside = os.path.join(os.path.dirname(__file__), "account_time.py")  # noqa: PTH118, PTH120  (pathlib is slow)
    specs = [
        importlib.machinery.PathFinder.find_spec("_time_machine", wish["site"]),
        importlib.machinery.PathFinder.find_spec("time_machine", wish["site"]),
        importlib.util.spec_from_file_location("trainwright_account_time", beside),
    ]
    for spec in specs:
        if spec is None or spec.loader is None:
            raise ImportError(f"the account's clock needs time-machine, which is not installed in {wish['site']}")
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    sys.modules["trainwright_account_time"].see(wish["clock"])


def main() -> None:
    """Set the sandbox up and serve invocations until the process is killed."""
    wish = json.loads(sys.argv[1])
    here = sys.path[0]
    standard = [path for path in sys.path if path not in (here, wish["code"])]
    sys.path[:] = [wish["code"], *standard, *wish["layers"]]
    sys.meta_path.append(InstalledHere(wish["site"], frozenset(wish["importable"])))
    sys.argv[:] = ["bootstrap", wish["handler"]]
    if wish["clock"]:
        _see_time(wish)
    from awslambdaric.__main__ import main as serve  # noqa: PLC0415

    serve(sys.argv)


if __name__ == "__main__":
    main()
