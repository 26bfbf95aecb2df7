"""An imported run request held against the rules that every request meets: what the SDK would have sent and AWS would
have refused is taken out where that is all it needs, and told where it is not."""

from __future__ import annotations

import copy
from typing import Any

from trainwright.cli.sdk.objects import Imported
from trainwright_runtime.problems import Problem
from trainwright_runtime.request import check, edited, local_source
from trainwright_runtime.site import Site

_OWN_NETWORK = ("the team's own",)
_SAMPLE_SOURCE = f"data://source/{'0' * 64}/sourcedir.tar.gz"


def mended(imported: Imported, region: str) -> tuple[Imported, list[Problem]]:
    """The import without what only has to be left out, each said in `not_carried`; and the problems that remain."""
    run, left_out = copy.deepcopy(imported.run), list[str]()
    while True:
        found = _problems(run, region)
        removable = next((each for each in found if each.sure and each.edit and each.edit.op == "remove"), None)
        if removable is None or removable.edit is None:
            return Imported(run, [*imported.not_carried, *left_out]), found
        run = edited(run, removable.edit)
        left_out.append(f"{removable.field}: {removable.problem}")


def _problems(run: dict[str, Any], region: str) -> list[Problem]:
    """As `trainwright run` would check it, which uploads a local folder first."""
    packed = copy.deepcopy(run)
    if local_source(packed) is not None:
        packed["source_code"]["source_dir"] = _SAMPLE_SOURCE
    checked = check(packed, site=Site(region, _OWN_NETWORK, _OWN_NETWORK))
    return checked if isinstance(checked, list) else []
