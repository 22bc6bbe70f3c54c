"""Connections to Redis: redis-py's, with its retries off and its errors in kiq's words.

redis-py 8 sends a command up to ten times, time-outs included: one push became two jobs. So every
connection is made here, with ``Retry(NoBackoff(), 0)``, its own time-outs, and RESP2.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from redis import exceptions

from .. import embedded
from ..errors import KiqError, StoreError, StoreUnavailable
from . import scripts
from .packing import packed
from .scripts import Command, Packed
from .sentinel import is_master
from .source import source_of
from .translation import GONE, translate

#: Answers of Redis that redis-py raises like a broken connection, and closes it.
_ANSWERS = (exceptions.BusyLoadingError, exceptions.AuthenticationError)


class Prepared(NamedTuple):
    """Commands as they will be sent, and the bytes that say so."""

    packed: Packed
    commands: Sequence[Command]


class Link:
    """One connection: sends commands in one write and reads all replies.

    Threads: used by one at a time. A link that raised is closed, and reconnects at its next use.
    """

    def __init__(self, connector: Connector, connection: Any) -> None:
        self._connector = connector
        self._connection = connection
        self.where = connector.where
        self.used_at = time.monotonic()
        self._sent: Sequence[Command] = ()
        self.keyspace = connector.keyspace
        self._keyspace = None if self.keyspace.bare else self.keyspace

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send *commands* in one write; return their replies. One round trip.

        A command that Redis refused has its StoreError as reply. Scripts that the server does not
        know are loaded and sent again, once. Raises StoreUnavailable (or StoreDenied when
        connecting) if the connection broke, or Redis refuses whatever comes for a reason that will
        pass (it loads, is a replica, is busy): commands may have been done if its ``maybe_done``.
        """
        self.send(commands)
        return self.receive()

    def send(self, commands: Sequence[Command]) -> None:
        """Send *commands* in one write; the next call must be :meth:`receive`. Raises as exchange does."""
        if self._keyspace is not None:
            commands = [self._keyspace.place(command) for command in commands]
        self._send(commands)
        self._sent = commands

    def prepared(self, commands: Sequence[Command]) -> Prepared:
        """Return *commands* ready to be sent by :meth:`send_prepared`, over this link."""
        if self._keyspace is not None:
            commands = [self._keyspace.place(command) for command in commands]
        return Prepared(b"".join(packed(self._connection, commands)), commands)

    def send_prepared(self, prepared: Prepared) -> None:
        """Do as :meth:`send` does, without the time that making the bytes takes."""
        self._send((prepared.packed,))
        self._sent = prepared.commands

    def readable(self, seconds: float) -> bool:
        """Tell whether :meth:`receive` has something to read, within *seconds*; True if it broke."""
        poll = select.poll()  # select() knows no descriptor above 1,023
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def receive(self) -> list[Any]:
        """Return the replies to what was sent; see :meth:`exchange`."""
        commands, self._sent = self._sent, ()
        replies = self._settled(commands, self._read(commands))
        keyspace = self._keyspace
        if keyspace is None:
            return replies
        return [keyspace.read(*pair) for pair in zip(commands, replies, strict=True)]

    def _settled(self, commands: Sequence[Command | Packed], replies: list[Any]) -> list[Any]:
        """Return *replies* with errors in kiq's words, after loading scripts that were unknown."""
        unknown = [at for at, r in enumerate(replies) if isinstance(r, exceptions.NoScriptError)]
        if unknown:
            missed = [commands[at] for at in unknown]
            try:
                loaded = self._round_trip([scripts.load(each) for each in scripts.wanted(missed)])
            except StoreError as error:
                error.maybe_done = len(unknown) < len(commands)
                raise
            # SCRIPT is taken away, say, or a feature's Lua is wrong: then Redis says why.
            if any(isinstance(reply, exceptions.ResponseError) for reply in loaded):
                missed = [scripts.whole(command) for command in missed]
            for at, reply in zip(unknown, self._round_trip(missed), strict=True):
                replies[at] = reply
        return self._translated(replies)

    def _translated(self, replies: list[Any]) -> list[Any]:
        passing: StoreUnavailable | None = None
        for at, reply in enumerate(replies):
            if isinstance(reply, Exception):
                translated = translate(reply, self.where)
                replies[at] = translated
                if isinstance(translated, StoreUnavailable):
                    passing = translated
        if passing is None:
            return replies
        self.close()  # the next connect finds the new master
        passing.maybe_done = any(not isinstance(reply, StoreError) for reply in replies)
        raise passing

    def call(self, command: Command) -> Any:
        """Send one command and return its reply; raises the StoreError it was refused with."""
        (reply,) = self.exchange((command,))
        if isinstance(reply, StoreError):
            raise reply
        return reply

    def _round_trip(self, commands: Sequence[Command | Packed]) -> list[Any]:
        self._send(commands)
        return self._read(commands)

    def _send(self, commands: Sequence[Command | Packed]) -> None:
        connection, sending = self._connection, False
        if not _connected(connection):
            self.connect()  # sending would connect as well, but without asking Sentinel
        try:
            ready = b"".join(each for each in commands if isinstance(each, bytes))
            pieces, sending = [ready] if ready else packed(connection, commands), True
            connection.send_packed_command(pieces)
        except (*GONE, exceptions.RedisError) as error:
            failed = self._failed(error, commands, sending)
            raise failed from failed.__cause__
        except BaseException:
            self.close()
            raise

    def _read(self, commands: Sequence[Command | Packed]) -> list[Any]:
        connection = self._connection
        try:
            replies = [_reply(connection) for _ in commands]
        except (*GONE, exceptions.RedisError) as error:
            failed = self._failed(error, commands)
            raise failed from failed.__cause__
        except BaseException:
            # A half-read reply must never be taken for the answer to the next command.
            self.close()
            raise
        self.used_at = time.monotonic()
        return replies

    def _failed(
        self,
        error: Exception,
        commands: Sequence[Command | Packed],
        sending: bool = True,
        advice: str = "",
    ) -> StoreError:
        """Close, and return *error* in kiq's words, as their cause."""
        self.close()
        failed = translate(error, self.where, advice)
        answered = isinstance(error, _ANSWERS) and len(commands) == 1
        failed.maybe_done = sending and not answered
        return failed

    def connect(self) -> None:
        """Connect now (else the first exchange does). Raises StoreUnavailable or StoreDenied."""
        try:
            self._open()
        except KiqError:
            self.close()
            raise
        except Exception as error:  # noqa: BLE001 (a credential provider of the user's: whatever it raises)
            failed = self._failed(error, (), sending=False, advice=self._connector.advice(error))
            raise failed from failed.__cause__
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        connection = self._connection
        self._connector.prepare(connection)
        connection.connect()  # sending would connect as well, but without asking Sentinel
        self._connector.look_at(connection)
        # Not by redis-py: to it a server without CLIENT is none.
        connection.send_command("CLIENT", "SETNAME", self._connector.name)
        _reply(connection)

    def listen(self, *channels: str) -> None:
        """Subscribe; then only this, heard, messages. What comes meanwhile may be lost. One round trip."""
        self._send([self._connector.keyspace.place(("SUBSCRIBE", *channels))])
        for reply in self._read([()] * len(channels)):
            if isinstance(reply, Exception):
                raise translate(reply, self._connector.where) from reply

    def heard(self) -> int:
        """Read what has been published, without waiting; return how many messages there were."""
        return len(self.messages())

    def messages(self) -> list[bytes]:
        """Do as :meth:`heard` does, and return the messages."""
        found: list[bytes] = []
        try:
            while self._connection.can_read(0):
                found.append(self._connection.read_response(disable_decoding=True)[-1])
        except (*GONE, exceptions.RedisError) as error:
            failed = self._failed(error, ())
            raise failed from failed.__cause__
        return found

    def is_stale(self) -> bool:
        """Tell whether the server has closed this idle connection, or left something unread."""
        try:
            return self.connected and bool(self._connection.can_read(0))
        except (*GONE, exceptions.RedisError):
            return True

    @property
    def connected(self) -> bool:
        """Whether there is a socket."""
        return _connected(self._connection)

    def fileno(self) -> int:
        """Return the socket's file descriptor, for a selector; -1 when not connected."""
        return int(self._connection._sock.fileno()) if self.connected else -1

    def close(self) -> None:
        """Close the connection, unread. In a forked child the parent's socket is left alone."""
        self._connection.disconnect()


def _connected(connection: Any) -> bool:
    # redis-py has a property for it from version 7 on; this attribute is there in 6 too.
    return getattr(connection, "_sock", None) is not None


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response(disable_decoding=True)
    except exceptions.ConnectionError:
        raise
    except exceptions.ResponseError as error:
        return error


class Connector:
    """Makes connections to one Redis.

    *source* is the settings, their URL, or a ``redis.Redis`` that the user built: its connection class
    and arguments are copied, and overridden where kiq must be sure. Raises ConfigError.
    """

    def __init__(self, source: Any, name: str = "kiq") -> None:
        self._source = source_of(source)
        self.name = self._source.name or name
        self.where = self._source.where
        #: How keys and channels are called there.
        self.keyspace = self._source.keyspace

    def prepare(self, connection: Any) -> None:
        """Make sure that an embedded server runs, or ask Sentinel where the master is: before a connect."""
        if self._source.embedded:
            embedded.ensure(self._source.embedded)
        elif self._source.sentinels is not None:
            connection.host, connection.port = self._source.sentinels.master()

    def look_at(self, connection: Any) -> None:
        """Raise StoreUnavailable if who was named as the master says that it is none."""
        if not self._source.named:
            return
        connection.send_command("ROLE")
        if not is_master(_reply(connection)):
            place = f"{connection.host}:{connection.port}"
            raise StoreUnavailable(
                f"{place}, which Sentinel named as the master, is a replica ({self.where}); "
                "Sentinel is asked again"
            )

    def advice(self, error: Exception) -> str:
        """Return what to do about an *error* of TLS when a connection was made; "" where it is none."""
        return self._source.advice(error)

    def open(self, *, timeout: float | None = None) -> Link:
        """Return a link that is not connected yet; *timeout* (seconds) replaces the socket's."""
        others = {} if timeout is None else {"socket_timeout": timeout}
        return Link(self, self._source.connection(**others))
