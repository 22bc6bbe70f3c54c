"""How log lines look: plain, for people, JSON."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from .. import logcontext
from ..raised import message_of, name_of, shown

_COLOURS = {"DEBUG": 36, "INFO": 32, "WARN": 33, "ERROR": 31, "FATAL": 35}
_LEVEL_NAMES = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_LONGEST = 100_000  # characters of a message, or of a traceback
_LONGEST_CLASS = 40  # characters of a job class where lines are for people
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Moments:
    """Wall times as text, to the millisecond. Threads: any."""

    def __init__(self, zone: tzinfo | None, form: str, end: str = "") -> None:
        """*zone* None is this machine's; *form* is that of ``strftime``, up to the second."""
        self._zone, self._form, self._end = zone, form, end
        self._second: tuple[int, str] = (-1, "")

    def text(self, moment: float) -> str:
        """Return *moment* (seconds since the epoch) as text."""
        second = int(moment)
        known, said = self._second
        if known != second:
            said = datetime.fromtimestamp(second, self._zone).strftime(self._form)
            self._second = second, said
        return f"{said}.{int((moment - second) * 1000):03d}{self._end}"


class Formatter(logging.Formatter):
    """What formats have in common: how *moments* are written, and how much of a jid is shown."""

    moments = Moments(UTC, "%Y-%m-%dT%H:%M:%S", "Z")
    jid_digits: int | None = None  # None: all

    def said(self, text: str) -> str:
        """Return *text* as a message stands in a line."""
        return _visible(_cut(text)).replace("\n", "\n  ")


class PlainFormatter(Formatter):
    """``2026-01-31T12:00:00.000Z pid=7 tid=5k jid=… class=Mail queue=default INFO: message``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows on lines of its own."""
        level = _level_name(record)
        words = [self.moments.text(record.created), f"pid={record.process}", f"tid={_tid(record)}"]
        words += [
            f"{key}={_visible(str(value))}"
            for key, value in _context(record).items()
            if key != "attempt" or value != 1  # which goes without saying
        ]
        text = f"{' '.join(words)} {level}: {_visible(_message(record))}"
        return _with_trace(self, record, text)


class PrettyFormatter(Formatter):
    """For people: ``12:00:00.000  Mail 4c40113a  done in 0.002 s``, in the time of this machine.

    What goes without saying is left out: level INFO, queue "default", the process, the thread.
    """

    moments = Moments(None, "%H:%M:%S")
    jid_digits = 8

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows on lines of its own."""
        fields = {key: _visible(str(value)) for key, value in _context(record).items()}
        level, said = _level_name(record), _visible(_message(record))
        job_class, jid = fields.pop("class", ""), fields.pop("jid", "")[: self.jid_digits]
        elapsed = fields.pop("elapsed", "")
        if fields.get("attempt") == "1":
            del fields["attempt"]
        if fields.get("queue") == "default":
            del fields["queue"]
        words = [
            self._in(2, self.moments.text(record.created)),
            " ".join(
                filter(
                    None, (self._in(36, _tail_of(job_class)), jid, *map("=".join, fields.items()))
                )
            ),
            "" if level == "INFO" else self._in(_COLOURS.get(level, 0), level),
            _lasted(said, elapsed) if elapsed else said,
        ]
        return _with_trace(self, record, "  ".join(filter(None, words)))

    def _in(self, colour: int, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and text else text


class JsonFormatter(Formatter):
    """One JSON object a line: ts, pid, tid, lvl, logger, msg, ctx, and exc when there is one."""

    def said(self, text: str) -> str:
        """Return *text* as a message stands in a line."""
        return json.dumps(_cut(text))[1:-1]

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, in ASCII, which any stream can hold."""
        fields: dict[str, object] = {
            "ts": self.moments.text(record.created),
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


def _with_trace(formatter: logging.Formatter, record: logging.LogRecord, text: str) -> str:
    trace = _trace(formatter, record)
    whole = f"{text}\n{_visible(trace)}" if trace else text
    # Indented, so that nothing that a payload holds can pass for a line of the log.
    return whole.replace("\n", "\n  ")


def _lasted(said: str, elapsed: str) -> str:
    # "again in 1 min in 0.2 s" would be a riddle.
    return f"{said} (ran {elapsed} s)" if " in " in said else f"{said} in {elapsed} s"


def _tail_of(name: str) -> str:
    return name if len(name) <= _LONGEST_CLASS else f"…{name[1 - _LONGEST_CLASS :]}"


def _cut(text: str) -> str:
    # The middle goes: an error's own words stand at the end of its traceback.
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}… ({len(text) - 2 * half} characters left out) …{text[-half:]}"


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
