"""The JSONata functions that Step Functions adds, and the one that it takes away.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn
"""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from typing import Any

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

from trainwright.rehearsal import clock

ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def parse(text: Any = None) -> Any:
    """``$parse``: the value that a JSON text describes."""
    if text is None:
        return None
    try:
        value = json.loads(_string(text, "parse"))
    except ValueError as error:
        raise _error(f"unable to parse the string as JSON: {error}") from error
    return Utils.NULL_VALUE if value is None else value


def new_uuid() -> str:
    """``$uuid``: a random (version 4) UUID."""
    return str(uuid.uuid4())


def digest(text: Any = None, algorithm: Any = None) -> str | None:
    """``$hash``: the hexadecimal digest of a text; undefined without an algorithm."""
    if text is None or algorithm is None:
        return None
    if algorithm not in ALGORITHMS:
        raise _error(f"unsupported hash algorithm '{algorithm}', use one of {', '.join(ALGORITHMS)}")
    return hashlib.new(ALGORITHMS[algorithm], _string(text, "hash").encode(), usedforsecurity=False).hexdigest()


def partition(items: Any = None, size: Any = None) -> list[Any] | None:
    """``$partition``: an array cut into pieces of ``size``; undefined for no array, an empty one or a size below 1."""
    if not isinstance(items, list) or not items or size is None or int(size) < 1:
        return None
    step = int(size)
    return [list(items[start : start + step]) for start in range(0, len(items), step)]


def number_range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    """``$range``: numbers from ``first`` to ``last`` inclusive; undefined when the step leads away from ``last``."""
    if first is None or last is None or step is None or int(step) == 0:
        return None
    start, stop, delta = int(first), int(last), int(step)
    numbers = list(range(start, stop + (1 if delta > 0 else -1), delta))
    if not numbers:
        return None
    return Utils.create_sequence_from_iter(numbers) if len(numbers) > 1 else numbers[0]


def random_number(seed: Any = None) -> float:
    """``$random``: a number from 0 (included) to 1 (excluded), the same for the same ``seed``."""
    source = clock.random() if seed is None else random.Random(int(seed))  # noqa: S311  (AWS documents a seed)
    return source.random()


def _string(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    raise JException("T0410", 0, 1, name)


def _error(message: str) -> JException:
    # D3137 is the code of an error whose text is the message itself.
    return JException("D3137", 0, message)


BINDINGS: dict[str, Any] = {
    "parse": Jsonata.JLambda(parse),
    "uuid": Jsonata.JLambda(new_uuid),
    "hash": Jsonata.JLambda(digest),
    "partition": Jsonata.JLambda(partition),
    "range": Jsonata.JLambda(number_range),
    "random": Jsonata.JLambda(random_number),
    # Step Functions has no $eval: a call of it is the call of something that is not a function.
    "eval": None,
}
