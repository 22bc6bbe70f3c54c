"""The launcher: builds a worker process, starts it, and takes it down in order."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from .. import interruption
from ..clock import steady
from ..codec import decode
from ..config import Config
from ..errors import StoreUnavailable, StoreUnsuitable, UndecodablePayload
from ..plugin import Host, Service
from ..registry import Registry
from ..store import needs, processes, server
from ..store.connection import Link
from ..verdict import Taken
from . import crash_points
from .desk import Run
from .executor import Executor
from .heartbeat import Heartbeat
from .manager import Manager, join
from .outage import Outage
from .poller import Poller
from .processor import Processor
from .reclaimer import Reclaimer
from .run_folder import RunFolder, default_folder
from .worker import Worker

logger = logging.getLogger("kiq")

_AFTER_INTERRUPT = 1.0  # seconds that interrupted jobs have for their last words
_TO_LEAVE = 3.0  # seconds beyond the deadline for writing what is owed and signing off


class Launcher:
    """A worker process: capsules, poller, reclaimer, heartbeat.

    Threads: :meth:`start` and :meth:`stop` on one (the main thread, as a rule); :meth:`quiet` and
    :meth:`hurry` on any. Build it after any fork.
    """

    def __init__(
        self,
        config: Config,
        host: Host,
        registry: Registry,
        *,
        version: str,
        on_signal: Callable[[str], None],
        run_folder: Path | None = None,
    ) -> None:
        """*on_signal* gets the signals that others send through Redis: "TSTP", "TERM", "TTIN"."""
        self._config = config
        self._host = host
        self._on_signal = on_signal
        self._folder_path = run_folder or default_folder()
        self.worker = Worker(config, host, registry, crash_points.connector(config.redis), version)
        self.worker.launcher = self
        self.exit_code = 0  # what the process is to end with
        self.server: server.Server | None = None
        self._deadline_lock = threading.Lock()
        self._deadline: float | None = None
        self._hurried = threading.Event()
        self._managers: list[Manager] = []
        self._services: list[Service] = []
        self._started = False

    def prepare(self, wait: Callable[[float], bool]) -> bool:
        """Make sure that Redis is there and suitable; wait for it, and say so, while it is away.

        *wait* sleeps so many seconds and tells whether to give up. Returns False when it did.
        Raises StoreDenied or StoreUnsuitable.
        """
        link = self.worker.connector.open()
        outage = Outage("start")
        while True:
            try:
                self._inspect(link)
                outage.over()
                return True
            except StoreUnavailable as error:
                link.close()
                if wait(outage.failed(error)):
                    return False
            finally:
                link.close()

    def start(self) -> None:
        """Fire ``startup`` (its errors abort), then start every thread. Returns at once."""
        worker = self.worker
        interruption.stopping.clear()
        self._host.events.emit_strictly("startup")
        execute = Executor(self._config, self._host, worker.registry)
        self._managers = [Manager(worker, capsule, execute) for capsule in self._config.capsules]
        self._poller = Poller(worker)
        self._reclaimer = Reclaimer(worker, self._run_folder)
        self._heartbeat = Heartbeat(
            worker,
            [manager.courier for manager in self._managers],
            self.runs,
            self._on_signal,
        )
        # Made before any job runs: what a service must know by then, it looks up here, and jobs find
        # what it brings. Started when all else is.
        self._services = [make(worker) for make in self._host.services]
        for manager in self._managers:
            manager.start()
        for part in (self._heartbeat, self._reclaimer, self._poller):
            part.thread.start()
        for service in self._services:
            service.start()
        self._started = True

    def processors(self) -> list[Processor]:
        """Return every processor of this process."""
        return [processor for manager in self._managers for processor in manager.processors]

    def replace(self, processor: Processor, taken: Taken) -> bool:
        """Let a new thread do the work of *processor*, which is stuck in *taken*; False if it is not."""
        owner = next(one for one in self._managers if processor in one.processors)
        return owner.replace(processor, taken)

    def end(self, exit_code: int) -> None:
        """Stop this process in order, as by TERM; it ends with *exit_code*."""
        self.exit_code = exit_code
        self._on_signal("TERM")

    def quiet(self) -> None:
        """Take no more jobs and promote none; what runs goes on. Can't be undone."""
        if not self._started or all(manager.courier.is_quiet for manager in self._managers):
            return
        interruption.stopping.set()
        logger.info("quiet: no more jobs are taken; those that run may end")
        for manager in self._managers:
            manager.quiet()
        self._poller.stop()
        self._heartbeat.soon()
        self._host.events.emit("quiet", self._host.report)

    def hurry(self) -> None:
        """Make the shutdown's deadline now."""
        with self._deadline_lock:
            # Under the lock: stop() has either not looked yet, or has set a deadline.
            self._hurried.set()
            if self._deadline is not None:
                self._deadline = min(self._deadline, steady())

    def runs(self) -> Iterator[Run]:
        """Return whatever may run a job in this process."""
        return chain.from_iterable(manager.runs() for manager in self._managers)

    def stop(self) -> None:
        """Go quiet, give running jobs until ``shutdown_timeout``, give the rest back, and leave.

        Returns when that is done; the caller then ends the process (``os._exit``: a thread that is
        stuck in a job can't be ended otherwise). Takes the timeout and some five seconds at most.
        """
        if not self._started:
            self._run_folder.unlock()
            return
        with self._deadline_lock:
            hurried = self._hurried.is_set()
            self._deadline = steady() + (0.0 if hurried else self._config.shutdown_timeout)
        self.quiet()
        self._host.events.emit("shutdown", self._host.report)
        for service in self._services:
            self._stop_service(service)
        self._wait_for_jobs()
        self._interrupt_jobs()
        self._sign_off()
        self._host.events.emit("exit", self._host.report)
        interruption.stopping.clear()  # where the process goes on, its next jobs are not concerned
        logger.info("bye")

    @property
    def _past_deadline(self) -> bool:
        with self._deadline_lock:
            return self._deadline is not None and steady() >= self._deadline

    def _wait_for_jobs(self) -> None:
        while not self._past_deadline and not all(manager.idle for manager in self._managers):
            self._hurried.wait(0.02)

    def _interrupt_jobs(self) -> None:
        running = [taken for manager in self._managers for taken in manager.running]
        if not running:
            return
        logger.warning(
            "%d jobs did not finish in %g s and go back to their queues: %s",
            len(running),
            self._config.shutdown_timeout,
            ", ".join(map(_jid, running[:100])) + (" and others" if len(running) > 100 else ""),
        )
        began = steady()
        while (waited := steady() - began) < _AFTER_INTERRUPT and any(
            manager.running for manager in self._managers
        ):
            for manager in self._managers:
                manager.interrupt(2 * waited)  # so that who waits in a lock has time to end, too
            threading.Event().wait(0.01)

    def _sign_off(self) -> None:
        deadline = steady() + _TO_LEAVE
        for manager in self._managers:
            manager.finish(deadline)
        self._reclaimer.stop()
        stayed = [manager for manager in self._managers if not manager.join(deadline + 1)]
        self._heartbeat.stop()
        for part in (self._poller, self._reclaimer, self._heartbeat):
            join(part.thread, deadline + 1)
        if not stayed and self._poller.left:
            # Not before: a free lock would prove to others that this process is dead. And not when
            # jobs could not be given back: then the lock that its end sets free is to prove just that.
            self._run_folder.unlock()

    def _stop_service(self, service: Service) -> None:
        try:
            service.stop()
        except Exception as error:  # noqa: BLE001 (the shutdown must go on)
            self._host.report(error, {"context": "stopping a service"})

    def _inspect(self, link: Link) -> None:
        self.server = server.inspect(link)
        needs.check(link)
        if self.server.evicts:
            logger.warning(
                "maxmemory-policy is %s: Redis may throw jobs away when it is full; set it to "
                "noeviction",
                self.server.policy,
            )
        self._look_at_rubys(processes.infos(link))
        self._run_folder = RunFolder(
            self._folder_path, processes.store_id(link), self.worker.identity
        )
        self.worker.facts = {
            "identity": self.worker.identity,
            "started_at": self.worker.started_at,
            **self._run_folder.lock(),
        }

    def _look_at_rubys(self, infos: dict[str, dict[str, Any]]) -> None:
        """Refuse to share a database with a Ruby Sidekiq server unless the codec is json.

        Warn where kiq writes for another version of it.
        """
        rubys = {identity: info for identity, info in infos.items() if not info.get("kiq")}
        for identity, info in rubys.items():
            if self._config.codec == "json":
                version = processes.sidekiq_of(info)
                if version != self._config.sidekiq:
                    logger.warning(
                        "a Ruby Sidekiq of version %s works on this database (%s), and kiq writes for "
                        "%d: its pages would show wrong times, no metrics or no busy jobs. Set "
                        "sidekiq: %d",
                        info.get("version", "6 or before"),
                        identity,
                        self._config.sidekiq,
                        version,
                    )
            elif not self._config.allow_ruby_server:
                raise StoreUnsuitable(
                    f"a Ruby Sidekiq server works on this database ({identity}): its poller pops "
                    "scheduled jobs before it can read them, and would lose kiq's in MessagePack. Set "
                    "codec: json, or use another database, or set allow_ruby_server: true if it "
                    "never polls"
                )


def _jid(taken: Taken) -> str:
    try:
        return str(decode(taken.raw)[0].get("jid", "?"))
    except UndecodablePayload:
        return "(undecodable)"
