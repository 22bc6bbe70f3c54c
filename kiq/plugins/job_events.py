"""Jobs as events: who observes hears of each attempt of a worker when it starts, and how it ended.

An attempt is what :class:`kiq.plugin.Host` calls layers around: from the bytes of a job to its verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..clock import steady, wall
from ..errors import Cancelled, Shutdown
from ..plugin import Host
from ..undone import check_done, refuse_undone
from ..verdict import Verdict

_MILLISECONDS = 100_000_000_000  # a time stamp above this counts them, below it seconds


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt begins. *queue_time* is seconds in the queue, by this machine's clock; None: unknown."""

    payload: dict[str, Any]
    queue: str
    queue_time: float | None


@dataclass(frozen=True, slots=True)
class Finished(Started):
    """An attempt is over. *run_time* is seconds; *verdict* is what becomes of the job, not settled yet."""

    run_time: float
    verdict: Verdict


def observe(
    host: Host,
    *,
    started: Callable[[Started], object] | None = None,
    finished: Callable[[Finished], object] | None = None,
) -> None:
    """Call *started* and *finished* for each attempt of a worker's jobs, on the thread of the job.

    (For an async job: on that of the event loop.) Before the worker starts. What they raise is reported,
    and changes nothing.
    """
    for name, handler in (("started", started), ("finished", finished)):
        if handler is not None:
            refuse_undone(f"an observer of {name} jobs", handler)
    host.around_attempt(_Observer(host, started, finished))


class _Observer:
    def __init__(
        self,
        host: Host,
        started: Callable[[Started], object] | None,
        finished: Callable[[Finished], object] | None,
    ) -> None:
        self._host = host
        self._started = started
        self._finished = finished

    def __call__(
        self, payload: dict[str, Any], queue: str, attempt: Callable[[], Verdict]
    ) -> Verdict:
        waited, began = _queue_time(payload), steady()
        if self._started is not None:
            self._tell("started", self._started, Started(payload, queue, waited))
        verdict = attempt()
        if self._finished is not None:
            took = steady() - began
            try:
                self._tell(
                    "finished", self._finished, Finished(payload, queue, waited, took, verdict)
                )
            except (Cancelled, Shutdown):
                pass  # raised here for the job, which is over: its verdict stands
        return verdict

    def _tell(self, event: str, handler: Callable[[Any], object], what: Started) -> None:
        try:
            check_done(handler(what), f"an observer of {event} jobs")
        except (Cancelled, Shutdown):
            raise
        except BaseException as error:  # noqa: BLE001 (who looks on can't stop what he looks at)
            self._host.report(error, {"event": event, "jid": what.payload.get("jid")})


def _queue_time(payload: dict[str, Any]) -> float | None:
    pushed = payload.get("enqueued_at")
    if isinstance(pushed, bool) or not isinstance(pushed, int | float) or not pushed > 0:
        return None
    return max(0.0, wall() - (pushed / 1000 if pushed > _MILLISECONDS else pushed))
