"""What stands in for the client of the process: the same up to the very bytes, no Redis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import plugin
from ..client import codec_in_use, settings_in_use, sidekiq_in_use
from ..guarding import Declined, Guarded
from ..pusher import Pusher
from ..sender import InAsyncio, Load, Outcome, Refusal, Step, StepOutcome, outcome
from ..undone import check_done
from .box import PushedJob, pushed_job


class Taking:
    """Hands each job that is pushed to *take*, decoded. What *take* raises is raised.

    Threads: any, if *take* may be called by any.
    """

    in_asyncio: InAsyncio = "aside"
    whole = False

    def __init__(
        self,
        take: Callable[[PushedJob], Any],
        waiting: Callable[[], Sequence[PushedJob]] = list,
        remove: Callable[[PushedJob], Any] | None = None,
    ) -> None:
        """*waiting* returns the jobs that wait: guards are asked about them, as there is no Redis.

        *remove* takes one of these out.
        """
        self._take = take
        self._waiting = waiting
        self._remove = remove

    def push_one(self, queue: str, raw: bytes, jid: str) -> None:  # noqa: ARG002 (it is in the payload)
        """Take one payload that is due now."""
        self._take(pushed_job(raw, queue, None))

    def push(self, load: Load) -> Outcome | None:
        """Take payloads, but those that a guard declines."""
        refused: dict[str, Refusal] = {}
        placed = [(queue, None, raw) for queue, raws in load.queues.items() for raw in raws]
        for queue, at, raw in [*placed, *((None, at, raw) for at, raw in load.scheduled)]:
            job = pushed_job(raw, queue, at)
            declined = self._declined(load.extras.get(raw))
            if declined is None:
                self._displace(load.extras.get(raw))
                self._take(job)
            else:
                refused[job.jid] = declined
        return outcome({}, refused)

    def push_step(self, step: Step) -> None:
        """Take all loads of *step*, unless it is declined."""
        declined = step.trial.begin() if step.trial is not None else ""
        outcomes = [] if declined else [self.push(load) for load, _ in step.parts]
        if step.trial is not None and not declined:
            step.trial.end(outcomes, self.push)
        step.told(StepOutcome(declined, outcomes))

    def _displace(self, one: Guarded | None) -> None:
        """Take out what *one* comes instead of."""
        if one is None or self._remove is None:
            return
        for guard, _ in one.rides:
            if guard.displaces is not None:
                waiting = self._waiting()
                jids = guard.displaces(one.payload, [job.payload for job in waiting])
                for job in waiting:
                    if job.jid in jids:
                        self._remove(job)

    def _declined(self, one: Guarded | None) -> Declined | None:
        if one is None:
            return None
        for guard, _ in one.rides:
            if guard.in_tests is not None:
                waiting = [job.payload for job in self._waiting()]
                why = check_done(guard.in_tests(one.payload, waiting), "in_tests of a guard")
                if why is not None:
                    return Declined(guard, one.payload, str(why))
        return None


def stand_in(
    take: Callable[[PushedJob], Any],
    waiting: Callable[[], Sequence[PushedJob]] = list,
    remove: Callable[[PushedJob], Any] | None = None,
) -> Pusher:
    """Return what pushes to *take*; codec and limits are those configured. See :class:`Taking`."""
    return Pusher(
        Taking(take, waiting, remove),
        codec=codec_in_use(),
        sidekiq=sidekiq_in_use(),
        max_payload=settings_in_use().max_payload,
        host=plugin.host,
    )
