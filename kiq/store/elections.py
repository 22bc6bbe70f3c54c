"""Elections: which process of the fleet does what one has to do for all."""

from __future__ import annotations

from typing import NamedTuple

from .. import keys
from ..errors import StoreError
from . import scripts
from .connection import Link

_REMEMBERED = 30_000  # milliseconds for which it counts that somebody wanted a duty


class Election(NamedTuple):
    """What came of a candidacy: *before* is who had the duty, *wanted* whether another would take it."""

    elected: bool
    before: str
    wanted: bool


def elect(link: Link, duty: str, candidate: str, term: float, longest: float) -> Election:
    """Become or stay the one that does *duty* for *term* seconds. One round trip.

    An election that holds for more than *longest* seconds is none.
    """
    names = (duty, keys.record(candidate), keys.rival(duty))
    milliseconds = (round(term * 1000), round(longest * 1000), _REMEMBERED)
    elected, before, waits = link.call(scripts.elect(names, (candidate, *milliseconds)))
    return Election(
        bool(elected), before.decode(errors="replace"), waits not in (b"", candidate.encode())
    )


def resign(link: Link, duty: str, holder: str) -> None:
    """Give up *duty* if *holder* has it. One round trip."""
    link.call(scripts.resign((duty,), (holder,)))


def vacate(link: Link, holder: str) -> None:
    """Give up whatever the dead process *holder* was elected to. Two round trips; raises StoreUnavailable.

    What Redis refuses of it ends by itself, with the term.
    """
    (named,) = link.exchange([("SMEMBERS", keys.DUTIES)])
    duties = [] if isinstance(named, StoreError) else [keys.duty(each.decode()) for each in named]
    elected = (keys.POLLER, keys.RECLAIMER, *duties)
    link.exchange([scripts.resign((each,), (holder,)) for each in elected])
