"""A server as it is seen from some distance, and a look at how true the distance is."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from support import BenchmarkError, Program, Server, environment, wait_until

_PROXY = Path(__file__).with_name("delay_proxy.py")
_START_SECONDS = 20.0
_ANSWER_SECONDS = 10.0
_WARM_UP = 50  # pings
_TRIALS = 300  # pings


class Distant:
    """*server* through a proxy, *milliseconds* away (there and back); a context manager ends it.

    So far away is it for the fastest PING: what the proxy always takes for itself is part of the way.
    What it takes now and then, on a busy machine, is not; so nothing comes nearer than it should.
    Raises BenchmarkError if the proxy can't start.
    """

    def __init__(self, server: Server, milliseconds: float) -> None:
        self._server = server
        self._program = self._start(milliseconds)
        try:
            excess = min(round_trips(self.url(), _TRIALS)) * 1000 - milliseconds
            if milliseconds and excess > 0:
                self._program.end()
                self._program = self._start(max(0.0, milliseconds - excess))
        except BaseException:
            self._program.end()
            raise

    def __enter__(self) -> Distant:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.end()

    def url(self) -> str:
        """Return the URL of database 0, seen from there. Raises BenchmarkError if it has ended."""
        said = wait_until(
            # A line that is being written has no end yet.
            lambda: self._program.log.rpartition("\n")[0],
            _START_SECONDS,
            "the delay proxy listens",
            program=self._program,
        )
        return f"redis://127.0.0.1:{said}/0"

    def _start(self, milliseconds: float) -> Program:
        url = self._server.url()
        command = (sys.executable, str(_PROXY), str(_port(url)), f"{milliseconds:g}")
        return Program(command, self._server.folder, environment(url))


def round_trips(url: str, count: int) -> list[float]:
    """Send PING *count* times, each after the answer to the one before; return seconds of each.

    By a bare socket: what a client library adds is not the distance. Raises BenchmarkError for
    another answer than PONG.
    """
    with socket.create_connection(("127.0.0.1", _port(url)), _ANSWER_SECONDS) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(_WARM_UP):
            _ping(line)
        return [_ping(line) for _ in range(count)]


def _ping(line: socket.socket) -> float:
    began = time.perf_counter()
    line.sendall(b"PING\r\n")
    answer = line.recv(100)
    seconds = time.perf_counter() - began
    if answer != b"+PONG\r\n":
        raise BenchmarkError(f"PING was answered by {answer!r}: is this the private server?")
    return seconds


def _port(url: str) -> int:
    port = urlsplit(url).port
    if port is None:
        raise BenchmarkError(f"{url} has no port: the delay proxy needs a server reached by TCP")
    return port
