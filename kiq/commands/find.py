"""``kiq find``: where a job is now, and what happened to it; or which jobs are like something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from ..api import Found, find, job_log, search
from ..cli.exit_codes import NOT_DONE
from ..clock import wall
from .entries import as_object, call, error, handle, in_full
from .ground import Ground, grounded
from .screen import document, note, say, stream, table
from .table import Column
from .text import counted, moment, number, visible

_COLUMNS = [
    Column("where", least=10),
    Column("when", spare=3),
    Column("jid"),
    Column("class", least=12, tail=True),
    Column("arguments", least=10, spare=2),
    Column("error", least=10, spare=1),
]


_LOG = click.option(
    "--log", is_flag=True, help="What it logged, where its class has that captured."
)


@click.command("show")
@click.argument("jid")
@_LOG
@grounded()
def show(ground: Ground, jid: str, log: bool) -> None:
    """Show all of the job JID, wherever it is: what `kiq find JID` tells."""
    _one(ground, jid, log)


@click.command("find")
@click.argument("jid", required=False)
@click.option("--class", "job_class", metavar="NAME", help="Of this job class.")
@click.option("--text", metavar="TEXT", help="Whose payload holds TEXT.")
@click.option("--tag", metavar="TAG", help="That have this tag.")
@click.option("--queue", metavar="NAME", help="That are of this queue.")
@click.option("--error", "failure", metavar="TEXT", help="Whose last error holds TEXT.")
@click.option(
    *("-n", "--limit"),
    default=25,
    type=click.IntRange(1),
    show_default=True,
    metavar="N",
    help="About so many.",
)
@_LOG
@click.option("--cursor", metavar="CURSOR", help="Go on where another look ended.")
@grounded()
def find_command(
    ground: Ground, jid: str | None, limit: int, cursor: str | None, log: bool, **like: str | None
) -> None:
    """Tell where the job JID is, and what happened to it; or list the jobs that are like something.

    Queues, sets, and what processes have taken are looked through, a thousand jobs at a time.
    """
    like["error"] = like.pop("failure")
    wanted = {name: value for name, value in like.items() if value is not None}
    if jid is not None and not wanted and cursor is None:
        _one(ground, jid, log)
    elif jid is None and wanted and not log:
        _many(ground, wanted, cursor, limit)
    else:
        raise click.UsageError("say a JID, or what jobs are like: --class, --text, --tag, ...")


def _one(ground: Ground, jid: str, log: bool) -> None:
    found = find(jid, ground.home)
    lines = job_log(jid, ground.home) if log else None
    if ground.as_json:
        document({**found_object(found), **({"log": lines} if log else {})})
    else:
        for line in told(found, wall()):
            say(line)
        for line in ["", *lines] if lines else []:
            say(visible(line))
        if log and not lines:
            note("none of its log is kept")
    for each in found.unknown:
        note(f"could not look: {visible(each)}")
    if not found and not found.ended:
        raise click.exceptions.Exit(NOT_DONE)


def told(found: Found, now: float) -> Iterator[str]:
    """Yield the lines that say where *found* is, what its fields are, and what features know of it."""
    yield f"{visible(found.jid)} {where(found, now)}"
    if found.record is not None:
        yield ""
        yield from in_full(found.record, now)
    lines = [
        f"  {moment(one.at, now) if one.at is not None else '':<14} {visible(one.text)}"
        for one in found.known
    ]
    yield from ["", *lines] if lines else []


def where(found: Found, now: float) -> str:
    """Return what follows the jid in a sentence: ``waits in mailers, behind 3 jobs``."""
    at = moment(found.score, now)
    queue, process = visible(found.queue or "?"), visible(found.process or "a process")
    match found.where:
        case "waiting":
            before = found.before
            line = "" if before is None else f", behind {counted(before, 'job')}"
            band = getattr(found.record, "band", "normal")
            band = "" if band == "normal" else f", {band} priority"
            return f"waits in {queue}{band}{', the next one' if before == 0 else line}"
        case "fetched":
            return f"is at {process}, from {queue}, and waits for a thread"
        case "running":
            since = f"since {moment(found.since, now)}" if found.since is not None else "just now"
            return f"runs at {process}, {since.replace('since ', 'began ')}"
        case "scheduled":
            return f"is scheduled, due {at}"
        case "retrying":
            return f"waits for its next attempt, {at}"
        case "promoting":
            return f"is due, and on its way to {queue}"
        case "dead":
            return f"is in the dead set, died {at}"
    ended = found.ended
    if ended:
        return f"is over: {visible(ended)}"
    return "is nowhere: it ended, was deleted, or never was"


def found_object(found: Found) -> dict[str, Any]:
    """Return *found* as scripts get it."""
    record = as_object(found.record) if found.record is not None else {}
    return {
        **record,
        "jid": found.jid,
        "where": found.where,
        "queue": found.queue,
        "before": found.before,
        "process": found.process or None,
        "thread": found.thread or None,
        "since": found.since,
        "at": found.score,
        "ended": found.ended or None,
        "known": [{"text": one.text, "at": one.at} for one in found.known],
        "unknown": list(found.unknown),
    }


def _many(ground: Ground, like: dict[str, Any], cursor: str | None, limit: int) -> None:
    found: list[Found] = []
    looked, more = 0, cursor
    while True:
        part = search(**like, cursor=more, limit=limit - len(found), client=ground.home)
        found += part.found
        looked, more = looked + part.looked_at, part.cursor
        if more is None or len(found) >= limit:
            break
    if ground.as_json:
        stream({"cursor": more, "looked_at": looked}, "jobs", map(found_object, found))
        return
    now = wall()
    if found:
        table(_COLUMNS, (_row(each, now) for each in found))
    else:
        note("no job is like that" if more is None else f"none yet, of about {number(looked)}")
    if more is not None:
        note(f"there may be more: --cursor '{visible(more)}'")


def _row(found: Found, now: float) -> list[str]:
    record = found.record
    places = {"waiting": found.queue or "?", "fetched": "in flight", "promoting": "in flight"}
    when = found.score
    if when is None and record is not None:
        when = record.enqueued_at
    return [
        visible(places.get(found.where, found.where)),
        moment(when, now),
        visible(handle(record)) if record is not None else visible(found.jid),
        visible(record.class_name) if record is not None else "",
        call(record) if record is not None else "",
        error(record) if record is not None else "",
    ]
