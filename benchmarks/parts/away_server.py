"""A server that goes away and comes back: killed and restarted, or frozen for a while."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from support import Server, wait_until

from kiq.embedded.lease import Lease

_DIE_SECONDS = 15.0


class AwayServer(Server):
    """A private server that writes an AOF, so that its data outlive it; *options* come on top."""

    def __init__(self, *options: str) -> None:
        super().__init__("--appendonly", "yes", *options)

    def __enter__(self) -> AwayServer:
        return self

    @property
    def port(self) -> int:
        """Its loopback port."""
        return self._port

    def killed_for(self, seconds: float) -> float:
        """Kill -9 it, start it again after *seconds*; return when it answered (monotonic clock)."""
        os.kill(self._pid, signal.SIGKILL)
        wait_until(lambda: not self._lease.alive, _DIE_SECONDS, "the server is dead")
        self._lease.close()
        time.sleep(seconds)
        self._lease, reader = Lease.private()
        try:
            self._start(reader)
        finally:
            os.close(reader)
        return time.monotonic()

    def frozen_for(self, seconds: float) -> float:
        """Stop it where it stands for *seconds*; return when it went on (monotonic clock).

        Connections stay, the kernel takes new ones, and nothing answers; in the end the server
        carries out all that it was sent.
        """
        with self._frozen():
            time.sleep(seconds)
        return time.monotonic()

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)
