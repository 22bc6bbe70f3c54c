"""How log lines look: plain, coloured, JSON."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from .. import logcontext
from ..raised import message_of, name_of, shown

_COLOURS = {"DEBUG": 36, "INFO": 32, "WARN": 33, "ERROR": 31, "FATAL": 35}
_LEVEL_NAMES = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_LONGEST = 100_000  # characters of a message, or of a traceback
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Moments:
    """Wall times as text, to the millisecond. Threads: any."""

    def __init__(self) -> None:
        self._second: tuple[int, str] = (-1, "")

    def text(self, moment: float) -> str:
        """Return *moment* (seconds since the epoch) as ``2026-01-31T12:00:00.000Z``."""
        second = int(moment)
        known, said = self._second
        if known != second:
            said = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._second = second, said
        return f"{said}.{int((moment - second) * 1000):03d}Z"


moments = Moments()


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
        words += [
            f"{key}={_visible(str(value))}"
            for key, value in _context(record).items()
            if key != "attempt" or value != 1  # which goes without saying
        ]
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


def _message(record: logging.LogRecord) -> str:
    try:
        # Without what stands before it already, in the fields of the job.
        said = getattr(record, "kiq_said", None) if _context(record) else None
        return _cut(said or record.getMessage())
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
    return moments.text(record.created)


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
