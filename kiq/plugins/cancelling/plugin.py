"""The plugin: mirrors the marks into this process, and interrupts what runs here."""

from __future__ import annotations

import logging
from typing import Any

from ...clock import steady
from ...codec import decode
from ...errors import Cancelled, UndecodablePayload
from ...plugin import Host
from ...process import RunningThread, WorkerProcess
from ...verdict import Taken
from ...worker_state import cancelled_as
from ..interrupting.crew import Crew, crew_of
from ..interrupting.elsewhere import elsewhere_in
from ..interrupting.moment import Moment
from .listener import Listener

logger = logging.getLogger("kiq.cancelling")

_TO_END = 2.0  # seconds


class Cancelling:
    """The plugin. Jobs cost nothing: the executor looks at the marks, if there are any."""

    name = "cancelling"

    def install(self, host: Host) -> None:
        """Attach the listener."""
        host.services.append(_Service)


class _Service:
    def __init__(self, process: WorkerProcess) -> None:
        # Made before the first job starts: what was cancelled before this process began is known then.
        self._crew = crew_of(process)
        self._listener = Listener(process, lambda jids: _interrupt(self._crew, process, jids))

    def start(self) -> None:
        self._crew.watchdog.start()
        self._listener.loop.start()

    def stop(self) -> None:
        """Go on: while the process stops, jobs can be cancelled. It ends at ``exit``."""

    def exit(self) -> None:
        self._listener.loop.stop()
        self._listener.loop.join(_TO_END)
        self._crew.watchdog.stop()


def _interrupt(crew: Crew, process: WorkerProcess, jids: set[str]) -> None:
    """Interrupt those of *jids* that run here. They are in its ``state.cancelled`` already."""
    for interrupt in elsewhere_in(process.state).runs_of(jids):
        interrupt(Cancelled)
    for processor in crew.threads():
        taken = processor.current
        if taken is None:
            continue
        payload = _payload(taken)
        jid = str(payload.get("jid", ""))
        named = not jids.isdisjoint(cancelled_as(payload))
        if named and process.state.was_cancelled(payload):
            spec = process.registry.find(payload["class"])
            if spec is not None and spec.is_async:
                continue  # it is on its way to its loop, and an exception could cut that short
            logger.info("job %s runs here and was cancelled: it is told to end", jid)
            run = _Run(crew, processor, taken, jid)
            # What looks by itself (an iterable job) ends in good order, and has the same time for it.
            patience = crew.grace if getattr(spec and spec.cls, "heeds_cancelling", False) else 0.0
            crew.watchdog.watch(run, steady() + patience, run.ring)


class _Run:
    """One run that was cancelled. Threads: the watchdog's."""

    def __init__(self, crew: Crew, processor: RunningThread, taken: Taken, jid: str) -> None:
        self._crew = crew
        self._processor = processor
        self._taken = taken
        self._job = f"job {jid[:200]}, which was cancelled,"
        self._ident = processor.thread.ident or 0
        self._moment = Moment(self._ident, self._raise)
        self._told = False

    def _runs(self) -> bool:
        return self._processor.current is self._taken

    def ring(self) -> float | None:
        if not self._runs():
            self._moment.take()
            return None
        if self._told:
            self._crew.stuck(self._ident, self._job, self._runs)
            return None
        later = self._moment.wait()
        if later is not None:
            return later
        self._told = True
        mine = self._moment.take()  # else the thread has met it at the end of a push
        if mine and not self._processor.cancel(self._taken) and self._runs():
            logger.error("%s can't be interrupted: its thread is traced", self._job)
        return steady() + self._crew.grace

    def _raise(self) -> None:
        """Raise it here, in the job's thread."""
        if self._runs():
            raise Cancelled


def _payload(taken: Taken) -> dict[str, Any]:
    try:
        payload: dict[str, Any] = decode(taken.raw)[0]
    except UndecodablePayload:
        return {}
    return payload
