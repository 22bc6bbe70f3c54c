"""What is done to entries of a sorted set: to those that are named, or to many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ..api import Acted, JobSet, SortedEntry
from ..cli.exit_codes import NOT_DONE
from ..errors import StoreError, StoreUnavailable, UndecodablePayload
from .asking import sure
from .entries import handle
from .ground import Ground, grounded
from .progress import Progress, progress
from .screen import document, note, say
from .selection import Selection, by_jid, selecting
from .text import counted, duration, number, visible
from .undo import kept, not_kept


@dataclass(frozen=True, slots=True)
class _Deed:
    """One thing that can be done: its words, and the calls of the data API that do it."""

    present: str
    past: str
    one: Callable[[SortedEntry], bool]
    many: Callable[..., Acted]


_DEEDS = {
    "retry": _Deed("Retrying", "retried", SortedEntry.retry, JobSet.retry_all),
    "enqueue": _Deed("Enqueuing", "enqueued", SortedEntry.add_to_queue, JobSet.retry_all),
    "delete": _Deed("Deleting", "deleted", SortedEntry.delete, JobSet.delete_all),
    "kill": _Deed("Killing", "killed", SortedEntry.kill, JobSet.kill_all),
}


def action(kind: type[JobSet], name: str, what: str) -> click.Command:
    """Return the command *name* of the set *kind*; *what* is its help."""
    deed = _DEEDS[name]

    @click.command(name, help=f"{what} Name them by jid, by a selection, or --all.")
    @click.argument("jids", nargs=-1, metavar="[JID]...")
    @selecting
    @click.option("--all", "everything", is_flag=True, help="Every job of the set.")
    @click.option("-y", "--yes", is_flag=True, help="Don't ask.")
    @grounded(acts=True)
    def command(
        ground: Ground, jids: Sequence[str], everything: bool, yes: bool, **criteria: Any
    ) -> None:
        selection = Selection(**criteria)
        if [bool(jids), not selection.is_everything, everything].count(True) != 1:
            raise click.UsageError(
                "say which jobs: their jids, or --class, --text, --older-than, --filter, or --all"
            )
        jobs = kind(ground.home, **ground.dead_limits)
        if jids:
            with kept(ground, f"kiq {jobs.key} {name} {' '.join(jids)}"):
                _each(ground, jobs, deed, jids)
        else:
            _all(ground, jobs, (name, deed), selection, yes)

    return command


def _each(ground: Ground, jobs: JobSet, deed: _Deed, jids: Sequence[str]) -> None:
    found, missing = by_jid(jobs, list(dict.fromkeys(jids)))
    done: list[str] = []
    refused: dict[str, str] = {}
    dropped = 0
    for entry in found:
        try:
            acted = deed.one(entry)
        except StoreUnavailable:
            if done:
                note(f"{deed.past} before Redis was away: {visible(', '.join(done))}")
            raise
        except (UndecodablePayload, StoreError) as error:
            refused[handle(entry)] = str(error)
        else:
            (done if acted else missing).append(handle(entry))
            dropped += entry.dropped
    if ground.as_json:
        shown = {deed.past: len(done), "jids": done, "missing": missing, "refused": refused}
        document({**shown, "dropped": dropped})
    else:
        say(f"{deed.past} {counted(len(done), 'job')}")
    for jid, why in refused.items():
        note(f"not {deed.past}: {visible(jid)}: {visible(why)}")
    for jid in missing:
        note(f"not {deed.past}: {visible(jid)} is not in the set {jobs.key}, or no more")
    _tell_of_dropped(ground, dropped)
    if missing or refused:
        raise click.exceptions.Exit(NOT_DONE)


def _all(
    ground: Ground, jobs: JobSet, what: tuple[str, _Deed], selection: Selection, yes: bool
) -> None:
    name, deed = what
    if not yes:
        count = jobs.size if selection.is_everything else _counted(jobs, selection)
        if count:
            asked = f"{name.capitalize()} {counted(count, 'job')} of the set {jobs.key}?"
            at_once = selection.is_everything and name == "delete"
            sure(asked + not_kept(count, at_once=at_once), yes)
    with (
        kept(ground, f"kiq {jobs.key} {name} {selection.words}"),
        progress(deed.present, deed.past) as step,
    ):
        acted = _do(jobs, deed, selection, step)
    left = dict(acted.left)
    if ground.as_json:
        document({deed.past: int(acted), "left": left, "dropped": acted.dropped})
    else:
        say(f"{deed.past} {counted(acted, 'job')}")
    for why, count in left.items():
        note(f"not {deed.past}: {counted(count, 'job')}: {visible(why)}")
    _tell_of_dropped(ground, acted.dropped)
    if not acted and not left and selection.names_something:
        note(f"nothing like that is in the set {jobs.key}")
    if left or (not acted and selection.names_something):
        raise click.exceptions.Exit(NOT_DONE)


def _do(jobs: JobSet, deed: _Deed, selection: Selection, step: Progress) -> Acted:
    if selection.is_everything and deed.past == "deleted":
        return jobs.clear()  # one command, however many there are
    return deed.many(jobs, **selection.criteria, progress=step)


def _tell_of_dropped(ground: Ground, dropped: int) -> None:
    if dropped:
        note(
            f"the dead set is over its limits (dead_max_jobs {number(ground.config.dead_max_jobs)}, "
            f"dead_timeout {duration(ground.config.dead_timeout)}): it dropped its oldest "
            f"{counted(dropped, 'job')}"
        )


def _counted(jobs: JobSet, selection: Selection) -> int:
    return sum(1 for _ in selection.entries(jobs))
