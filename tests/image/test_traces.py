"""Traces of the framework: nothing happens unless the run asks, and a missing torch is named."""

import sys

import pytest
from trainkit import torch_trace


@pytest.fixture(autouse=True)
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("SM_HP_TORCH_TRACE_STEPS", "RANK", "OMPI_COMM_WORLD_RANK"):
        monkeypatch.delenv(name, raising=False)


def test_off_unless_the_run_asks() -> None:
    with torch_trace() as trace:
        for _ in range(3):
            trace.step()
    assert trace.steps == 3


def test_other_ranks_trace_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with torch_trace(5) as trace:
        trace.step()


def test_an_image_without_torch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_HP_TORCH_TRACE_STEPS", "5")
    with pytest.raises(ModuleNotFoundError, match="this image has no torch"), torch_trace():
        pass


def test_a_hyperparameter_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_HP_TORCH_TRACE_STEPS", "many")
    with pytest.raises(ValueError, match="torch_trace_steps: many is not a whole number"), torch_trace():
        pass
