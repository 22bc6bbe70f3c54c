"""Which entries of a sorted set a command means: by jid, by class, text and age, or all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ..api import JobSet, SortedEntry
from .entries import handle
from .values import seconds


@dataclass(frozen=True, slots=True)
class Selection:
    """What an entry must have: all that is not None. *older_than* is seconds."""

    text: str | None = None
    job_class: str | None = None
    older_than: float | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is asked for."""
        return self.text is None and self.job_class is None and self.older_than is None

    @property
    def names_something(self) -> bool:
        """Whether a class or a text is named: one that is nowhere may be misspelt."""
        return self.text is not None or self.job_class is not None

    @property
    def criteria(self) -> dict[str, Any]:
        """The keyword arguments of the data API that say the same."""
        return {
            "text": self.text,
            "job_class": self.job_class,
            "older_than": self.older_than,
        }

    def entries(self, jobs: JobSet, *, newest_first: bool = False) -> Iterator[SortedEntry]:
        """Yield the entries of *jobs* that are meant, by score."""
        return jobs.select(**self.criteria, newest_first=newest_first)


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags of a selection."""
    for option in (_OLDER_THAN, _TEXT, _CLASS):
        command = option(command)
    return command


_CLASS = click.option("--class", "job_class", metavar="NAME", help="Of this job class.")
_TEXT = click.option("--text", metavar="TEXT", help="Whose payload holds TEXT.")
_OLDER_THAN = click.option(
    "--older-than",
    type=seconds,
    metavar="TIME",
    help="Died, failed first, or was made so long ago: 90s, 2h, 7d.",
)


def by_jid(jobs: JobSet, jids: Sequence[str]) -> tuple[list[SortedEntry], list[str]]:
    """Return the entries with these *jids*, and the jids that are not there.

    One walk through the set, however many jids there are.
    """
    if len(jids) == 1 and not jids[0].startswith("sha1:"):
        entry = jobs.find(jids[0])
        return ([entry], []) if entry is not None else ([], list(jids))
    missing, found = set(jids), []
    for entry in jobs.entries():
        name = handle(entry)
        if name in missing:
            missing.discard(name)
            found.append(entry)
            if not missing:
                break
    return found, [jid for jid in jids if jid in missing]
