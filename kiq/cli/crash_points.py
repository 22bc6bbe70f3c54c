"""Named moments at which tests make a worker process die; none of it is in the way when none is armed.

A dead process leaves behind what it wrote to Redis and what its jobs did, nothing else. So these are
the moments that differ: before, amid and after an exchange with Redis, for each thread that has any,
and before, amid and after a job. ``KIQ_CRASH_POINT=name:n`` arms the n-th passing of one of them.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Sequence
from typing import Any

from ..config import Redis
from ..errors import ConfigError
from ..store import scripts
from ..store.connection import Connector, Link
from ..store.scripts import Command

#: Who, when, and at what: a job, or an exchange that holds this script or command. And what has
#: happened by then, and what has not.
POINTS: dict[str, str] = {
    "processor-before-job": "a thread has taken a job out of the buffer, and not begun it",
    "processor-amid-job": "a job is half done",
    "processor-after-job": "a job has ended, its verdict is not on its way",
    "courier-before-register": "the lock is taken, the owner not registered",
    "courier-after-register": "the owner is registered, and does not know it",
    "courier-after-fetch": "jobs are in flight that the process does not know of",
    "courier-before-done": "jobs have ended, Redis has not been told",
    "courier-amid-done": "jobs are settled, the fetch of the same write has not arrived",
    "courier-after-done": "jobs are settled, the reply is unread",
    "courier-before-delay": "a retry is decided, and not written",
    "courier-amid-delay": "one half of a write that holds retries has arrived",
    "courier-after-delay": "a retry is written, the reply is unread",
    "courier-before-move": "a job is to die, and not written",
    "courier-after-move": "a dead job is written, the reply is unread",
    "courier-after-mark": "suspects are marked, and have not started",
    "courier-before-hand_back": "jobs are out of the buffer, their hand-back is not sent",
    "courier-after-hand_back": "jobs are handed back, and the process does not know it",
    "courier-after-epoch": "a new epoch has begun, the buffer is in nobody's hands",
    "courier-after-HKEYS": "what is in flight is known, nothing is adopted",
    "courier-after-HMGET": "jobs are read, and not adopted",
    "courier-after-SREM": "quiet: the name is gone, jobs still run",
    "courier-before-lapse": "all is settled, the owner has not left",
    "courier-after-lapse": "the owner is leaving, its record has lapsed",
    "courier-after-reclaim": "all of the owner is given back, it is not forgotten",
    "courier-after-forget": "one capsule has left, the others have not",
    "poller-after-elect": "the poller is elected, and has no owner",
    "poller-before-commit": "due jobs are claimed, none is in its queue",
    "poller-after-commit": "the good of a claim are in their queues, the undecodable still claimed",
    "poller-after-move": "the undecodable of a claim are in the dead set, the reply is unread",
    "poller-after-resign": "the poller has resigned, and not left",
    "reclaimer-before-lapse": "an owner is found dead, nothing is done about it",
    "reclaimer-after-lapse": "a dead owner is fenced, nothing is given back",
    "reclaimer-after-reclaim": "a chunk of a dead owner's jobs is given back",
    "reclaimer-before-forget": "all of a dead owner is given back, it is not forgotten",
    "reclaimer-after-forget": "a dead owner is forgotten, its lock file is still there",
    "heartbeat-after-beat": "a lease is renewed, the reply is unread",
    "heartbeat-after-SREM": "the process is off the list, its lock still held",
}

_name, _, _times = os.environ.get("KIQ_CRASH_POINT", "").partition(":")
_passings = itertools.count(1)
_PARTS = frozenset(point.partition("-")[0] for point in POINTS)
_SCRIPTS = {script.sha: script.name for script in scripts.ALL}


def crash_point(*names: str) -> None:
    """Die by SIGKILL if one of *names* is armed, and this is the armed passing of it.

    Links pass the points of their exchanges; the tests' own jobs and middleware those of a processor.
    """
    if _is_due(*names):
        os.kill(os.getpid(), signal.SIGKILL)


def connector(source: Redis) -> Connector:
    """Return the worker's connector: one whose links pass their points, if any point is armed.

    Raises ConfigError for a point that does not exist.
    """
    if not _name:
        return Connector(source)
    if _name not in POINTS or not (_times or "1").isdigit():
        known = ", ".join(POINTS)
        raise ConfigError(
            f"KIQ_CRASH_POINT={_name}:{_times} is no moment; unset it, or use {known}"
        )
    return _WatchedConnector(source)


def _is_due(*names: str) -> bool:
    return _name in names and next(_passings) == int(_times or 1)


class _WatchedConnector(Connector):
    def open(self, *, timeout: float | None = None) -> Link:
        return _WatchedLink(super().open(timeout=timeout))


class _WatchedLink(Link):
    def __init__(self, link: Link) -> None:
        vars(self).update(vars(link))

    def send(self, commands: Sequence[Command]) -> None:
        part, what = _part(), _names(commands)
        crash_point(*(f"{part}-before-{name}" for name in what))
        if len(commands) > 1 and _is_due(*(f"{part}-amid-{name}" for name in what)):
            super().send(commands[: len(commands) // 2])
            super().receive()
            os.kill(os.getpid(), signal.SIGKILL)
        super().send(commands)

    def receive(self) -> list[Any]:
        part, what = _part(), _names(self._sent)
        replies = super().receive()
        crash_point(*(f"{part}-after-{name}" for name in what))
        return replies


def _part() -> str:
    """Return which part of the worker talks to Redis on this thread."""
    part = threading.current_thread().name.removeprefix("kiq-").partition("-")[0]
    return part if part in _PARTS else "courier"  # a processor that leads does the courier's work


def _names(commands: Sequence[Command]) -> set[str]:
    return {str(_SCRIPTS.get(command[1 % len(command)], command[0])) for command in commands}
