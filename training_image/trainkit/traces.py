"""What the framework did, step by step: a few steps of training as a trace, from PyTorch's own profiler.

SageMaker's framework profiling is deprecated from PyTorch 2.0 on
(https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-configure-framework-profiling.html); this takes its place::

    with trainkit.torch_trace() as trace:
        for batch in batches:
            ...
            trace.step()

It is off unless the run asks for it, with the hyperparameter ``torch_trace_steps: 5`` (how many steps are traced) or an
argument of `torch_trace`. The traces lie in ``output.tar.gz`` beside the model, under ``traces/``; chrome://tracing,
https://ui.perfetto.dev and TensorBoard's profiler plugin open them.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainkit.paths import base_dir

ASKED = "SM_HP_TORCH_TRACE_STEPS"
"""The hyperparameter as the image's entry point, and AWS's toolkit, give it to scripts."""


class Trace:
    """Counts the steps of the training; call `step` at the end of each one."""

    def __init__(self, on_step: Callable[[], object] | None = None) -> None:
        self._on_step = on_step
        self.steps = 0

    def step(self) -> None:
        """A step is over."""
        self.steps += 1
        if self._on_step:
            self._on_step()


@contextmanager
def torch_trace(
    steps: int | None = None,
    *,
    after: int = 10,
    warm_up: int = 3,
    all_ranks: bool = False,
    directory: str | Path | None = None,
) -> Iterator[Trace]:
    """Trace some steps of a training loop with torch.profiler, on the CPU and on the GPU where there is one.

    Args:
        steps: how many steps are traced; a trace grows by some megabytes a step. By default what the run's
            hyperparameter ``torch_trace_steps`` says, else 0: nothing is traced, and torch is not even imported.
        after: how many steps pass before: the first ones are no measure of the others.
        warm_up: how many more pass while the profiler is already on, whose own start is left out of the trace.
        all_ranks: whether every process writes a trace; by default only the one of rank 0.
        directory: where the traces lie; by default ``traces`` below SM_OUTPUT_DATA_DIR, which SageMaker uploads in
            output.tar.gz. For a run with ``tensorboard: true``, ``/opt/ml/output/tensorboard``.

    Raises:
        ModuleNotFoundError: a trace is asked for and the image has no torch.
        ValueError: the hyperparameter is no whole number.
    """
    count = _asked() if steps is None else steps
    rank = int(os.environ.get("RANK") or os.environ.get("OMPI_COMM_WORLD_RANK") or 0)
    if count < 1 or (rank and not all_ranks):
        yield Trace()
        return
    profiler: Any = _torch().profiler
    folder = Path(directory) if directory else _output_dir() / "traces"
    worker = f"{os.environ.get('SM_CURRENT_HOST') or 'algo-1'}-rank-{rank}"
    schedule = profiler.schedule(wait=after, warmup=warm_up, active=count, repeat=1)
    with profiler.profile(schedule=schedule, on_trace_ready=_keeping(profiler, folder, worker)) as running:
        trace = Trace(running.step)
        yield trace
    if trace.steps < after + warm_up:
        _say(f"no trace was made: the loop made {trace.steps} steps, and the first {after + warm_up} are not traced")


def _asked() -> int:
    text = os.environ.get(ASKED) or "0"
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"torch_trace_steps: {text} is not a whole number") from None


def _torch() -> Any:
    try:
        importlib.import_module("torch.profiler")
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "a trace is asked for (torch_trace), and this image has no torch; add it, or leave torch_trace_steps out"
        ) from None


def _output_dir() -> Path:
    return Path(os.environ.get("SM_OUTPUT_DATA_DIR") or base_dir() / "output" / "data")


def _keeping(profiler: Any, folder: Path, worker: str) -> Callable[[Any], None]:
    """Write the trace; a disk that takes none costs the trace, and not the run."""
    write = profiler.tensorboard_trace_handler(str(folder), worker_name=worker, use_gzip=True)

    def keep(finished: Any) -> None:
        try:
            write(finished)
        except (OSError, RuntimeError) as error:
            _say(f"the trace cannot be written: {error}")
        else:
            _say(f"a trace was written to {folder}")

    return keep


def _say(text: str) -> None:
    print(f"trainkit: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the job's log
