"""What a rule looks at: the settings with every silence filled, who set each, and how to say what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime import prices
from trainwright_runtime import problems as codes
from trainwright_runtime.forms import Leaf, as_written
from trainwright_runtime.problems import Edit, Problem, shown
from trainwright_runtime.reading import HIDDEN_SECTIONS
from trainwright_runtime.resolved import ResolvedRequest, Source, spelled
from trainwright_runtime.site import Site

NO_VALUE = object()
_SET_BY = {"run": "run", "policy": "team's policy", "default": "default"}


@dataclass(frozen=True)
class Look:
    """A request under the rules.

    `request` holds every setting that could be read; `data` is the document, so that a problem is told by the words
    its author used; `sources` says who set each setting. `price` is an hour of one host on demand in US dollars, by
    type; None for a type without a known price.
    """

    request: ResolvedRequest
    data: object
    sources: Mapping[Leaf, Source]
    site: Site
    price: Callable[[str], float | None] = prices.on_demand_usd_per_hour

    def place(self, leaf: Leaf) -> Leaf:
        """How the author wrote a setting, or would write it."""
        return as_written(self.data, leaf)

    def word(self, leaf: Leaf) -> str:
        """The same as text."""
        return codes.dotted(self.place(leaf))

    def given(self, leaf: Leaf) -> bool:
        """Whether the run itself says this."""
        return self.sources.get(leaf) == "run"

    def conflict(
        self,
        leaf: Leaf,
        problem: str,
        *,
        allowed: str | None = None,
        remedy: str | None = None,
        replacement: Any = NO_VALUE,
        remove: bool = False,
        code: str = codes.CONFLICT,
    ) -> Problem:
        """A problem of a setting that goes not with another. With `replacement` or `remove` the fix is sure, where the
        run itself wrote the setting."""
        path, value = self.place(leaf), self.request.get(*leaf)
        source = self.sources.get(leaf, "run")
        origin = "" if source == "run" else f" (set by the {_SET_BY[source]})"
        edit = None
        if source == "run" and replacement is not NO_VALUE:
            edit = Edit("replace", path, replacement)
        elif source == "run" and remove:
            edit = Edit("remove", path)
        return Problem(
            code,
            path,
            problem + origin,
            value=None if value is None or HIDDEN_SECTIONS.intersection(leaf) else _said(leaf, value),
            allowed=allowed,
            remedy=remedy,
            sure=edit is not None,
            edit=edit,
        )


def _said(leaf: Leaf, value: object) -> str:
    if isinstance(value, str | bool | int | float) or (isinstance(value, list) and _plain(value)):
        return spelled(leaf, value)
    return shown(value) if isinstance(value, dict) else f"{len(value)} entries" if isinstance(value, list) else "given"


def _plain(value: list[Any]) -> bool:
    return all(isinstance(entry, str) for entry in value)
