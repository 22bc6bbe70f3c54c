"""One job as a row, as an object for scripts, and in full."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ..api import JobRecord, SortedEntry
from .text import arguments, limited, lines_of, moment, number, visible

_ALL = 100_000  # characters of a value that are shown to a person who wants to see all of it


def as_object(record: JobRecord) -> dict[str, Any]:
    """Return the fields of *record* under the names that ``--json`` gives them.

    Times are epoch seconds. ``handle`` is what commands take for a jid. What is no job has
    ``problem``, and its bytes in ``raw_base64``.
    """
    undecodable = record.problem is not None
    shown: dict[str, Any] = {
        "jid": record.jid,
        "class": record.class_name,
        "queue": record.queue,
        "args": [] if undecodable else record.args,
        "kwargs": record.kwargs,
        "at": record.score if isinstance(record, SortedEntry) else None,
        "created_at": record.created_at,
        "enqueued_at": record.enqueued_at,
        "failed_at": record.failed_at,
        "retried_at": record.retried_at,
        "retry_count": record.retry_count,
        "error_class": record.error_class,
        "error_message": record.error_message,
        "problem": record.problem,
        "handle": handle(record),
    }
    if undecodable:
        shown["raw_base64"] = base64.b64encode(record.raw).decode("ascii")
    return shown


def handle(record: JobRecord) -> str:
    """Return how commands name *record*: its jid; ``sha1:...`` of its bytes where it has none."""
    if record.jid:
        return record.jid
    return f"sha1:{hashlib.sha1(record.raw, usedforsecurity=False).hexdigest()[:12]}"


def call(record: JobRecord) -> str:
    """Return the arguments of *record*, visible."""
    return arguments(record.args, record.kwargs)


def error(record: JobRecord) -> str:
    """Return what went wrong last, or why the bytes are no job, visible, on one line."""
    if record.problem is not None:
        return visible(record.problem)
    if record.error_class is None:
        return ""
    message = (record.error_message or "").strip()
    return limited(f"{record.error_class}: {message}" if message else record.error_class)


def in_full(record: JobRecord, now: float) -> Iterator[str]:
    """Yield the lines that show all of *record*, visible; only what is enormous is cut."""
    for name, value in _fields(record, now):
        if value:
            yield f"{name:<12} {value}"
    if record.problem is not None:
        reason = record.dead_reason if isinstance(record, SortedEntry) else None
        if reason:
            yield f"{'died of':<12} {visible(reason)}"
        yield f"{'bytes':<12} {limited(repr(record.raw[:_ALL]), _ALL)}"
        return
    others = {key: value for key, value in record.payload.items() if key not in _SHOWN}
    for key, value in others.items():
        yield f"{visible(str(key)):<12} {arguments([value], {}, _ALL)}"
    backtrace = record.error_backtrace
    if backtrace:
        yield ""
        for part in reversed(backtrace):
            for line in lines_of(part):
                yield f"  {line}"


_SHOWN = {
    *("jid", "class", "queue", "args", "kwargs", "created_at", "enqueued_at", "failed_at"),
    *("retried_at", "retry_count", "error_class", "error_message", "error_backtrace"),
}


def _fields(record: JobRecord, now: float) -> list[tuple[str, str]]:
    count = record.retry_count
    fields = [
        ("jid", visible(handle(record))),
        ("class", visible(record.class_name)),
        ("queue", visible(record.queue or "?")),
        (
            "arguments",
            "" if record.problem is not None else arguments(record.args, record.kwargs, _ALL),
        ),
    ]
    if isinstance(record, SortedEntry):
        fields.append(("at", _time(record.score, now)))
    fields += [
        ("created", _time(record.created_at, now)),
        ("enqueued", _time(record.enqueued_at, now)),
        ("failed", _time(record.failed_at, now)),
        ("retried", _time(record.retried_at, now)),
        ("retries", "" if count is None else number(count)),
        ("error" if record.problem is None else "problem", error(record)),
    ]
    return fields


def _time(at: float | None, now: float) -> str:
    if at is None:
        return ""
    try:
        text = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{at!r} (no date)"
    return f"{text} ({moment(at, now)})"
