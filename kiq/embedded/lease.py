"""One process's share in a running server: the writing end of a FIFO."""

from __future__ import annotations

import errno
import os
import select
from pathlib import Path


class Lease:
    """Keeps the server alive until it is closed, or until this process ends in whatever way.

    A forked child inherits it, and so keeps the server too; a program started from here does not.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def join(cls, fifo: Path) -> Lease | None:
        """Take a share in the server that reads *fifo*; None if there is none."""
        try:
            return cls(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENXIO):
                return None
            raise

    @classmethod
    def create(cls, fifo: Path) -> tuple[Lease, int]:
        """Make *fifo* anew; return the first lease and the reading end, which the caller closes."""
        # Anew, because the watcher of a server on its way out may still have the old one open.
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo, 0o600)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(reader, True)
        return cls(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)), reader

    @classmethod
    def private(cls) -> tuple[Lease, int]:
        """Return a lease that no other process can share, and its reading end."""
        reader, writer = os.pipe()
        return cls(writer), reader

    @property
    def alive(self) -> bool:
        """Whether the server's watcher still reads: false once the server is gone, or leaving."""
        if self._descriptor is None:
            return False
        poll = select.poll()
        # A pipe without a reader reports POLLERR on Linux, POLLHUP on macOS, asked for or not.
        poll.register(self._descriptor, select.POLLOUT)
        return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))

    def close(self) -> None:
        """Give the share back; the server leaves when this was the last one."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
