"""The lines that say that a job starts and how it ended: without a record, where nobody looks at one."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from .. import logcontext
from ..clock import wall
from ..context import running
from ..errors import ON_PURPOSE
from ..middleware import ServerContext
from ..plugin import host
from .formats import Formatter
from .handler import DroppingHandler
from .stamping import attempt_of

_JOB, _KIQ = logging.getLogger("kiq.job"), logging.getLogger("kiq")
_ERRORS = logging.getLogger("kiq.errors")
_Of = tuple[str, str, int]  # class, queue, attempt
#: A line but for the values in it, and which of these stand there, in order.
_Template = tuple[str, Callable[[Sequence[object]], object]]
#: That a job has been said to start: jid, thread, what kind of job it is, lines of that kind.
_Told = tuple[str, str, _Of, dict[str, _Template | None]]
_MOST = 1_000  # kinds of jobs of which templates are kept
_MOST_OUTCOMES = 10  # ... and of each so many
#: What stands in a template's record for what differs from line to line; the moment is the time 0.
_TID, _JID, _ELAPSED, _MOMENT = "tidOfALine", "jidOfALine", 1234567.125, 0.0
_SAID = "saidInALine"
#: As ``logging`` has them: trackers of errors put others in their place, to see every record.
_USUAL = (logging.Logger.handle, logging.Logger.callHandlers, logging.Handler.handle)
_WERE_USUAL = all(each.__module__ == "logging" for each in _USUAL)


class _Kind(NamedTuple):
    """A line of *logger* at *level*: its text, or the mark of what is said in its place."""

    logger: logging.Logger
    level: int
    text: str = _SAID

    @property
    def key(self) -> str:
        """What templates are kept by, beside outcomes."""
        return f"{_SAID} {self.level}"


_ERROR, _WARNING = _Kind(_ERRORS, logging.ERROR), _Kind(_JOB, logging.WARNING)


class JobLines:
    """Says of jobs at level info that they start, and how they ended, as *handler* would write it.

    A line is made of a template, the line of a record that stands for all of a class, a queue and an
    outcome, when it is written: it costs a tenth of a record, and waits some milliseconds for others.
    Whoever has handlers, filters or fields of his own gets records, as for any other line.

    Threads: those that run jobs.
    """

    def __init__(self, handler: DroppingHandler) -> None:
        self._handler = handler
        self._formatter, self._filters = handler.formatter, handler.filters[:]
        self._form = handler.formatter if isinstance(handler.formatter, Formatter) else Formatter()
        self._only: list[logging.Handler] = [handler]
        self._seen, self._usual = -1, False  # turn of the handler, and what was found then
        self._templates: dict[_Of, dict[str, _Template | None]] = {}
        self._here = threading.local()
        handler.finish = self._finish
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._templates.clear()  # they name the process
        self._here = threading.local()

    def start(self, run: ServerContext) -> _Told | None:
        """Say that *run* starts, and return what :meth:`end` gets; None: it takes a record."""
        payload = run.payload
        if not self._alone(_JOB) or "log_level" in payload:
            return None
        if host.log_fields and _has_more(payload):
            return None
        told = self._told(payload["jid"], (payload["class"], run.queue, attempt_of(payload)))
        return told if told is not None and self._put(told, "start") else None

    def end(self, told: _Told, outcome: str, elapsed: float) -> bool:
        """Say how a run ended that took *elapsed* seconds; False: it takes a record."""
        return self._alone(_JOB) and self._put(told, outcome, elapsed)

    def failure(self, fields: Mapping[str, Any], said: str) -> bool:
        """Say at level error what became of a job with jid, class, queue and attempt; False as above."""
        return self._aside(_ERROR, fields, said)

    def gave_up(self, fields: Mapping[str, Any], said: str) -> bool:
        """Say at level warning that such a job is given up; False as above."""
        return self._aside(_WARNING, fields, said)

    def _aside(self, kind: _Kind, fields: Mapping[str, Any], said: str) -> bool:
        run = running.get()
        if not self._alone(kind.logger) or not kind.logger.isEnabledFor(kind.level):
            return False
        if run is not None and ("log_level" in run.payload or host.log_fields):
            return False
        told = self._told(fields["jid"], (fields["class"], fields["queue"], fields["attempt"]))
        return told is not None and self._put(told, kind.key, said=said, kind=kind)

    def _told(self, jid: Any, of: _Of) -> _Told | None:
        if type(jid) is not str or not jid.isalnum() or not jid.isascii():
            return None
        if type(of[0]) is not str or type(of[1]) is not str:
            return None  # a payload may hold anything in their place
        templates = self._templates.get(of)
        if templates is None:
            templates = {}
            if len(self._templates) < _MOST:
                self._templates[of] = templates
        return jid, self._tid(), of, templates

    def _put(
        self,
        told: _Told,
        outcome: str,
        elapsed: float | None = None,
        said: str = "",
        kind: _Kind | None = None,
    ) -> bool:
        jid, tid, of, templates = told
        if outcome in templates:
            template = templates[outcome]
        else:
            template = self._template(of, kind or _Kind(_JOB, logging.INFO, outcome), elapsed)
            if len(templates) < _MOST_OUTCOMES:
                templates[outcome] = template
        if template is None:
            return False
        parts = template, wall(), tid, jid, elapsed, said
        self._handler.put(parts, hurry=kind is not None)
        return True

    def _finish(self, waiting: list[Any]) -> str:
        """Return the lines that wait, those of jobs made here."""
        moments, digits, message = self._form.moments, self._form.jid_digits, self._form.said
        lines, known, text = [], -1, ""
        for one in waiting:
            if type(one) is str:
                lines.append(one)
                continue
            (pattern, chosen), moment, tid, jid, elapsed, said = one
            tick = int(moment * 1000)
            if tick != known:
                known, text = tick, moments.text(moment)
            values = (text, tid, jid[:digits], elapsed, said and message(said))
            lines.append(pattern % chosen(values))
        return "".join(lines)

    def _alone(self, logger: logging.Logger) -> bool:
        """Tell whether this handler is all that a line of *logger* meets.

        What is rarely changed in a running process is looked at again after each write only.
        """
        if self._seen != self._handler.turns:
            self._seen, self._usual = self._handler.turns, self._is_usual()
        return (
            self._usual
            and _KIQ.handlers == self._only
            and not (_KIQ.propagate or logger.handlers or logger.filters)
            and not logcontext.current.get()
        )

    def _is_usual(self) -> bool:
        handler = self._handler
        return (
            handler.may_wait
            and handler.formatter is self._formatter
            and handler.filters == self._filters
            and handler.level <= logging.INFO
            and logging.getLogRecordFactory() is logging.LogRecord
            and _as_usual()
        )

    def _tid(self) -> str:
        on_loop = logcontext.on_loop.get()
        if on_loop:
            return on_loop
        try:
            known: str = self._here.tid
        except AttributeError:
            known = self._here.tid = logcontext.tid()
        return known

    def _template(self, of: _Of, kind: _Kind, elapsed: float | None) -> _Template | None:
        """Return the template; None where lines of this kind take records."""
        try:
            return self._made_template(of, kind, elapsed)
        except Exception:  # noqa: BLE001 (whatever is wrong: a record can be made of anything)
            return None

    def _made_template(self, of: _Of, kind: _Kind, elapsed: float | None) -> _Template | None:
        job_class, queue, attempt = of
        record = logging.LogRecord(kind.logger.name, kind.level, "", 0, kind.text, None, None)
        ctx = {"jid": _JID, "class": job_class, "queue": queue, "attempt": attempt}
        if elapsed is not None:
            ctx["elapsed"] = _ELAPSED
        vars(record).update(created=_MOMENT, tid=_TID, ctx=ctx)
        line = self._handler.format(record) + self._handler.terminator
        moment, jid = self._form.moments.text(_MOMENT), _JID[: self._form.jid_digits]
        marks = (moment, _TID, jid, str(_ELAPSED), _SAID)
        words = " ".join((job_class, queue, kind.text.replace(_SAID, "")))
        if any(mark in words or line.count(mark) > 1 for mark in marks):
            return None
        places = sorted((line.index(mark), at) for at, mark in enumerate(marks) if mark in line)
        pattern = line.replace("%", "%%")
        for mark in marks:
            pattern = pattern.replace(mark, "%s")
        return pattern, itemgetter(*(at for _, at in places))


def _has_more(payload: dict[str, Any]) -> bool:
    try:
        return any(more(payload) for more in host.log_fields)
    except ON_PURPOSE:
        raise
    except BaseException:  # noqa: BLE001 (a record takes note of it)
        return True


def _as_usual() -> bool:
    return (
        _WERE_USUAL
        and (logging.Logger.handle, logging.Logger.callHandlers, logging.Handler.handle) == _USUAL
    )
