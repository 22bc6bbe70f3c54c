"""Why a job that is in its queue, or will be, does not run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from hashlib import sha1

from ... import keys
from ...clock import wall
from ...wording import counted, did_you_mean, duration, moment, visible
from ..explaining import Reason
from ..finding import Found
from ..home import Connection
from ..pausing import note_of
from ..queue import Queue
from ..work_set import Work, WorkSet
from .takers import Takers

_ISOLATED = 2  # crashes at which it was running: from then on a job runs alone
_MOST_LOOKED_AT = 25  # processes whose jobs are looked at for the longest


def reasons(home: Connection, found: Found, takers: Takers) -> Iterator[Reason]:
    """Yield why *found*, in its queue or on its way there, is not taken. Some round trips."""
    queue, name = takers.queue, visible(takers.queue)
    if home.call(("SISMEMBER", keys.PAUSED, queue)):
        command = f"kiq unpause {shlex.quote(queue)}"
        yield Reason("paused", f"the queue {name} is paused{_by_whom(home, queue)}", command)
    yield from nobody(takers)
    if found.where != "waiting" or not takers.awake:
        return
    yield from suspect(home, found)
    yield from _above(home, takers)
    if takers.full:
        yield _busy(home, takers)
    before = found.before or 0
    if before:
        are = "job is" if before == 1 else "jobs are"
        yield Reason("behind", f"{before:,} {are} taken before it", _list(queue), stops=False)
    elif not takers.full:
        yield Reason("next", "it is the next one, and is taken at any moment", stops=False)


def _by_whom(home: Connection, queue: str) -> str:
    note = note_of(home, queue)
    if note is None:
        return ""
    by = f", by {visible(note.by)}" if note.by else ""
    why = f": {visible(note.reason)}" if note.reason else ""
    return f" ({moment(note.at, wall())}{by}){why}"


def nobody(takers: Takers) -> Iterator[Reason]:
    """Yield why no process takes the queue."""
    queue, name = takers.queue, visible(takers.queue)
    start = f"kiq run -q {shlex.quote(queue)}"
    if not takers.everyone:
        yield Reason("no_process", "no worker process is there", "kiq run")
    elif not takers.of_queue:
        near = did_you_mean(queue, takers.other_queues)
        yield Reason("queue_untaken", f"no process takes the queue {name}{near}", start)
    elif not takers.awake:
        silent = sum(process.is_silent for process in takers.of_queue)
        every = "each process that takes" if len(takers.of_queue) > 1 else "the process that takes"
        if silent == len(takers.of_queue):
            yield Reason("silent", f"{every} {name} gives no sign of life", "kiq ps")
        else:
            text = f"{every} {name} is quiet: it takes no more jobs"
            yield Reason("quiet", text, start)


def suspect(home: Connection, found: Found) -> Iterator[Reason]:
    """Yield that *found* was running when processes crashed: it runs alone."""
    if found.record is None:
        return
    digest = sha1(found.record.raw, usedforsecurity=False).hexdigest()
    noted = home.call(("HGET", keys.SUSPECTS, digest))
    level, _, until = (noted or b"").decode(errors="replace").partition(":")
    if not level.isdigit() or int(level) < _ISOLATED or _is_over(until):
        return
    text = (
        f"it was running when {level} processes crashed: it runs alone, once others like it ended"
    )
    yield Reason("suspect", text, "kiq ps --jobs", stops=False)


def _is_over(until: str) -> bool:
    try:
        return float(until) < wall()
    except ValueError:
        return False


def _above(home: Connection, takers: Takers) -> Iterator[Reason]:
    """Yield that everybody who takes the queue takes others first, which have jobs."""
    above = [set(one.above(takers.queue)) for one in takers.capsules]
    names = sorted(set.intersection(*above)) if above else []
    sizes = [Queue(name, home).size for name in names]
    paused = home.call(("SMISMEMBER", keys.PAUSED, *names)) if names else []
    for name, size, is_paused in zip(names, sizes, paused, strict=True):
        if size and not is_paused:
            text = f"the queue {visible(name)} goes first, and has {counted(size, 'job')}"
            yield Reason("strict", text, _list(name), stops=False)


def _busy(home: Connection, takers: Takers) -> Reason:
    works: list[Work] = []
    for process in takers.awake[:_MOST_LOOKED_AT]:
        works += WorkSet(home).of(process)
    threads = counted(takers.places, "place")
    text = f"all {threads} for jobs of {visible(takers.queue)} are taken"
    if works:
        longest = min(works, key=lambda work: work.run_at)
        text += f", for {duration(longest.elapsed)} by {visible(longest.job_class)} {longest.jid}"
    return Reason("busy", text, "kiq ps --jobs", works[0].jid if works else "", stops=False)


def _list(queue: str) -> str:
    return f"kiq queues {shlex.quote(queue)}"
