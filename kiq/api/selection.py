"""Which entries of a sorted set are meant: by text, by job class, by age, by a filter."""

from __future__ import annotations

import datetime
import math
from typing import Any

from ..clock import wall
from ..errors import ConfigError
from ..registry import JobSpec
from .filters import Filter, parse_filter
from .sorted_entry import SortedEntry


class Selection:
    """What an entry must be like. Everything that is None matches any.

    *needle* is what its bytes must hold, so that Redis need not send the others. *before* is the
    moment (epoch seconds) that its age must begin before. *seen_at* is when somebody looked at what was
    there: what failed, or was made, later than that is not meant.
    """

    def __init__(
        self,
        text: str | None = None,
        job_class: Any = None,
        older_than: float | datetime.timedelta | None = None,
        wanted: Filter | str | None = None,
        seen_at: float | None = None,
    ) -> None:
        """*older_than* is seconds or a timedelta. Raises ConfigError for what can't be meant."""
        if text == "" or job_class == "":
            raise ConfigError("an empty text or class would select everything: leave it out")
        self._names = None if job_class is None else names_of(job_class)
        self.before = None if older_than is None else wall() - _seconds(older_than)
        needle = text or ""
        if not needle and self._names is not None and len(self._names) == 1:
            (name,) = self._names
            needle = name if name.isascii() else ""  # other letters may be written with escapes
        self._wanted = parse_filter(wanted) if isinstance(wanted, str) else wanted
        self._seen_at = seen_at
        self._now = wall() if seen_at is None else seen_at
        self.needle = needle.encode("utf-8", "surrogateescape")
        if not self.needle and self._wanted:
            self.needle = self._wanted.needle

    def takes(self, entry: SortedEntry) -> bool:
        """Tell whether *entry*, whose bytes hold the needle, is meant."""
        if self._names is not None and entry.class_name not in self._names:
            return False
        if self._wanted and not self._wanted.takes(entry, self._now):
            return False
        if self._seen_at is not None and _changed_at(entry) > self._seen_at:
            return False
        return self.before is None or (entry.since is not None and entry.since < self.before)


def _changed_at(entry: SortedEntry) -> float:
    """Return when *entry* came to be as it is: its last failure, else when it was made."""
    return entry.retried_at or entry.failed_at or entry.created_at or 0.0


def names_of(job_class: Any) -> frozenset[str]:
    """Return the names that jobs of *job_class* have: a class, or the name of one. Raises ConfigError."""
    if isinstance(job_class, str):
        return frozenset({job_class})
    spec = getattr(job_class, "_kiq_spec", None)
    if not isinstance(spec, JobSpec):
        raise ConfigError(f"{job_class!r} is no job class, nor the name of one")
    return frozenset({spec.name, *spec.aliases})


def _seconds(span: float | datetime.timedelta) -> float:
    seconds = span.total_seconds() if isinstance(span, datetime.timedelta) else span
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not math.isfinite(seconds) or seconds < 0:
        raise ConfigError(f"older_than is a number of seconds or a timedelta, not {span!r}")
    return float(seconds)
