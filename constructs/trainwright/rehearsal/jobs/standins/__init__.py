"""Stand-ins for AWS's own training images: Deep Learning Containers, framework containers, built-in algorithms.

Their images cannot be had here. In their place runs a program of this folder (`container`), on this machine's Python:
what AWS's training toolkit does around a script, with this machine's frameworks; or what a built-in algorithm checks
first, with no training. Each says at its start, in the log, what it stands for.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from trainwright.rehearsal.jobs.images import Image, ImageError, Reference, parse_reference
from trainwright.rehearsal.jobs.standins import registries
from trainwright.rehearsal.jobs.standins.families import FAMILIES

FOLDER = Path(__file__).parent
START = FOLDER / "start.py"
#: How a container of AWS's says that the customer's input is at fault: EXIT_CODE_CUSTOMER_ERROR in exceptions.py of
#: aws/sagemaker-rl-container, where the code that the built-in algorithms share is public.
CLIENT_ERROR = 2


def find(uri: str, account_id: str, region: str) -> Image | None:
    """What runs for an image of AWS's; None for every other address, and for one at which AWS has no such image.

    An image must lie in the job's own region, in the account that AWS has there (the SDK's image_uri_config). Tags
    are not checked: AWS keeps more of them than the SDK lists.

    Raises:
        ImageError: AWS has this image, and nothing here stands in for it.
    """
    reference = parse_reference(uri)
    if reference is None or reference.account == account_id or not _is_there(reference, region):
        return None
    family = FAMILIES.get(reference.repository)
    if family is None:
        raise ImageError(f"nothing stands in for AWS's {reference.repository}; write --image {uri}=DIR")
    return Image(
        FOLDER,
        entrypoint=["python", str(START), family.program, family.name or reference.repository, uri],
        environment={**Image(FOLDER).environment, **family.environment},
        client_error=None if family.is_toolkit else CLIENT_ERROR,
    )


def inherit(image: Image) -> Image:
    """A folder without ENTRYPOINT that is made FROM an image of AWS's runs as that image does: AWS's way to extend a
    Deep Learning Container (its ENV names the script in SAGEMAKER_PROGRAM). Any other image is answered as it is.

    Raises:
        ImageError: nothing stands in for the image below.
    """
    reference = None if image.entrypoint else parse_reference(image.base)
    base = reference and find(image.base, "", reference.region)
    if not base:
        return image
    environment = {**base.environment, **image.environment}
    return dataclasses.replace(
        image, entrypoint=base.entrypoint, environment=environment, client_error=base.client_error
    )


def is_pulled_by_sagemaker(uri: str, account_id: str, region: str) -> bool:
    """Whether the execution role needs no right to pull: for built-in algorithms "SageMaker uses its own SageMaker
    account credentials" and "you cannot restrict built-in algorithms using IAM roles" (API reference,
    AlgorithmSpecification). That this holds for sagemaker-xgboost, which is a framework too, is not verified.
    """
    reference = parse_reference(uri)
    if reference is None or reference.account == account_id or not _is_there(reference, region):
        return False
    family = FAMILIES.get(reference.repository)
    return family is not None and family.is_built_in


def _is_there(reference: Reference, region: str) -> bool:
    return reference.region == region and reference.account in registries.accounts(reference.repository, region)
