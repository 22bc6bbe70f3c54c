"""Why entries of the dead set are there: kept beside it, and gone with them."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha1

from ... import keys
from .. import set_pages
from ..home import Connection
from .finding import Finding, Suspicion

_PAGE = 1000
_MOST = 1_000_000  # more are not compared: memory


def stale_reasons(home: Connection) -> Iterator[Suspicion]:
    """Yield that there are reasons of entries that the dead set does not have; walks the dead set."""
    left: set[bytes] = set()
    cursor = b"0"
    while True:
        cursor, pairs = home.call(("HSCAN", keys.DEAD_REASON, cursor, "COUNT", _PAGE))
        left.update(pairs[::2])
        if cursor == b"0" or len(left) > _MOST:
            break
    if not left:
        return
    # Read behind them: what is put in together, and stays, is there in both.
    for page in set_pages.pages(home, keys.DEAD, "up"):
        for member, _ in page.members:
            left.discard(sha1(member, usedforsecurity=False).hexdigest().encode())
    if left:
        yield _stale(home, sorted(left))


def _stale(home: Connection, digests: list[bytes]) -> Suspicion:
    def there() -> int:
        found = 0
        for at in range(0, len(digests), _PAGE):
            values = home.call(("HMGET", keys.DEAD_REASON, *digests[at : at + _PAGE]))
            found += sum(value is not None for value in values)
        return found

    def mend() -> str:
        gone = 0
        for at in range(0, len(digests), _PAGE):
            gone += home.call(("HDEL", keys.DEAD_REASON, *digests[at : at + _PAGE]))
        return f"took out {gone}"

    what = f"{len(digests)} reasons are there of entries that are no more in the dead set"
    return Suspicion(
        Finding("stale-reasons", keys.DEAD_REASON, what, "", mendable=True),
        lambda: there() > 0,
        mend,
    )
