"""The door: answers whoever asks, and waits for nobody.

A peer that sends nothing, or a byte now and then, that sends too much, that does not read or that hangs up,
costs a place for some seconds: who has waited longest gives up his when there are too many.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from ..clock import steady
from .http import Answer, Request, read, said, written

logger = logging.getLogger("kiq.health")

_MOST = 32  # peers at a time
_AT_ONCE = 16  # that are let in between two looks at all of them
_PATIENCE = 5.0  # seconds from the first byte to the last
_LINGER = 1.0  # seconds in which a peer may read its answer before it is hung up on
_PART = 65_536  # bytes that are read at a time
_THROWN_AWAY = 1 << 20  # bytes that are read behind a request, so that its answer arrives

#: What a path is answered with; None where there is no such path.
Answering = Callable[[str], Answer | None]


class _Peer:
    """One connection: what came, what is still to be sent, and until when."""

    __slots__ = ("end", "left", "received", "socket", "thrown_away")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.received = b""
        self.left: memoryview | None = None  # None before there is an answer; empty behind it
        self.thrown_away = 0
        self.end = steady() + _PATIENCE


class Door:
    """Listens at sockets, which it owns. Threads: one."""

    def __init__(self, listening: Iterable[socket.socket], answering: Answering) -> None:
        self._listening = {one.fileno(): one for one in listening}
        self._answering = answering
        self._peers: dict[int, _Peer] = {}  # the one that has been here longest first
        _doors.add(self)

    @property
    def descriptors(self) -> list[int]:
        """The sockets that listen."""
        return list(self._listening)

    def wanted(self) -> dict[int, int]:
        """Return what to poll for, by descriptor."""
        wanted = dict.fromkeys(self._listening, select.POLLIN)
        for descriptor, peer in self._peers.items():
            wanted[descriptor] = select.POLLOUT if peer.left else select.POLLIN
        return wanted

    def serve(self, ready: Mapping[int, int]) -> None:
        """Do what can be done now for those that are *ready*, and part with those that had their time."""
        for descriptor in ready:
            if descriptor in self._listening:
                self._let_in(self._listening[descriptor])
            elif (peer := self._peers.get(descriptor)) is not None:
                self._go_on(peer)
        now = steady()
        for peer in [each for each in self._peers.values() if each.end <= now]:
            self._part_with(peer)

    def close(self) -> None:
        """Listen no more, and hang up on all."""
        for peer in list(self._peers.values()):
            self._part_with(peer)
        for one in self._listening.values():
            one.close()
        self._listening.clear()

    def forked(self) -> None:
        """Close what is the parent's, in a child: nobody is hung up on by that."""
        for descriptor in (*self._listening, *self._peers):
            with suppress(OSError):
                os.close(descriptor)
        for one in (*self._listening.values(), *(peer.socket for peer in self._peers.values())):
            one.detach()
        self._listening.clear()
        self._peers.clear()

    def _let_in(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = listening.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE) and self._peers:
                    self._part_with(
                        next(iter(self._peers.values()))
                    )  # else it would come again at once
                return  # no more, or one that has gone already
            connection.setblocking(False)
            if len(self._peers) >= _MOST:
                self._part_with(next(iter(self._peers.values())))
            peer = self._peers[connection.fileno()] = _Peer(connection)
            self._go_on(peer)  # what it asks is there, as a rule

    def _go_on(self, peer: _Peer) -> None:
        try:
            if peer.left is None:
                self._hear(peer)
            if peer.left:
                peer.left = peer.left[peer.socket.send(peer.left) :]
                if not peer.left:
                    peer.socket.shutdown(socket.SHUT_WR)
                    peer.end = min(peer.end, steady() + _LINGER)
            elif peer.left is not None:
                self._throw_away(peer)
        except BlockingIOError:
            return
        except OSError:
            self._part_with(peer)

    def _hear(self, peer: _Peer) -> None:
        """Read on, and make the answer when all is there. Raises OSError at the end of what comes."""
        part = peer.socket.recv(_PART)
        if not part:
            raise ConnectionResetError
        peer.received += part
        asked = read(peer.received)
        if asked is not None:
            peer.received = b""
            peer.left = memoryview(self._answer(asked))

    def _answer(self, asked: Request | Answer) -> bytes:
        if isinstance(asked, Answer):
            return written(asked)
        try:
            found = self._answering(asked.path)
        except Exception as error:
            logger.error("%s can't be answered: %r", asked.path, error, exc_info=error)
            found = said(500, "this can't be answered, see the log")
        if found is None:
            found = said(404, "here are /live, /ready and /metrics")
        return written(found, bare=asked.bare)

    def _throw_away(self, peer: _Peer) -> None:
        """Read what is sent behind a request: to hang up on it could take the answer away as well."""
        part = peer.socket.recv(_PART)
        peer.thrown_away += len(part)
        if not part or peer.thrown_away > _THROWN_AWAY:
            self._part_with(peer)

    def _part_with(self, peer: _Peer) -> None:
        self._peers.pop(peer.socket.fileno(), None)
        peer.socket.close()


#: Those of this process: a child, of a parent or of a job, has none of them.
_doors: weakref.WeakSet[Door] = weakref.WeakSet()


def _forked() -> None:
    for door in list(_doors):
        door.forked()


os.register_at_fork(after_in_child=_forked)
