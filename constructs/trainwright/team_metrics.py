"""The metrics of a team by name, as CDK's own constructs offer theirs."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch

from trainwright import monitoring


class TeamMetrics:
    """Metrics that a team's runs write when they end. Every method takes the options of `cloudwatch.Metric`; left out:
    the statistic that is named here, over five minutes.
    """

    name: str

    def metric(self, name: str, **options: Any) -> cloudwatch.Metric:
        """Any metric of `trainwright_runtime.run_metrics.METRICS`. Raises ValueError for another name."""
        return monitoring.metric(self.name, name, **options)

    def metric_stopped(self, **options: Any) -> cloudwatch.Metric:
        """Runs that a person stopped; their sum."""
        return self.metric("StoppedCount", **options)

    def metric_refused(self, **options: Any) -> cloudwatch.Metric:
        """Runs that were refused before anything started; their sum."""
        return self.metric("RefusedCount", **options)

    def metric_failed_by_platform(self, **options: Any) -> cloudwatch.Metric:
        """Runs that failed because of the platform; their sum."""
        return self.metric("FailedByPlatformCount", **options)

    def metric_attempts(self, **options: Any) -> cloudwatch.Metric:
        """Training jobs that runs made; their sum."""
        return self.metric("AttemptCount", **options)

    def metric_interruptions(self, **options: Any) -> cloudwatch.Metric:
        """How often spot capacity was taken away; the sum."""
        return self.metric("InterruptionCount", **options)

    def metric_queue_time(self, **options: Any) -> cloudwatch.Metric:
        """Seconds in which a run waited for quota, capacity or its next attempt; the longest."""
        return self.metric("QueueSeconds", **options)

    def metric_run_time(self, **options: Any) -> cloudwatch.Metric:
        """Seconds from a run's start to its end; the average."""
        return self.metric("RunSeconds", **options)

    def metric_lost_work(self, **options: Any) -> cloudwatch.Metric:
        """Seconds of training that had to be done again; the sum."""
        return self.metric("LostWorkSeconds", **options)

    def metric_goodput(self, **options: Any) -> cloudwatch.Metric:
        """Percent of a run's time in which it trained for good; the average."""
        return self.metric("GoodputPercent", **options)

    def metric_gpu_utilization(self, **options: Any) -> cloudwatch.Metric:
        """Mean GPU use of runs that were profiled, in percent; the average."""
        return self.metric("GpuUtilizationPercent", **options)

    def metric_cost_usd(self, **options: Any) -> cloudwatch.Metric:
        """What runs cost, in USD from the on-demand prices and when they end; the sum."""
        return self.metric("CostUsd", **options)

    def metric_saved_usd(self, **options: Any) -> cloudwatch.Metric:
        """What spot saved, in USD; the sum."""
        return self.metric("SavedUsd", **options)

    def metric_budget_used(self, **options: Any) -> cloudwatch.Metric:
        """Percent of the team's month that is spent or set aside, where the policy has a limit; the largest."""
        return self.metric("BudgetUsedPercent", **options)

    def metric_restarted_from_zero(self, **options: Any) -> cloudwatch.Metric:
        """Attempts that began at step 0 although a checkpoint existed; their sum."""
        return self.metric("RestartedFromZero", **options)
