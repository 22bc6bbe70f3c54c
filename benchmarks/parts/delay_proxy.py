"""A proxy that puts a server further away: what passes it arrives later, and that is all.

Run as a program it forwards between a loopback port of its own, which it prints, and another one:
``delay_proxy.py PORT MILLISECONDS``. Each piece leaves half of that time after it came, either way;
pieces that came meanwhile are under way at the same time, so that bandwidth is not limited. To open
a connection takes no time.

One thread, and a process of its own: what is measured does not share an interpreter with it, and no
piece is handed from thread to thread.
"""

from __future__ import annotations

import ctypes
import select
import socket
import sys
import time
from collections import deque

_CHUNK = 1 << 18
_PR_SET_TIMERSLACK = 29  # of Linux, see prctl(2)


class _Way:
    """One direction of a connection, and the pieces that are under way on it."""

    def __init__(self, source: socket.socket, target: socket.socket, delay: float) -> None:
        self.source, self.target = source, target
        self.ended = False  # whether the source will say nothing more
        self.blocked = False  # whether the target takes nothing now
        self._delay = delay
        self._pieces: deque[tuple[float, memoryview]] = deque()  # an empty one is the end

    def read(self) -> None:
        """Take what has come."""
        try:
            data = self.source.recv(_CHUNK)
        except ConnectionError:
            data = b""
        self.ended = not data
        self._pieces.append((time.monotonic() + self._delay, memoryview(data)))

    def due(self) -> float | None:
        """Return when its next piece leaves (monotonic clock); None when there is none that can."""
        return self._pieces[0][0] if self._pieces and not self.blocked else None

    def send(self) -> bool:
        """Send all that is due, as far as the target takes it; return False at the end."""
        while (due := self.due()) is not None and due <= time.monotonic():
            piece = self._pieces.popleft()[1]
            if not piece:
                return False
            try:
                sent = self.target.send(piece)
            except BlockingIOError:
                sent = 0
            except ConnectionError:
                return False
            if sent < len(piece):
                self.blocked = True
                self._pieces.appendleft((due, piece[sent:]))
        return True


class DelayProxy:
    """Forwards between :attr:`port` and the port *target*, with *delay* seconds each way."""

    def __init__(self, target: int, delay: float) -> None:
        self._target = ("127.0.0.1", target)
        self._delay = delay
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._ways: dict[socket.socket, _Way] = {}  # by their source

    def run(self) -> None:
        """Forward until the process ends."""
        while True:
            ways = self._ways.values()
            blocked = {way.target: way for way in ways if way.blocked}
            sources = [way.source for way in ways if not way.ended]
            # Not poll or epoll: Python rounds their time-outs up to whole milliseconds.
            readable, writable, _ = select.select(
                [self._listener, *sources], [*blocked], (), self._until_due()
            )
            for target in writable:
                blocked[target].blocked = False
            for source in readable:
                if source is self._listener:
                    self._accept()
                else:
                    self._ways[source].read()
            for way in [each for each in ways if not each.send()]:
                self._drop(way)

    def _until_due(self) -> float | None:
        dues = [due for way in self._ways.values() if (due := way.due()) is not None]
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(self._target)
        for source, target in ((client, server), (server, client)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            source.setblocking(False)
            self._ways[source] = _Way(source, target, self._delay)

    def _drop(self, way: _Way) -> None:
        for each in (way.source, way.target):
            self._ways.pop(each, None)  # both directions may end in one round
            each.close()


def _wake_on_time() -> None:
    """Have the kernel not put off this thread's wake-ups, which it does by 50 µs otherwise."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


if __name__ == "__main__":
    _wake_on_time()
    proxy = DelayProxy(int(sys.argv[1]), float(sys.argv[2]) / 2000)
    print(proxy.port, flush=True)
    proxy.run()
