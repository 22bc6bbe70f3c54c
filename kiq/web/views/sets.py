"""The sorted sets: what waits for its next attempt, for its time, and what is dead."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.exceptions import NotFound

from ...api import (
    DeadSet,
    Filter,
    JobSet,
    RetrySet,
    ScheduledSet,
    SortedEntry,
    entry_at,
    listing,
    parse_filter,
    place_of,
)
from ...errors import ConfigError, UndecodablePayload
from ...wording import limited, visible
from ..answers import Done, Page
from ..calls import Call
from ..moments import moment_of
from ..rows import Row, rows_of
from .coming import outlook_of

_ERROR = 300  # characters of an error in a row


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the sets: the class of the data API, and how its page is called."""

    jobs: type[JobSet]
    title: str
    newest_first: bool


KINDS = {
    "retries": Kind(RetrySet, "Retries", False),
    "scheduled": Kind(ScheduledSet, "Scheduled", False),
    "dead": Kind(DeadSet, "Dead", True),
}


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as its page shows it. *place* names it in forms; *when* is its score, from now."""

    entry: SortedEntry
    row: Row
    place: str
    when: float
    error: str


def retries(call: Call) -> Page:
    """Show what failed and will be tried again, what is due next first."""
    return _page(call, "retries")


def scheduled(call: Call) -> Page:
    """Show what waits for its time, what is due next first."""
    return _page(call, "scheduled")


def dead(call: Call) -> Page:
    """Show what failed for good, the newest first."""
    return _page(call, "dead")


def retry(call: Call) -> Done:
    """Run a job now; that uses up none of its attempts."""
    entry, name = _meant(call)
    try:
        done = entry.retry()
    except UndecodablePayload as error:
        return Done(f"failed: {visible(str(error))}", name)
    return _told(call, name, entry, done, "{jid} is in its queue")


def kill(call: Call) -> Done:
    """Move a job to the dead set."""
    entry, name = _meant(call)
    return _told(call, name, entry, entry.kill(notify=False), "{jid} is in the dead set")


def delete(call: Call) -> Done:
    """Delete a job."""
    entry, name = _meant(call)
    return _told(call, name, entry, entry.delete(), "{jid} is deleted")


def _page(call: Call, name: str) -> Page:
    kind = KINDS[name]
    jobs = jobs_of(call, name)
    said, problem = call.said("q"), ""
    try:
        wanted = parse_filter(said)
    except ConfigError as error:
        wanted, problem = Filter(said, ()), visible(str(error))
    begin = call.said("from")
    try:
        found = listing(jobs, wanted, begin, newest_first=kind.newest_first)
    except ConfigError as error:
        raise NotFound(str(error)) from error
    now = moment_of(call.fleet).at
    rows = rows_of(found.entries, call.visitor)
    values = {
        "title": kind.title,
        "name": name,
        "lines": [
            Line(entry, row, place_of(entry), entry.score - now, _error_of(entry))
            for entry, row in zip(found.entries, rows, strict=True)
        ],
        "found": found,
        "wanted": wanted,
        "problem": problem,
        "begin": begin,
        "size": jobs.size,
        "outlook": outlook_of(call) if name == "scheduled" else None,
    }
    return Page("set.html", values)


def jobs_of(call: Call, name: str) -> JobSet:
    """Return a set by the name of its page. Raises NotFound."""
    if name not in KINDS:
        raise NotFound(f"there is no set {visible(name)!r}")
    config = call.fleet.config
    return KINDS[name].jobs(
        call.home, dead_max_jobs=config.dead_max_jobs, dead_timeout=config.dead_timeout
    )


def _meant(call: Call) -> tuple[SortedEntry, str]:
    """Return the very entry that a form names, by its bytes, and the name of its set."""
    name = call.said("set")
    try:
        entry = entry_at(jobs_of(call, name), call.said("place"))
    except ConfigError as error:
        raise NotFound(str(error)) from error
    if entry is None:
        raise NotFound(f"the job is not in {name} any more: another process or person was quicker")
    return entry, name


def _told(call: Call, name: str, entry: SortedEntry, done: bool, words: str) -> Done:
    jid = visible(entry.jid or "?")
    if not done:
        words = "{jid} is gone: another process took it meanwhile"
    return Done(call.locale.text(words, jid=jid), name, {"q": call.said("q")})


def _error_of(entry: SortedEntry) -> str:
    if entry.error_class is None:
        return ""
    message = (entry.error_message or "").strip()
    said = f"{entry.error_class}: {message}" if message else entry.error_class
    return limited(said, _ERROR)
