"""The lines that say that a job starts and how it ended: without a record, where nobody looks at one."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from .. import logcontext
from ..clock import wall
from ..errors import ON_PURPOSE
from ..middleware import ServerContext
from ..plugin import host
from .formats import Formatter
from .handler import DroppingHandler
from .stamping import attempt_of

_JOB, _KIQ = logging.getLogger("kiq.job"), logging.getLogger("kiq")
_MOST = 3_000  # templates that are kept
#: What stands in a template's record for what differs from line to line; the moment is the time 0.
_TID, _JID, _ELAPSED, _MOMENT = "tidOfALine", "jidOfALine", 1234567.125, 0.0
#: As ``logging`` has them: trackers of errors put others in their place, to see every record.
_USUAL = (logging.Logger.handle, logging.Logger.callHandlers, logging.Handler.handle)
_WERE_USUAL = all(each.__module__ == "logging" for each in _USUAL)


class JobLines:
    """Says of jobs at level info that they start, and how they ended, as *handler* would write it.

    A line is made of a template, the line of a record that stands for all of a class, a queue and an
    outcome; it costs a tenth of a record, and waits some milliseconds for others. Whoever has handlers,
    filters or fields of his own gets records, as for any other line.

    Threads: any.
    """

    def __init__(self, handler: DroppingHandler) -> None:
        self._handler = handler
        self._formatter, self._filters = handler.formatter, handler.filters[:]
        form = handler.formatter if isinstance(handler.formatter, Formatter) else Formatter()
        self._moments, self._digits = form.moments, form.jid_digits
        self._templates: dict[tuple[str, str, str, int], str] = {}
        self._here = threading.local()
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._templates.clear()  # they name the process
        self._here = threading.local()

    def __call__(self, run: ServerContext, outcome: str, elapsed: float | None) -> bool:
        """Say *outcome* of *run*, which took *elapsed* seconds; False: it takes a record."""
        payload = run.payload
        jid = payload["jid"]
        if not self._alone() or "log_level" in payload or logcontext.current.get():
            return False
        if host.log_fields and _has_more(payload):
            return False
        if type(jid) is not str or not jid.isalnum() or not jid.isascii():
            return False
        key = payload["class"], run.queue, outcome, attempt_of(payload)
        template = self._templates.get(key) or self._template(*key, timed=elapsed is not None)
        if not template:
            return False
        self._handler.put(
            template
            % {
                "moment": self._moments.text(wall()),
                "tid": self._tid(),
                "jid": jid[: self._digits],
                "elapsed": elapsed,
            }
        )
        return True

    def _alone(self) -> bool:
        """Whether this handler is all that a line of a job meets."""
        handler, handlers = self._handler, _KIQ.handlers
        return (
            len(handlers) == 1
            and handlers[0] is handler
            and handler.may_wait
            and not (_KIQ.propagate or _JOB.handlers or _JOB.filters)
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
        known: str | None = getattr(self._here, "tid", None)
        if known is None:
            known = self._here.tid = logcontext.tid()
        return known

    def _template(
        self, job_class: str, queue: str, outcome: str, attempt: int, *, timed: bool
    ) -> str:
        record = logging.LogRecord(_JOB.name, logging.INFO, "", 0, outcome, None, None)
        elapsed = {"elapsed": _ELAPSED} if timed else {}
        ctx = {"jid": _JID, "class": job_class, "queue": queue, "attempt": attempt, **elapsed}
        vars(record).update(created=_MOMENT, tid=_TID, ctx=ctx)
        line = self._handler.format(record) + self._handler.terminator
        template = line.replace("%", "%%")
        for name, mark in self._marks(timed):
            if mark in f"{job_class} {queue} {outcome}":
                return ""
            template = template.replace(mark, f"%({name})s")
        if len(self._templates) < _MOST:
            self._templates[job_class, queue, outcome, attempt] = template
        return template

    def _marks(self, timed: bool) -> list[tuple[str, str]]:
        marks = [
            ("moment", self._moments.text(_MOMENT)),
            ("tid", _TID),
            ("jid", _JID[: self._digits]),
        ]
        return [*marks, ("elapsed", str(_ELAPSED))] if timed else marks


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
