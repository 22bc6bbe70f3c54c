"""Where log lines go: one handler for kiq's loggers and for the user's."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

from .. import error_log
from ..errors import ConfigError
from ..plugin import host
from .formats import JsonFormatter, PlainFormatter, PrettyFormatter
from .handler import DroppingHandler
from .job_lines import JobLines
from .stamping import ContextFilter, stamp

__all__ = [
    "ContextFilter",
    "DroppingHandler",
    "JsonFormatter",
    "PlainFormatter",
    "PrettyFormatter",
    "configure",
    "flush",
    "settle",
    "stamp",
    "write_soon",
]

FORMATS = ("auto", "pretty", "plain", "json")

#: The handler that :func:`configure` made last.
_ours: DroppingHandler | None = None


class _Level(int):
    """A level that kiq set: where another stands, the application has said what it wants."""


def configure(level: str, format: str, stream: TextIO | None = None) -> None:
    """Send the log to *stream* (standard output when None), from *level* up, in *format*.

    One handler serves kiq's loggers and, as long as nobody has said where they go, all others. The root
    logger gets it by :func:`settle` only: an application may still set up its logging. Calling it again
    replaces what it did before, but not what others did. Raises ConfigError for an unknown level or
    format.
    """
    global _ours
    number = _Level(_level_number(level))
    target = sys.stdout if stream is None else stream
    handler = DroppingHandler(target)
    handler.setFormatter(_formatter(format, target))
    handler.addFilter(ContextFilter())
    host.job_lines = lines = JobLines(handler)
    error_log.quick = lines.failure
    before, _ours = _ours, handler
    kiq, root = logging.getLogger("kiq"), logging.getLogger()
    if before is None:
        kiq.addHandler(handler)
        kiq.propagate = False
        kiq.setLevel(number)
        if not root.handlers:
            root.setLevel(number)
    for logger in (kiq, root):
        if before is not None and before in logger.handlers:
            logger.removeHandler(before)
            logger.addHandler(handler)
        if isinstance(logger.level, _Level):
            logger.setLevel(number)
    logging.lastResort = handler


def write_soon() -> None:
    """Let lines of jobs wait some milliseconds for others. Raises RuntimeError without a thread."""
    if _ours is not None:
        _ours.write_soon()


def flush() -> None:
    """Write the lines of jobs that wait."""
    if _ours is not None:
        _ours.flush()


def settle(*, started: bool) -> None:
    """Look what the application has said of its logging, when it is imported and when it has *started*.

    Where it has spoken, it wins: handlers on the root logger get what is not kiq's, a configuration of
    the logger "kiq" stands, and nothing is written twice to one stream.
    """
    if _ours is None:
        return
    kiq, root = logging.getLogger("kiq"), logging.getLogger()
    if isinstance(root.level, _Level):
        for handler in [each for each in root.handlers if _is_makeshift(each)]:
            root.removeHandler(handler)
    if started and not root.handlers:
        root.addHandler(_ours)
    if not kiq.handlers:
        kiq.propagate = True  # it was configured, without a place to go of its own
    elif root.handlers == [_ours]:
        kiq.propagate = False  # nobody else is there to take its lines a second time
    if kiq.propagate or any(_is_console(each) for each in kiq.handlers if each is not _ours):
        kiq.removeHandler(_ours)


def _is_makeshift(handler: logging.Handler) -> bool:
    """Tell whether ``logging.info`` and the like made *handler*, as they found none: nobody chose it."""
    format = getattr(handler.formatter, "_fmt", None)
    return type(handler) is logging.StreamHandler and format == logging.BASIC_FORMAT


def _is_console(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler) and handler.stream in (sys.stdout, sys.stderr)


def _level_number(level: str) -> int:
    number = logging.getLevelNamesMapping().get(level.upper(), logging.NOTSET)
    if number == logging.NOTSET:
        raise ConfigError(
            f"log_level must be one of debug, info, warning, error, critical, not {level}"
        )
    return number


def _formatter(format: str, stream: TextIO | None) -> logging.Formatter:
    if format not in FORMATS:
        raise ConfigError(f"log_format must be one of {', '.join(FORMATS)}, not {format}")
    if format == "json":
        return JsonFormatter()
    terminal = _is_terminal(stream)
    if format == "pretty" or (format == "auto" and terminal):
        wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return PrettyFormatter(colour=terminal and wanted)
    return PlainFormatter()


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        # A closed stream: the lines will be dropped, whatever their colour.
        return False
