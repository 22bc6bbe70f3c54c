"""A bar while long work goes on, for people; what was done is told also when it is broken off."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from ..cli.exit_codes import INTERRUPTED
from ..clock import steady
from ..errors import StoreError
from .screen import note
from .text import counted, number

Progress = Callable[[int, int], None]

_PAUSE = 0.1  # seconds between two drawings
_CLEAR = "\r\x1b[K"


class Bar:
    """A line on standard error that is drawn anew; nothing where that is no terminal."""

    def __init__(self, label: str) -> None:
        self.done = self.total = 0
        self._label = label
        self._drawn_at = steady()  # what is over at once gets no bar
        self._on_screen = False

    def step(self, done: int, total: int) -> None:
        """Show that *done* of *total* are done."""
        self.done, self.total = done, max(total, done)
        if sys.stderr is not None and sys.stderr.isatty() and steady() - self._drawn_at >= _PAUSE:
            self._drawn_at, self._on_screen = steady(), True
            sys.stderr.write(_CLEAR + self._text())
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._on_screen:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._on_screen = False

    def _text(self) -> str:
        share = self.done / self.total if self.total else 0.0
        numbers = f" {share:4.0%}  {number(self.done)} of {number(self.total)}"
        room = shutil.get_terminal_size().columns - len(self._label) - len(numbers) - 5
        full = int(share * max(0, min(40, room)))
        bar = f" [{'#' * full}{'.' * (max(0, min(40, room)) - full)}]" if room >= 8 else ""
        return f"{self._label}{bar}{numbers}"


@contextmanager
def progress(label: str, done_word: str) -> Iterator[Progress]:
    """Give a function to be called with (looked at, total) after each batch, which draws a bar.

    *done_word* is what becomes of jobs. Ctrl-C and an error of Redis say how far it came; Ctrl-C then
    ends the command.
    """
    bar = Bar(label)
    try:
        yield bar.step
    except (KeyboardInterrupt, StoreError) as error:
        bar.clear()
        if bar.total or isinstance(error, KeyboardInterrupt):
            note(
                f"broken off after {number(bar.done)} of {counted(bar.total, 'job')}: what was meant of "
                f"them is {done_word}, and perhaps some of the next batch; the rest is where it was"
            )
        if isinstance(error, StoreError) and error.acted:
            note(f"{done_word} {counted(error.acted, 'job')} before that")
        if isinstance(error, StoreError):
            raise
        raise click.exceptions.Exit(INTERRUPTED) from None
    finally:
        bar.clear()
