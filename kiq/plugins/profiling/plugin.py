"""The plugin: records runs of jobs that ask for it, and keeps the recordings on a thread of its own."""

from __future__ import annotations

import inspect
import logging
import os
import queue
import re
import threading
from typing import Any

from ...errors import StoreError
from ...kept import Kept
from ...middleware import Next, ServerContext
from ...plugin import Host
from ...store.connection import Connector
from .keeping import Profiled, keep
from .recording import Recording

logger = logging.getLogger("kiq.profiling")

_TOKEN = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_WAITING = 10  # recordings that wait to be kept: more at once are dropped, and the log says so
_LAST_WORDS = 2.0  # seconds at the end of the process for what waits still


class Profiling:
    """Records the runs of jobs that have a ``profile`` in their payload; see docs/profiling.md."""

    name = "profiling"
    payload_field = "profile"

    def install(self, host: Host) -> None:
        """Become a layer for such payloads, and hear of the end."""
        host.around_perform(self)
        host.services.append(lambda process: process.state.keep(Recordings(process.connector)))

    def __call__(self, context: ServerContext, call_next: Next[ServerContext]) -> Any:
        """Record this run. Whatever fails here is logged: the job runs in any case."""
        try:
            reason = _why_not(context)
            recording = None if reason else Recording()
        except ImportError:
            recording, reason = None, 'pyinstrument is not installed: pip install "kiq[profiling]"'
        except Exception as error:  # noqa: BLE001
            recording, reason = None, f"{type(error).__name__}: {error}"
        if recording is None:
            logger.warning("job %s runs without its profile: %s", _brief(context.jid), reason)
            return call_next(context)
        try:
            return call_next(context)
        finally:
            recording.stop()
            recordings = context.worker.of(Recordings) if context.worker is not None else None
            # A child that the job forked has nobody who keeps it, nor has who runs jobs inline.
            if recordings is not None and recording.pid == os.getpid():
                recordings.take(context, recording)


class Recordings:
    """Keeps what was recorded in one worker.

    Threads: each run on its own; what they recorded goes to Redis from a thread that is started
    when the first is there: most processes never record anything.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._waiting: queue.Queue[Profiled | None] = queue.Queue(_WAITING)
        self._lock = threading.Lock()
        self._thread: Kept | None = None

    def start(self) -> None:
        """Do nothing: the first recording does it."""

    def stop(self) -> None:
        """Do nothing yet: jobs may still be running. The end is ``exit``."""

    def take(self, context: ServerContext, recording: Recording) -> None:
        """Keep *recording* soon. What fails is logged."""
        try:
            if recording.broken is not None and not recording.stacks.nodes:
                raise recording.broken  # otherwise a sample or two are missing, no more
            payload = context.payload
            job_class = str(payload.get("wrapped") or payload["class"])[:200]
            self._waiting.put_nowait(
                Profiled(payload["profile"], context.jid, job_class, recording)
            )
            self._start_thread()
        except queue.Full:
            logger.warning("the profile of job %s is dropped: too many at once", context.jid)
        except Exception as error:  # noqa: BLE001
            logger.warning("the profile of job %s is lost: %r", _brief(context.jid), error)

    def _start_thread(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Kept(self._keep_all, "kiq-profiles")
                self._thread.start()

    def exit(self) -> None:
        """Wait for what is being kept, for a moment."""
        if self._thread is not None:
            try:
                self._waiting.put(None, timeout=_LAST_WORDS)
            except queue.Full:
                return
            self._thread.join(_LAST_WORDS)

    def _keep_all(self) -> None:
        while (profiled := self._waiting.get()) is not None:
            link = self._connector.open()
            try:
                reason = keep(link, profiled)
            except StoreError as error:
                reason = str(error)
            except Exception as error:  # noqa: BLE001 (the next one is to be kept all the same)
                reason = repr(error)
            finally:
                link.close()
            if reason:
                logger.warning("the profile of job %s is not kept: %s", profiled.jid, reason)
            else:
                logger.info("the profile %s-%s is kept", profiled.token, profiled.jid)


def _why_not(context: ServerContext) -> str:
    """Return why this run can't be recorded, or ""."""
    token = context.payload.get("profile")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return "profile must be a token of 1 to 100 characters out of A-Z a-z 0-9 _ . : -"
    if not _TOKEN.fullmatch(context.jid):
        return "its jid can't be part of a key"
    function = getattr(context.job_class, "perform", context.job_class)
    if inspect.iscoroutinefunction(function):
        return "it is async, and shares its thread with other jobs"
    return ""


def _brief(text: str) -> str:
    return repr(text)[:100]
