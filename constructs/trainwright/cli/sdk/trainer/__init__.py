"""What the SDK v3's ModelTrainer would send, and the run request that stands for it."""

from __future__ import annotations

from botocore.validate import ParamValidator

from trainwright.cli.sdk.objects import Imported, Rendered, SdkRefusal
from trainwright.cli.sdk.trainer import document, rendering
from trainwright.cli.sdk.trainer.importing import imported
from trainwright.cli.sdk.trainer.remarks import remarks
from trainwright_runtime import problems as codes
from trainwright_runtime.handlers.api_model import create_training_job_shape
from trainwright_runtime.problems import Problem

__all__ = ["import_trainer", "render_trainer"]


def render_trainer(data: object) -> Rendered:
    """The CreateTrainingJob request that the SDK v3 sends for this document, and what AWS would refuse or ignore of it.

    Raises SdkRefusal where the SDK itself raises, and where what it would send cannot be known without its machine.
    """
    call = document.read(data)
    return _rendered(call)


def import_trainer(data: object) -> Imported:
    """The run request that renders the same as far as a platform lets it, and what it does not carry."""
    call = document.read(data)
    return imported(call, _rendered(call).request)


def _rendered(call: document.Call) -> Rendered:
    request = rendering.render(call)
    _refuse_what_botocore_raises_for(request)
    return Rendered(request, remarks(call, request))


def _refuse_what_botocore_raises_for(request: rendering.Request) -> None:
    """SdkRefusal for what botocore checks before it sends: required members, types, minima."""
    report = ParamValidator().validate(request, create_training_job_shape())
    if report.has_errors():
        lines = report.generate_report().splitlines()
        remedy = "the SDK leaves out what is empty, 0 or false within its objects"
        raise SdkRefusal(
            [
                Problem(codes.REFUSED_BY_API_MODEL, (), f"botocore refuses the request: {line}", remedy=remedy)
                for line in lines
            ]
        )
