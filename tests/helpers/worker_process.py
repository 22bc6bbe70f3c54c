"""Worker processes for tests, watched from outside: their log, their exit code, their signals."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kiq.client import Client
from kiq.config import Codec
from kiq.config import Redis as RedisSettings
from tests.helpers.namespaced import store_of
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

ROOT = Path(__file__).parents[2]
KIQ = (sys.executable, "-m", "kiq")
READY = "ready; stop it with Ctrl-C"
#: The module with the jobs that most tests need.
JOBS = "tests.helpers.jobs"
#: For a worker that must end while a job is stuck in C code: CPython 3.11 spins for ever in whatever
#: thread is traced while an exception waits for another thread to come back from C.
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": None, "COVERAGE_PROCESS_START": None}
#: Code that waits in C for ever: no signal wakes it, so that Python runs no handler in its thread.
DEADLOCK = (
    "import ctypes\nmutex = ctypes.create_string_buffer(64)\n"
    "for _ in range(2): ctypes.CDLL(None).pthread_mutex_lock(mutex)"
)

_databases = itertools.cycle(range(1, 16))


class WorkerProcess:
    """A program in a session of its own; what it writes goes to a file.

    Use it as a context manager, or call :meth:`end`: it never outlives the test.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                list(command),
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._signalled_at = 0.0

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def log(self) -> str:
        """What it has written so far, standard output and error together."""
        return self._log.read_text(errors="replace")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def identity(self) -> str:
        """The name under which it is listed in Redis."""
        return self.log.split("this process is ", 1)[1].split()[0]

    def says(self, *words: str, timeout: float = 10) -> str:
        """Wait until one line of the log holds all of *words*; return that line."""

        def found() -> str | None:
            return next((line for line in self.lines if all(word in line for word in words)), None)

        try:
            return str(eventually(found, timeout, message=f"a line with {words}"))
        except AssertionError as error:
            raise AssertionError(f"{error}; the log:\n{self.log}") from None

    @property
    def lines(self) -> list[str]:
        """The log, line by line."""
        return self.log.splitlines()

    def wait_until_ready(self, timeout: float = 20) -> WorkerProcess:
        """Wait until it takes jobs; fail with its log when it ends before that."""
        eventually(
            lambda: READY in self.log or not self.running,
            timeout,
            message=f"the worker is ready; its log:\n{self.log}",
        )
        assert READY in self.log, f"it ended with {self.wait()}:\n{self.log}"
        return self

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.running, "it has ended: its pid may be another process's by now"
        self._signalled_at = time.monotonic()
        os.kill(self.pid, number)

    def signal_again(self, number: signal.Signals) -> None:
        """Send it another signal, so long after the last that two orders to stop are two."""
        until = self._signalled_at + 1.1
        eventually(lambda: time.monotonic() > until, 2)
        self.signal(number)

    def stop_where_it_is(self) -> None:
        """Freeze it (SIGSTOP), and wait until it stands still. SIGCONT lets it go on."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def wait(self, timeout: float = 15) -> int:
        """Wait for its end; return the exit code, minus the signal where one ended it."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s:\n{self.log}") from None

    def stop(self, timeout: float = 15) -> int:
        """Send TERM and wait for the end; return the exit code."""
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def end(self) -> None:
        """End it in whatever way, with what it has forked; harmless when repeated."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(4)
            except subprocess.TimeoutExpired:
                pass  # what is stuck gets SIGKILL
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nothing of it is left
        self._process.wait(5)


class Site:
    """A folder and an empty database, in which worker processes run; :meth:`close` ends them all."""

    def __init__(self, server: TestServer, folder: Path, codec: Codec = "msgpack") -> None:
        self.server = server
        self.folder = folder
        # A run folder of our own: lock files of killed workers go with the server.
        self._run = server.folder / "run"
        self.database = next(_databases)
        self.url = server.url_of(self.database)
        self.store = store_of(self.url)
        self.store.flushdb()
        self.client = Client(RedisSettings(url=self.url), codec=codec)
        self._started: list[WorkerProcess] = []

    def run(
        self, *arguments: str, command: Sequence[str] = KIQ, **environment: str | None
    ) -> WorkerProcess:
        """Start ``kiq *arguments`` and return at once. *environment* adds (None removes) variables."""
        # Nothing that is set around the tests may reach the process, but what coverage needs.
        ours = ("KIQ_", "REDIS_URL", "APP_ENV", "NO_COLOR")
        outside = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        added = {
            "REDIS_URL": self.url,
            "JOBS_REDIS_URL": self.url,
            "PYTHONPATH": str(ROOT),
            "KIQ_RUN_DIR": str(self._run),
            **environment,
        }
        given = {name: value for name, value in added.items() if value is not None}
        variables = {
            name: value for name, value in outside.items() if added.get(name, "") is not None
        }
        log = self.folder / f"log-{len(self._started)}"
        process = WorkerProcess([*command, *arguments], self.folder, {**variables, **given}, log)
        self._started.append(process)
        return process

    def start(self, *arguments: str, **environment: str | None) -> WorkerProcess:
        """Start a worker with the jobs of :mod:`tests.helpers.jobs`; return it when it is ready."""
        return self.run("-r", JOBS, *arguments, **environment).wait_until_ready()

    def write(self, name: str, text: str) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def push(self, job: str, *arguments: Any, **fields: Any) -> str:
        """Push a job of :mod:`tests.helpers.jobs` by its name; *fields* are more of the payload."""
        payload = {"class": f"{JOBS}.{job}", "args": list(arguments), **fields}
        return str(self.client.push(payload))

    @property
    def notes(self) -> list[str]:
        """What jobs have noted, in order."""
        found: Any = self.store.lrange("notes", 0, -1)
        return [note.decode() for note in found]

    def noted(self, *texts: str, timeout: float = 10) -> None:
        """Wait until jobs have noted all of *texts*."""
        wanted = set(texts)
        try:
            eventually(lambda: wanted <= set(self.notes), timeout, message=f"notes {texts}")
        except AssertionError as error:
            logs = "\n".join(process.log for process in self._started)
            raise AssertionError(f"{error}; noted {self.notes}; logs:\n{logs}") from None

    def release(self, label: str) -> None:
        """Let the ``Hold`` job *label* end."""
        self.store.set(f"release:{label}", 1)

    def count(self, key: str) -> int:
        """Return how many jobs are at *key*: ``queue:default``, ``retry``, ``schedule``, ``dead``."""
        return int(self.store.llen(key) if key.startswith("queue:") else self.store.zcard(key))  # type: ignore[arg-type]

    def hurry(self, key: str) -> None:
        """Make everything in a sorted set due now."""
        for member in self.store.zrange(key, 0, -1):  # type: ignore[union-attr]
            self.store.zadd(key, {member: 1})

    def close(self) -> None:
        """End every process of this site, and empty its database."""
        for process in self._started:
            process.end()
        self.store.flushdb()
        self.store.close()
