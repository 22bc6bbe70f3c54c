"""Which entries of a sorted set are meant: by text, by job class, by age."""

from __future__ import annotations

import datetime
import math
from typing import Any

from ..clock import wall
from ..errors import ConfigError
from ..registry import JobSpec
from .sorted_entry import SortedEntry


class Selection:
    """What an entry must be like. Everything that is None matches any.

    *needle* is what its bytes must hold, so that Redis need not send the others. *before* is the
    moment (epoch seconds) that its age must begin before.
    """

    def __init__(
        self,
        text: str | None = None,
        job_class: Any = None,
        older_than: float | datetime.timedelta | None = None,
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
        self.needle = needle.encode("utf-8", "surrogateescape")

    def takes(self, entry: SortedEntry) -> bool:
        """Tell whether *entry*, whose bytes hold the needle, is meant."""
        if self._names is not None and entry.class_name not in self._names:
            return False
        return self.before is None or (entry.since is not None and entry.since < self.before)


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
