"""Puts the reasons together: those that stop a job first, what only takes time last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import StoreError, StoreUnavailable
from ..explaining import Reason, explainers
from ..finding import Found, find
from ..finding.find import asked_of
from ..home import Connection, connection
from ..process_set import ProcessSet
from . import due, nowhere, server, taken, waiting
from .takers import Takers


@dataclass(frozen=True, slots=True)
class Why:
    """Where a job is, and why it does not run: *reasons*, what stops it first, what only takes time last.

    *unknown* is what could not be looked at.
    """

    found: Found
    reasons: tuple[Reason, ...]
    unknown: tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether something stops it, which only time does not end."""
        return any(reason.stops for reason in self.reasons)


def why(job: str | Found, client: Any = None) -> Why:
    """Return why *job*, a jid or what was found of it, does not run. *client* as for ``connection``.

    Looks only: what :func:`kiq.api.find` does for a jid, then some ten round trips. Things move meanwhile:
    the answer is of the moments in which it was made. Raises ConfigError for an empty jid,
    StoreUnavailable; what Redis refuses, or a feature fails to tell, is told in *unknown*.
    """
    home = connection(client)
    found = find(job, home) if isinstance(job, str) else job
    unknown = list(found.unknown)
    reasons = [
        *_looked_at(_core(home, found), "the fleet", unknown),
        *_looked_at(server.reasons(home, found), "the server", unknown),
        *_features(home, found, unknown),
    ]
    reasons.sort(key=lambda reason: not reason.stops)
    return Why(found, tuple(reasons), tuple(dict.fromkeys(unknown)))


def _core(home: Connection, found: Found) -> Iterator[Reason]:
    if found.where in ("nowhere", "dead"):
        yield from nowhere.reasons(found)
        return
    everyone = list(ProcessSet(home).everyone())
    if found.where in ("fetched", "running", "promoting"):
        yield from taken.reasons(home, found, everyone)
        return
    if found.where != "waiting":
        yield from due.reasons(home, found, everyone)
    if found.queue is not None:
        yield from waiting.reasons(home, found, Takers(found.queue, everyone))


def _features(home: Connection, found: Found, unknown: list[str]) -> Iterator[Reason]:
    asked = asked_of(home, found)
    for one in explainers():
        if one.holds is not None:
            yield from _looked_at(_held(one.holds, asked), one.name, unknown)


def _held(holds: Any, asked: Any) -> Iterator[Reason]:
    yield from holds(asked)


def _looked_at(reasons: Iterable[Reason], what: str, unknown: list[str]) -> Iterator[Reason]:
    """Yield *reasons*, as far as they can be had; add to *unknown* why not."""
    try:
        yield from reasons
    except StoreUnavailable:
        raise
    except StoreError as error:
        unknown.append(f"{what}: {error}")
    except Exception as error:  # noqa: BLE001 (a feature that is broken must not hide the others)
        unknown.append(f"{what}: {type(error).__name__}: {error}")
