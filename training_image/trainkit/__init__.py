"""What a training script needs inside a SageMaker container, from the standard library alone.

A script that survives spot interruptions::

    from trainkit import Checkpoints, Progress, StopSignal

    checkpoints = Checkpoints()                      # /opt/ml/checkpoints, the newest three are kept
    restored = checkpoints.restore(torch.load)       # the newest one that is whole, or None
    start = restored.step if restored else 0
    progress = Progress(total=epochs, resumed_from=restored.step if restored else None)
    stop = StopSignal()                              # SIGTERM asks, nothing is cut off
    for epoch in range(start + 1, epochs + 1):
        ...
        checkpoints.save(epoch, lambda path: torch.save(state, path))
        progress.report(epoch)
        if stop.requested:
            break

The image's ENTRYPOINT is ``["python", "-m", "trainkit.launch", "train.py"]``; it reads SageMaker's files and starts the
script.
"""

from trainkit.checkpoints import Checkpoints, Restored
from trainkit.paths import base_dir
from trainkit.progress import Progress
from trainkit.stopping import StopSignal

__all__ = ["Checkpoints", "Progress", "Restored", "StopSignal", "base_dir"]
