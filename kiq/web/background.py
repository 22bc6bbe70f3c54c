"""Work of the server that goes on when its request is answered: a few threads, each with a name."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger("kiq.web")

_MOST = 4  # pieces of work at once: the pages come first


class Background:
    """Runs work in threads of its own. Threads: any may start some.

    They are daemons: a server that ends does not wait for them, so each piece of work must be one that may
    stop anywhere.
    """

    def __init__(self) -> None:
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def start(self, name: str, work: Callable[[], None]) -> bool:
        """Have *work* run; False where *name* runs already, or too many do."""
        with self._lock:
            if name in self._running or len(self._running) >= _MOST:
                return False
            self._running.add(name)
        threading.Thread(
            target=self._run, args=(name, work), name=f"kiq-web-{name}", daemon=True
        ).start()
        return True

    def _run(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            logger.exception("%s failed", name)
        finally:
            with self._lock:
                self._running.discard(name)
