"""The thread that reads: a picture a second, of whatever was asked for last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from ..errors import ConfigError, StoreError, StoreUnavailable
from .fleets import Fleet
from .looking import Look, Read
from .moments import read_moment
from .picture import Ask, Failed, Page, Picture

Deliver = Callable[[Picture | Failed], object]


def read_picture(ask: Ask, fleets: Sequence[Fleet], views: Mapping[str, Read]) -> Picture | Failed:
    """Return the picture of a moment, or why there is none. Raises nothing of Redis."""
    fleet = fleets[ask.fleet]
    try:
        moment = read_moment(fleet.home)
        try:
            page, problem = views[ask.place.view](Look(fleet, moment, ask)), ""
        except StoreUnavailable:
            raise
        except (ConfigError, StoreError) as error:
            page, problem = Page(), str(error)
        except Exception as error:  # noqa: BLE001 (one view that breaks must not end the others)
            page, problem = Page(), f"{type(error).__name__}: {error}"
        return Picture(ask, moment.figures, page, problem)
    except StoreUnavailable as error:
        return Failed(ask, str(error))
    except StoreError as error:
        return Failed(ask, str(error), away=False)
    except Exception as error:  # noqa: BLE001 (it is told, and the next look may be better)
        return Failed(ask, f"{type(error).__name__}: {error}", away=False)


class Reader(threading.Thread):
    """Reads, and hands over what it has read. It keeps nobody from leaving, whatever Redis does."""

    def __init__(
        self, read: Callable[[Ask], Picture | Failed], deliver: Deliver, interval: float, ask: Ask
    ) -> None:
        super().__init__(name="kiq-top-reader", daemon=True)
        self._read, self._deliver, self._interval = read, deliver, interval
        self._ask = ask
        self._wake = threading.Event()
        self._over = False

    def ask(self, ask: Ask) -> None:
        """Read this from now on, and at once. Threads: any."""
        self._ask = ask
        self._wake.set()

    def again(self) -> None:
        """Read at once: something was changed. Threads: any."""
        self._wake.set()

    def end(self) -> None:
        """Read no more. Threads: any; nothing is waited for."""
        self._over = True
        self._wake.set()

    def run(self) -> None:
        """Read until the end."""
        while not self._over:
            self._wake.clear()
            found = self._read(self._ask)
            if not self._over:
                self._deliver(found)
            self._wake.wait(self._interval)
