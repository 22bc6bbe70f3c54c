"""This process's embedded servers, one per folder."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from .launcher import join_or_start
from .lease import Lease
from .locate import folder_of
from .ping import Answer, ping
from .place import Place, prepare
from .version import read_stamp

_logger = logging.getLogger("kiq.embedded")


class EmbeddedServer:
    """The server of one folder, as this process uses it; :func:`ensure` makes it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lease: Lease | None = None
        self._kind = ""

    @property
    def folder(self) -> Path:
        """The folder with the data."""
        return self._place.folder

    @property
    def socket(self) -> Path:
        """The unix socket that the server listens on."""
        return self._place.socket

    @property
    def url(self) -> str:
        """The URL for a Redis client, database 0."""
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def description(self) -> str:
        """One line: which server, which version, where its data are."""
        return f"embedded {self._kind} (for development), data in {self.folder}"

    def close(self) -> None:
        """Give up this process's share; the server ends when nobody else has one.

        For all of this process, which has one share. A later :func:`ensure` takes a new one.
        """
        with _lock:
            self._give_up()

    def _give_up(self) -> None:
        if self._lease is not None:
            self._lease.close()
            self._lease = None

    def _secure(self) -> str | None:
        """Make sure that the server is there; return what is to be announced."""
        if self._is_there():
            return None
        self._give_up()
        self._place = prepare(self.folder)
        self._lease, started = join_or_start(self._place)
        try:
            self._kind = str(read_stamp(self.folder) or "server of unknown version")
        except BaseException:
            self._give_up()
            raise
        return f"{'started' if started else 'joined'} the {self.description}"

    def _is_there(self) -> bool:
        if self._lease is None or not self._lease.alive:
            return False
        # A busy server is there: to wait for it, or to give up, is the caller's matter.
        return ping(self.socket, timeout=0.25) is not Answer.ABSENT


_lock = threading.Lock()
_servers: dict[Path, EmbeddedServer] = {}
# A URL means the same folder for the life of the process, wherever it changes directory to.
_folders: dict[str, Path] = {}

# A fork waits for a start that is under way, or the child would keep its locks for ever.
os.register_at_fork(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
)


def ensure(url: str, *, announce: Callable[[str], None] | None = None) -> EmbeddedServer:
    """Return the running server of an embedded *url*, joined or started.

    To be called before each connection: it costs about a tenth of a millisecond while the server is
    there, and starts it again when it has died. The server runs until the last process that has a
    share in it ends, in whatever way, or closes it; a forked child shares its parent's.
    *announce* gets one line when the server was joined or started; by default it is logged to
    ``kiq.embedded`` at level INFO, or written to stderr by a program that has set up no logging: who
    pushes must see where the jobs are. Raises EmbeddedServerError.
    """
    with _lock:
        folder = _folders.get(url)
        if folder is None:
            folder = _folders[url] = folder_of(url)
        server = _servers.get(folder)
        if server is None:
            server = _servers[folder] = EmbeddedServer(prepare(folder))
        news = server._secure()
    if news is not None:
        (announce or _announce)(news)
    return server


def _announce(news: str) -> None:
    if _logger.hasHandlers():
        _logger.info(news)
    else:
        sys.stderr.write(f"kiq: {news}\n")
