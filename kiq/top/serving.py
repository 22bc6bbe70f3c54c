"""Runs the application on this terminal, which is as it was before when it ends, however it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import termios
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace

from ..api import Connection, connection
from ..config import Config, Redis
from ..errors import ConfigError
from .app import Top
from .fleets import Fleet

_ENDS = (signal.SIGTERM, signal.SIGHUP)
#: Mouse, focus, size, pasted text and keys as usual, lines wrapped, the cursor shown, the other screen.
_MODES = ("1000l", "1003l", "1015l", "1006l", "1004l", "2048l", "2004l", "7h", "25h", "1049l")
_AS_USUAL = "\x1b[<u" + "".join(f"\x1b[?{mode}" for mode in _MODES)
_KEPT = 50  # lines of logs that are told when it has ended


def fleets_of(named: Mapping[str, str], home: Connection, config: Config) -> list[Fleet]:
    """Return the fleets *named* by URLs; where none is, the one that the settings mean."""
    if not named:
        return [Fleet("main", home, config)]
    return [
        Fleet(name, connection(url), replace(config, redis=Redis(url=url)))
        for name, url in named.items()
    ]


def run(fleets: list[Fleet], interval: float, read_only: bool) -> int:
    """Show *fleets* until somebody leaves; return the exit code. Raises ConfigError without a terminal."""
    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)  # the last is what Textual draws on
    if not all(each is not None and each.isatty() for each in streams):
        raise ConfigError("kiq top needs a terminal; for scripts there is `kiq stats --json`")
    top = Top(fleets, interval=interval, read_only=read_only)
    with _terminal_as_before(), _logs_aside() as logs:
        asyncio.run(_run(top))
    for each in logs:
        print(each, file=sys.stderr)  # noqa: T201 (the terminal is the command's again)
    return top.return_code or 0


async def _run(top: Top) -> None:
    loop = asyncio.get_running_loop()
    for number in _ENDS:
        loop.add_signal_handler(number, top.exit, None, 128 + number)
    await top.run_async()


@contextmanager
def _terminal_as_before() -> Iterator[None]:
    """Textual gives it back when it ends well; this does whatever happened to it."""
    before = termios.tcgetattr(0)
    try:
        yield
    finally:
        with suppress(OSError, termios.error):
            os.write(2, _AS_USUAL.encode())
        with suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextmanager
def _logs_aside() -> Iterator[deque[str]]:
    """Keep what is logged from being written through the picture; yield the last of it."""
    root, kept = logging.getLogger(), deque[str](maxlen=_KEPT)
    aside = _Aside(kept)
    owned = [root, *(each for each in root.manager.loggerDict.values() if _handles(each))]
    before = [(each, list(each.handlers)) for each in owned if isinstance(each, logging.Logger)]
    for each, handlers in before:
        each.handlers = [one for one in handlers if not _writes_here(one)]
    root.addHandler(aside)
    try:
        yield kept
    finally:
        for each, handlers in before:
            each.handlers = handlers


class _Aside(logging.Handler):
    """Keeps lines."""

    def __init__(self, kept: deque[str]) -> None:
        super().__init__(logging.WARNING)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self._kept.append(f"{record.levelname} {record.name}: {record.getMessage()}")


def _handles(logger: object) -> bool:
    return isinstance(logger, logging.Logger) and bool(logger.handlers)


def _writes_here(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None)
    with suppress(AttributeError, ValueError, OSError):
        return stream is not None and bool(stream.isatty())
    return False
