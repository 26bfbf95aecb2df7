"""Estimators of the SageMaker Python SDK v2: the request that `fit` would send, and the run request that does the same.

Everything is computed from the document alone: no SDK, no files, no AWS. The rules are the SDK's own
(sagemaker 2.257.7); where a rule is taken over, the module it stands in is named beside it.
"""

from trainwright.cli.sdk.estimator.carry import import_estimator
from trainwright.cli.sdk.estimator.request import render_estimator

__all__ = ["import_estimator", "render_estimator"]
