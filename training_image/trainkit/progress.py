"""How far a script is, in a file beside its checkpoints: it travels to S3 with them and tells where a job resumed."""

from __future__ import annotations

import json
from pathlib import Path

from trainkit.paths import checkpoint_dir, write_whole


class Progress:
    """Writes ``progress.json``: ``{"step": 7, "total": 12, "resumed_from": 5}``.

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

    def report(self, step: int) -> None:
        """Say that `step` is done. Call it after the checkpoint of that step is saved, never before."""
        content = json.dumps({"step": step, "total": self.total, "resumed_from": self.resumed_from})
        write_whole(self.path, lambda path: path.write_text(content, encoding="utf-8"))
