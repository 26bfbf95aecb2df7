"""docs/reports.md says what is so."""

from pathlib import Path

from trainwright_runtime.page import goodput
from trainwright_runtime.profile.rules import catalogue
from trainwright_runtime.profile.settings import DEFAULTS

TEXT = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")


def row(title: str) -> str:
    (found,) = [line for line in TEXT.splitlines() if line.startswith(f"| {title} |")]
    return found


def test_the_thresholds_are_those_of_the_rules():
    told = {
        catalogue.CPU_BOTTLENECK: (DEFAULTS.idle_gpu, DEFAULTS.busy_core, DEFAULTS.bottleneck_share),
        catalogue.IO_BOTTLENECK: (DEFAULTS.idle_gpu, DEFAULTS.waiting_core, DEFAULTS.bottleneck_share),
        catalogue.LOW_GPU_USE: (DEFAULTS.low_use_p95, DEFAULTS.window_share, DEFAULTS.window),
        catalogue.BATCH_SIZE: (DEFAULTS.batch_cpu_p95, DEFAULTS.batch_gpu_p95, DEFAULTS.batch_gpu_memory_p95),
        catalogue.MEMORY_GROWTH: (DEFAULTS.memory_growth,),
        catalogue.LOAD_IMBALANCE: (DEFAULTS.imbalance, DEFAULTS.imbalance_use),
        catalogue.INITIALISATION_TIME: (DEFAULTS.initialisation_seconds / 60,),
        catalogue.STEP_OUTLIERS: (DEFAULTS.outliers, DEFAULTS.outlier_deviations),
    }
    for entry, thresholds in told.items():
        for threshold in thresholds:
            assert f" {threshold:g}" in row(entry.title), (entry.title, threshold)
    assert f"before there are {DEFAULTS.patience:,} readings" in TEXT


def test_the_parts_of_goodput_are_named_as_on_the_page():
    section = TEXT[TEXT.index("### Goodput") : TEXT.index("### Findings")]
    for title, _ in goodput.PARTS.values():
        assert f"| {title} |" in section
