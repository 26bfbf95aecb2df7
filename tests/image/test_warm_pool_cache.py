"""The folder that outlives a job on a warm pool."""

from pathlib import Path

from trainkit import cache_dir


def test_it_is_where_sagemaker_says(monkeypatch):
    monkeypatch.setenv("SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY", "/opt/ml/sagemaker/warmpoolcache")
    assert cache_dir() == Path("/opt/ml/sagemaker/warmpoolcache")


def test_a_job_that_keeps_no_machines_has_none(monkeypatch):
    monkeypatch.delenv("SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY", raising=False)
    assert cache_dir() is None
