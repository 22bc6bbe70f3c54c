"""What features know of single jobs: what has become of one, and what holds one."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..plugin import host
from .home import Connection

#: Features of kiq that know of jobs, whatever is installed in this process: what they know is in Redis.
_SHIPPED = {
    "unique": "kiq.plugins.unique.explaining",
    "expiry": "kiq.plugins.expiry.explaining",
    "limits": "kiq.plugins.limits.explaining",
    "cancelling": "kiq.plugins.cancelling.explaining",
    "history": "kiq.plugins.history.explaining",
    "class_names": "kiq.plugins.class_names.explaining",
    "periodic": "kiq.plugins.periodic.explaining",
    "trends": "kiq.plugins.trends.explaining",
    "batches": "kiq.plugins.batches.explaining",
    "results": "kiq.plugins.results.explaining",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A job of which features are asked. *where*, *before*, *owner*, *delivery* and *score* are those of
    :class:`kiq.api.Found`; *payload* is empty where the job is nowhere.
    """

    jid: str
    where: str
    queue: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    before: int | None = None
    owner: str = ""
    delivery: str = ""
    score: float | None = None
    home: Connection | None = None

    def call(self, command: tuple[Any, ...]) -> Any:
        """Send a command that only reads; return its reply. One round trip; raises StoreError."""
        if self.home is None:
            raise LookupError("nobody is connected")
        return self.home.call(command)


@dataclass(frozen=True, slots=True)
class Known:
    """A line about a job: *text*, and when that was (epoch seconds), if it was at a moment.

    *ended* says how the job ended, in a word such as ``done``, where this line tells its end.
    """

    text: str
    at: float | None = None
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job does not run. *code* is a word for programs, *text* a sentence without its full stop.

    *command* is what helps, to be pasted into a shell; "" where nothing has to be done. *jid* is the job
    that it waits for, *until* when this ends by itself (epoch seconds). *stops* is False for what only
    takes time, or is worth knowing: then it runs all the same.
    """

    code: str
    text: str
    command: str = ""
    jid: str = ""
    until: float | None = None
    stops: bool = True


@dataclass(frozen=True, slots=True)
class Explainer:
    """A feature's answers: ``host.explainers.append(Explainer("locks", holds=look))``.

    *knows* yields what the feature knows of a jid, for ``kiq find``; *holds* yields why a job can't run
    because of it, for ``kiq why``. Both get an :class:`Asked`, look only, and make a round trip or two.
    What they raise is told as what could not be looked at. Threads: the one that asks.
    """

    name: str
    knows: Callable[[Asked], Iterable[Known]] | None = None
    holds: Callable[[Asked], Iterable[Reason]] | None = None


def explainers() -> list[Explainer]:
    """Return those of kiq's own features, then those that were attached; one of each name."""
    found = {name: importlib.import_module(module).explainer() for name, module in _SHIPPED.items()}
    for one in host.explainers:
        found[one.name] = one
    return list(found.values())
