"""Fine-tunes a text classifier on every GPU of every host, and goes on from its last checkpoint after an interruption.

Channels `train` and `validation` hold *.jsonl files, a line each: {"text": "my printer is on fire", "label": 3}.
torchrun starts one process a GPU. Needs torch, and transformers from requirements.txt; nothing of the platform's.
"""

# ruff: noqa: T201 - the job's log is what it prints

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
CHECKPOINTS = BASE / "checkpoints"
STATE, PROGRESS = "state.pt", "progress.json"

Example = dict[str, Any]


def main() -> None:
    options = read_options()
    rank, device = join_the_others()
    stop = StopSignal()
    train, validation = read(options.train), read(options.validation)
    labels = 1 + max(int(each["label"]) for each in [*train, *validation])
    tokenizer, model = load(options.base_model, labels)
    model = DistributedDataParallel(model.to(device), device_ids=[device.index] if device.type == "cuda" else None)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.learning_rate)
    sampler: DistributedSampler[Any] = DistributedSampler(train, seed=options.seed)  # type: ignore[arg-type]
    loader: DataLoader[Any] = DataLoader(
        train,  # type: ignore[arg-type]
        batch_size=options.batch_size_per_device,
        sampler=sampler,
        collate_fn=lambda examples: tokenised(tokenizer, examples),
    )
    total = options.epochs * len(loader)
    done = restore(model, optimiser, device)
    tell_progress(rank, done, total, resumed_from=done or None)
    keeper = Keeper()
    for step, batch in enumerate(batches(loader, sampler, options.epochs, skip=done), done + 1):
        loss = learn(model, optimiser, {name: value.to(device) for name, value in batch.items()})
        stopping = agreed(stop.requested, device)
        if agreed(keeper.is_due(), device) or stopping or step == total:
            save(rank, model, optimiser, step)
            tell_progress(rank, step, total, resumed_from=done or None)
            if rank == 0:
                print(f"step={step} train:loss={loss:.4f}", flush=True)
        if stopping:
            print(f"asked to stop: checkpoint {step} is saved", flush=True)
            break
    if rank == 0:
        accuracy = score(model.module, tokenizer, validation, options.batch_size_per_device, device)
        print(f"validation:accuracy={accuracy:.4f}", flush=True)
        model.module.save_pretrained(options.model_dir)
        tokenizer.save_pretrained(options.model_dir)
    dist.barrier()
    dist.destroy_process_group()


def read_options() -> argparse.Namespace:
    """Hyperparameters arrive as arguments, folders as SM_* variables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base_model", required=True, help="a model of the Hugging Face hub, or a folder")
    parser.add_argument("--learning_rate", type=float, default=3e-5)
    parser.add_argument("--batch_size_per_device", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of the order of the examples")
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", default=os.environ.get("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--model_dir", default=os.environ.get("SM_MODEL_DIR"))
    return parser.parse_args()


def join_the_others() -> tuple[int, torch.device]:
    """This process's rank, and the GPU that is its own; the CPU where there is none."""
    on_gpu = torch.cuda.is_available()
    dist.init_process_group("nccl" if on_gpu else "gloo")
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    return dist.get_rank(), device


def load(base_model: str, labels: int) -> tuple[Any, Any]:
    """Tokenizer and model; one process of a host fetches them, the others wait for it."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415

    if int(os.environ["LOCAL_RANK"]) != 0:
        dist.barrier()
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    model = AutoModelForSequenceClassification.from_pretrained(base_model, num_labels=labels)
    if int(os.environ["LOCAL_RANK"]) == 0:
        dist.barrier()
    return tokenizer, model


def read(folder: str) -> list[Example]:
    """Every line of every *.jsonl file in a channel."""
    files = sorted(Path(folder).rglob("*.jsonl"))
    found = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines() if line]
    if not found:
        raise FileNotFoundError(f"{folder}: no examples in *.jsonl files in this input channel")
    return found


def tokenised(tokenizer: Any, examples: list[Example]) -> dict[str, torch.Tensor]:
    texts = [str(each["text"]) for each in examples]
    batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    return {**batch, "labels": torch.tensor([int(each["label"]) for each in examples])}


def batches(loader: DataLoader[Any], sampler: DistributedSampler[Any], epochs: int, skip: int) -> Iterator[Any]:
    """Every epoch's batches in its own order, without the first `skip`: a resumed run sees what it would have seen."""
    for epoch in range(epochs):
        if skip >= len(loader):
            skip -= len(loader)
            continue
        sampler.set_epoch(epoch)
        for number, batch in enumerate(loader):
            if number >= skip:
                yield batch
        skip = 0


def learn(model: torch.nn.Module, optimiser: torch.optim.Optimizer, batch: dict[str, torch.Tensor]) -> float:
    with precision(batch["labels"].device):
        loss = model(**batch).loss
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def precision(device: torch.device) -> AbstractContextManager[Any]:
    """bf16 where the run asks for it. fp16 would need its loss scaled, which this script does not do."""
    asked = os.environ.get("TRAINWRIGHT_PRECISION", "off")
    if asked not in ("bf16", "off"):
        raise ValueError(f"precision: {asked} is not for this script; ask for bf16 or off")
    return torch.autocast(device.type, dtype=torch.bfloat16) if asked == "bf16" else nullcontext()


def score(model: Any, tokenizer: Any, examples: list[Example], size: int, device: torch.device) -> float:
    model.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(examples), size):
            batch = tokenised(tokenizer, examples[start : start + size])
            logits = model(**{name: value.to(device) for name, value in batch.items()}).logits
            right += int((logits.argmax(dim=-1).cpu() == batch["labels"]).sum())
    return right / len(examples)


class Keeper:
    """Says when a checkpoint is due: as often as the run's `checkpoints.every` says."""

    def __init__(self) -> None:
        self._every = float(os.environ.get("TRAINWRIGHT_CHECKPOINT_EVERY_SECONDS", "600"))
        self._last = time.monotonic()

    def is_due(self) -> bool:
        if time.monotonic() - self._last < self._every:
            return False
        self._last = time.monotonic()
        return True


class StopSignal:
    """SageMaker sends SIGTERM when spot capacity is taken away or the job is stopped, and SIGKILL 120 seconds later."""

    def __init__(self) -> None:
        self.requested = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_arguments: object) -> None:
        self.requested = True


def agreed(wish: bool, device: torch.device) -> bool:
    """Whether any process wishes it: all of them must save, or leave the loop, at the same step."""
    wishes = torch.tensor(int(wish), device=device)
    dist.all_reduce(wishes, op=dist.ReduceOp.MAX)
    return bool(wishes.item())


def save(rank: int, model: DistributedDataParallel, optimiser: torch.optim.Optimizer, step: int) -> None:
    """One process writes; the file gets its name only when it is whole, because SageMaker copies it at any moment."""
    if rank == 0:
        CHECKPOINTS.mkdir(parents=True, exist_ok=True)
        state = {"step": step, "model": model.module.state_dict(), "optimiser": optimiser.state_dict()}
        torch.save(state, CHECKPOINTS / f"{STATE}.saving")
        (CHECKPOINTS / f"{STATE}.saving").replace(CHECKPOINTS / STATE)
    dist.barrier()


def restore(model: DistributedDataParallel, optimiser: torch.optim.Optimizer, device: torch.device) -> int:
    """The step of the checkpoint that SageMaker brought back to every host; 0 where there is none."""
    if not (CHECKPOINTS / STATE).is_file():
        return 0
    state = torch.load(CHECKPOINTS / STATE, map_location=device, weights_only=True)
    model.module.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    print(f"resumed after step {state['step']}", flush=True)
    return int(state["step"])


def tell_progress(rank: int, step: int, total: int, *, resumed_from: int | None) -> None:
    """For the run report, in the file that the platform reads beside the checkpoints."""
    if rank == 0:
        CHECKPOINTS.mkdir(parents=True, exist_ok=True)
        content = json.dumps({"step": step, "total": total, "resumed_from": resumed_from})
        (CHECKPOINTS / f"{PROGRESS}.saving").write_text(content, encoding="utf-8")
        (CHECKPOINTS / f"{PROGRESS}.saving").replace(CHECKPOINTS / PROGRESS)


if __name__ == "__main__":
    main()
