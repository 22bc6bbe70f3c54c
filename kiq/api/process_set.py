"""The worker processes, kiq's and Ruby's: what they show of themselves, and what they can be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .. import keys, scaling
from ..errors import ConfigError
from . import capsules, scripts, shown
from .fleet import Fleet, Owner, is_gone, read_fleet
from .home import Connection, connection

_PAGE = 100  # processes that one round trip reads
_LEAVING = 3.0  # seconds: a process that stops beats every second
_EVERYONE = ("SMEMBERS", keys.PROCESSES)
_SILENT, _SILENT_RUBY = 12.0, 25.0  # seconds: two beats, and some
_ORDERS = (b"TSTP", b"TERM")
_READS = 6  # replies for each process
_FIELDS = ("info", "concurrency", "busy", "beat", "quiet", "rss", "rtt_us")


class Process:
    """One worker process: what its last beat showed, which is at most five seconds old, and how it is now.

    Times are epoch seconds. What a process does not show is "", 0 or empty. *info* is Sidekiq's
    object of that name, whole. Of kiq's processes *busy* is how many jobs they hold at this moment, as
    far as they have threads for them. *state* says in a word how it is: ``running``, ``quiet``,
    ``leaving``, ``silent`` (no sign of life for two beats, or no lease) or ``dead``.
    """

    def __init__(
        self,
        home: Connection,
        identity: str,
        values: list[bytes | None],
        fleet: Fleet | None = None,
        silence: float = 0.0,
        told: Sequence[str] = (),
    ) -> None:
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
        self.capsules = capsules.capsules_of(info.get("capsules"))
        self.queues = capsules.queues_of(info, self.capsules)
        #: For each capsule, queue -> weight (0: strict order).
        self.weights = capsules.weights_of(info.get("weights"), self.capsules)
        self.concurrency = shown.whole(fields["concurrency"] or info.get("concurrency"))
        self.beat = shown.number(fields["beat"])
        self.is_quiet = fields["quiet"] == b"true"
        self.rss = shown.whole(fields["rss"])  # KB
        self.rtt_us = shown.whole(fields["rtt_us"])  # microseconds, to Redis and back
        self.silence = silence  # seconds since its last beat, by Redis's clock
        #: Signals that it has not heard yet, and those to be quiet or to stop that it heard just now.
        self.told = list(told)
        known = fleet is not None and fleet.known and self.is_kiq
        self.owners = list(fleet.owners_of(identity)) if known and fleet is not None else None
        self.busy = shown.whole(fields["busy"])
        if self.owners is not None:
            self.busy = sum(min(each.jobs, self.places_of(each)) for each in self.owners)
        self.state = self._state()
        self._home = home

    @property
    def parent(self) -> int:
        """The pid of the kiq that forked it and looks after it; 0 where there is none."""
        return shown.whole(self.info.get("parent"))

    @property
    def configured(self) -> int:
        """How many threads it was started with; :attr:`concurrency` is how many it has now."""
        return shown.whole(self.info.get("configured")) or self.concurrency

    @property
    def in_hand(self) -> int:
        """How many jobs a process of kiq holds: those that run, and those that it is about to start."""
        return sum(owner.jobs for owner in self.owners or ())

    def places_of(self, owner: Owner) -> int:
        """Return how many jobs one of its owners can run at a time, with async ones if there are any."""
        threads = self.capsules.get(owner.capsule, {}).get("concurrency", self.concurrency)
        return shown.whole(threads) + shown.whole(self.info.get("async_concurrency"))

    @property
    def is_dead(self) -> bool:
        """Whether it is known to be dead: its lock is free, or its jobs were given back."""
        return self.state == "dead"

    @property
    def is_silent(self) -> bool:
        """Whether it has given no sign of life for two beats, or its lease has run out."""
        return self.state == "silent"

    def _state(self) -> str:
        if self.owners is not None:
            facts = self.info.get("facts")
            if isinstance(facts, dict) and is_gone({k: shown.text(v) for k, v in facts.items()}):
                return "dead"
            if any(owner.gone for owner in self.owners):
                return "dead"
            if all(
                owner.lapsed for owner in self.owners
            ):  # one alone leaves in order: the poller's
                return "leaving" if self.is_quiet and self.silence < _LEAVING else "dead"
            if not any(owner.leased for owner in self.owners):
                return "silent"
        if self.silence > (_SILENT if self.is_kiq else _SILENT_RUBY):
            return "silent"
        return "quiet" if self.is_quiet else "running"

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

    def scale(self, threads: int, capsule: str = "default") -> bool:
        """Let a *capsule* of it have so many *threads*; it hears so at its next beat. False: gone.

        From 1 to 1000. Those too many end when their jobs do. It holds until the process ends. Raises
        ConfigError for another number, a capsule that it does not have, and a process of Ruby.
        """
        if isinstance(threads, bool) or not isinstance(threads, int):
            raise ConfigError(f"scale takes a whole number of threads, not {threads!r}")
        if not 1 <= threads <= scaling.MOST:
            raise ConfigError(f"scale takes 1 to {scaling.MOST} threads, not {threads}")
        if not self.is_kiq:
            raise ConfigError(f"{self.identity} is no process of kiq: it can't be scaled")
        if capsule not in self.capsules:
            names = ", ".join(self.capsules) or "none"
            raise ConfigError(f"{self.identity} has no capsule {capsule!r}; it has {names}")
        return self._signal(scaling.order(threads, capsule), None)

    def _signal(self, name: str, refused: str | None) -> bool:
        if self.embedded and refused:
            raise ConfigError(f"{self.identity} is embedded in another program: can't be {refused}")
        places = (self.identity, keys.signals(self.identity))
        return bool(self._home.call(scripts.signal(places, (name, keys.PROCESS_TTL))))


class ProcessSet:
    """The worker processes that are there. *client* as for :func:`kiq.api.connection`.

    Every look is a new one, and writes nothing. What died is not there, as soon as that is known: at
    once on its own machine, elsewhere when its jobs are given back; :meth:`dead` has what died within
    the last minute.
    """

    def __init__(self, client: Any = None) -> None:
        self._home = connection(client)

    def __iter__(self) -> Iterator[Process]:
        """Yield the processes by identity, a hundred for a round trip, after some round trips."""
        return (process for process in self.everyone() if not process.is_dead)

    def dead(self) -> list[Process]:
        """Return those that died, and showed themselves within the last minute."""
        return [process for process in self.everyone() if process.is_dead]

    def everyone(self) -> Iterator[Process]:
        """Yield all of them, those that died too."""
        return self._read(
            sorted(name.decode(errors="replace") for name in self._home.call(_EVERYONE))
        )

    def _read(self, names: Sequence[str]) -> Iterator[Process]:
        # The processes first: one that registers meanwhile is not one without an owner.
        pages = [names[first : first + _PAGE] for first in range(0, len(names), _PAGE)]
        looks = [(page, self._look(page)) for page in pages]
        fleet = read_fleet(self._home) if names else None
        for page, replies in looks:
            for at, name in enumerate(page):
                values, left, *lists = replies[_READS * at : _READS * (at + 1)]
                if isinstance(values, list) and values[0] is not None:
                    yield Process(self._home, name, values, fleet, _silence(left), _told(*lists))

    def _look(self, names: Sequence[str]) -> list[Any]:
        return self._home.replies(
            [
                command
                for name in names
                for command in (
                    ("HMGET", name, *_FIELDS),
                    ("PTTL", name),
                    ("LRANGE", keys.signals(name), 0, -1),
                    *[("LRANGE", heard, 0, -1) for heard in keys.heard(name)],
                )
            ]
        )

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
        """Return the process called *identity*, or None. Some round trips."""
        if not self._home.call(("SISMEMBER", keys.PROCESSES, identity)):
            return None
        found = self.look(identity)
        return None if found is None or found.is_dead else found

    def look(self, identity: str) -> Process | None:
        """Return the process called *identity* as it shows itself, also one that died; or None."""
        return next(self._read([identity]), None)

    def identities(self) -> list[str]:
        """Return the names of those that are there, sorted."""
        return [process.identity for process in self]

    @property
    def size(self) -> int:
        """How many processes there are."""
        return sum(1 for _ in self)

    @property
    def total_concurrency(self) -> int:
        """How many jobs all of them can run at a time."""
        return sum(process.concurrency for process in self)

    @property
    def total_rss(self) -> int:
        """How much memory all of them take, in KB."""
        return sum(process.rss for process in self)

    @property
    def duties(self) -> dict[str, str]:
        """Which process has which duty of the fleet, by name: those of features. Two round trips."""
        names = sorted(shown.text(name) for name in self._home.call(("SMEMBERS", keys.DUTIES)))
        holders = self._home.replies([("GET", keys.duty(name)) for name in names]) if names else []
        found = dict(zip(names, map(shown.text, holders), strict=True))
        return {name: holder for name, holder in found.items() if holder}

    @property
    def leader(self) -> str | None:
        """The identity of the process that moves due jobs to their queues; None while none does."""
        (found,) = self._home.replies([("GET", keys.POLLER)])
        return shown.text(found) or None


def _silence(left: Any) -> float:
    """Return since when (seconds) a process has not shown itself, from what is left of its minute."""
    return max(0.0, keys.PROCESS_TTL - left / 1000) if isinstance(left, int) and left > 0 else 0.0


def _told(waiting: Any, *heard: Any) -> list[str]:
    """Return what it was told: of what it *heard*, only orders, which it may not have followed yet."""
    lists = [each if isinstance(each, list) else [] for each in (*heard, waiting)]
    orders = [name for each in lists[:-1] for name in each if name in _ORDERS]
    named = [name.decode(errors="replace") for name in (*orders, *reversed(lists[-1]))]
    return list(dict.fromkeys(named))
