"""What a training script needs inside a SageMaker container, from the standard library alone.

A script that survives spot interruptions::

    from trainkit import Checkpoints, Progress, StopSignal

    checkpoints = Checkpoints()                      # /opt/ml/checkpoints, the newest three are kept
    restored = checkpoints.restore(torch.load)       # the newest one that is whole, or None
    start = restored.step if restored else 0
    progress = Progress(total=epochs, resumed_from=restored.step if restored else None)
    stop = StopSignal()                              # SIGTERM asks, nothing is cut off
    for epoch in range(start + 1, epochs + 1):
        with autocast():                             # in the run's precision
            ...
        progress.log(epoch, {"train:loss": loss})    # the report's curves, checkpoint or not
        stopping = stop.requested
        if checkpoints.due() or stopping or epoch == epochs:
            checkpoints.save(epoch, lambda path: torch.save(state, path))
            progress.report(epoch)
        if stopping:
            break

What the run asks for reaches the script through the environment, and through the defaults here:

- ``precision()`` and ``autocast()``: the run's ``precision``; ``compiled(model)``: its ``compilation``;
- ``Checkpoints()``: its ``checkpoints.every`` and ``checkpoints.keep``;
- ``torch_trace()``: some steps as a trace of torch.profiler, where the hyperparameter ``torch_trace_steps`` asks;
- ``secrets``: each is a variable of the script's environment;
- ``cache_dir()``: with ``compute.keep_alive``, a folder that the next job on the same machines finds again.

The image's ENTRYPOINT is ``["python", "-m", "trainkit.launch", "train.py"]``; it reads SageMaker's files and starts the
script, or the user's own script in its place (script mode), once or in several processes (torchrun, MPI).
"""

from trainkit.checkpoints import Checkpoints, Restored
from trainkit.numerics import autocast, compiled, precision
from trainkit.paths import base_dir, cache_dir
from trainkit.progress import Progress
from trainkit.stopping import StopSignal
from trainkit.traces import torch_trace

__all__ = [
    "Checkpoints",
    "Progress",
    "Restored",
    "StopSignal",
    "autocast",
    "base_dir",
    "cache_dir",
    "compiled",
    "precision",
    "torch_trace",
]
