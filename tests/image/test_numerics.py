"""What a run asks for in precision, compilation and checkpoints, as the script sees it."""

import sys
import types
from contextlib import nullcontext

import pytest

trainkit = pytest.importorskip("trainkit")


@pytest.fixture
def torch(monkeypatch):
    """A torch that says what it was asked."""
    asked = []
    made = types.ModuleType("torch")
    made.bfloat16, made.float16 = "bfloat16", "float16"
    made.cuda = types.SimpleNamespace(is_available=lambda: True)
    made.autocast = lambda device, dtype: asked.append((device, dtype)) or nullcontext()
    made.compile = lambda model, backend, mode: (model, backend, mode)
    made.asked = asked
    monkeypatch.setitem(sys.modules, "torch", made)
    return made


@pytest.mark.parametrize(("asked", "dtype"), [("bf16", "bfloat16"), ("fp16", "float16")])
def test_autocast_is_torchs_in_the_runs_precision(torch, monkeypatch, asked, dtype):
    monkeypatch.setenv("TRAINWRIGHT_PRECISION", asked)
    assert trainkit.precision() == asked
    with trainkit.autocast():
        pass
    assert torch.asked == [("cuda", dtype)]


def test_without_a_precision_nothing_is_cast(torch, monkeypatch):
    monkeypatch.delenv("TRAINWRIGHT_PRECISION", raising=False)
    assert trainkit.precision() == "off"
    with trainkit.autocast():
        pass
    assert torch.asked == []


def test_without_torch_a_script_runs_all_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setenv("TRAINWRIGHT_PRECISION", "bf16")
    with trainkit.autocast():
        pass
    monkeypatch.setenv("TRAINWRIGHT_COMPILE", "inductor")
    with pytest.raises(ModuleNotFoundError):
        trainkit.compiled("model")


def test_fails_on_a_precision_that_is_none(monkeypatch):
    monkeypatch.setenv("TRAINWRIGHT_PRECISION", "fp8")
    with pytest.raises(ValueError, match="fp8 is not allowed; write one of bf16, fp16, off"):
        trainkit.precision()


def test_a_model_is_compiled_where_the_run_asks_for_it(torch, monkeypatch):
    monkeypatch.delenv("TRAINWRIGHT_COMPILE", raising=False)
    assert trainkit.compiled("model") == "model"
    monkeypatch.setenv("TRAINWRIGHT_COMPILE", "inductor")
    assert trainkit.compiled("model") == ("model", "inductor", None)
    monkeypatch.setenv("TRAINWRIGHT_COMPILE_MODE", "max-autotune")
    assert trainkit.compiled("model") == ("model", "inductor", "max-autotune")


def test_checkpoints_are_kept_and_due_as_the_run_asks(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAINWRIGHT_CHECKPOINT_KEEP", "2")
    monkeypatch.setenv("TRAINWRIGHT_CHECKPOINT_EVERY_SECONDS", "60")
    now = [1000.0]
    monkeypatch.setattr(trainkit.checkpoints.time, "monotonic", lambda: now[0])
    checkpoints = trainkit.Checkpoints(tmp_path)
    assert not checkpoints.due()
    now[0] += 60
    assert checkpoints.due()
    for step in range(3):
        checkpoints.save(step, lambda path: path.write_text("x"))
    assert not checkpoints.due()
    assert checkpoints.steps() == [1, 2]
    assert trainkit.Checkpoints(tmp_path, keep=5, every=0).due()


def test_without_a_wish_every_checkpoint_is_due_and_three_are_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("TRAINWRIGHT_CHECKPOINT_KEEP", raising=False)
    monkeypatch.delenv("TRAINWRIGHT_CHECKPOINT_EVERY_SECONDS", raising=False)
    checkpoints = trainkit.Checkpoints(tmp_path)
    assert checkpoints.due() and checkpoints.keep == 3


@pytest.mark.parametrize(
    ("name", "value"), [("TRAINWRIGHT_CHECKPOINT_KEEP", "0"), ("TRAINWRIGHT_CHECKPOINT_EVERY_SECONDS", "10m")]
)
def test_fails_on_wishes_that_cannot_be(tmp_path, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r"not allowed|is not a number"):
        trainkit.Checkpoints(tmp_path)
