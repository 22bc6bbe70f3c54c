"""Which entries of a sorted set a command means: by jid, by class, text and age, by a filter, or all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ..api import Filter, JobSet, SortedEntry, parse_filter
from ..errors import ConfigError
from .entries import handle
from .text import duration
from .values import seconds


@dataclass(frozen=True, slots=True)
class Selection:
    """What an entry must have: all that is not None. *older_than* is seconds."""

    text: str | None = None
    job_class: str | None = None
    older_than: float | None = None
    wanted: Filter | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is asked for."""
        return all(each is None for each in self.criteria.values())

    @property
    def names_something(self) -> bool:
        """Whether a class, a text or a filter is named: what is nowhere may be misspelt."""
        return any((self.text, self.job_class, self.wanted))

    @property
    def criteria(self) -> dict[str, Any]:
        """The keyword arguments of the data API that say the same."""
        return {
            "text": self.text,
            "job_class": self.job_class,
            "older_than": self.older_than,
            "wanted": self.wanted,
        }

    @property
    def words(self) -> str:
        """What was asked for, in a few words."""
        said = {
            "class": self.job_class,
            "text": self.text,
            "older": None if self.older_than is None else duration(self.older_than),
            "filter": self.wanted.text if self.wanted else None,
        }
        return " ".join(f"{name}={each}" for name, each in said.items() if each) or "all"

    def entries(self, jobs: JobSet, *, newest_first: bool = False) -> Iterator[SortedEntry]:
        """Yield the entries of *jobs* that are meant, by score."""
        return jobs.select(**self.criteria, newest_first=newest_first)


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags of a selection."""
    for option in (_FILTER, _OLDER_THAN, _TEXT, _CLASS):
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


def _filter(text: str) -> Filter:
    try:
        wanted = parse_filter(text)
    except ConfigError as error:
        raise click.BadParameter(str(error)) from None
    if not wanted:
        raise click.BadParameter("an empty filter would mean everything: leave it out")
    return wanted


_FILTER = click.option(
    "--filter",
    "wanted",
    type=_filter,
    metavar="FILTER",
    help="That a filter means: 'class:Mail error:timeout age>2h'.",
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
