"""The files and folders of one FastFile channel, as S3 listed them at the start of the job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from trainwright.rehearsal.jobs.fastfile.protocol import ROOT, Attributes
from trainwright.rehearsal.jobs.s3 import Listed


@dataclass(frozen=True)
class File:
    """One object."""

    inode: int
    source: Listed

    @property
    def attributes(self) -> Attributes:
        """What stat() tells."""
        return Attributes(self.inode, False, self.source.size, self.source.modified)


@dataclass
class Folder:
    """What has a ``/`` in its name; as old as the youngest object of the channel."""

    inode: int
    modified: float
    children: dict[bytes, File | Folder] = field(default_factory=dict)
    order: list[tuple[bytes, Attributes]] = field(default_factory=list)

    @property
    def attributes(self) -> Attributes:
        """What stat() tells."""
        return Attributes(self.inode, True, 0, self.modified)


class Tree:
    """All nodes by their inode numbers; never changes.

    Args:
        files: each object with its path below the channel's folder. A name that is an object's and a folder's is the
            folder's, as in AWS's own Mountpoint for S3 (doc/SEMANTICS.md there).
    """

    def __init__(self, files: Iterable[tuple[str, Listed]]) -> None:
        sources = [(path.encode(), source) for path, source in files]
        modified = max((source.modified for _, source in sources), default=0.0)
        self.root = Folder(ROOT, modified)
        self._nodes: dict[int, File | Folder] = {ROOT: self.root}
        for path, source in sources:
            self._add(path, source)
        for folder in [node for node in self._nodes.values() if isinstance(node, Folder)]:
            folder.order = list(_entries(folder))
        self.files = len(sources)
        self.total = sum(source.size for _, source in sources)

    def node(self, inode: int) -> File | Folder | None:
        """The node with this number."""
        return self._nodes.get(inode)

    def _add(self, path: bytes, source: Listed) -> None:
        folder = self.root
        *parents, base = path.split(b"/")
        for name in parents:
            child = folder.children.get(name)
            if not isinstance(child, Folder):
                child = folder.children[name] = Folder(self._next(), self.root.modified)
                self._nodes[child.inode] = child
            folder = child
        if base not in folder.children:
            file = folder.children[base] = File(self._next(), source)
            self._nodes[file.inode] = file

    def _next(self) -> int:
        return len(self._nodes) + ROOT


def _entries(folder: Folder) -> Iterator[tuple[bytes, Attributes]]:
    yield b".", folder.attributes
    yield b"..", folder.attributes
    for name, node in sorted(folder.children.items()):
        yield name, node.attributes
