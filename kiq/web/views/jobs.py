"""One job: where it is, why it does not run, what is known of it, and all that it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.exceptions import NotFound

from ...api import Found, JobRecord, SortedEntry, find, place_of, why
from ...wording import arguments, limited, lines_of, visible
from ..answers import Page
from ..calls import Call
from ..masking import HIDDEN, is_secret, masked
from ..moments import moment_of

_LONGEST = 64_000  # characters of a value of this page
_SETS = {"retrying": "retries", "scheduled": "scheduled", "dead": "dead"}
_OWN = {
    *("jid", "class", "args", "kwargs", "queue", "error_class", "error_message", "error_backtrace"),
    *("created_at", "enqueued_at", "failed_at", "retried_at", "retry_count", "tags", "wrapped"),
}
_LIBRARY = re.compile(r"[\\/](site-packages|dist-packages|lib[\\/]python[\d.]+|kiq)[\\/]")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a traceback. *own* is False for one of a library, or of kiq."""

    lines: Sequence[str]
    own: bool


def job(call: Call) -> Page:
    """Show a job, wherever it is, by its jid. Some twenty round trips."""
    jid = call.path["jid"]
    if not re.fullmatch(r"[\w:.-]{1,100}", jid, re.ASCII):
        raise NotFound("a jid is letters and digits")
    found = find(jid, call.home)
    answer = why(found, call.home)
    record = found.record
    now = moment_of(call.fleet).at
    shows_all = call.visitor.may("unmask")
    values = {
        "title": jid,
        "jid": jid,
        "found": found,
        "record": record,
        "why": answer,
        "now": now,
        "set": _SETS.get(found.where, ""),
        "place": place_of(record) if isinstance(record, SortedEntry) else "",
        "call_text": _call_text(record, shows_all) if record else "",
        "fields": _fields(record, shows_all) if record else [],
        "times": _times(found, now),
        "frames": _frames(record) if record else [],
    }
    return Page("job.html", values, 200 if found or found.known else 404)


def _call_text(record: JobRecord, shows_all: bool) -> str:
    args, kwargs = record.args, record.kwargs
    if not shows_all:
        args, kwargs = masked(args), masked(kwargs)
    return arguments(args, kwargs, _LONGEST)


def _fields(record: JobRecord, shows_all: bool) -> Sequence[tuple[str, str]]:
    if record.problem is not None:
        return [("bytes", limited(repr(record.raw[:_LONGEST]), _LONGEST))]
    found = []
    for name, value in record.payload.items():
        if name in _OWN:
            continue
        hidden = not shows_all and is_secret(str(name))
        shown = (
            HIDDEN if hidden else arguments([value if shows_all else masked(value)], {}, _LONGEST)
        )
        found.append((visible(str(name)), shown))
    return found


def _times(found: Found, now: float) -> Sequence[tuple[str, float]]:
    """Return what happened when, seconds ago (before 0: it is to come), the oldest first."""
    record = found.record
    if record is None:
        return []
    moments = [
        ("made", record.created_at),
        ("failed first", record.failed_at),
        ("failed last", record.retried_at),
        ("entered its queue", record.enqueued_at),
        ("began", found.since),
    ]
    if isinstance(record, SortedEntry):
        moments.append(("died" if found.where == "dead" else "is due", record.score))
    told = [(word, now - at) for word, at in moments if at is not None]
    return sorted(told, key=lambda each: -each[1])


def _frames(record: JobRecord) -> Sequence[Frame]:
    """Return the traceback, the innermost frame first."""
    return [
        Frame(lines_of(part.rstrip("\n")), _LIBRARY.search(part) is None)
        for part in record.error_backtrace
    ]
