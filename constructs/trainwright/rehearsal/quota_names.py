"""The quotas that SageMaker has in Service Quotas, by name and code.

Names: "Amazon SageMaker AI endpoints and quotas" (AWS General Reference), for every type that botocore's model knows.
AWS publishes no list of codes: those below are from public listings of accounts, all others are made up here, of the
same form and the same in every account.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache

from moto.core.utils import get_service_model

from trainwright.rehearsal.jobs.limits import SPOT, TRAINING, WARM_POOL, quota_name

_BY_TYPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("TrainingInstanceType", (TRAINING, SPOT, WARM_POOL)),
    ("ProcessingInstanceType", ("processing job",)),
    ("TransformInstanceType", ("transform job",)),
    ("ProductionVariantInstanceType", ("endpoint",)),
)
_OF_THE_ACCOUNT = (
    "Number of instances across all training jobs",
    "Number of instances across all spot training jobs",
    "Maximum number of instances per training job",
    "Maximum number of instances per spot training job",
    "Longest run time for a training job",
    "Size of EBS volume for a training job instance",
    "Rate of CreateTrainingJob requests",
)
_CODES = {
    "Number of instances across all training jobs": "L-00C91CB5",
    "Longest run time for a training job": "L-33A961FD",
    "ml.m5.4xlarge for training warm pool usage": "L-03767DF9",
    "ml.m5.xlarge for training warm pool usage": "L-0BEF44E8",
    "ml.g4dn.4xlarge for training warm pool usage": "L-3408A20D",
    "ml.g5.12xlarge for spot training job usage": "L-03E19172",
    "ml.g4dn.2xlarge for spot training job usage": "L-0496610F",
    "ml.p4d.24xlarge for spot training job usage": "L-09D56C4F",
    "ml.p4d.24xlarge for training job usage": "L-09B4A649",
    "ml.g6e.48xlarge for training job usage": "L-0DA2E7B0",
    "ml.g6.4xlarge for training job usage": "L-07B51BA0",
}


@cache
def codes() -> Mapping[str, str]:
    """The code of each quota by its name, in the order of the codes."""
    found = {name: _CODES.get(name) or _made_up(name) for name in _names()}
    return dict(sorted(found.items(), key=lambda item: item[1]))


@cache
def names() -> Mapping[str, str]:
    """The name of each quota by its code."""
    return {code: name for name, code in codes().items()}


def _names() -> Iterator[str]:
    model = get_service_model("sagemaker")
    for shape, kinds in _BY_TYPES:
        for instance_type in model.shape_for(shape).metadata["enum"]:
            yield from (quota_name(kind, instance_type) for kind in kinds)
    yield from _OF_THE_ACCOUNT


def _made_up(name: str) -> str:
    return f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
