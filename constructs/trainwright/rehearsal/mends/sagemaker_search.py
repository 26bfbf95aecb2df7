"""SageMaker's Search on training jobs; other resources stay moto's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import botocore.session
from botocore.model import StructureShape
from moto.core.responses import ActionResult
from moto.sagemaker import responses
from moto.sagemaker.exceptions import ValidationError

from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.mends import Mend, replace
from trainwright.rehearsal.searching import Record, SearchRefused
from trainwright.rehearsal.searching import search as found_in

_TARGET = "moto.sagemaker.responses:SageMakerResponse.search"
_PAGE = 10

Search = Callable[[responses.SageMakerResponse], ActionResult]


def search(self: responses.SageMakerResponse, otherwise: Search) -> ActionResult:
    """Search: the newest change first where the request says nothing else."""
    asked = json.loads(self.body or "{}")
    if asked.get("Resource") != "TrainingJob":
        return otherwise(self)
    jobs: Any = self.sagemaker_backend.training_jobs
    try:
        return ActionResult(_page(_search([_record(job) for job in jobs.values()], asked), asked))
    except SearchRefused as refused:
        raise ValidationError(str(refused)) from refused


def _search(records: list[Record], asked: Mapping[str, Any]) -> list[Record]:
    return found_in(
        records,
        _shape(),
        asked.get("SearchExpression"),
        asked.get("SortBy", "LastModifiedTime"),
        descending=asked.get("SortOrder", "Descending") == "Descending",
    )


def _record(job: TrainingJob) -> Record:
    described = {**job.describe(), "Tags": job.tags}
    return {name: value for name, value in described.items() if name in _shape().members}


def _shape() -> StructureShape:
    model = botocore.session.get_session().get_service_model("sagemaker")
    return cast("StructureShape", model.shape_for("TrainingJob"))


def _page(records: list[Record], asked: Mapping[str, Any]) -> dict[str, Any]:
    begin, size = _begin(asked.get("NextToken")), asked.get("MaxResults", _PAGE)
    page: dict[str, Any] = {
        "Results": [{"TrainingJob": record} for record in records[begin : begin + size]],
        "TotalHits": {"Value": len(records), "Relation": "EqualTo"},
    }
    return page if begin + size >= len(records) else {**page, "NextToken": str(begin + size)}


def _begin(token: str | None) -> int:
    if token and not token.isdecimal():
        raise SearchRefused("The NextToken in the request is not valid.")
    return int(token or 0)


def _apply() -> None:
    before: Search = responses.SageMakerResponse.search
    replace(_TARGET, lambda self: search(self, before))


MENDS: tuple[Mend, ...] = (
    Mend(
        "sagemaker-search",
        _TARGET,
        "35734c608d420a0e0be202e9dcef6e361aaa55018de7646b206c8a6c87ae121d",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html",
        "moto knows three operators, looks at top-level properties only, sorts nothing and has no pages",
        _apply,
    ),
)
