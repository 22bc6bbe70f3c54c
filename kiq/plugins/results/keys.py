"""The keys and channels of results."""

from __future__ import annotations

from ... import keys

#: Sorted set of jids whose job has ended, score = until when its result is kept, seconds.
ENDED = "kiq:results"
#: Seconds after that for which it is known that there was one, and how many of them at most.
REMEMBERED, MOST = 86_400, 100_000


def result(jid: str) -> str:
    """Return the key of what *jid* came to: a string, written when it ends."""
    return f"kiq:result:{jid}"


def progress(jid: str) -> str:
    """Return the key of how far *jid* has come: a string, gone when it ends."""
    return f"kiq:progress:{jid}"


def channel(jid: str) -> str:
    """Return the channel that says that *jid* has ended."""
    return keys.bell(f"result:{jid}")
