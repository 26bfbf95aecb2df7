"""What is put into S3 is its bytes, also where the client calls them a form, as curl and urllib do by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.s3 import responses
from werkzeug.datastructures import ImmutableMultiDict

from trainwright.rehearsal.mends import Mend, replace

_TARGET = "moto.s3.responses:S3Response.setup_class"


def _setup_class(original: Callable[..., None]) -> Callable[..., None]:
    def setup_class(self: Any, request: Any, *args: Any, **more: Any) -> None:
        """Nothing takes the body for a form: only a POST to a bucket is one."""
        if request.method == "PUT":
            request.get_data()
            request.form = request.files = ImmutableMultiDict()
        original(self, request, *args, **more)

    return setup_class


def _put(new: Any) -> None:
    replace(_TARGET, new)


MENDS: tuple[Mend, ...] = (
    Mend(
        "s3-put-of-a-form",
        _TARGET,
        "f4fd5cb219d152d81456e04a0cff91d3a739f259de98cab48500abb181eda471",
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html",
        "moto stores nothing when the content type is application/x-www-form-urlencoded, urllib's and curl's default",
        lambda: _put(_setup_class(responses.S3Response.setup_class)),
    ),
)
