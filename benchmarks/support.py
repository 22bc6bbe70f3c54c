"""What every measurement needs: a private server, and programs that end with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis

from kiq.embedded.lease import Lease
from kiq.embedded.locate import find_binary
from kiq.embedded.ping import Answer, ping
from kiq.embedded.supervisor import supervise
from kiq.embedded.version import version_of

APPS = Path(__file__).resolve().parent / "apps"

_ORDERLY_SECONDS = 20.0
#: Variables that would reach into what is measured, such as another REDIS_URL or a debug mode.
_KEPT_OUT = ("KIQ_", "REDIS_URL", "APP_ENV", "PYTHON", "RQ_", "dramatiq_", "COV", "NODE_")


class BenchmarkError(Exception):
    """A measurement can't be made; the text says why and what to do."""


class Server:
    """A private server on a unix socket and a loopback port, without persistence.

    Use it as a context manager. It never outlives this process, kill -9 included. *options* are
    further options of the server. Raises EmbeddedServerError when there is no server to run.
    """

    def __init__(self, *options: str) -> None:
        self.binary = find_binary()
        self.version = str(version_of(self.binary))
        # /tmp and not TMPDIR: a socket's path must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="kiq-bench-", dir="/tmp"))
        self._options = options
        self._socket = self.folder / "s"
        self._port = _free_port()
        self._clients: list[redis.Redis] = []
        self._pid = 0
        self._lease, reader = Lease.private()
        try:
            self._start(reader)
        except BaseException:
            self.stop()
            raise
        finally:
            os.close(reader)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, transport: str = "tcp") -> str:
        """Return the URL of database 0 by *transport*: ``tcp`` (loopback) or ``unix``."""
        if transport == "unix":
            return f"unix://{self._socket}?db=0"
        return f"redis://127.0.0.1:{self._port}/0"

    def client(self, transport: str = "unix") -> redis.Redis:
        """Return a client with a pool of its own, as redis-py makes it; :meth:`stop` closes it."""
        client = redis.Redis.from_url(self.url(transport))
        self._clients.append(client)
        return client

    def empty(self) -> None:
        """Remove all data, and start the counters of commands anew."""
        client = self.client()
        client.flushall()
        client.config_resetstat()
        self._clients.remove(client)
        client.close()

    def stop(self) -> None:
        """End the server and remove its folder; harmless when repeated."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self._pid and self._lease.alive:
            os.kill(self._pid, signal.SIGTERM)
            wait_until(lambda: not self._lease.alive, 15, "the server ends")
        self._lease.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, reader: int) -> None:
        log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            supervise(self._command(), lease=reader, lock=log, log=log)
        finally:
            os.close(log)
        wait_until(self._is_ready, 20, f"{self.binary} starts")
        info: Any = self.client().info("server")
        self._pid = int(info["process_id"])

    def _is_ready(self) -> bool:
        if not self._lease.alive:
            said = (self.folder / "log").read_text(errors="replace")[-2000:]
            raise BenchmarkError(f"{self.binary} ended while it started:\n{said}")
        return ping(self._socket, timeout=1) is Answer.READY

    def _command(self) -> list[str]:
        return [
            *(str(self.binary), "--dir", str(self.folder), "--daemonize", "no"),
            *("--unixsocket", str(self._socket), "--unixsocketperm", "700"),
            *("--bind", "127.0.0.1", "--port", str(self._port)),
            *("--save", "", "--appendonly", "no", *self._options),
        ]


class Program:
    """A program in a session of its own, whose output goes to a file; a context manager ends it.

    With *pinned* it and its children run on CPU 0 alone.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        pinned: bool = False,
    ) -> None:
        self.command = [*(_pinning() if pinned else ()), *command]
        handle, name = tempfile.mkstemp(prefix="log-", dir=folder)
        self._log = Path(name)
        with os.fdopen(handle, "wb") as output:
            self._process = subprocess.Popen(
                self.command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")

    def check(self) -> None:
        """Raise BenchmarkError, with the end of its log, if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise BenchmarkError(
                f"{' '.join(self.command)} ended with {code}, before the measurement was over. "
                f"It said:\n{self.log[-2000:]}"
            )

    def cpu_seconds(self) -> float | None:
        """Return the CPU time that the process itself has used; None where that is not told."""
        try:
            # The number by which Linux names the CPU clock of another process, exact to the
            # nanosecond: what wait4 tells comes at its end only, with imports and all.
            return time.clock_gettime(~self.pid << 3 | 2)
        except OSError:
            return None

    def peak_memory(self) -> int | None:
        """Return its largest resident size so far, in bytes; None where that is not told."""
        # Not ru_maxrss, which begins with the size of the process that started it.
        try:
            text = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return None
        sizes = [line.split()[1] for line in text.splitlines() if line.startswith("VmHWM:")]
        return int(sizes[0]) * 1024 if sizes else None

    def end(self) -> None:
        """End it with what it has forked, in order if it can; harmless when repeated."""
        try:
            if self._process.poll() is None:
                self._process.terminate()
                self._process.wait(_ORDERLY_SECONDS)
        except subprocess.TimeoutExpired:
            pass  # what is stuck gets SIGKILL
        finally:
            self._kill_session()
        self._process.wait(5)

    def _kill_session(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nothing of its session is left


def environment(url: str, **added: str) -> dict[str, str]:
    """Return the variables for a program that works on *url* with the modules of ``apps/``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_KEPT_OUT)}
    return {**kept, "REDIS_URL": url, "PYTHONPATH": str(APPS), **added}


def wait_until(
    condition: Callable[[], Any],
    seconds: float,
    what: str,
    *,
    interval: float = 0.004,
    program: Program | None = None,
) -> Any:
    """Call *condition* every *interval* seconds until it returns something true; return that.

    Raises BenchmarkError after *seconds*, or as soon as *program* has ended.
    """
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if program is not None:
            program.check()
        if time.monotonic() > deadline:
            said = f" Its log ends with:\n{program.log[-2000:]}" if program else ""
            raise BenchmarkError(f"waited {seconds:g} s in vain until {what}.{said}")
        time.sleep(interval)
    return result


def _pinning() -> tuple[str, ...]:
    found = shutil.which("taskset")
    if found is None:
        raise BenchmarkError("--pinned needs the command taskset: leave it out here")
    return (found, "-c", "0")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
