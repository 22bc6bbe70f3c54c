"""A worker on threads of a process that is something else."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from .. import boot, config_file
from ..cli import needs, no_jobs, restarts, rubys
from ..client import configured
from ..clock import steady
from ..codec import decode
from ..config import Config
from ..context import running as running_job
from ..errors import BootError, ConfigError, KiqError, UndecodablePayload
from ..kept import make_own
from ..plugin import host
from ..registry import registry
from ..signals import DUMP, QUIET, STOP, log_stacks
from ..store.connection import Link
from ..work.launcher import Launcher
from .place import leave, take

logger = logging.getLogger("kiq")

#: Not by an import: kiq names this package for type checkers, and that would be a circle.
_VERSION: str = sys.modules["kiq"].__version__

_CONCURRENCY = 2  # threads, where nothing says otherwise: the program has work of its own
_LOOK = 1.0  # seconds between two looks at the worker's threads
_WITHOUT_THREAD = 10.0  # seconds in which a new thread may be had for one that has ended
_BEYOND = 6.0  # seconds beyond its timeout that a stop may take

State = Literal["new", "starting", "running", "stopping", "stopped"]


class EmbeddedWorker:
    """A worker on threads of this process; made by :func:`kiq.embed`. One at a time in a process.

    Threads: any may call its methods. A forked child has a copy that runs nothing, and may start it.
    """

    def __init__(self, flags: Mapping[str, Any]) -> None:
        self._flags = dict(flags)
        self._lock = threading.Lock()
        self.state: State = "new"
        self._launcher: Launcher | None = None
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._timeout = 0.0
        self._awaited = False  # by who starts it
        self._ordered = threading.Event()  # a stop was
        self._settled = threading.Event()  # it takes jobs, or can't

    def __enter__(self) -> EmbeddedWorker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<EmbeddedWorker {self.identity or ''} {self.state}>"

    @property
    def running(self) -> bool:
        """Whether it takes jobs, or has some to end."""
        return self.state == "running"

    @property
    def identity(self) -> str | None:
        """Its name in Redis, as ``kiq ps`` shows it; None before its first start."""
        return self._launcher.worker.identity if self._launcher is not None else None

    def start(self, wait: float = 10.0) -> bool:
        """Start it, and wait until it takes jobs. Once it has been stopped it may be started again.

        While Redis can't be reached it tries on; after *wait* seconds in the background, and False is
        returned. Raises BootError if this process has a worker, or a ``startup`` handler fails, ConfigError
        without a job class, StoreDenied, StoreUnsuitable, PluginError.
        """
        with self._lock:
            if self.state in ("starting", "running", "stopping") or not take(self):
                raise BootError(
                    "this process has a worker already: one is enough, with as many threads as you want "
                    "(concurrency). Stop that one first"
                )
            self._reset("starting")
        try:
            config = self._application()
            thread = threading.Thread(
                target=self._run, args=(config,), name="kiq-embed", daemon=True
            )
            self._thread = thread
            thread.start()
        except BaseException:
            self._over()
            raise
        atexit.register(self.stop)  # also of a program that ends while it still begins
        self._settled.wait(wait)
        with self._lock:  # from here on nobody waits: what goes wrong is told by the log
            self._awaited, error = False, self._error
        if error is not None:
            atexit.unregister(self.stop)
            raise error
        # Once more, to be called first: before what its parts, and plugins, have had registered.
        atexit.unregister(self.stop)
        atexit.register(self.stop)
        return self.running

    def quiet(self) -> None:
        """Take no more jobs; those that run go on. Can't be undone but by a stop and a start."""
        self._hear("TSTP")

    def stop(self, timeout: float | None = None) -> bool:
        """Stop it in order, and wait for that: jobs have *timeout* seconds, by default the setting.

        Then they get ``kiq.Shutdown`` raised, and go back to their queues. False if one of them runs on
        all the same: Python can't end a thread, and another worker will run that job too. Harmless when it
        does not run, or in a forked child.
        """
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        atexit.unregister(self.stop)
        launcher = self._launcher
        if launcher is not None and timeout is not None:
            launcher.worker.deadline.set(timeout)
        self._ordered.set()
        most = (timeout if timeout is not None else self._timeout) + _BEYOND
        thread.join(most)
        return not thread.is_alive() and not (launcher is not None and any(_left(launcher)))

    def settings(self, *, pending: bool = False) -> Config:
        """Return its settings. *pending*: its plugins may not be loaded yet. Raises ConfigError."""
        document, _ = configured().get(config_file.STARTED, (None, {}))
        given = dict(configured()) | {config_file.STARTED: (document, self._flags)}
        found = config_file.settings(given, pending=pending)
        capsules = tuple(
            capsule
            if _origin(found, capsule.name) != "default"
            else replace(capsule, concurrency=_CONCURRENCY)
            for capsule in found.capsules
        )
        return replace(found, capsules=capsules)

    # What follows is its thread's, but for what is said to be another's.

    def _reset(self, state: State) -> None:
        self.state = state
        self._launcher = self._thread = self._error = None
        self._awaited = state == "starting"
        self._ordered, self._settled = threading.Event(), threading.Event()

    def _application(self) -> Config:
        """Import its modules and attach its plugins; on the thread that starts it."""
        boot.import_application(self.settings(pending=True).require)
        boot.load_plugins(self.settings(pending=True).plugins)
        config = self.settings()
        if not registry.all():
            raise ConfigError(no_jobs.why(config.require))
        boot.install_plugins(host, config.plugins, config.disable_plugins)
        self._timeout = config.shutdown_timeout
        return config

    def _run(self, config: Config) -> None:
        make_own()
        try:
            self._launcher = launcher = Launcher(
                config, host, registry, version=_VERSION, on_signal=self._signalled
            )
            self._work(launcher, config)
        except BaseException as error:
            with self._lock:
                self._error = error
                told = self._awaited and not self._settled.is_set()
            if not told:
                logger.critical("the embedded worker failed: %r", error, exc_info=error)
        finally:
            self._over()

    def _work(self, launcher: Launcher, config: Config) -> None:
        launcher.worker.state.info["embedded"] = True

        def check(link: Link) -> None:
            needs.check(link)
            rubys.check(link, config)

        if not launcher.prepare(self._ordered.wait, check):
            return
        restarts.excuse(launcher.worker)
        try:
            _start(launcher)
            self.state = "running"
            self._settled.set()
            logger.info("an embedded worker takes jobs: %s", launcher.worker.identity)
            self._watch(launcher)
        finally:
            self.state = "stopping"
            launcher.stop()
            for jid in _left(launcher):
                logger.error(
                    "a job does not end: it runs on here, and runs again elsewhere: %s", jid
                )

    def _watch(self, launcher: Launcher) -> None:
        whole_at = steady()
        while not self._ordered.wait(_LOOK):
            if launcher.mend():
                whole_at = steady()
            elif steady() - whole_at > _WITHOUT_THREAD:
                logger.critical("a thread that kiq needs can't be had: the embedded worker stops")
                return

    def _over(self) -> None:
        self.state = "stopped"
        leave(self)
        self._settled.set()

    def _signalled(self, name: str, _since: float) -> None:
        """On a thread of the worker: act on what somebody sent by ``kiq stop`` and its like."""
        self._hear(name)

    def _hear(self, name: str) -> None:
        launcher = self._launcher
        if name in STOP:
            self._ordered.set()
        elif name in QUIET and launcher is not None:
            launcher.quiet()
        elif name in DUMP:
            log_stacks()

    def forked(self) -> None:
        """Be told, in a forked child, that of the worker nothing is here but its memory."""
        atexit.unregister(self.stop)
        started = self.state
        self._lock = threading.Lock()  # another thread may have held it
        self._reset("new")
        if started in ("starting", "running") and running_job.get(None) is None:
            logger.warning(
                "this process was forked from one that has an embedded worker: here none runs. Start "
                "it after the fork (of a web server: in what it calls in each worker process)"
            )


def _start(launcher: Launcher) -> None:
    try:
        launcher.start()
    except KiqError:
        raise
    except BaseException as error:
        raise BootError(f"startup failed: {type(error).__name__}: {error}") from error


def _origin(config: Config, capsule: str) -> str:
    prefix = "" if capsule == "default" else f"capsules.{capsule}."
    return config.origins.get(f"{prefix}concurrency", "default")


def _left(launcher: Launcher) -> list[str]:
    """Return the jids of what runs though the worker has stopped."""
    found = []
    for taken in [run.current for run in launcher.runs()]:
        try:
            if taken is not None:
                found.append(str(decode(taken.raw)[0].get("jid", "?")))
        except UndecodablePayload:
            continue  # it never ran
    return found
