"""A real server for tests, which they may kill, pause and restart."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kiq.embedded.lease import Lease
from kiq.embedded.locate import find_binary, named_binary
from kiq.embedded.ping import Answer, ping
from kiq.embedded.supervisor import supervise
from kiq.embedded.version import version_of
from tests.helpers.namespaced import NAMESPACE, client_class, url_here
from tests.helpers.strays import STRAY
from tests.helpers.waiting import eventually


def binary_under_test() -> Path:
    """Return the server that ``KIQ_TEST_REDIS_SERVER`` names, else the one that kiq would embed."""
    named = os.environ.get("KIQ_TEST_REDIS_SERVER")
    return named_binary("KIQ_TEST_REDIS_SERVER", named) if named else find_binary()


_ROOM = 1 << 30  # bytes


#: A master waits five seconds for more replicas before it lets one have its data.
_AT_ONCE = ("--repl-diskless-sync-delay", "0")


class TestServer:
    """One server on a unix socket and on a loopback port, without persistence unless asked for.

    It runs from construction to :meth:`stop`, and never outlives this process, kill -9 included.
    Restarts keep socket, port and folder, so with *aof* the data come back. *extra* are further
    options of the server, such as ``"--maxmemory", "10mb"``; *through* is a command that runs it.
    """

    __test__ = False  # not a test class, in spite of its name

    def __init__(
        self,
        *extra: str,
        aof: Literal["everysec", "always"] | None = None,
        through: Sequence[str] = (),
    ) -> None:
        self.binary = binary_under_test()
        self.version = version_of(self.binary)
        self.folder = Path(tempfile.mkdtemp(prefix="kiq-test-", dir=_home()))
        self.socket = self.folder / "s"
        self.port = free_port()
        self._options = [*self._persistence(aof), *self._debugging(), *_AT_ONCE, *extra]
        self._through = through
        self._clients: list[redis.Redis] = []
        self._lease: Lease | None = None
        self.pid = 0
        self._start()

    @property
    def url(self) -> str:
        """The URL of database 0; see :meth:`url_of`."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """Return the URL of *database*, by the unix socket, or by TCP if ``KIQ_TEST_BY`` says so."""
        if os.environ.get("KIQ_TEST_BY") == "tcp":
            return url_here(f"redis://127.0.0.1:{self.port}/{database}")
        return url_here(f"unix://{self.socket}?db={database}")

    @property
    def tcp_url(self) -> str:
        """The URL of the loopback port, database 0."""
        return url_here(f"redis://127.0.0.1:{self.port}/0")

    @property
    def alive(self) -> bool:
        """Whether the server's process is there (a paused one is)."""
        return self._lease is not None and self._lease.alive

    def client(self) -> redis.Redis:
        """Return a new redis client, closed by :meth:`stop`: RESP2, bytes, no retries, 5 s."""
        client = client_class(NAMESPACE)(
            unix_socket_path=str(self.socket),
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=5,
            decode_responses=False,
        )
        self._clients.append(client)
        return client

    def flush(self) -> None:
        """Empty every database, and forget all scripts and counters of commands."""
        client = self.client()
        client.flushall()
        client.script_flush()
        client.config_resetstat()
        client.close()
        self._clients.remove(client)

    def pause(self) -> None:
        """Stop the server where it stands (SIGSTOP): connections stay, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the server with SIGKILL and wait until it is gone."""
        self._signal(signal.SIGKILL)
        eventually(lambda: not self.alive, message="the server dies of SIGKILL")

    def restart(self) -> None:
        """Start it again, after an orderly end if it still runs."""
        self.end()
        self._start()

    def stop(self) -> None:
        """End the server and remove its files; harmless when repeated."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        self.end()
        there = (self.folder / "log").exists()
        strays = [line for line in self.log().splitlines() if STRAY in line] if there else []
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not strays, "\n".join(dict.fromkeys(strays))

    def log(self) -> str:
        """Return what the server has written to its log."""
        return (self.folder / "log").read_text(errors="replace")

    def _start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._lease, reader = Lease.private()
        log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            supervise(self._command(), lease=reader, lock=log, log=log)
        finally:
            os.close(reader)
            os.close(log)
        eventually(self._is_ready, timeout=20, interval=0.002, message="the server starts")
        client = self.client()
        self.pid = int(client.info("server")["process_id"])
        client.close()
        self._clients.remove(client)

    def _is_ready(self) -> bool:
        if not self.alive:
            raise RuntimeError(f"{self.binary} ended while it started:\n{self.log()[-2000:]}")
        return ping(self.socket, timeout=1) is Answer.READY

    def end(self) -> None:
        """End the server in order (SIGTERM); harmless when repeated. Its files stay."""
        if self._lease is None:
            return
        if self.alive:
            self._signal(signal.SIGCONT)  # a paused server hears no SIGTERM
            self._signal(signal.SIGTERM)
            eventually(lambda: not self.alive, timeout=15, message="the server ends")
        self._lease.close()
        self._lease = None

    def _signal(self, number: signal.Signals) -> None:
        assert self.alive, "the server does not run: its pid may be another process's by now"
        os.kill(self.pid, number)

    def _command(self) -> list[str]:
        return [
            *(*self._through, str(self.binary), "--dir", str(self.folder), "--daemonize", "no"),
            *("--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--bind", "127.0.0.1", "--port", str(self.port)),
            *self._options,
        ]

    def _persistence(self, aof: str | None) -> list[str]:
        if aof is None:
            return ["--save", "", "--appendonly", "no"]
        return ["--save", "", "--appendonly", "yes", "--appendfsync", aof]

    def _debugging(self) -> list[str]:
        return ["--enable-debug-command", "yes"] if self.version.number >= (7,) else []


def _home() -> Path:
    """Return where servers keep their data: in memory if there is room, for a slow disk holds writes up.

    With ``everysec`` such writes are lost when the server is killed. Not TMPDIR: a socket's path must
    be short.
    """
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM:
        return memory
    return Path("/tmp")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
