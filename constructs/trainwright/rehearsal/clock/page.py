"""The account's page about its clock, ``/_trainwright/clock``.

GET says what time it is and, with a clock that jumps, who has the turn. POST takes one of ``{"hold": true}`` (nothing
in the account goes on until ``{"hold": false}``, but requests are answered: what they start begins at one instant) and
``{"sleep": seconds}``, which answers when so much of the account's time has passed; with ``"hold": true`` beside it the
clock is held from that instant on, so that somebody outside can act at it.
"""

from __future__ import annotations

import json
from typing import Any

from trainwright.rehearsal import clock, gate, wire
from trainwright.rehearsal.clock.jump import JumpClock


def answer(environ: dict[str, Any]) -> wire.Answer:
    """Answer a request."""
    if environ["REQUEST_METHOD"] != "POST":
        return gate.json_answer(_state())
    length = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        _do(json.loads(environ["wsgi.input"].read(length)))
    except (ValueError, TypeError, KeyError) as error:
        return gate.json_answer({"error": f"give hold (true or false) or sleep (seconds): {error}"}, status=400)
    return gate.json_answer(_state())


def _do(wish: dict[str, Any]) -> None:
    if "sleep" in wish:
        with clock.counted(name="sleep"):
            clock.sleep(float(wish["sleep"]))
            if wish.get("hold"):
                _hold(held=True)
    else:
        _hold(held=bool(wish["hold"]))


def _hold(*, held: bool) -> None:
    now = clock.current()
    if not isinstance(now, JumpClock):
        raise TypeError("only a clock that jumps can be held")
    now.hold(held=held)


def _state() -> dict[str, Any]:
    now = clock.current()
    more = now.state() if isinstance(now, JumpClock) else {}
    return {"mode": now.mode, "time": now.time(), **more}
