"""The worker processes, kiq's and Ruby's: what they show of themselves, and what they can be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import keys
from ..errors import ConfigError
from . import scripts, shown
from .connection import Connection, connection

_PAGE = 100  # processes that one round trip reads
_FIELDS = ("info", "concurrency", "busy", "beat", "quiet", "rss", "rtt_us")


class Process:
    """One worker process as its last beat showed it; a beat is at most five seconds old.

    Times are epoch seconds. What a process does not show is "", 0 or empty. *info* is Sidekiq's
    object of that name, whole.
    """

    def __init__(self, home: Connection, identity: str, values: list[bytes | None]) -> None:
        fields = dict(zip(_FIELDS, values, strict=True))
        self.info = info = shown.mapping(fields["info"])
        self.identity = identity
        self.hostname = shown.text(info.get("hostname"))
        self.pid = shown.whole(info.get("pid"))
        self.tag = shown.text(info.get("tag"))
        self.labels = shown.texts(info.get("labels"))
        self.version = shown.text(info.get("version"))
        self.started_at = shown.number(info.get("started_at"))
        self.embedded = info.get("embedded") is True  # runs inside another program (Ruby's only)
        self.is_kiq = info.get("kiq") is True
        #: Name -> concurrency, mode, weights. Empty for a process of Sidekiq before 8.0.9.
        self.capsules = _capsules(info.get("capsules"))
        self.queues = _queues(info, self.capsules)
        #: For each capsule, queue -> weight (0: strict order).
        self.weights = _weights(info.get("weights"), self.capsules)
        self.concurrency = shown.whole(fields["concurrency"] or info.get("concurrency"))
        self.busy = shown.whole(fields["busy"])
        self.beat = shown.number(fields["beat"])
        self.is_quiet = fields["quiet"] == b"true"
        self.rss = shown.whole(fields["rss"])  # KB
        self.rtt_us = shown.whole(fields["rtt_us"])  # microseconds, to Redis and back
        self._home = home

    def __repr__(self) -> str:
        return f"<Process {self.identity}>"

    def __getitem__(self, field: str) -> Any:
        """Return *field* of its info; None where it has none."""
        return self.info.get(field)

    def quiet(self) -> bool:
        """Let it take no more jobs; it hears so at its next beat. False when it is gone.

        Can't be undone. Raises ConfigError when it is embedded in a Ruby program.
        """
        return self._signal("TSTP", "made quiet")

    def stop(self) -> bool:
        """Let it finish what it runs, and end; it hears so at its next beat. See :meth:`quiet`."""
        return self._signal("TERM", "stopped")

    def dump_threads(self) -> bool:
        """Let it write to its log where each thread is; it hears so at its next beat. False: gone."""
        return self._signal("TTIN", None)

    def _signal(self, name: str, refused: str | None) -> bool:
        if self.embedded and refused:
            raise ConfigError(f"{self.identity} is embedded in another program: can't be {refused}")
        places = (self.identity, keys.signals(self.identity))
        return bool(self._home.call(scripts.signal(places, (name, keys.PROCESS_TTL))))


class ProcessSet:
    """The worker processes that are there. *client* as for :func:`kiq.api.connection`.

    Every look is a new one. Processes that died without a word are shown for a minute; after that
    a look takes them off the list, as Sidekiq does.
    """

    def __init__(self, client: Any = None) -> None:
        self._home = connection(client)

    def __iter__(self) -> Iterator[Process]:
        """Yield the processes by identity, a hundred for a round trip."""
        everyone = self.identities()
        for first in range(0, len(everyone), _PAGE):
            names = everyone[first : first + _PAGE]
            replies = self._home.replies([("HMGET", name, *_FIELDS) for name in names])
            for name, values in zip(names, replies, strict=True):
                if isinstance(values, list) and values[0] is not None:
                    yield Process(self._home, name, values)

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True  # a set is one, also when it is empty

    def __contains__(self, identity: object) -> bool:
        return isinstance(identity, str) and self.get(identity) is not None

    def __getitem__(self, identity: str) -> Process:
        """Return the process called *identity*. Raises KeyError."""
        found = self.get(identity)
        if found is None:
            raise KeyError(identity)
        return found

    def get(self, identity: str) -> Process | None:
        """Return the process called *identity*, or None. Two round trips."""
        if not self._home.call(("SISMEMBER", keys.PROCESSES, identity)):
            return None
        (values,) = self._home.replies([("HMGET", identity, *_FIELDS)])
        there = isinstance(values, list) and values[0] is not None
        return Process(self._home, identity, values) if there else None

    def identities(self) -> list[str]:
        """Return the names of those that are there, sorted; take the others off the list.

        One round trip.
        """
        names = self._home.call(scripts.processes((keys.PROCESSES,)))
        return sorted(name.decode(errors="replace") for name in names)

    @property
    def size(self) -> int:
        """How many processes there are. One round trip."""
        return len(self.identities())

    @property
    def total_concurrency(self) -> int:
        """How many jobs all of them can run at a time."""
        return sum(process.concurrency for process in self)

    @property
    def total_rss(self) -> int:
        """How much memory all of them take, in KB."""
        return sum(process.rss for process in self)

    @property
    def leader(self) -> str | None:
        """The identity of the process that moves due jobs to their queues; None while none does."""
        (found,) = self._home.replies([("GET", keys.POLLER)])
        return shown.text(found) or None


def _capsules(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        return {}
    return {name: capsule for name, capsule in value.items() if isinstance(capsule, dict)}


def _queues(info: dict[str, Any], capsules: dict[str, dict[str, Any]]) -> list[str]:
    named = shown.texts(info.get("queues"))
    if not named:  # Sidekiq 9 is to name them in the capsules only
        named = [name for capsule in capsules.values() for name in _names(capsule.get("weights"))]
    return list(dict.fromkeys(named))


def _weights(value: Any, capsules: dict[str, dict[str, Any]]) -> list[dict[str, int]]:
    listed = (
        value if isinstance(value, list) else [each.get("weights") for each in capsules.values()]
    )
    return [
        {name: shown.whole(weight) for name, weight in each.items()}
        for each in listed
        if isinstance(each, dict)
    ]


def _names(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []
