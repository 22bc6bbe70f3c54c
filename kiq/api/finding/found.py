"""What is known of a job: where it is now, and what features know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..explaining import Known
from ..job_record import JobRecord

Where = Literal[
    "waiting", "fetched", "running", "scheduled", "retrying", "promoting", "dead", "nowhere"
]


@dataclass(frozen=True, slots=True)
class Found:
    """A job, or that there is none.

    *where* is ``waiting`` (in its queue: *before* is how many jobs of its band go before it), ``fetched``
    (a process has taken it, and no thread is free for it yet), ``running``, ``scheduled``, ``retrying``,
    ``promoting`` (due, and on its way to its queue), ``dead`` or ``nowhere``.

    *record* is the job: of a queue a :class:`kiq.api.QueuedJob`, of a set a
    :class:`kiq.api.SortedEntry`; None if it is nowhere. *process* is the identity of who has it, *owner*
    that of its capsule, *thread* what runs it, *since* from when on (epoch seconds; None if that is not
    shown). *score* is when it is due, or died. *known* is what features know, *unknown* what could not be
    looked at.
    """

    jid: str
    where: Where = "nowhere"
    record: JobRecord | None = None
    queue: str | None = None
    before: int | None = None
    process: str = ""
    owner: str = ""
    delivery: str = ""
    thread: str = ""
    since: float | None = None
    score: float | None = None
    known: tuple[Known, ...] = ()
    unknown: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether the job is anywhere."""
        return self.where != "nowhere"

    @property
    def ended(self) -> str:
        """How it ended, in a word, if it is nowhere and a feature knows: ``done``, ``dropped``; else ""."""
        return next((one.ended for one in self.known if one.ended), "") if not self else ""
