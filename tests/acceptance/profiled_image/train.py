"""Trains nothing for `seconds`, by `feeding`: `starving` has loaders that read its channel anew for every batch,
`well` reads it once and works from memory, `plain` works without a GPU.

Of the GPU it says what it would be: busy while there is a batch to work on, idle while the script waits for one.
"""

import json
import os
import time
from multiprocessing import Process
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
GPU = BASE / "output/profiler/gpu.jsonl"


def gpu(utilization):
    GPU.parent.mkdir(parents=True, exist_ok=True)
    with GPU.open("a") as file:
        file.write(json.dumps({"gpu": 0, "utilization": utilization, "memory": 80}) + "\n")


def read(file, end):
    while time.monotonic() < end:
        with file.open("rb", buffering=0) as channel:  # FastFile: every opening asks S3 anew
            while time.monotonic() < end and channel.read(1 << 20):
                pass


def starve(file, end):
    gpu(4)
    loaders = [Process(target=read, args=(file, end)) for _ in range(3)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()


def work(end):
    while time.monotonic() < end:
        sum(range(10_000))


def main():
    settings = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    end = time.monotonic() + float(settings["seconds"])
    file = BASE / "input/data/train/batches.bin"
    if settings["feeding"] == "starving":
        starve(file, end)
    elif settings["feeding"] == "well":
        file.read_bytes()
        gpu(92)
        work(end)
    else:
        work(end)
    (BASE / "model/model.txt").write_text("a model")


main()
