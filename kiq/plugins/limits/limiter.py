"""Limits as applications write them: how often, or how many at a time, in all processes together."""

from __future__ import annotations

from datetime import timedelta
from types import TracebackType
from typing import Any

from ...errors import ConfigError
from ...options import seconds
from ..declared.limits import Key, Kind, Limit
from .asking import leaving
from .blocks import Block, home_of, open_blocks
from .naming import identity
from .terms import Held

_SPANS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_LONGEST = 366 * 86400.0  # seconds


class Limiter(Limit):
    """A limit: an option of job classes, ``limit=``, and a block: ``with limiter:``.

    Threads: any; and ``async with``.
    """

    __slots__ = ()

    def within(
        self,
        used: int | None = None,
        *,
        key: Any = None,
        wait: float | timedelta = 0,
        client: Any = None,
    ) -> Block:
        """Return a block that takes *used* of the limit (its *cost* if None) while it is open.

        *key* is whose limit it is, where it has keys. It waits up to *wait* (seconds, or a timedelta) for
        room, then raises RateLimited: in a job that puts the job back. *client* as for
        :func:`kiq.api.connection`. Two round trips. Raises ConfigError, StoreError.
        """
        if (self.key is None) != (key is None):
            why = "it has keys: say which, within(key=...)" if key is None else "it has no keys"
            raise ConfigError(f"limit {self.name}: {why}")
        cost = self.cost if used is None else used
        if isinstance(cost, bool) or not isinstance(cost, int) or not 1 <= cost <= self.size:
            raise ConfigError(f"limit {self.name}: a block takes 1 to {self.size}, not {cost!r}")
        patience = seconds(wait) if wait else 0.0
        return Block(self._held(key, cost), self.name, patience, client)

    def close(self, retry_after: float, *, key: Any = None, client: Any = None) -> None:
        """Let nobody in for *retry_after* seconds: an API has said that it is too much. One round trip."""
        held = self._held(key)
        home = home_of(client)
        home.call(leaving([held], "", "", "keep", closes=(0, float(retry_after))))

    def _held(self, key: Any, cost: int = 1) -> Held:
        return Held(identity(self.kind, self.name, key), self.terms, True, cost)

    def __enter__(self) -> Block:
        """Enter a block of this limit, without waiting for room; as :meth:`within`."""
        block = self.within()
        block.__enter__()
        open_blocks.set((*open_blocks.get(), block))
        return block

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the innermost one."""
        *others, block = open_blocks.get()
        open_blocks.set(tuple(others))
        block.__exit__(kind, error, trace)

    async def __aenter__(self) -> Block:
        """The same, while the event loop goes on."""
        block = self.within()
        await block.__aenter__()
        open_blocks.set((*open_blocks.get(), block))
        return block

    async def __aexit__(self, *found: Any) -> None:
        """Leave the innermost one."""
        *others, block = open_blocks.get()
        open_blocks.set(tuple(others))
        await block.__aexit__(*found)


def concurrent(name: str, size: int, *, key: Key = None) -> Limiter:
    """Return a limit of *size* at a time.

    *key* says which arguments of a job tell one limit from others of this name: names of parameters, or a
    callable that gets the arguments. Raises ValueError for what can't be.
    """
    return Limiter("concurrent", name, size, 0.0, key)


def window(
    name: str, size: int, per: float | str | timedelta = 1, *, key: Key = None, cost: int = 1
) -> Limiter:
    """Return a limit of *size* in any *per* seconds, wherever these begin.

    *per* is seconds, a timedelta, or "second", "minute", "hour", "day"; *key* as for :func:`concurrent`;
    *cost* is how many of *size* a job takes. Raises ValueError.
    """
    return _rate("window", name, size, per, key, cost)


def bucket(
    name: str, size: int, per: float | str | timedelta = 1, *, key: Key = None, cost: int = 1
) -> Limiter:
    """Return a limit of *size* in each interval of *per* seconds, which begin at multiples of that, in UTC.

    At the edge of two there may be twice as many. As for :func:`window`.
    """
    return _rate("bucket", name, size, per, key, cost)


def leaky(
    name: str, size: int, per: float | str | timedelta = 1, *, key: Key = None, cost: int = 1
) -> Limiter:
    """Return a limit of *size* at once, which drain in *per* seconds, one after the other: evenly.

    As for :func:`window`.
    """
    return _rate("leaky", name, size, per, key, cost)


def points(name: str, size: int, refill: float, *, key: Key = None, cost: int = 1) -> Limiter:
    """Return a limit of *size* points, of which *refill* come back each second; a job takes *cost*.

    As for :func:`window`.
    """
    if isinstance(refill, bool) or not isinstance(refill, int | float) or not refill > 0:
        raise ValueError(f"limit {name}: refill is points for each second, not {refill!r}")
    return _rate("points", name, size, size / refill, key, cost)


def _rate(kind: Kind, name: str, size: int, per: Any, key: Key, cost: int) -> Limiter:
    return Limiter(kind, name, size, _seconds(name, per), key, cost)


def _seconds(name: str, per: Any) -> float:
    if isinstance(per, timedelta):
        per = per.total_seconds()
    if isinstance(per, str):
        if per not in _SPANS:
            raise ValueError(
                f"limit {name}: per is seconds or one of {', '.join(_SPANS)}, not {per!r}"
            )
        return _SPANS[per]
    if isinstance(per, bool) or not isinstance(per, int | float) or not 0.001 <= per <= _LONGEST:
        raise ValueError(f"limit {name}: per is seconds, from 0.001 to a year, not {per!r}")
    return float(per)
