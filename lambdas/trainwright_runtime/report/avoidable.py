"""What would have avoided a part of a run's time, in the words of a run request; nothing where the run does it
already, or it could not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime import summary
from trainwright_runtime.report.clean import mapping, mappings, seconds_between

Report = Mapping[str, Any]

BILLED = ("lost_work", "download", "checkpoints", "upload")
"""SageMaker bills from the download of data to the end of the upload, and no wait for machines ("Download, compression
and upload time is billed", SageMaker developer guide)."""


@dataclass(frozen=True)
class Better:
    """What to change, a sentence; and what the time went into, to follow `5 min 0 s of 15 min 0 s`."""

    change: str
    why: str


def avoidable(part: str, report: Report) -> Better | None:
    """What would have avoided a part of goodput; None where nothing would."""
    better = _BETTER.get(part)
    return better(report) if better else None


def _lost_work(report: Report) -> Better:
    why = "were trained and lost"
    if report["restarted_from_zero"]:
        return Better(
            "Let the script restore its newest checkpoint before it trains (trainkit: Checkpoints.restore).", why
        )
    if report["checkpoints"] is None:
        return Better("Write `checkpoints: true`, and save them in the script (trainkit: Checkpoints.save).", why)
    return Better("Save checkpoints more often: `checkpoints: {every: 5m}`, or as your script has it.", why)


def _waiting(report: Report) -> Better:
    if summary.WAITED_FOR["quota_busy"] in {wait["reason"] for wait in report["waits"]}:
        change = "Name further types in `compute.instance_type`, or have the quota raised."
        return Better(change, "were spent waiting, most of it for a quota that was in use")
    if not _on_spot(report):
        return Better("Name further types in `compute.instance_type`.", "were spent waiting for machines")
    why = "were spent waiting for spot capacity"
    if _field(report, "compute.fallback") == "on_demand":
        return Better("Name further types in `compute.instance_type`, or do without spot: `compute.spot: false`.", why)
    return Better(
        "Name further types in `compute.instance_type`, or go on on demand when spot is short: "
        "`compute.fallback: on_demand`.",
        why,
    )


def _start_up(report: Report) -> Better | None:
    """Machines that were kept start at once; spot has no warm pools ("Train Using SageMaker Managed Warm Pools")."""
    if not _could_keep(report):
        return None
    change = "Keep the machines between runs, where the team's policy allows it: `compute.keep_alive: 30m`."
    return Better(change, "were spent on starting machines, containers and the script")


def _download(report: Report) -> Better | None:
    if _longest_download(report) == "DownloadingTrainingImage":
        keep = ", or keep the machines between runs: `compute.keep_alive: 30m`" if _could_keep(report) else ""
        return Better(
            f"Make the training image smaller{keep}.", "were spent on downloads, most of it the training image"
        )
    if not _copies(report):
        return None
    return Better("Stream the data instead of copying it first: `input_mode: FastFile`.", "were spent on copying data")


def _longest_download(report: Report) -> str | None:
    spent: dict[str, float] = {}
    for transition in (each for row in report["attempts"] for each in row["transitions"]):
        if transition["status"] in ("Downloading", "DownloadingTrainingImage"):
            seconds = seconds_between(transition["start"], transition["end"]) or 0.0
            spent[transition["status"]] = spent.get(transition["status"], 0.0) + seconds
    return max(spent, key=lambda status: spent[status], default=None)


def _checkpoints(_report: Report) -> Better:
    return Better("Save checkpoints less often: `checkpoints: {every: 15m}`.", "were spent on saving checkpoints")


def _upload(report: Report) -> Better:
    why = "were spent on packing and uploading what the job left"
    if mapping(_sent(report, "OutputDataConfig")).get("CompressionType") == "NONE":
        return Better("Write less to the model's and the output's folder.", why)
    return Better("Leave the model uncompressed: `output_compression: none`; or write less of it.", why)


def _on_spot(report: Report) -> bool:
    return any(row["capacity"] == "spot" for row in report["attempts"])


def _could_keep(report: Report) -> bool:
    return not _on_spot(report) and not mapping(_sent(report, "ResourceConfig")).get("KeepAlivePeriodInSeconds")


def _copies(report: Report) -> bool:
    """Whether any channel is in File mode, which is what CreateTrainingJob does where nothing else is said."""
    mode = mapping(_sent(report, "AlgorithmSpecification")).get("TrainingInputMode", "File")
    channels = mappings(_sent(report, "InputDataConfig"))
    return "File" in [channel.get("InputMode", mode) for channel in channels]


def _sent(report: Report, block: str) -> Any:
    return mapping(report["sent"]).get(block)


def _field(report: Report, name: str) -> Any:
    return next((each.get("value") for each in report["fields"] if each.get("field") == name), None)


_BETTER: Mapping[str, Callable[[Report], Better | None]] = {
    "lost_work": _lost_work,
    "waiting": _waiting,
    "start_up": _start_up,
    "download": _download,
    "checkpoints": _checkpoints,
    "upload": _upload,
}
