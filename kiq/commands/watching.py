"""``kiq stats --watch``: the numbers again and again, with rates, and a plot of them on a terminal."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..api import Connection
from ..clock import steady
from ..errors import StoreUnavailable
from .ground import Ground
from .plain import plain
from .plot import drawable, plot
from .screen import draw, is_terminal, say, styled, write
from .text import cut, number, rate, visible

Numbers = dict[str, Any]
_CLEAR, _HOME, _TO_END_OF_LINE, _BELOW = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"
_KEPT = 1000  # rates that are kept: a terminal that becomes wider shows more of them
_LABEL = 16  # columns in front of a plot
_HEIGHT = 3  # lines of a plot
_HALF = 40  # columns of the left one of two numbers that stand side by side
_FEWEST = 70  # columns of a terminal that has room for two
_PLOTTED = (("come", "pushed"), ("done", "processed"))


class _Rates:
    """What came, was done and failed in a second, between each snapshot and the next."""

    def __init__(self) -> None:
        self.seen: dict[str, deque[float | None]] = {
            name: deque(maxlen=_KEPT) for name in ("processed", "failed", "pushed")
        }
        self._before: tuple[float, Numbers] | None = None

    def take(self, now: Numbers, at: float) -> None:
        """Account for the snapshot *now*, taken at the time *at*."""
        if self._before is not None:
            elapsed = max(0.001, at - self._before[0])
            before = self._before[1]
            more = {name: now[name] - before[name] for name in ("processed", "failed")}
            # What came is what was done, and what there is more of: in queues, and in hand.
            there = sum(now[name] - before[name] for name in ("enqueued", "in_hand"))
            more["pushed"] = more["processed"] + there
            for name, seen in self.seen.items():
                seen.append(max(0, more[name]) / elapsed)
        self._before = at, now

    def miss(self) -> None:
        """Account for a snapshot that could not be taken."""
        for seen in self.seen.values():
            seen.append(None)

    @property
    def now(self) -> dict[str, float | None] | None:
        """The last ones; None before there are any."""
        if not self.seen["processed"]:
            return None
        return {name: seen[-1] for name, seen in self.seen.items()}


def watch(
    ground: Ground,
    pause: float,
    snapshot: Callable[[Connection], Numbers],
    numbers: Callable[[Numbers], list[tuple[str, str]]],
    queues: Callable[[Numbers, int], list[str]],
) -> None:
    """Show what *snapshot* returns every *pause* seconds, until Ctrl-C. Raises what the first raises."""
    rates, last, trouble = _Rates(), snapshot(ground.home), ""
    rates.take(last, steady())
    draws = is_terminal() and not ground.as_json
    if draws:
        draw(f"{_HOME}{_CLEAR}")
    try:
        with _resizing() as resized:
            while True:
                if ground.as_json:
                    shown = {**last, "error": trouble or None, "rates": rates.now}
                    write(json.dumps(plain(shown)) + "\n")
                elif draws:
                    draw(_screen(last, rates, trouble, pause, numbers, queues))
                else:
                    say(_line(last, rates, trouble))
                if resized.wait(pause):
                    resized.clear()
                    if draws:
                        draw(f"{_HOME}{_CLEAR}")
                        continue
                try:
                    last, trouble = snapshot(ground.home), ""
                    rates.take(last, steady())
                except StoreUnavailable as error:
                    trouble = f"trying again: {error}"
                    rates.miss()
    except KeyboardInterrupt:
        if draws:
            say()


@contextmanager
def _resizing() -> Iterator[threading.Event]:
    """Give an event that is set when the terminal gets another size."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGWINCH, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGWINCH, before)


def _line(now: Numbers, rates: _Rates, trouble: str) -> str:
    at = time.strftime("%H:%M:%S")
    if trouble:
        return f"{at}  {visible(trouble)}"
    busy = f"busy {number(now['busy'])} of {number(now['threads'])}"
    return f"{at}  {_rates(rates)}  enqueued {number(now['enqueued'])}  {busy}"


def _rates(rates: _Rates) -> str:
    found = rates.now or {}
    words = (("come", "pushed"), ("done", "processed"), ("failed", "failed"))
    return "  ".join(f"{word} {_rate(found.get(name))}" for word, name in words)


def _rate(value: float | None) -> str:
    return "-" if value is None else rate(value)


def _screen(
    now: Numbers,
    rates: _Rates,
    trouble: str,
    pause: float,
    numbers: Callable[[Numbers], list[tuple[str, str]]],
    queues: Callable[[Numbers, int], list[str]],
) -> str:
    """Return what draws the whole screen anew, from its upper left corner."""
    size = shutil.get_terminal_size()
    width, rows = (
        max(20, size.columns - 1),
        max(4, size.lines - 1),
    )  # one more would wrap, or scroll
    first = f"{time.strftime('%H:%M:%S')}  {_rates(rates)}"
    told = f"every {pause:g} s, Ctrl-C ends"
    room = width - len(first) - len(told)
    if trouble:
        lines = [styled(cut(visible(trouble), width), fg="red", bold=True)]
    else:
        lines = [f"{first}{' ' * room}{told}" if room >= 2 else cut(first, width)]
    if rows >= 2 * _HEIGHT + 6:
        lines += [*_plots(rates, width), ""]
    told_of = [(name, value + _in_brackets(rates, name)) for name, value in numbers(now)]
    lines += [cut(line, width) for line in _side_by_side(told_of, width)]
    lines += _below(now, queues, rows - len(lines), width)
    text = "".join(f"{line}{_TO_END_OF_LINE}\n" for line in lines[:rows])
    return f"{_HOME}{text}{_BELOW}"


def _in_brackets(rates: _Rates, name: str) -> str:
    value = (rates.now or {}).get(name)
    return "" if value is None else f"  ({rate(value)})"


def _below(
    now: Numbers, queues: Callable[[Numbers, int], list[str]], rows: int, width: int
) -> list[str]:
    # Besides the queues: an empty line, the titles, how many more there are.
    lines = [cut(line, width) for line in queues(now, rows - 3)]
    return ["", styled(lines[0], bold=True), *lines[1:]] if lines else []


def _plots(rates: _Rates, width: int) -> list[str]:
    """Return the plots of what came and what was done, one below the other, to one scale."""
    wide = max(1, width - _LABEL)
    shown = [list(rates.seen[name])[-wide:] for _, name in _PLOTTED]
    top = max((value for seen in shown for value in seen if value), default=0.0)
    blocks = drawable(sys.stdout.encoding)
    lines = []
    for (word, _), seen in zip(_PLOTTED, shown, strict=True):
        labels = [word, _rate(seen[-1] if seen else None), f"top {rate(top)}"]
        drawn = plot(seen, wide, _HEIGHT, top, blocks=blocks)
        lines += [f"{label:<{_LABEL}}{row}" for label, row in zip(labels, drawn, strict=True)]
    return lines


def _side_by_side(numbers: Sequence[tuple[str, str]], width: int) -> list[str]:
    lines = [f"{name:<10} {value}" for name, value in numbers]
    if width < _FEWEST:
        return lines
    half = (len(lines) + 1) // 2
    right = [*lines[half:], ""][:half]
    return [
        f"{one:<{_HALF}}{other}".rstrip() for one, other in zip(lines[:half], right, strict=True)
    ]
