"""The rider of results: what a job came to is written in the step that settles it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import keys as of_kiq
from ...clock import wall
from ...codec import decode
from ...errors import UndecodablePayload
from ...plugin import Ride, Rider
from ...settled import Deleted, Settled
from ...verdict import Done, Dropped, ToDead, ToRetry, ToSchedule
from . import keys
from .lua import read
from .progress import Underway
from .record import Error, text, written
from .running import STORY, Story
from .terms import FIELD, attempt_of, life_of_progress, milliseconds, ttl_of


def rider() -> Rider:
    """Return the rider."""
    bounds = f"local REMEMBERED, MOST = {keys.REMEMBERED}, {keys.MOST}\n"
    return Rider("results", lua=bounds + read("leave"), releasing=_ride, payload_field=FIELD)


def _ride(job: Settled) -> Ride | None:
    ttl = ttl_of(job.payload)
    if ttl is None:
        return None
    story: Story = _story(job)
    match job.verdict:
        case ToRetry(raw=raw, at=at):
            return _later(job, ttl, Underway("retrying", *_far(story), at, _error(raw).brief))
        case ToSchedule(at=at):
            return _later(job, ttl, Underway("scheduled", *_far(story), at))
        case Done():
            said = about(job.payload, story, "done", why=story.why)
            return _end(job, ttl, written(said, story.value))
        case ToDead(raw=raw, reason=reason):
            error = story.error or _error(raw)
            return _end(job, ttl, written(about(job.payload, story, "dead", error, reason)), raw)
        case Dropped(reason=reason, failed=failed):
            known = story.error if failed else None
            return _end(job, ttl, written(about(job.payload, story, "discarded", known, reason)))
        case Deleted():
            return _end(job, ttl, written(about(job.payload, story, "deleted")))
    return None  # it is with nobody for now, and still to run


def _story(job: Settled) -> Story:
    enclosed = getattr(job.verdict, "enclosed", None) or {}
    known: Story | None = enclosed.get(STORY)
    return known if known is not None else Story(attempt_of(job.payload))


def _far(story: Story) -> tuple[int, Any]:
    return story.attempt, story.progress


def about(
    payload: Mapping[str, Any], story: Story, status: str, error: Error | None = None, why: str = ""
) -> dict[str, Any]:
    """Return what is written of the end of *payload*, but for its value."""
    said: dict[str, Any] = {"status": status, "of": text(payload.get("class", "?"))}
    if story.attempt != 1:
        said["attempt"] = story.attempt
    if story.progress is not None:
        said["progress"] = story.progress.form()
    if error is not None and error.brief:
        parts = (error.name, error.message, error.backtrace)
        said["error"] = dict(zip(("class", "message", "backtrace"), parts, strict=True))
    if why:
        said["why"] = text(why)
    return said


def _error(raw: bytes) -> Error:
    """Return what the payload in *raw* says of its last failure."""
    try:
        payload: Mapping[str, Any] = decode(raw)[0]
    except UndecodablePayload:
        return Error()
    return Error(*(text(payload.get(f"error_{part}") or "") for part in ("class", "message")))


def _later(job: Settled, ttl: float, known: Underway) -> Ride:
    due = known.due - wall() if known.due is not None else 0.0
    return Ride([keys.progress(job.jid)], [known.written(), life_of_progress(ttl, due)])


def _end(job: Settled, ttl: float, record: bytes, dead: bytes = b"") -> Ride:
    jid = job.jid
    names = [keys.progress(jid), keys.result(jid), keys.ENDED, keys.channel(jid)]
    args: list[str | bytes | int | float] = [record, milliseconds(ttl), jid]
    if dead:
        names.append(of_kiq.DEAD)
        args.append(dead)
    return Ride(names, args)
