"""A TCP proxy that does to a conversation what networks do: cut it, slow it, swallow it, garble it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Container
from typing import Literal, NamedTuple

from tests.helpers.namespaced import url_here

Moment = Literal["before the request", "after the request", "in the reply"]
#: Where a conversation may be cut.
MOMENTS: tuple[Moment, ...] = ("before the request", "after the request", "in the reply")
#: Where it may be cut in the middle of what is being said, or garbled there.
Place = Literal[
    "in the request", "after the first byte of the reply", "before the last byte of the reply"
]
PLACES: tuple[Place, ...] = (
    "in the request",
    "after the first byte of the reply",
    "before the last byte of the reply",
)
Garbling = Literal["at the type of the reply"]
GARBLED: Garbling = "at the type of the reply"
Way = Literal["both ways", "to the server", "from the server"]
WAYS: tuple[Way, ...] = ("both ways", "to the server", "from the server")

#: How many bytes of a piece of so many still pass when it is cut.
_OF_REQUESTS: dict[str, Callable[[int], int]] = {
    "before the request": lambda size: 0,
    "in the request": lambda size: size // 2,
    "after the request": lambda size: size,
}
_OF_REPLIES: dict[str, Callable[[int], int]] = {
    "after the first byte of the reply": lambda size: 1,
    "in the reply": lambda size: size // 2,
    "before the last byte of the reply": lambda size: size - 1,
}


class _Silence(NamedTuple):
    way: Way
    of: bytes  # only connections that have said this


class FaultProxy:
    """Passes bytes between one address and a server, until told to do worse.

    A context manager. Faults: :meth:`cut_next`, :meth:`cut_all`, :meth:`swallow`, :meth:`refuse`,
    :attr:`delay`, :attr:`trickling`; :meth:`lead_to` is no fault.
    """

    def __init__(self, port: int) -> None:
        self.delay = 0.0  # seconds that each piece of a conversation is held up, either way
        self.trickling = False  # whether each byte is sent alone
        self.cuts = 0  # how many of the cuts asked for have happened
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._address: tuple[str, int] = self._listener.getsockname()
        self._pairs: set[_Pair] = set()
        self._lock = threading.Lock()
        self._moment: Moment | Place | Garbling | None = None
        self._silence: _Silence | None = None
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """The URL of Redis seen through the proxy."""
        return url_here(f"redis://127.0.0.1:{self._address[1]}/0")

    def lead_to(self, port: int) -> None:
        """Lead new connections to another server; those that exist stay where they are."""
        self._target = ("127.0.0.1", port)

    def cut_next(self, moment: Moment | Place | Garbling) -> None:
        """Cut, by a reset, the next connection that comes to *moment*.

        ``GARBLED`` cuts nothing: the first byte of a reply arrives as one that begins no reply.
        """
        with self._lock:
            self._moment = moment

    def cut_all(self) -> None:
        """Cut every connection now."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()

    def swallow(self, swallowing: bool, way: Way = "both ways", *, of: bytes = b"") -> None:
        """Begin, or end, to let nothing through *way*: bytes wait, connections open and hear nothing.

        With *of*, only on connections from the moment when they say these bytes.
        """
        self._silence = _Silence(way, of) if swallowing else None

    def refuse(self, refusing: bool) -> None:
        """Begin, or end, to refuse connections; those that exist are cut."""
        if refusing:
            self._close_listener()
            self.cut_all()
        else:
            self._listener = socket.create_server(self._address, backlog=128)
            self._start(self._accept, self._listener)

    def __enter__(self) -> FaultProxy:
        self._start(self._accept, self._listener)
        return self

    def __exit__(self, *_: object) -> None:
        self._close_listener()
        self.swallow(False)
        self.cut_all()
        for thread in self._threads:
            thread.join(5)

    def _close_listener(self) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        except OSError:
            pass  # closed before
        self._listener.close()

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed: the test is over, or connections are refused
            try:
                upstream = socket.create_connection(self._target)
            except OSError:
                client.close()  # the server is away, and so is this conversation
                continue
            for each in (client, upstream):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(client, upstream)
            with self._lock:
                self._pairs.add(pair)
            self._start(self._carry, pair, client, upstream, True)
            self._start(self._carry, pair, upstream, client, False)

    def _carry(self, pair: _Pair, source: socket.socket, sink: socket.socket, asks: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if asks:
                    pair.asked(data, self._silence)
                self._hold_up(pair, asks)
                if pair.over:
                    break  # this answers what was cut: nobody may hear it
                if not asks and pair.awaits_reply and self._due((GARBLED,)):
                    data = b"\0" + data[1:]
                moment = self._due(_OF_REQUESTS if asks else _OF_REPLIES)
                if moment is not None:
                    pair.over = True
                    passes = (_OF_REQUESTS if asks else _OF_REPLIES)[moment]
                    self._send(sink, data[: passes(len(data))])
                    break
                if not asks:
                    pair.awaits_reply = False
                self._send(sink, data)
        except OSError:
            pass  # one side is gone; so is the conversation
        pair.reset()
        with self._lock:
            self._pairs.discard(pair)

    def _send(self, sink: socket.socket, data: bytes) -> None:
        if not self.trickling:
            sink.sendall(data)
            return
        for at in range(len(data)):
            sink.sendall(data[at : at + 1])

    def _hold_up(self, pair: _Pair, asks: bool) -> None:
        until = time.monotonic() + self.delay
        while self._is_silent(pair, asks) or time.monotonic() < until:
            if pair.closed.wait(0.002):
                return

    def _is_silent(self, pair: _Pair, asks: bool) -> bool:
        silence = self._silence
        if silence is None or (silence.of and not pair.said_it):
            return False
        return silence.way in ("both ways", "to the server" if asks else "from the server")

    def _due(self, moments: Container[str]) -> str | None:
        """Return the moment that was asked for, once, when it is one of *moments*."""
        with self._lock:
            moment = self._moment
            if moment is None or moment not in moments:
                return None
            self._moment = None
            self.cuts += 1
        return moment


class _Pair:
    """The two sockets of one conversation."""

    def __init__(self, client: socket.socket, upstream: socket.socket) -> None:
        self.closed = threading.Event()
        self.over = False  # it is being cut
        self.awaits_reply = False  # what the server says next begins a reply
        self.said_it = False  # the words by which a silence knows it
        self._client, self._upstream = client, upstream

    def asked(self, data: bytes, silence: _Silence | None) -> None:
        """Note what the client says."""
        self.awaits_reply = True
        if silence is not None and silence.of in data:
            self.said_it = True

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
