"""CreateTrainingJob as botocore models it: what AWS would refuse, told before anything leaves.

Needs botocore's files and no credentials, so the command line uses it too.
"""

from dataclasses import replace
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from trainwright_runtime import problems as codes
from trainwright_runtime import shapes
from trainwright_runtime.job import named, render
from trainwright_runtime.problems import Problem
from trainwright_runtime.resolved import ResolvedRequest
from trainwright_runtime.spec import SAMPLE_FACTS, Request, first_spec


@cache
def create_training_job_shape() -> Any:
    """The input shape of CreateTrainingJob in the botocore that runs here."""
    # not through a session, which would read the user's profile and stumble over one that is not there
    description = Loader().load_service_model("sagemaker", "service-2")
    return ServiceModel(description, "sagemaker").operation_model("CreateTrainingJob").input_shape


def refusals(request: Request) -> list[Problem]:
    """Everything that does not fit in a rendered request: botocore's own ParamValidator, the checks it skips, the
    size."""
    shape = create_training_job_shape()
    found = shapes.problems_of(shape, request)
    report = ParamValidator().validate(request, shape)
    if report.has_errors() and not found:
        found.append(Problem(codes.REFUSED_BY_API_MODEL, (), " ".join(report.generate_report().split())))
    large = shapes.too_large(request)
    return [*found, large] if large else found


def check_request(request: ResolvedRequest, region: str = "us-east-1") -> list[Problem]:
    """`refusals` of a resolved request, rendered with a sample deployment: the `api` argument of `request.check`."""
    deployment = replace(SAMPLE_FACTS.deployment, region=region)
    spec = first_spec(request, replace(SAMPLE_FACTS, deployment=deployment))
    return refusals(named(render(spec), "sample-0123456789-1", 1))
