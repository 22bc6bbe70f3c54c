"""Duties of an application: what one process of the fleet calls again and again."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta

from .. import plugin
from ..clock import steady
from ..errors import ConfigError
from ..options import seconds
from ..process import WorkerProcess
from ..undone import check_done, refuse_undone

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,99}\Z")
#: Seconds that an election counts here: it is renewed every two, and holds for six.
_COUNTS = 4.0
_RENEW = 2.0  # seconds until it is renewed again
_LOOK = 0.5  # seconds between two looks whether this process has the duty

#: What is called, with the duty that it does.
Does = Callable[["Duty"], object]


class Duty:
    """One process's part in a duty, as the function sees it that does it.

    Threads: any.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._until = 0.0  # steady clock
        self._over = threading.Event()

    @property
    def held(self) -> bool:
        """Whether this process has the duty still: what takes long looks, and ends when it has not."""
        return not self._over.is_set() and steady() < self._until

    def wait(self, seconds: float) -> bool:
        """Sleep so many seconds, less when the duty is lost or the process stops; return :attr:`held`."""
        until = steady() + seconds
        while self.held and (left := until - steady()) > 0:
            self._over.wait(min(left, _LOOK))
        return self.held

    def renew(self) -> None:
        """Count it as held for some seconds more."""
        self._until = steady() + _COUNTS

    def end(self) -> None:
        """Count it as held no more, for good."""
        self._over.set()

    def await_turn(self) -> bool:
        """Sleep until this process has the duty; False when the process stops first."""
        while not self._over.is_set() and not self.held:
            self._over.wait(_LOOK)
        return not self._over.is_set()


def duty(
    name: str, *, every: float | timedelta = 60.0, host: plugin.Host | None = None
) -> Callable[[Does], Does]:
    """Decorate a function that one process of the fleet is to call, *every* so many seconds.

    ``@kiq.duty("janitor", every=300)``. It gets a :class:`Duty`, and runs on a thread of its own in the
    worker process that is elected, for as long as that lives; another takes over within seconds of its
    end. The time counts from the end of a call. What it raises is reported, and the next call comes all
    the same. *host*: where it is attached, ``kiq.host`` by default. Raises ConfigError for a bad name or
    time, and for a name that is taken.
    """
    try:
        pause = float(seconds(every))
    except ValueError as error:
        raise ConfigError(f"duty {name!r}: every {error}") from None
    if not isinstance(name, str) or not _NAME.match(name):
        raise ConfigError(
            f"a duty's name is a small letter and up to 99 of a-z 0-9 _ . -, not {name!r}"
        )
    services = (plugin.host if host is None else host).services
    if any(isinstance(one, _Declared) and one.name == name for one in services):
        raise ConfigError(f"two duties are named {name!r}: give one of them another name")

    def attach(function: Does) -> Does:
        refuse_undone(f"duty {name}", function, gets=("duty",))
        services.append(_Declared(name, pause, function))
        return function

    return attach


class _Declared:
    """A duty that was declared: makes the service of a worker process."""

    def __init__(self, name: str, every: float, function: Does) -> None:
        self.name = name
        self._every = every
        self._function = function

    def __call__(self, process: WorkerProcess) -> _Service:
        return _Service(process, self.name, self._every, self._function)


class _Service:
    """Stands for election, and calls the function while this process has the duty.

    Threads: the duty's loop renews, a thread of its own calls: it may take any time.
    """

    def __init__(self, process: WorkerProcess, name: str, every: float, function: Does) -> None:
        self._report = process.report
        self._every = every
        self._function = function
        self._duty = Duty(name)
        self._loop = process.duty(name, self._renew, lost=_nothing, leave=self._duty.end)
        self._thread = threading.Thread(target=self._run, name=f"kiq-does-{name}", daemon=True)

    def start(self) -> None:
        self._loop.start()
        self._thread.start()

    def stop(self) -> None:
        self._duty.end()
        self._loop.stop()

    def _renew(self) -> float:
        self._duty.renew()
        return _RENEW

    def _run(self) -> None:
        while self._duty.await_turn():
            try:
                check_done(self._function(self._duty), f"duty {self._duty.name}")
            except BaseException as error:  # noqa: BLE001 (sys.exit too: the duty goes on)
                self._report(error, {"context": f"duty {self._duty.name}"})
            self._duty.wait(self._every)


def _nothing() -> None:
    """Keep no connection that could be lost."""
