"""What a Redis that evicts keys throws away: told at boot, and by ``kiq doctor``."""

from __future__ import annotations

from typing import NamedTuple

_JOBS = "a full Redis throws jobs away: they are lost, and others run twice"
_VOLATILE = (
    "a full Redis throws away what has a TTL: orders of `kiq stop` and the like, metrics, what processes "
    "show of themselves (jobs and leases have none, and stay)"
)
_DO = (
    "CONFIG SET maxmemory-policy noeviction, and the same in its configuration file; a cache wants a "
    "Redis of its own"
)


class Eviction(NamedTuple):
    """*what* is thrown away, and what to *do*. *serious*: jobs, at any time from now on."""

    what: str
    do: str
    serious: bool


def eviction(policy: str, limit: int | None) -> Eviction | None:
    """Return what *policy*, a ``maxmemory-policy`` ("" where it is not told), does to jobs; None: nothing.

    *limit* is ``maxmemory`` in bytes: 0 for none, None where it is not told (who rents Redis out has one).
    """
    if policy in ("noeviction", ""):
        return None
    jobs = not policy.startswith("volatile-")
    what = f"maxmemory-policy is {policy}: {_JOBS if jobs else _VOLATILE}"
    if limit == 0:
        what += " (no maxmemory is set at present)"
    return Eviction(what, _DO, serious=jobs and limit != 0)
