"""A proxy in front of a server that can swallow everything for a while."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from types import TracebackType

_LOOK_EVERY = 0.05  # seconds between two looks at whether to end
_CHUNK = 65_536


class BlackHole:
    """Forwards between a loopback port of its own and *port*; a context manager ends it.

    While it swallows, nothing is forwarded, closed or refused. A connection that lost something to
    it stays silent for ever after: TCP can't go on behind a gap, and whoever waits for an answer
    learns of it by a time-out of his own. That tells it from a server that is stopped (SIGSTOP),
    which answers everything that was sent meanwhile the moment it goes on.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._peers: dict[socket.socket, socket.socket | None] = {}  # None: silent
        self._swallowing = threading.Event()
        self._ending = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="black-hole", daemon=True)
        self._thread.start()

    def __enter__(self) -> BlackHole:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join()
        for each in (*self._peers, self._listener):
            each.close()
        self._selector.close()

    def swallow_for(self, seconds: float) -> float:
        """Swallow everything for *seconds*; return when that was over (monotonic clock)."""
        self._swallowing.set()
        try:
            time.sleep(seconds)
        finally:
            self._swallowing.clear()
        return time.monotonic()

    def _run(self) -> None:
        while not self._ending.is_set():
            for key, _ in self._selector.select(_LOOK_EVERY):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._peers:
                    self._forward(key.fileobj)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._swallowing.is_set():
            self._add(client, None)
            return
        server = socket.create_connection(self._target)
        self._add(client, server)
        self._add(server, client)

    def _add(self, one: socket.socket, peer: socket.socket | None) -> None:
        self._peers[one] = peer
        self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, one: socket.socket) -> None:
        peer = self._peers[one]
        try:
            data = one.recv(_CHUNK)
            if data and peer is not None:
                if self._swallowing.is_set():
                    self._peers[one] = self._peers[peer] = None
                else:
                    peer.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._drop(one)
            if peer is not None:
                self._drop(peer)

    def _drop(self, one: socket.socket) -> None:
        self._selector.unregister(one)
        del self._peers[one]
        one.close()
