"""An attempt as it is kept: a short list of JSON, written when a job is settled."""

from __future__ import annotations

import json
from typing import Any

from ...clock import wall
from ...codec import decode
from ...errors import UndecodablePayload
from ...settled import Deleted, GivenBack, Settled
from ...verdict import Done, Dropped, ToDead, ToQueue, ToRetry, ToSchedule
from .runs import Run

LONGEST = 200  # characters of an error, or a reason

#: What became of a job, in a word, and whether that is its end.
WORDS: dict[str, bool] = {
    "done": True,
    "dropped": True,
    "deleted": True,
    "killed": False,
    "dead": False,
    "retried": False,
    "snoozed": False,
    "put back": False,
    "lost": False,
}


def entry(job: Settled, run: Run | None) -> tuple[str, bytes] | None:
    """Return the word for what became of *job*, and the entry; None where no attempt ended."""
    word, said = _fate(job)
    if not word or (word == "put back" and run is None):
        return None
    owner = job.owner.split(":")
    process = ":".join(owner[:2]) if job.owner else ""
    at = run.began if run is not None else wall()
    fields: list[Any] = [
        round(at * 1000),
        _attempt(job.payload),
        None if run is None else _milliseconds(run.waited),
        None if run is None else _milliseconds(run.ran),
        process,
        word,
    ]
    if said:
        fields.append(said[:LONGEST])
    return word, json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def _attempt(payload: dict[str, Any]) -> int:
    count = payload.get("retry_count")
    return count + 2 if type(count) is int else 1


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _fate(job: Settled) -> tuple[str, str]:
    match job.verdict:
        case Done():
            return "done", ""
        case ToRetry(raw=raw):
            return "retried", _error(raw)
        case ToSchedule():
            return "snoozed", ""
        case ToDead(raw=raw, reason=reason):
            return ("dead" if job.token else "killed"), reason or _error(raw)
        case Dropped(reason=reason):
            return "dropped", reason
        case ToQueue():
            return "put back", ""
        case GivenBack():
            return "lost", "its process was gone"
        case Deleted():
            return "deleted", ""
    return "", ""


def _error(raw: bytes) -> str:
    try:
        payload = decode(raw)[0]
    except UndecodablePayload:
        return ""
    name, message = payload.get("error_class"), payload.get("error_message")
    if not isinstance(name, str):
        return ""
    return f"{name}: {message}" if isinstance(message, str) and message else name
