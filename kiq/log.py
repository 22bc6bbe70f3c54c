"""Where log lines go and how they look: one handler for kiq's loggers and for the user's."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from . import logcontext
from .context import running
from .errors import ON_PURPOSE, ConfigError
from .middleware import ServerContext
from .plugin import host
from .raised import message_of, name_of, shown

FORMATS = ("auto", "pretty", "plain", "json")

#: How many lines could not be written since the process started: a full disk, a closed stream.
dropped: int = 0

_COLOURS = {"DEBUG": 36, "INFO": 32, "WARN": 33, "ERROR": 31, "FATAL": 35}
_LEVEL_NAMES = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_LONGEST = 100_000  # characters of a message, or of a traceback
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

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


def _of_job(run: ServerContext | None) -> dict[str, object]:
    if run is None:
        return {}
    fields: dict[str, object] = {
        "jid": run.jid,
        "class": str(run.payload.get("class", "")),
        "queue": run.queue,
    }
    for more in host.log_fields:
        try:
            fields = {**fields, **more(run.payload), **fields}  # the job's own stand first, and win
        except ON_PURPOSE:
            raise
        except BaseException as error:  # noqa: BLE001 (a line of the job's must not fail it)
            fields["log_fields"] = repr(error)
    return fields


def _least_level(run: ServerContext | None) -> int:
    wanted = run.payload.get("log_level") if run is not None else None
    if isinstance(wanted, str):
        number = logging.getLevelNamesMapping().get(wanted.upper(), 0)
    else:
        number = wanted if isinstance(wanted, int) else 0
    return number


class ContextFilter(logging.Filter):
    """Gives every record the fields ``ctx`` (of the running job) and ``tid``.

    Drops what is below the job's own ``log_level`` option (Sidekiq's ``set(log_level:)``), nothing else.

    Put it on a handler of your own to use ``%(ctx)s`` and ``%(tid)s`` in its format.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Stamp *record* in the thread that logs, which may not be the one that formats."""
        return stamp(record)


def stamp(record: logging.LogRecord) -> bool:
    """Give *record* the fields of this thread, unless it has them; False: the job wants none of it."""
    if hasattr(record, "tid") and hasattr(record, "ctx"):
        return True
    run = running.get()
    if record.levelno < _least_level(run):
        return False
    record.ctx = {
        **_of_job(run),
        **(logcontext.current.get() or {}),
        **getattr(record, "kiq_fields", {}),
    }
    record.tid = logcontext.tid()
    return True


class DroppingHandler(logging.StreamHandler[TextIO]):
    """Writes lines; one that can't be written is counted in ``log.dropped``, and never raises.

    A job must not fail, nor its verdict be delayed, because a disk is full.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record* and flush; characters that the stream can't hold are escaped."""
        try:
            line = self.format(record) + self.terminator
            try:
                self.stream.write(line)
            except UnicodeEncodeError:
                encoding = getattr(self.stream, "encoding", None) or "ascii"
                self.stream.write(line.encode(encoding, "backslashreplace").decode(encoding))
            self.flush()
        except Exception:  # noqa: BLE001 (whatever the stream raises, it is not the job's)
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        """Count the line as dropped; there is nowhere left to say so."""
        global dropped
        dropped += 1


class PlainFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.000Z pid=7 tid=5k class=Mail jid=… INFO: message``, maybe coloured."""

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows on lines of its own."""
        level = _level_name(record)
        if self._colour:
            level = f"\x1b[{_COLOURS.get(level, 0)}m{level}\x1b[0m"
        words = [_time(record), f"pid={record.process}", f"tid={_tid(record)}"]
        words += [f"{key}={_visible(str(value))}" for key, value in _context(record).items()]
        text = f"{' '.join(words)} {level}: {_visible(_message(record))}"
        trace = _trace(self, record)
        whole = f"{text}\n{_visible(trace)}" if trace else text
        # Indented, so that nothing that a payload holds can pass for a line of the log.
        return whole.replace("\n", "\n  ")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ts, pid, tid, lvl, logger, msg, ctx, and exc when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, in ASCII, which any stream can hold."""
        fields: dict[str, object] = {
            "ts": _time(record),
            "pid": record.process,
            "tid": _tid(record),
            "lvl": _level_name(record),
            "logger": record.name,
            "msg": _message(record),
            "ctx": dict(_context(record)),
        }
        trace = _trace(self, record)
        if trace:
            fields["exc"] = trace
        return json.dumps(fields, default=str)


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
    return PlainFormatter(colour=format != "plain" and _takes_colour(stream))


def _takes_colour(stream: TextIO | None) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or stream is None:
        return False
    try:
        return stream.isatty()
    except ValueError:
        # A closed stream: the lines will be dropped, whatever their colour.
        return False


def _message(record: logging.LogRecord) -> str:
    try:
        return _cut(record.getMessage())
    except Exception as error:  # noqa: BLE001 (a line of the user's must not get lost by a slip)
        return f"{record.msg!s} (its arguments don't fit: {name_of(error)}: {message_of(error)})"


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        try:
            parts.append(formatter.formatException(record.exc_info))
        except Exception:  # noqa: BLE001 (an error may raise when it is printed: the line stays)
            parts.append(shown(record.exc_info[1]))
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return _cut("\n".join(parts))


def _cut(text: str) -> str:
    # The middle goes: an error's own words stand at the end of its traceback.
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}… ({len(text) - 2 * half} characters left out) …{text[-half:]}"


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tid(record: logging.LogRecord) -> str:
    return str(getattr(record, "tid", "")) or logcontext.tid()


def _context(record: logging.LogRecord) -> Mapping[str, object]:
    context = getattr(record, "ctx", None)
    return context if isinstance(context, Mapping) else {}


def _level_name(record: logging.LogRecord) -> str:
    return _LEVEL_NAMES.get(record.levelname, record.levelname)


def _visible(text: str) -> str:
    # A job's arguments may hold escape sequences, which would act on the reader's terminal.
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
