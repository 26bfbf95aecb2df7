"""What a rehearsal shows: a live line in a terminal, plain lines elsewhere; the same words in both."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.status import Status

TITLE_WIDTH = 46


class Step:
    """A step that is under way."""

    def __init__(self, display: Display, number: int, title: str) -> None:
        self.number = number
        self.title = title
        self.result = ""
        self._display = display
        self._has_heading = False
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def note(self, text: str) -> None:
        """A line that stays, under the step's title."""
        if not self._has_heading:
            self._display.line(f"   {self.number:>2}  {self.title}")
            self._has_heading = True
        self._display.line(f"         {text}")

    def doing(self, text: str) -> None:
        """What is happening right now: shown in a terminal only, and gone with the next."""
        self._display.live(f"{self.number:>2}  {self.title}  {text}")


class Display:
    """Prints steps as they go. `console` decides whether this is a terminal (NO_COLOR and CI are honoured)."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, record=True, soft_wrap=True)
        self._status: Status | None = None
        self.current: Step | None = None

    @contextmanager
    def step(self, number: int, title: str) -> Iterator[Step]:
        """Show the step while the block runs, then its seconds and `result`; what it raises is shown and goes on up."""
        step = self.current = Step(self, number, title)
        try:
            with self._spinner(step):
                yield step
        except Exception:
            self._end(step, "[red]no[/]")
            raise
        self._end(step, "[green]ok[/]")

    def skip(self, number: int, title: str, why: str) -> None:
        """A step that this rehearsal does not have."""
        self.console.print(f"-- [bold]{number:>2}[/]  {escape(title.ljust(TITLE_WIDTH))}{'':>6}    {escape(why)}")

    def line(self, text: str) -> None:
        self.console.print(escape(text))

    def live(self, text: str) -> None:
        if self._status:
            width = max(20, self.console.width - 4)
            self._status.update(escape(text[:width]))

    def show(self, thing: RenderableType) -> None:
        self.console.print(thing)

    def transcript(self) -> str:
        """Everything shown so far, without colours."""
        return self.console.export_text(clear=False)

    @contextmanager
    def _spinner(self, step: Step) -> Iterator[None]:
        if not self.console.is_terminal or os.environ.get("CI"):
            yield
            return
        with self.console.status("") as status:
            self._status = status
            step.doing("")
            try:
                yield
            finally:
                self._status = None

    def _end(self, step: Step, mark: str) -> None:
        title = escape(step.title.ljust(TITLE_WIDTH))
        self.console.print(
            f"{mark} [bold]{step.number:>2}[/]  {title}{step.seconds:>6.1f} s  {escape(step.result)}".rstrip()
        )
