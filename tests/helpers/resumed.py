"""Going through an enumerator with interruptions, as runs of an iterable job would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kiq.plugins.iteration.cursor import read_cursor, write_cursor

Build = Callable[[Any], Iterable[tuple[Any, Any]]]


def interrupted(build: Build, after: Sequence[int]) -> list[Any]:
    """Return the items that runs do which are interrupted after so many items each, in order.

    The item at which a run is interrupted is not done; its cursor makes the journey through Redis.
    """
    done: list[Any] = []
    cursor: Any = None
    for limit in [*after, -1]:
        for here, (item, at) in enumerate(build(cursor)):
            if here == limit:
                cursor = read_cursor(write_cursor(at))
                break
            done.append(item)
        else:
            return done
    raise AssertionError("the last run is not interrupted")


def crashed(build: Build, flushed: int, died: int) -> list[Any]:
    """Return the items that two runs do, of which the first dies; *flushed* items before it was saved."""
    done: list[Any] = []
    saved: Any = None
    for count, (item, at) in enumerate(build(None)):
        if count == died:
            break
        if count == flushed:
            saved = read_cursor(write_cursor(at))
        done.append(item)
    return done + [item for item, _ in build(saved)]
