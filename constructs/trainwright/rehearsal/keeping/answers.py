"""Between moto's answer and the client: what has changed is kept before anybody is told that it has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.rehearsal import facade, wire
from trainwright.rehearsal.keeping import changes

if TYPE_CHECKING:
    from trainwright.rehearsal.keeping.writer import Writer

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_writer: Writer | None = None


def begin(_environ: Environ) -> wire.Answer:
    """The account's own page with which whoever opened it says that what follows is to be kept."""
    global _writer  # noqa: PLW0603  (one folder an account)
    if not facade.config().keep:
        return _said("the configuration names no folder", 409)
    from trainwright.rehearsal.keeping.writer import Writer  # noqa: PLC0415  (only an account that keeps needs it)

    if _writer is None:
        _writer = Writer(Path(facade.config().keep))
        facade.on_stop(_writer.end)  # the last to be registered is the first to be called
    return _said(f"kept in {facade.config().keep}", 200)


def _said(sentence: str, status: int) -> wire.Answer:
    return wire.Answer(status, {"Content-Type": "application/json"}, json.dumps({"said": sentence}).encode())


def answer(moto: Application, service: str | None, environ: Environ, start_response: Any) -> Iterable[bytes]:
    """What moto answers, sent once that which has changed is kept.

    Raises:
        NotKept: the folder cannot be written.
    """
    wishes = changes.of(service, environ) if _writer and service else []
    if not wishes:
        return moto(environ, start_response)
    said: list[tuple[Any, ...]] = []
    body = moto(environ, lambda *words: said.append(words))
    if _writer and str(said[-1][0]).startswith("2"):
        _writer.keep(wishes)
    start_response(*said[-1])
    return body
