"""Periodic jobs in a test: the ticks between two moments, without a server."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from .. import config_file
from ..client import configured, default_client
from ..errors import ConfigError
from ..plugins.declared import Definition, PeriodicSettings, static_entries
from ..pushing import prepared
from .clock import freeze, moment
from .errors import EndlessDrain
from .working import drain_due

_LIMIT = 10_000  # ticks of one call


def run_periodic(
    since: float | datetime | timedelta,
    until: float | datetime | timedelta,
    *,
    name: str | None = None,
    drain: bool = True,
    limit: int = _LIMIT,
) -> list[tuple[str, datetime]]:
    """Push the jobs of all ticks later than *since* up to *until*, in order; return (name, tick) of each.

    Of the entries in code, and in the file that is configured; of one *name*, if it is given. kiq's time
    stands at each tick in turn; with *drain*, fake mode then runs what is due, as :func:`drain_due` does.
    No tick is late here, none is put off by its ``jitter``, nor by ``overlap``. Raises ConfigError for an
    entry that is wrong, EndlessDrain after *limit* ticks.
    """
    first, last = moment("run_periodic", since), moment("run_periodic", until)
    told: list[tuple[str, datetime]] = []
    for tick, called, entry in _ticks(_entries(name), first, last):
        if len(told) >= limit:
            raise EndlessDrain(
                f"{len(told)} ticks, and the next is of {called}: give a larger limit="
            )
        with freeze(float(tick)):
            payload, spec = prepared({**entry.payload, "periodic": called, "tick": tick})
            default_client().here().push(payload, spec.cls if spec else None)
            if drain:
                drain_due()
        told.append((called, datetime.fromtimestamp(tick, UTC)))
    if drain:
        with freeze(last):
            drain_due()
    return told


def _entries(name: str | None) -> list[Definition]:
    settings = config_file.settings(configured(), pending=True).of(PeriodicSettings)
    found, wrong = static_entries(settings, "")
    for one, why in wrong.items():
        raise ConfigError(f"periodic job {one!r}: {why}")
    if name is not None and name not in {one.name for one in found}:
        names = ", ".join(one.name for one in found) or "none"
        raise ConfigError(f"there is no periodic job {name!r}; there are: {names}")
    return [one for one in found if one.enabled and name in (None, one.name)]


def _ticks(
    entries: list[Definition], since: float, until: float
) -> Iterator[tuple[int, str, Definition]]:
    def of(one: Definition) -> Iterator[tuple[int, str, Definition]]:
        return ((tick, one.name, one) for tick in one.rule.between(since, until))

    return heapq.merge(*map(of, entries), key=lambda each: each[:2])
