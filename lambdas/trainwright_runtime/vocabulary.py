"""The words of a document: which names a section knows, which it will know later, which are the platform's, and near
misses."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

Section = tuple[str, ...]
ANY = "*"
HERE = "."
T = TypeVar("T")


@dataclass(frozen=True)
class Vocabulary:
    """What the reader may say about a name that a section does not have. `*` in a section stands for any name."""

    names: Mapping[Section, tuple[str, ...]]
    not_supported: Mapping[Section, str] = field(default_factory=dict)
    owned: Mapping[Section, str] = field(default_factory=dict)
    other_names: Mapping[str, Section] = field(default_factory=dict)

    def below(self, *prefixes: str) -> "Vocabulary":
        """The same words, found under each of `prefixes` as well (a policy's `default` and `always` hold request
        fields)."""

        def prefixed(table: Mapping[Section, object]) -> dict[Section, object]:
            return {(prefix, *path): value for prefix in prefixes for path, value in table.items()}

        return Vocabulary(
            names=prefixed(self.names),  # type: ignore[arg-type]
            not_supported=prefixed(self.not_supported),  # type: ignore[arg-type]
            owned=prefixed(self.owned),  # type: ignore[arg-type]
            other_names=self.other_names,
        )

    def merged(self, other: "Vocabulary") -> "Vocabulary":
        """Both vocabularies; `other` wins where they differ."""
        return Vocabulary(
            names={**self.names, **other.names},
            not_supported={**self.not_supported, **other.not_supported},
            owned={**self.owned, **other.owned},
            other_names={**self.other_names, **other.other_names},
        )

    def known(self, section: Section) -> tuple[str, ...]:
        """The names that may stand in `section`; empty for a section nobody knows."""
        return lookup(self.names, section) or ()

    def nearest(self, section: Section, name: str) -> Section | None:
        """The path of the field most likely meant: another library's name for it, else the nearest spelling here, else
        elsewhere."""
        if target := self.other_names.get(name):
            return self._placed(target, section)
        if near := difflib.get_close_matches(name[:80], self.known(section), n=1, cutoff=0.6):
            return (*section, near[0])
        return self._elsewhere(section, name)

    def _placed(self, target: Section, section: Section) -> Section:
        """A target that begins with `.` stands in the section where the other name was found."""
        return (*section, *target[1:]) if target[:1] == (HERE,) else target

    def _elsewhere(self, section: Section, name: str) -> Section | None:
        for other, names in self.names.items():
            if name in names and other != section and ANY not in other:
                return (*other, name)
        return None


def lookup(table: Mapping[Section, T], path: Section) -> T | None:
    """The entry for `path`, where a `*` in the table matches any one name."""
    if path in table:
        return table[path]
    for pattern, entry in table.items():
        if matches(pattern, path):
            return entry
    return None


def matches(pattern: Section, path: Section) -> bool:
    """Whether a path is one that a pattern means, in which `*` is any one name."""
    return len(pattern) == len(path) and all(want in (ANY, part) for want, part in zip(pattern, path, strict=True))
