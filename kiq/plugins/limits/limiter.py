"""Limits as applications write them: how often, or how many at a time, in all processes together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ..declared.limits import Key, Kind, Limit

_SPANS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_LONGEST = 366 * 86400.0  # seconds


class Limiter(Limit):
    """A limit: an option of job classes, ``limit=``."""

    __slots__ = ()


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
