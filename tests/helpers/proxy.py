"""A TCP proxy that does to a conversation what networks do: cut it, slow it, swallow it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Literal

Moment = Literal["before the request", "after the request", "in the reply"]
MOMENTS: tuple[Moment, ...] = ("before the request", "after the request", "in the reply")


class FaultProxy:
    """Passes bytes between one address and a server, until told to do worse.

    A context manager. Faults: :meth:`cut_next`, :meth:`cut_all`, :meth:`swallow`, :attr:`delay`.
    """

    def __init__(self, port: int) -> None:
        self.delay = 0.0  # seconds that each piece of a conversation is held up, either way
        self.cuts = 0  # how many of the cuts asked for have happened
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._pairs: set[_Pair] = set()
        self._lock = threading.Lock()
        self._moment: Moment | None = None
        self._swallowing = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """The URL of Redis seen through the proxy."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def cut_next(self, moment: Moment) -> None:
        """Cut, by a reset, the next connection that comes to *moment*."""
        with self._lock:
            self._moment = moment

    def cut_all(self) -> None:
        """Cut every connection now."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()

    def swallow(self, swallowing: bool) -> None:
        """Begin, or end, to let nothing through: bytes wait, connections open and hear nothing."""
        if swallowing:
            self._swallowing.set()
        else:
            self._swallowing.clear()

    def __enter__(self) -> FaultProxy:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.swallow(False)
        self.cut_all()
        for thread in self._threads:
            thread.join(5)

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed: the test is over
            try:
                upstream = socket.create_connection(self._target)
            except OSError:
                client.close()  # the server is away, and so is this conversation
                continue
            pair = _Pair(client, upstream)
            with self._lock:
                self._pairs.add(pair)
            self._start(self._carry, pair, client, upstream, "before the request")
            self._start(self._carry, pair, upstream, client, "in the reply")

    def _carry(
        self, pair: _Pair, source: socket.socket, sink: socket.socket, moment: Moment
    ) -> None:
        asks = moment == "before the request"
        try:
            while data := source.recv(1 << 16):
                self._hold_up(pair)
                if self._due(moment):
                    if not asks:
                        sink.sendall(data[: len(data) // 2])
                    break
                sink.sendall(data)
                if asks and self._due("after the request"):
                    # The server has it, and will do it; nobody will hear the answer.
                    source.setblocking(True)
                    break
        except OSError:
            pass  # one side is gone; so is the conversation
        pair.reset()
        with self._lock:
            self._pairs.discard(pair)

    def _hold_up(self, pair: _Pair) -> None:
        until = time.monotonic() + self.delay
        while self._swallowing.is_set() or time.monotonic() < until:
            if pair.closed.wait(0.002):
                return

    def _due(self, moment: Moment) -> bool:
        with self._lock:
            due = self._moment == moment
            if due:
                self._moment = None
                self.cuts += 1
        return due


class _Pair:
    """The two sockets of one conversation."""

    def __init__(self, client: socket.socket, upstream: socket.socket) -> None:
        self.closed = threading.Event()
        self._client, self._upstream = client, upstream

    def reset(self) -> None:
        """End it: by a reset to the client, and in order to the server, which does what it has."""
        if self.closed.is_set():
            return
        self.closed.set()
        try:
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # closed by the other direction
        for each in (self._client, self._upstream):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # gone already
            each.close()
