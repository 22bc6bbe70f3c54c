"""A page of what a sorted set names: those that are meant, from a place on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..clock import steady
from ..errors import ConfigError
from .home import Connection

T = TypeVar("T")
_SLICE = 200  # names that are looked at together, where not all of them are meant
_LONGEST = 1000  # characters of a place


@dataclass(frozen=True, slots=True)
class Sifted(Generic[T]):
    """*found* are those of a page, *looked_at* is how many names were looked at for it.

    *behind* is where the next page begins; None: there is none. *done* is False where the time was over
    before the page was full.
    """

    found: Sequence[T]
    behind: str | None
    looked_at: int
    done: bool = True


def sift(
    home: Connection,
    key: str,
    read: Callable[[Sequence[str]], Sequence[T | None]],
    begin: str = "",
    *,
    newest_first: bool = True,
    all_are_meant: bool = True,
    limit: int = 25,
    within: float = 0.15,
) -> Sifted[T]:
    """Return a page of what *read* makes of the names in the sorted set *key*, from the place *begin* on.

    *read* returns one for each name, None for what is not meant, or is gone. A place is a score and a name:
    what comes and goes meanwhile hides nothing. Ends after *within* seconds, if that looked at any. A round
    trip and those of *read* for each slice. Raises ConfigError for what is no place, StoreError.
    """
    until, looked = steady() + within, 0
    found: list[tuple[str, T]] = []
    size = limit + 1 if all_are_meant else _SLICE
    for names in _slices(home, key, begin, newest_first, size):
        for (place, _), one in zip(names, read([name for _, name in names]), strict=True):
            if one is None:
                continue
            if len(found) == limit:
                return Sifted([each for _, each in found], found[-1][0], looked)
            found.append((place, one))
        looked += len(names)
        if steady() > until:
            return Sifted([each for _, each in found], names[-1][0], looked, done=False)
    return Sifted([each for _, each in found], None, looked)


def _slices(
    home: Connection, key: str, begin: str, newest_first: bool, size: int
) -> Iterator[list[tuple[str, str]]]:
    """Yield names, each with the place that it has."""
    score, last = _read(begin, newest_first)
    command = "ZREVRANGEBYSCORE" if newest_first else "ZRANGEBYSCORE"
    end = "-inf" if newest_first else "+inf"
    passed = 0  # of those of the score of the place
    while True:
        flat = home.call((command, key, score, end, "WITHSCORES", "LIMIT", passed, size))
        if not flat:
            return
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        behind = [pair for pair in pairs if _is_behind(pair, score, last, newest_first)]
        if behind:
            yield [(f"{_text(at)}~{_text(name)}", _text(name)) for name, at in behind]
            last = pairs[-1][0]
        reached = _text(pairs[-1][1])
        if float(reached) == float(score):
            passed += len(pairs)
        else:
            score, passed = reached, 0


def _is_behind(
    pair: tuple[bytes, bytes], score: str, last: bytes | None, newest_first: bool
) -> bool:
    name, at = pair
    if last is None or float(at) != float(score):
        return True
    return name < last if newest_first else name > last


def _read(begin: str, newest_first: bool) -> tuple[str, bytes | None]:
    if not begin:
        return ("+inf" if newest_first else "-inf"), None
    score, tilde, name = begin.partition("~")
    try:
        number = float(score)
    except ValueError:
        number = math.nan
    if not tilde or math.isnan(number) or len(begin) > _LONGEST:
        raise ConfigError(f"{begin[:60]!r} is no place in a list: pass the one that a page told")
    return score, name.encode(errors="replace")


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
