"""The fleets that one UI shows: where each has its Redis, and what was read there a moment ago."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..api import Connection
from ..client import Client
from ..clock import steady
from ..config import Config
from .background import Background

T = TypeVar("T")

_NAMED = 100  # looks at what visitors name that are kept


@dataclass(slots=True)
class _Look:
    """What was read, when, and the lock of whoever reads it anew."""

    reading: threading.Lock = field(default_factory=threading.Lock)
    at: float = float("-inf")
    value: Any = None


class Fleet:
    """Workers that share one Redis. *environment* is shown on every page (production, staging).

    Threads: all of the server's. What many visitors look at is read once: ten open tabs cost Redis what
    one does.
    """

    def __init__(
        self,
        name: str,
        home: Connection,
        config: Config,
        environment: str,
        pushes_by: Callable[[], Client],
    ) -> None:
        self.name = name
        self._pushes_by = pushes_by
        self.home = home
        self.config = config
        self.environment = environment
        self.background = Background()
        self._looks: dict[str, _Look] = {}
        self._named: dict[tuple[str, str], _Look] = {}
        self._lock = threading.Lock()

    @functools.cached_property
    def client(self) -> Client:
        """What jobs are pushed by, made when it is first asked for."""
        return self._pushes_by()

    def look(self, what: str, read: Callable[[], T], *, keep: float = 1.0) -> T:
        """Return what *read* returned within the last *keep* seconds, else call it.

        Of several that come at once one reads, and the others wait for it. *what* names it, and must be one
        of few: names that visitors give do not belong here. Raises what *read* raises, and keeps no error.
        """
        with self._lock:
            look = self._looks.setdefault(what, _Look())
        return _looked(look, read, keep)

    def look_at(self, what: str, name: str, read: Callable[[], T], *, keep: float = 1.0) -> T:
        """Do as :meth:`look`, for what visitors *name*: the last hundred are kept."""
        with self._lock:
            look = self._named.pop((what, name), None) or _Look()
            self._named[what, name] = look
            if len(self._named) > _NAMED:
                del self._named[next(iter(self._named))]
        return _looked(look, read, keep)

    def background_look(
        self, what: str, each: Callable[[], Iterator[T]], *, keep: float = 60.0
    ) -> T | None:
        """Return the newest of what *each* yields in a thread of its own; None: it has yielded nothing yet.

        It is begun when somebody asks, and again when its end is *keep* seconds past.
        """
        with self._lock:
            look = self._looks.setdefault(what, _Look())
        if steady() - look.at >= keep:
            self.background.start(what, functools.partial(_gather, look, each))
        value: T | None = look.value
        return value

    def forget(self) -> None:
        """Read anew whatever is asked next: something was changed."""
        with self._lock:
            self._looks.clear()
            self._named.clear()


def _looked(look: _Look, read: Callable[[], T], keep: float) -> T:
    with look.reading:
        if steady() - look.at >= keep:
            look.value = read()
            look.at = steady()
        value: T = look.value
        return value


def _gather(look: _Look, each: Callable[[], Iterator[Any]]) -> None:
    for look.value in each():
        pass
    look.at = steady()
