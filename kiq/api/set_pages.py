"""A sorted set of jobs page by page, though its members come and go."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from . import scripts
from .home import Connection

SIZE = 100  # entries of a page at most
PAGE_BYTES, LOOKED_AT = 1_000_000, 1_000  # what Redis looks at for one page, at most
_MEMBERS = 0  # instead of digits of their hashes

#: A member, and its score as Redis writes it.
Place = tuple[bytes, bytes]


class Page(NamedTuple):
    """*members* that hold the text; *looked_at* were looked at for it, *last* was the last of them."""

    members: list[Place]
    looked_at: int
    last: Place


def pages(
    home: Connection,
    key: str,
    way: str,
    needle: bytes = b"",
    after: Place | None = None,
    until: float = math.inf,
) -> Iterator[Page]:
    """Yield the set's pages, by score *way* ("up" or "down"), from behind *after*.

    Only members that hold *needle* are sent; a page may have none. On the way up *until* is the highest
    score. One round trip for a page.
    """
    while True:
        place = () if after is None else (after[1], after[0])
        looked_at, member, score, found = home.call(
            scripts.set_page(
                (key,),
                (way, SIZE, PAGE_BYTES, LOOKED_AT, needle, _MEMBERS, repr(until), *place),
            )
        )
        if not looked_at:
            return
        after = (member, score)
        yield Page(list(zip(found[::2], found[1::2], strict=True)), looked_at, after)
