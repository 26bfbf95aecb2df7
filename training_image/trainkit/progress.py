"""How far a script is, in a file beside its checkpoints: it travels to S3 with them and tells where a job resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trainkit.paths import checkpoint_dir, write_whole

_KEPT_STARTS = 100


class Progress:
    """Writes ``progress.json``: ``{"step": 7, "total": 12, "resumed_from": 5, "starts": [...]}``.

    ``starts`` holds, for each process that has trained so far, where it began and how far it came: the proof that an
    interrupted run went on from its checkpoint. The file is restored with the checkpoints, so the list goes on.

    Args:
        total: how many steps there will be; None where that is not known.
        resumed_from: the step this process restored at its start; None when it started from nothing.
        directory: where the file lies; by default the folder that SageMaker synchronises with S3.
    """

    def __init__(
        self, total: int | None = None, resumed_from: int | None = None, directory: str | Path | None = None
    ) -> None:
        self.total = total
        self.resumed_from = resumed_from
        self.path = (Path(directory) if directory else checkpoint_dir()) / "progress.json"
        self._earlier = _starts(self.path)

    def report(self, step: int) -> None:
        """Say that `step` is done. Call it after the checkpoint of that step is saved, never before."""
        own = {"resumed_from": self.resumed_from, "step": step}
        said = {"step": step, "total": self.total, "resumed_from": self.resumed_from, "starts": [*self._earlier, own]}
        content = json.dumps(said)
        write_whole(self.path, lambda path: path.write_text(content, encoding="utf-8"))


def _starts(path: Path) -> list[Any]:
    """What earlier processes of the run wrote; nothing where there is no file, or one of another form."""
    try:
        starts = json.loads(path.read_text(encoding="utf-8"))["starts"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return starts[1 - _KEPT_STARTS :] if isinstance(starts, list) else []
