"""What digesting the profiler's system metrics costs: `python tools/bench_profile.py --gb 1`.

It writes files as SageMaker's profiler does, of big and small GPU hosts at 500 ms, and digests them in a process of its
own, which imports what the Lambda function imports. Reading from S3 is not part of it.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

GB = 10**9
START = 1_700_000_040
READINGS = 120
#: vCPUs and GPUs of ml.g5.12xlarge and ml.g5.xlarge (data/instances.json): many rows a reading, and few.
HOSTS = ((48, 4), (48, 4), (4, 1), (4, 1), (4, 1), (4, 1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=1.0, help="how much to digest, in GB (10**9 bytes)")
    parser.add_argument("--digest", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--loads", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.digest or options.loads:
        digest(options.digest) if options.digest else loads(options.loads)
        return 0
    for name, value in rows(options.gb):
        print(f"{name:<58}{value}")  # noqa: T201 - what a benchmark is for
    return 0


def rows(gb: float) -> list[tuple[str, str]]:
    """The figures, for `make bench`, too."""
    with tempfile.TemporaryDirectory() as folder:
        size = write(Path(folder), gb)
        measured, alone = run("--digest", folder), run("--loads", folder)
    scale = GB / size
    return [
        (f"digesting profiler output, seconds for 1 GB (of {size / GB:.2f} GB)", f"{measured['seconds'] * scale:.1f}"),
        ("  lines a second", f"{measured['lines'] / measured['seconds']:,.0f}"),
        ("  most resident memory, MB", f"{measured['resident'] / 2**20:.0f}"),
        ("  time / json.loads of the same lines alone", f"{measured['seconds'] / alone['seconds']:.2f}"),
    ]


def run(what: str, folder: str) -> dict[str, float]:
    command = [sys.executable, __file__, what, folder]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def write(folder: Path, gb: float) -> int:
    """Files of that much in all; the bytes."""
    numbers, size, minute = random.Random(6), 0, START  # noqa: S311 - values of a benchmark
    hosts = {f"algo-{number}": template(numbers, f"algo-{number}", *kind) for number, kind in enumerate(HOSTS, 1)}
    while size < gb * GB:
        for host, readings in hosts.items():
            at = folder / "job/profiler-output/system/incremental" / f"{datetime.fromtimestamp(minute, UTC):%Y%m%d%H}"
            at.mkdir(parents=True, exist_ok=True)
            times = (f"{minute + number / 2 + 0.0321:.4f}" for number in range(READINGS))
            text = "".join(reading.replace("TIME", when) for reading, when in zip(readings, times, strict=True))
            size += (at / f"{minute}.{host}.json").write_text(text, encoding="ascii")
        minute += 60
    return size


def template(numbers: random.Random, host: str, vcpus: int, gpus: int) -> list[str]:
    """One minute, reading by reading, the times left open."""
    return ["".join(lines(numbers, host, vcpus, gpus)) for _ in range(READINGS)]


def lines(numbers: random.Random, host: str, vcpus: int, gpus: int) -> Iterator[str]:
    for dimension, most in (("CPUUtilization", 100), ("I/OWaitPercentage", 5)):
        for core in range(vcpus):
            yield line("cpu", f"cpu{core}", dimension, numbers.random() * most, host)
    for gpu in range(gpus):
        yield line("gpu", f"gpu{gpu}", "GPUUtilization", 60 + numbers.random() * 40, host)
        yield line("gpu", f"gpu{gpu}", "GPUMemoryUtilization", 80 + numbers.random(), host)
    yield line("memory", "MemoryUsedPercent", "Memory", 40 + numbers.random(), host)
    yield line("network", "ReceiveBytesPerSecond", "Algorithm", numbers.random() * 10**8, host)
    yield line("network", "TransmitBytesPerSecond", "Algorithm", numbers.random() * 10**7, host)


def line(kind: str, name: str, dimension: str, value: float, host: str) -> str:
    return (
        f'{{"Type":"{kind}","Name":"{name}","Dimension":"{dimension}","Value":{value:.2f},"NodeId":"{host}",'
        '"Timestamp":TIME}\n'
    )


def digest(folder: Path) -> None:
    """In a process of its own: everything from the listing to the document's text."""
    import boto3  # noqa: PLC0415

    from trainwright_runtime.handlers import aws, telemetry  # noqa: F401, PLC0415 - what the function holds in memory
    from trainwright_runtime.profile import Digest, document  # noqa: PLC0415

    boto3.client("s3", region_name="us-east-1")
    keys = [(str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*.json")]
    began = time.process_time()
    found = Digest(keys)
    for key in found.plan():
        found.read(key, (folder / key).read_bytes())
    made = document(
        attempt=1,
        job_name="job",
        digest=found,
        rules=[],
        rule_reports={},
        host_metrics=None,
        steps=[],
        training=[],
    )
    json.dumps(made)
    assert not made["missing"], made["missing"]  # noqa: S101 - a benchmark of half the lines would be none
    say(time.process_time() - began, made["files"]["lines"])


def loads(folder: Path) -> None:
    """What Python's own parser takes for the same lines, and nothing done with them."""
    began, count = time.process_time(), 0
    for path in folder.rglob("*.json"):
        for text in path.read_bytes().splitlines():
            json.loads(text)
            count += 1
    say(time.process_time() - began, count)


def say(seconds: float, count: int) -> None:
    """Processor time, so that a busy machine says the same; Linux gives the resident memory in KiB."""
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"seconds": seconds, "lines": count, "resident": resident}, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
