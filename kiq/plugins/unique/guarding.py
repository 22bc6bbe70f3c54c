"""The guard of unique jobs: one push, or another."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ... import keys
from ...errors import DuplicateJob
from ...plugin import Guard, Ride
from ...priority import list_of
from . import keys as own
from .lua import read
from .terms import FIELD, Terms, stamp, terms_of

logger = logging.getLogger("kiq.unique")


def unique_guard() -> Guard:
    """Return the guard."""
    return Guard(
        "unique",
        guarding=_ride,
        check=read("check"),
        take=read("take"),
        undo=read("undo"),
        declined=_declined,
        in_tests=_in_tests,
        displaces=_displaces,
        stamp=stamp,
        payload_field=FIELD,
    )


def _ride(payload: dict[str, Any]) -> Ride | None:
    terms = terms_of(payload)
    if terms is None or not terms.waits:
        return None
    if terms.ends_at_start and payload.get("retry_count") is not None:
        return None  # it has started once: its lock is over
    names = (own.lock(terms.key), own.LOCKS, own.REPLACED, keys.SCHEDULE, keys.RETRY)
    kept = "1" if payload.get("bid") else ""  # its batch has to be told of its end
    ttl = "" if terms.ttl is None else repr(terms.ttl)
    about = (payload["jid"], terms.key, terms.on_conflict, terms.lock, ttl)
    queue = payload["queue"]
    return Ride([*names, keys.queue(list_of(payload))], [*about, queue, payload["class"], kept])


def _declined(payload: dict[str, Any], why: str) -> str:
    """Return the jid of the job that is there; *why* names it, and since when, but in tests."""
    holder, _, age = why.rpartition(" ")
    if not holder or not age.isdecimal():
        holder, age = why, "0"
    terms = terms_of(payload)
    if terms is not None and terms.on_conflict == "raise":
        raise DuplicateJob(
            f"{payload['class']}: not pushed: the same job is there, {holder}, for {age} s ({terms.lock})",
            holder,
        )
    logger.info(
        "not pushed: the same job is there, %s, for %s s [jid=%s class=%s]",
        *(holder, age, payload.get("jid"), payload["class"]),
    )
    return holder


def _same(
    terms: Terms | None, payload: dict[str, Any], waiting: Sequence[dict[str, Any]]
) -> list[str]:
    """Return the jids of those that wait with the lock of *payload*."""
    if terms is None or not terms.waits:
        return []
    others = [(job["jid"], terms_of(job)) for job in waiting if job["jid"] != payload["jid"]]
    return [jid for jid, other in others if other and other.waits and other.key == terms.key]


def _in_tests(payload: dict[str, Any], waiting: Sequence[dict[str, Any]]) -> str | None:
    terms = terms_of(payload)
    if terms is not None and terms.newest_wins:
        return None
    return next(iter(_same(terms, payload, waiting)), None)


def _displaces(payload: dict[str, Any], waiting: Sequence[dict[str, Any]]) -> list[str]:
    terms = terms_of(payload)
    return _same(terms, payload, waiting) if terms is not None and terms.newest_wins else []
