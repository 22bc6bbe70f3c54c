"""The keys of history, and for how long they live."""

from __future__ import annotations

#: Seconds from the end of a job until what is known of it goes.
TTL = 7 * 86_400
#: Seconds for which a job that goes on, or is dead, keeps its history after it is due: longer than it is
#: kept in the dead set. So nothing stays for ever of what other programs delete.
LIFE = 190 * 86_400


def history(jid: str) -> str:
    """Return the key of the list of attempts of the job *jid*, the oldest first."""
    return f"kiq:history:{jid}"


def log(jid: str) -> str:
    """Return the key of the hash of what the last attempt of the job *jid* logged."""
    return f"kiq:job-log:{jid}"
