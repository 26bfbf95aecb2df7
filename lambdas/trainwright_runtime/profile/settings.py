"""The thresholds of the platform's own rules: those that AWS documents for its rules of the same name.

Defaults: https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-profiler-rules.html, and for what that page
leaves out the source of AWS's rules (awslabs/sagemaker-debugger, smdebug/profiler/analysis/rules, 2020) and
smdebug-rulesconfig. What has no counterpart at AWS says so.
"""

import math
from dataclasses import dataclass, replace

#: "The default value is 500 milliseconds" (API reference, ProfilerConfig): what AWS's windows are made for.
INTERVAL_SECONDS = 0.5


@dataclass(frozen=True)
class Settings:
    """Percentages are 0 to 100; patience and windows count readings of one host."""

    patience: int = 1000
    """A host with no more readings than this, while training, is not judged: at 500 ms, 8.3 minutes."""
    bottleneck_share: float = 50
    """CPU and I/O bottleneck: in more than so many per cent of the readings."""
    idle_gpu: float = 10
    """A GPU below this is idle (gpu_threshold)."""
    busy_core: float = 90
    """A core above this is busy (cpu_threshold)."""
    waiting_core: float = 50
    """A core that waits for input and output for more than this is held up by it (io_threshold)."""
    idle_cpu: float = 10
    """Ours, for hosts without GPUs: below this mean use of the cores the host does no work."""
    receiving: float = 1_000_000
    """Ours, for hosts without GPUs: bytes a second from which on an idle host is one that waits for its input."""
    low_use_p95: float = 70
    """Low GPU use: the 95th percentile of a window is below this (threshold_p95)."""
    low_use_p5: float = 10
    """Low GPU use, by fits and starts: the 5th percentile of a window is below this (threshold_p5)."""
    window: int = 500
    """Low GPU use and batch size: readings of a window."""
    window_share: float = 50
    """Ours: more than so many per cent of the windows must show it. AWS's rules speak as soon as the last one does,
    which a validation or the end of a run is enough for."""
    memory_growth: float = 5
    """GPU memory growth: by more than so many percentage points."""
    memory_window: int = 10
    """GPU memory growth: readings whose mean is compared."""
    imbalance: float = 0.5
    """Load imbalance: two GPUs' histograms of use are further apart than this (Jensen-Shannon distance)."""
    imbalance_use: float = 10
    """Ours: and their mean use differs by more than so many points; two steady GPUs at 95 % and 97 % share no bin."""
    batch_cpu_p95: float = 70
    batch_gpu_p95: float = 70
    batch_gpu_memory_p95: float = 70
    """Batch size: in a window the 95th percentiles of all three are below these."""
    initialisation_seconds: float = 20 * 60
    """Initialisation time: until the first step (MaxInitializationTime's threshold of 20 minutes)."""
    outlier_deviations: float = 3
    """Step outliers: a step this many standard deviations above the mean (stddev)."""
    outliers: int = 10
    """Step outliers: more than so many of them (n_outliers)."""

    def for_interval(self, seconds: float) -> "Settings":
        """The same lengths of time where readings come this far apart: CloudWatch has one a minute."""

        def count(readings: int, least: int) -> int:
            return max(least, math.ceil(readings * INTERVAL_SECONDS / seconds))

        return replace(
            self,
            patience=count(self.patience, 1),
            window=count(self.window, 5),
            memory_window=count(self.memory_window, 3),
        )


DEFAULTS = Settings()


@dataclass(frozen=True)
class Instance:
    """What is known of the machine: None where it is not."""

    vcpus: int | None = None
    gpus: int | None = None
    """Or other accelerators, which the profiler does not measure; 0 for a type that has none."""
