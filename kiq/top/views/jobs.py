"""One job: where it is, why it does not run, what is known of it, and all that it holds."""

from __future__ import annotations

from collections.abc import Iterator

from ...api import Found, JobRecord, Why, find, why
from ...wording import HIDDEN, arguments, counted, is_secret, masked, moment
from ..looking import Look
from ..picture import Cell, Line, Page, line, text_page
from ..wrapping import labelled, wrapped

_LONGEST = 4_000  # characters of a value
_LINES = 200  # of a traceback
_SHOWN = {"class", "args", "jid", "error_class", "error_message", "error_backtrace", "wrapped"}
_TIMES = {"created_at", "enqueued_at", "failed_at", "retried_at"}
_KINDS = {"retrying": "retries", "scheduled": "scheduled", "dead": "dead", "waiting": "queued"}


def job(look: Look) -> Page:
    """Show a job, wherever it is. Some ten round trips."""
    found = look.fleet.look(f"{look.ask.place}", lambda: find(look.subject, look.fleet.home))
    lines = [*_where(look, found), *_record(look, found), *_known(look, found)]
    kind, subject = _acted_on(found)
    return text_page(lines, kind, subject, look.subject)


def explained(look: Look) -> Page:
    """Show why a job does not run, and what helps. Some twenty round trips."""
    answer = look.fleet.look(f"{look.ask.place}", lambda: why(look.subject, look.fleet.home))
    lines = [*_where(look, answer.found), *_reasons(look, answer)]
    kind, subject = _acted_on(answer.found)
    return text_page(lines, kind, subject, look.subject)


def _acted_on(found: Found) -> tuple[str, object]:
    if found.where in ("running", "fetched"):
        return "found", found
    kind = _KINDS.get(found.where, "")
    return (kind, found.record) if found.record is not None and kind else ("", None)


def _where(look: Look, found: Found) -> Iterator[Line]:
    yield line(Cell(found.jid, "bold"), "  ", Cell(_place(found, look.moment.at), "bold"))
    for each in found.unknown:
        yield line(Cell(f"could not look: {each}", "warn"))
    yield ()


def _place(found: Found, now: float) -> str:
    at = moment(found.score, now)
    match found.where:
        case "waiting":
            behind = "" if not found.before else f", behind {counted(found.before, 'job')}"
            return f"waits in {found.queue}{behind}"
        case "fetched":
            return f"is at {found.process}, and waits for a thread"
        case "running":
            return f"runs at {found.process}, since {moment(found.since, now)}"
        case "scheduled":
            return f"is scheduled, due {at}"
        case "retrying":
            return f"waits for its next attempt, {at}"
        case "promoting":
            return f"is due, and on its way to {found.queue}"
        case "dead":
            return f"is dead, died {at}"
    return f"is over: {found.ended}" if found.ended else "is nowhere: it ended, or never was"


def _record(look: Look, found: Found) -> Iterator[Line]:
    record = found.record
    if record is None:
        return
    called = f"{record.display_class}({look.call_text(record, _LONGEST)})"
    yield from wrapped(called, look.ask.columns, "bold")
    if record.problem is not None:
        yield line(Cell(record.problem, "bad"))
        yield from wrapped(repr(record.raw[:_LONGEST]), look.ask.columns)
        return
    yield from _fields(look, record)
    yield from _error(look, record)


def _fields(look: Look, record: JobRecord) -> Iterator[Line]:
    now = look.moment.at
    for name in sorted(_TIMES):
        at = getattr(record, name)
        if at is not None:
            yield line(Cell(f"{name:<14}", "dim"), moment(at, now))
    for name, value in record.payload.items():
        if name in _SHOWN | _TIMES or (name == "kwargs"):
            continue
        hidden = not look.ask.unmasked and is_secret(str(name))
        shown = value if look.ask.unmasked else masked(value)
        told = HIDDEN if hidden else arguments([shown], {}, _LONGEST)
        yield from labelled(str(name), told, look.ask.columns)


def _error(look: Look, record: JobRecord) -> Iterator[Line]:
    if record.error_class is None:
        return
    yield ()
    message = f"{record.error_class}: {record.error_message or ''}"
    yield from wrapped(message, look.ask.columns, "bad")
    for part in record.error_backtrace[:_LINES]:
        for each in part.splitlines():
            yield line(Cell(each, "dim"))


def _known(look: Look, found: Found) -> Iterator[Line]:
    if found.known:
        yield ()
        yield line(Cell("What is known", "bold"))
    for one in found.known:
        at = "" if one.at is None else moment(one.at, look.moment.at)
        yield line(Cell(f"{at:<14}", "dim"), one.text)


def _reasons(look: Look, answer: Why) -> Iterator[Line]:
    if not answer.reasons:
        yield line(Cell("Nothing keeps it from running.", "good"))
    for reason in answer.reasons:
        until = "" if reason.until is None else f" ({moment(reason.until, look.moment.at)})"
        mark = "! " if reason.stops else "- "
        yield from wrapped(
            mark + reason.text + until, look.ask.columns, "bad" if reason.stops else ""
        )
        if reason.command:
            yield line("    ", Cell(reason.command, "bold"))
    for each in answer.unknown:
        yield line(Cell(f"could not look: {each}", "warn"))
