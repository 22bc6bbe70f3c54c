"""The launcher: builds a worker process, starts it, and takes it down in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from .. import children, kept, machine, scaling, worker_state
from ..clock import steady
from ..config import Config, Redis
from ..errors import StoreUnavailable
from ..plugin import Host, Service
from ..process import Run
from ..registry import Registry
from ..store import processes, server
from ..store.connection import Connector, Link
from . import pieces
from .attached import Attached
from .courier import Courier
from .executor import Executor
from .heartbeat import Heartbeat
from .manager import Manager
from .outage import Outage
from .poller import Poller
from .reclaimer import Reclaimer
from .run_folder import RunFolder
from .stopping import Stop
from .worker import Worker

logger = logging.getLogger("kiq")


def _nothing(_link: Link) -> None:
    return


class Launcher:
    """A worker process: capsules, poller, reclaimer, heartbeat.

    Threads: :meth:`start`, :meth:`mend` and :meth:`stop` on one (the main thread, as a rule);
    :meth:`quiet`, :meth:`order_stop` and :meth:`hurry` on any: they wait for nothing. Build it after
    any fork.
    """

    def __init__(
        self,
        config: Config,
        host: Host,
        registry: Registry,
        *,
        version: str,
        on_signal: Callable[[str, float], None],
        run_folder: Path | None = None,
        connect: Callable[[Redis], Connector] = Connector,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """*on_signal* gets the signals that others send through Redis: "TSTP", "TERM", "TTIN".

        And since when (steady clock) each may have been sent. *connect* makes what opens connections.
        *facts* go into the records of all owners of this process, beside its own.
        """
        self._config = config
        self._host = host
        self._on_signal = on_signal
        self._wanted: dict[str, int] = {}  # by capsule: threads that it was told to have
        self._folder_path = run_folder or machine.run_folder()
        self.worker = Worker(config, host, registry, connect(config.redis), version)
        self._facts = dict(facts or {})
        self.exit_code = 0  # what the process is to end with
        self.server: server.Server | None = None
        self.started = False  # jobs may run
        self._stopped = False
        self._managers: list[Manager] = []

    def prepare(
        self, wait: Callable[[float], bool], check: Callable[[Link], object] = _nothing
    ) -> bool:
        """Make sure that Redis is there and suitable; wait for it, and say so, while it is away.

        *wait* sleeps so many seconds and tells whether to give up. Returns False when it did. *check*
        looks at Redis, too. Raises StoreDenied, StoreUnsuitable, or PluginError for Lua that can't be read.
        """
        link = self.worker.connector.open()
        outage = Outage("start", trouble=self.worker.trouble)
        while True:
            try:
                self._inspect(link, check)
                outage.over()
                return True
            except StoreUnavailable as error:
                link.close()
                if wait(outage.failed(error)):
                    return False
            finally:
                link.close()

    def start(self) -> None:
        """Call the ``startup`` handlers (their errors abort), then start all threads and services."""
        worker = self.worker
        self._host.events.emit_strictly("startup")
        self._host.seal.set(worker.identity)  # what is attached from now on would come too late
        worker_state.begin(worker.state)
        execute = Executor(self._config, self._host, worker.registry, worker.state)
        self._managers = [Manager(worker, capsule, execute) for capsule in self._config.capsules]
        self._poller = Poller(worker)
        self._reclaimer = Reclaimer(worker, self._run_folder)
        self.heartbeat = Heartbeat(
            worker,
            [manager.courier for manager in self._managers],
            self.runs,
            self._hear,
        )
        # Made before any job runs: what a service must know by then, it looks up here, and jobs find
        # what it brings. Started when all else is.
        self.attached = Attached(worker, self._managers, self.end)
        made = [make(self.attached) for make in self._host.services]
        worker.services += [service for service in made if service is not None]
        worker.errands.start()
        self.started = True
        for manager in self._managers:
            manager.start()
        for part in (self.heartbeat, self._reclaimer.loop, self._poller.loop):
            part.start()
        for service in worker.services:
            self._start_service(service)

    def _start_service(self, service: Service) -> None:
        """Start *service* on a thread that may wait for it, and wait as long as nobody orders a stop."""
        errors: list[BaseException] = []
        errand = self.worker.errands.call("service", service.start, failed=errors.append)
        while errand is not None and not errand.over.wait(0.05):
            self.worker.errands.look()
            if self.worker.deadline.at is not None:
                return
        if errors:
            raise errors[0]

    def mend(self) -> bool:
        """Replace threads that have ended unasked, and a heartbeat that hangs; name handlers that hang.

        And have as many threads as somebody has ordered since. Call it every second or so. False when
        a thread can't be replaced.
        """
        self.worker.errands.look()
        self._resize()
        mended = [self.worker.threads.mend(), self.heartbeat.mend(), kept.mend()]
        return all([*mended, *(manager.mend() for manager in self._managers)])

    def _hear(self, signal: str, since: float) -> None:
        """Hear what came through Redis, on the heartbeat's thread."""
        order = scaling.read(signal)
        if order is None:
            self._on_signal(signal, since)
        else:
            threads, capsule = order
            self._wanted[capsule] = threads

    def _resize(self) -> None:
        for manager in self._managers:
            threads = self._wanted.pop(manager.courier.capsule.name, None)
            if threads is not None and not manager.courier.is_quiet:
                manager.resize(threads)
                self.heartbeat.soon()

    def end(self, exit_code: int) -> None:
        """Stop this process in order, as by TERM; it ends with *exit_code*."""
        self.exit_code = exit_code
        self._on_signal("TERM", steady())

    def quiet(self) -> None:
        """Take no more jobs and promote none; what runs goes on. Can't be undone."""
        if not self.started or all(manager.courier.is_quiet for manager in self._managers):
            return
        self.worker.state.stopping.set()
        for manager in self._managers:
            manager.quiet()
        self._poller.loop.stop()
        self.heartbeat.soon()
        logger.info("quiet: no more jobs are taken; those that run may end")
        self.worker.tell("quiet")

    def order_stop(self) -> None:
        """Set the deadline: from now on, running jobs have ``shutdown_timeout``."""
        self.worker.deadline.set(self._config.shutdown_timeout)
        if self.started:
            self.heartbeat.hasten()

    def hurry(self) -> None:
        """Make the shutdown's deadline now."""
        self.worker.deadline.hurry()

    def runs(self) -> Iterator[Run]:
        """Return whatever may run a job in this process."""
        return chain.from_iterable(manager.runs() for manager in self._managers)

    @property
    def couriers(self) -> list[Courier]:
        """Those who fetch, one for each capsule."""
        return [manager.courier for manager in self._managers]

    @property
    def idle(self) -> bool:
        """Whether no job runs or waits here; final once :meth:`quiet` was called."""
        return all(manager.idle for manager in self._managers)

    def stop(self) -> None:
        """Go quiet, give running jobs until ``shutdown_timeout``, give the rest back, and leave.

        Returns when that is done; the caller then ends the process (``os._exit``: a thread that is
        stuck in a job can't be ended otherwise). Takes the timeout and some five seconds at most; once
        it has returned, no time at all.
        """
        if self._stopped:
            return
        self._stopped = True
        try:
            if self.started:
                self._stop()
            else:
                self._run_folder.unlock()
        finally:
            worker_state.end(self.worker.state)
            if not worker_state.running:
                children.unwatch()
            self._host.seal.lift(self.worker.identity)

    def _stop(self) -> None:
        self.order_stop()
        stop = Stop(
            self.worker,
            self._managers,
            self._poller,
            self._reclaimer,
            self.heartbeat,
            self._run_folder,
        )
        stop.run(self.quiet)

    def _inspect(self, link: Link, check: Callable[[Link], object]) -> None:
        self.server = server.inspect(link)
        check(link)
        pieces.check(link, self._host)
        self._run_folder = RunFolder(
            self._folder_path, processes.store_id(link), self.worker.identity
        )
        self.worker.facts = {
            **self._facts,
            "identity": self.worker.identity,
            "started_at": self.worker.started_at,
            **self._run_folder.lock(),
        }
