"""The keys of batches, and their ids: that of one within another is that, a dot, and more."""

from __future__ import annotations

import os

from ... import keys

#: Sorted set of ids of batches, score = when it was made, seconds.
BATCHES = "kiq:batches"
#: Set of ids of those in which something can still run.
OPEN = "kiq:batches-open"
#: Sorted set of ids of those that are over, score = until when they are kept, seconds.
OVER = "kiq:batches-over"

_SHARED = (keys.SCHEDULE, keys.bell(keys.POLLER_BELL), OPEN, OVER, BATCHES)
_DEEPEST = 8  # batches within one another


def new_bid(parent: str = "") -> str:
    """Return a fresh id for a batch, within *parent* if that is given."""
    return f"{parent}{'.' if parent else ''}{os.urandom(8).hex()}"


def parent_of(bid: str) -> str:
    """Return the id of the batch that *bid* is in; "" for none."""
    return bid.rpartition(".")[0]


def lineage(bid: str) -> list[str]:
    """Return *bid*, the batch that it is in, and so on; no more than can be."""
    found = [bid]
    while (outer := parent_of(found[-1])) and len(found) <= _DEEPEST:
        found.append(outer)
    return found


def too_deep(bid: str) -> bool:
    """Tell whether a batch can't have this id, as it is in too many others."""
    return bid.count(".") >= _DEEPEST


def record(bid: str) -> str:
    """Return the key of the hash that says what the batch is, and what it has come to."""
    return f"kiq:batch:{bid}"


def jobs(bid: str) -> str:
    """Return the key of the set of jids of which no attempt has ended."""
    return f"kiq:batch:{bid}:jobs"


def others(bid: str) -> str:
    """Return the key of the sorted set of what else belongs to it, see ``shared.lua``."""
    return f"kiq:batch:{bid}:others"


def names(bid: str) -> list[str]:
    """Return what the pieces of Lua get as KEYS for a batch."""
    found = list(_SHARED)
    for each in lineage(bid):
        found += (record(each), jobs(each), others(each))
    return found
