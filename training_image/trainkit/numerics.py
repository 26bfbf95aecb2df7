"""What a run asks for in ``precision`` and ``compilation``, for scripts that use torch.

::

    model = trainkit.compiled(model)            # torch.compile where the run asks for it, else the model as it is
    with trainkit.autocast():                   # torch.autocast in the run's precision, else nothing
        loss = loss_of(model(batch))
"""

from __future__ import annotations

import importlib
import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeVar, cast

Precision = Literal["bf16", "fp16", "off"]
Model = TypeVar("Model")

PRECISION = "TRAINWRIGHT_PRECISION"
COMPILE, COMPILE_MODE = "TRAINWRIGHT_COMPILE", "TRAINWRIGHT_COMPILE_MODE"
_ALLOWED = ("bf16", "fp16", "off")


def precision() -> Precision:
    """The run's precision, from ``TRAINWRIGHT_PRECISION``; ``off`` where the run says nothing.

    Raises:
        ValueError: the variable holds another word.
    """
    asked = os.environ.get(PRECISION) or "off"
    if asked not in _ALLOWED:
        raise ValueError(f"{PRECISION}: {asked} is not allowed; write one of {', '.join(_ALLOWED)}")
    return cast("Precision", asked)


def autocast() -> AbstractContextManager[Any]:
    """torch.autocast in the run's precision, on the GPU where there is one; nothing where it is off or torch is absent.

    With fp16 small gradients vanish: scale the loss (torch.amp.GradScaler), which bf16 does not need.
    """
    asked = precision()
    if asked == "off":
        return nullcontext()
    try:
        torch: Any = importlib.import_module("torch")  # scripts without torch use this package too
    except ImportError:
        return nullcontext()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if asked == "bf16" else torch.float16
    return cast("AbstractContextManager[Any]", torch.autocast(device, dtype=dtype))


def compiled(model: Model) -> Model:
    """The model through torch.compile where ``TRAINWRIGHT_COMPILE`` names a backend, else as it is.

    ``TRAINWRIGHT_COMPILE_MODE`` is torch.compile's ``mode``. Save the original's state_dict: the compiled one's names
    begin with ``_orig_mod.``.

    Raises:
        ModuleNotFoundError: the run asks for it and the image has no torch.
    """
    backend = os.environ.get(COMPILE)
    if not backend:
        return model
    torch: Any = importlib.import_module("torch")
    mode = os.environ.get(COMPILE_MODE) or None
    return cast("Model", torch.compile(model, backend=backend, mode=mode))
