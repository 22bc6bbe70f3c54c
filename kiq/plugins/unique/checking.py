"""What ``kiq verify`` looks at: locks whose job is nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from ...plugin import Check, Doubt
from ...plugin import Survey as Asked
from . import keys as own
from .locks import freeing

_PAGE = 500  # locks in one round trip
_READ = """
local found = {}
for at, key in ipairs(KEYS) do found[at] = redis.call('HMGET', key, 'jid', 'moved', 'lock') end
return found
"""


def check() -> Check:
    """Return the check."""
    return Check("unique", _look)


def _look(survey: Asked) -> Iterator[Doubt]:
    names = [name.decode(errors="replace") for name in survey.call(("ZRANGE", own.LOCKS, 0, -1))]
    for first in range(0, len(names), _PAGE):
        page = names[first : first + _PAGE]
        found = survey.call(("EVAL", _READ, len(page), *map(own.lock, page)))
        for name, (holder, moved, kind) in zip(page, found, strict=True):
            # One for a time outlives its job, as it should.
            if holder is None or kind == b"until_expiry":
                continue
            jid = holder.decode(errors="replace")
            if not survey.knows(jid):
                what = f"its job {jid} is nowhere, and another can't be pushed"
                yield Doubt(f"lock {name}", what, freeing(name, jid, (moved or b"").decode()))
