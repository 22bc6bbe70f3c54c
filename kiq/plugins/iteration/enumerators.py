"""Enumerators: what ``build`` returns, pairs of an item and the cursor that leads back to it.

Each begins with the item that its cursor names: that item has not been done yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import islice, pairwise
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Pairs = Iterator[tuple[T, Any]]


class Enumerator(Generic[T]):
    """Pairs of item and cursor, with what is known for a percentage.

    *total* is in any unit; *position* tells from a cursor how much of it lies before, or *weight*
    from an item how much of it that item is (1 without either).
    """

    def __init__(
        self,
        pairs: Iterable[tuple[T, Any]],
        *,
        total: float | None = None,
        position: Callable[[Any], float] | None = None,
        weight: Callable[[T], float] | None = None,
    ) -> None:
        self._pairs = iter(pairs)
        self.total = total
        self.position = position
        self.weight = weight

    def __iter__(self) -> Iterator[tuple[T, Any]]:
        return self._pairs

    def close(self) -> None:
        """Close what lies beneath, such as a file."""
        close = getattr(self._pairs, "close", None)
        if close is not None:
            close()


def sequence(items: Sequence[T], *, cursor: Any) -> Enumerator[T]:
    """Go through a list, a tuple or a ``range``; the cursor is the index.

    The sequence must be the same one in the next run: what stands before the index is not seen again.
    """
    if not isinstance(items, Sequence):
        raise TypeError(
            f"sequence takes a list, tuple or range, not {type(items).__name__}; for something that "
            "can only be read from the front there is counted"
        )
    begin = whole(cursor, "sequence")
    return Enumerator(_indexed(items, begin), total=len(items), position=float)


def _indexed(items: Sequence[T], index: int) -> Pairs[T]:
    while index < len(items):
        yield items[index], index
        index += 1


def counted(items: Iterable[T], *, cursor: Any) -> Enumerator[T]:
    """Go through any iterable that is the same each time; the cursor is a count.

    To resume, so many items are read and thrown away.
    """
    begin = whole(cursor, "counted")
    total = len(items) if isinstance(items, Sized) else None
    pairs = ((item, at) for at, item in enumerate(islice(items, begin, None), begin))
    return Enumerator(pairs, total=total, position=float)


def pages(fetch: Callable[[int], T], *, cursor: Any, first: int = 1) -> Enumerator[T]:
    """Go through the pages that ``fetch(number)`` returns, up to the first empty one.

    An item is a page; the cursor is its number.
    """
    begin = first if cursor is None else whole(cursor, "pages")
    return Enumerator(_numbered(fetch, begin))


def _numbered(fetch: Callable[[int], T], number: int) -> Pairs[T]:
    while page := fetch(number):
        yield page, number
        number += 1


def token_pages(fetch: Callable[[Any], tuple[T, Any]], *, cursor: Any) -> Enumerator[T]:
    """Go through pages that name their next one: ``fetch(token)`` returns a page and a token.

    The first token is None; None or an empty one ends it. An item is a page; the cursor is the token
    that fetched it.
    """
    return Enumerator(_chained(fetch, cursor))


def _chained(fetch: Callable[[Any], tuple[T, Any]], token: Any) -> Pairs[T]:
    while True:
        page, following = fetch(token)
        yield page, token
        if following is None or following == "":
            return
        token = following


#: Returns so many (item, key) in the order of the keys: from this key on (None: from the start); with
#: the key's own item, or only what comes after it.
Fetch = Callable[[Any, bool, int], Sequence[tuple[T, Any]]]


def keyset(fetch: Fetch[T], *, cursor: Any, page: int = 1000) -> Pairs[T]:
    """Go through a table by a key: ``fetch(key, inclusive, limit)`` returns that many (item, key).

    The keys must ascend (in the order of the table) and be unique: a key that comes twice raises
    ValueError, as rows would be left out.
    """
    for rows in _keyset_pages(fetch, cursor, page):
        yield from rows


def keyset_batches(fetch: Fetch[T], *, cursor: Any, size: int) -> Pairs[list[T]]:
    """As :func:`keyset`, in lists of *size*; the cursor is the key of the first."""
    for rows in _keyset_pages(fetch, cursor, size):
        yield [item for item, _ in rows], rows[0][1]


def _keyset_pages(fetch: Fetch[T], cursor: Any, size: int) -> Iterator[Sequence[tuple[T, Any]]]:
    if size < 1:
        raise ValueError(f"a page or a batch has 1 row or more, not {size}")
    key, inclusive = cursor, True
    while True:
        # One more than asked for: a key that goes on across the border would be cut in two.
        rows = fetch(key, inclusive, size + 1)
        for (_, one), (_, other) in pairwise(rows):
            if one == other:
                raise ValueError(
                    f"two rows have the key {one!r}: a cursor can't tell them apart; add a column to "
                    "the key that makes it unique, or remove what doubles the rows (a join)"
                )
        if rows:
            yield rows[:size]
        if len(rows) <= size:
            return
        key, inclusive = rows[size - 1][1], False


def nested(*levels: Callable[..., Iterable[tuple[Any, Any]]], cursor: Any) -> Enumerator[Any]:
    """Go through enumerators inside each other; an item is a tuple with one of each level.

    Each level is a function that gets the items above it and ``cursor=``, and returns pairs. The cursor
    is a list with one for each level.
    """
    if not levels:
        raise TypeError("nested takes one function or more")
    if cursor is not None and not (isinstance(cursor, list) and len(cursor) == len(levels)):
        raise ValueError(f"{cursor!r:.100} is no cursor of {len(levels)} nested enumerators")
    return Enumerator(_nested(levels, (), cursor))


def _nested(
    levels: Sequence[Callable[..., Iterable[tuple[Any, Any]]]],
    above: tuple[Any, ...],
    cursors: list[Any] | None,
) -> Pairs[tuple[Any, ...]]:
    outer = levels[0](*above, cursor=cursors[0] if cursors else None)
    for item, at in outer:
        if len(levels) == 1:
            yield (*above, item), [at]
            continue
        # What lies inside goes on where it was only if this is the item that it belonged to.
        inner = cursors[1:] if cursors and cursors[0] == at else None
        cursors = None
        for items, below in _nested(levels[1:], (*above, item), inner):
            yield items, [at, *below]


def whole(cursor: Any, helper: str) -> int:
    """Return *cursor* as an index; 0 for None. Raises ValueError for what is none."""
    if cursor is None:
        return 0
    if isinstance(cursor, bool) or not isinstance(cursor, int) or cursor < 0:
        raise ValueError(
            f"{cursor!r:.100} is no cursor of {helper}: it may be from a run with other code; to begin "
            "anew, delete the job's iteration state"
        )
    return cursor
