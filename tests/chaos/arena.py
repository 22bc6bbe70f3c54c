"""A place for a chaos test: a server, worker processes, a producer, and the journal."""

from __future__ import annotations

import itertools
import os
import random
import signal
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import redis

from kiq.client import Client
from kiq.clock import wall
from kiq.config import Redis as RedisSettings
from kiq.errors import StoreError
from kiq.jid import new_jid
from tests.chaos import logs
from tests.chaos.held import held, jid_of
from tests.chaos.hygiene import leftovers, miscounted, registered
from tests.chaos.invariant import repeats
from tests.chaos.journal import Account, Journal, account
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import KIQ, ROOT, WorkerProcess

JOBS = "tests.chaos.jobs"
#: Worker threads of a process, unless a test says otherwise.
THREADS = 10
#: Verdicts that a worker may owe to Redis: with THREADS, what a crash may repeat.
UNSETTLED = 500


class Arena:
    """Everything of one test. :meth:`close` ends the processes; the server is the caller's."""

    def __init__(self, server: TestServer, folder: Path, seed: int = 0) -> None:
        self.server = server
        self.folder = folder
        self.random = random.Random(seed)
        self.journal = Journal(folder / "journal")
        self.store = server.client()
        self.attempted: list[str] = []
        self.acknowledged: list[str] = []
        self.returned_at: dict[str, float] = {}  # job -> when its push returned, epoch seconds
        self.workers: list[WorkerProcess] = []
        self.faults: dict[int, str] = {}  # process -> why jobs that ran in it may run again
        self.cut_short: dict[int, set[str]] = {}  # process -> which of them, where that is known
        self._client = Client(RedisSettings(url=server.url))
        self._logs = itertools.count()

    def start(
        self,
        *,
        url: str | None = None,
        crash: str = "",
        wait: bool = True,
        run: str = "run",
        host: str = "",
        command: Sequence[str] = KIQ,
        **settings: Any,
    ) -> WorkerProcess:
        """Start a worker; *crash* is ``name:n`` of a crash point, *settings* are of the file.

        *run* is another folder of lock files, *host* another name of the machine, *command* another
        way to run ``kiq``.
        """
        settings = {
            "concurrency": THREADS,
            "shutdown_timeout": 5,
            "skip_default_job_logging": "true",
            **settings,
        }
        number = next(self._logs)
        file = self.folder / f"kiq-{number}.yml"
        file.write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
        environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("KIQ_", "COVERAGE_"))
            },
            "CHAOS_JOURNAL": str(self.journal.path),
            "KIQ_RUN_DIR": str(self.folder / run),
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": url or self.server.url,
            **({"KIQ_CRASH_POINT": crash} if crash else {}),
            **({"DYNO": host} if host else {}),
        }
        worker = WorkerProcess(
            [*command, "run", "-r", JOBS, "-C", str(file)],
            self.folder,
            environment,
            self.folder / f"log-{number}",
        )
        self.workers.append(worker)
        return worker.wait_until_ready() if wait else worker

    def push(self, job: str, *arguments: Any, **fields: Any) -> str:
        """Push one job; return its jid. An error of Redis is raised, and the job not acknowledged."""
        jid = new_jid()
        self.attempted.append(jid)
        payload = {"class": f"{JOBS}.{job}", "args": list(arguments), "jid": jid, **fields}
        self._client.push(payload)
        self.acknowledged.append(jid)
        self.returned_at[jid] = wall()
        return jid

    def push_many(self, count: int, job: str = "Quick", *arguments: Any, **fields: Any) -> None:
        """Push *count* jobs of one kind in slices of a thousand."""
        jids = [new_jid() for _ in range(count)]
        self.attempted += jids
        payloads = [
            {"class": f"{JOBS}.{job}", "args": list(arguments), "jid": jid, **fields}
            for jid in jids
        ]
        self._client.push_slices(payloads)
        self.acknowledged += jids
        self.returned_at.update(dict.fromkeys(jids, wall()))

    def try_to_push(self, job: str, *arguments: Any) -> bool:
        """Push one job while Redis may be away; return whether it was acknowledged."""
        try:
            self.push(job, *arguments)
        except StoreError:
            return False
        return True

    def mixed(self, count: int) -> None:
        """Push a seeded mix: most are quick, some fail once, some are scheduled."""
        kinds = self.random.choices(("quick", "fails", "later"), (90, 5, 5), k=count)
        self.push_many(kinds.count("quick"))
        self.push_many(kinds.count("fails"), "FailsOnce")
        for delay in (0.0, 1.0, 2.0):
            self.push_many(kinds.count("later") // 3, at=wall() + delay)

    def kill(self, worker: WorkerProcess) -> None:
        """Kill -9 *worker*, and wait until it is gone."""
        if worker.running:
            worker.signal(signal.SIGKILL)
        worker.wait()

    def crash(self, worker: WorkerProcess) -> None:
        """Kill -9 *worker*; note what had started in it and was not settled: that may run again."""
        worker.stop_where_it_is()  # so that nobody gives its jobs back while they are counted
        try:
            known = any(f":{worker.pid}:" in owner for owner in registered(self.store))
            flying = self._in_flight(worker.pid)
        except redis.RedisError:
            known = False
        if known:  # else Redis is away, or it was reclaimed before: THREADS + UNSETTLED holds
            begun = {j for word, j, pid in self.journal.lines() if pid == str(worker.pid)}
            self.cut_short[worker.pid] = begun & flying
        self.kill(worker)

    def _in_flight(self, pid: int) -> set[str]:
        client: Any = self.store
        keys = client.scan_iter(f"kiq:inflight:*:{pid}:*", count=1000)
        return {jid_of(raw) for key in keys for raw in client.hvals(key)}

    def may_repeat(self, worker: WorkerProcess, why: str) -> None:
        """Log a fault of *worker*: what had started in it and is not settled may run again.

        Of a death by a signal and of a lost lease :meth:`verify` knows by itself.
        """
        self.faults[worker.pid] = why

    def await_ended(self, count: int, timeout: float = 20) -> None:
        """Wait until *count* jobs have ended."""
        try:
            eventually(
                lambda: len(self.journal.ended()) >= count, timeout, message=f"{count} jobs ended"
            )
        except AssertionError:
            raise AssertionError(f"{self.account()}\n{self.report()}") from None

    def await_all(
        self,
        timeout: float = 30,
        besides: Iterable[str] = (),
        *,
        may_die: bool = False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Account:
        """Wait until every acknowledged job (*besides* some) ended, or is dead where it *may_die*."""
        wanted = set(self.acknowledged) - set(besides)

        def done() -> bool:
            meanwhile()
            left = wanted - self.journal.ended()
            return not left or (may_die and left <= set(self.dead()))

        try:
            eventually(done, timeout, interval=0.05, message="every acknowledged job ends")
        except AssertionError:
            raise AssertionError(f"{self.account()}\n{self.report()}") from None
        return self.account()

    def await_rest(self, timeout: float = 15) -> None:
        """Wait until nothing waits and nothing is in flight: verdicts are written, too."""
        try:
            eventually(lambda: not self.held(), timeout, message="nothing is left in Redis")
        except AssertionError:
            raise AssertionError(f"left: {self.held()}\n{self.report()}") from None

    def verify(
        self,
        timeout: float = 30,
        besides: Collection[str] = (),
        *,
        counted: bool = True,
        may_die: bool = False,
    ) -> Account:
        """Wait until all is done, and check the whole invariant; return the account.

        Every acknowledged job (*besides* some) has ended; none is lost, stuck or unexpected; each
        repeat is explained by a fault of the process that ran it, and no process explains more than
        one job a thread and what may be unsettled; nothing of a gone owner is left in Redis; the
        counters agree with the journal (unless *counted* is False: the test has emptied the database,
        say). With *may_die* a job may also be in the dead set: one that was running at three crashes
        is taken for their cause.
        """
        self.await_all(timeout, besides, may_die=may_die)
        self.await_rest()
        self._await_tidy()
        result = self.account()
        wrong = result.lost + result.stuck + result.unexpected
        assert wrong == 0, f"{result}\n{self.report()}"
        self._note_faults()
        faulted = {pid: self.cut_short.get(pid) for pid in self.faults}
        found = repeats(self.journal.lines(), faulted)
        assert not found.unexplained, f"{found}; faults: {self.faults}\n{self.report()}"
        beyond = found.beyond(THREADS + UNSETTLED)
        assert not beyond, f"{beyond}; faults: {self.faults}\n{self.report()}"
        if counted:
            problem = miscounted(self.store, self.journal, self.dead())
            assert not problem, f"{problem}; {result}"
        print(f"\n{result}; {len(self.faults)} processes had faults")
        amid = sum(map(len, self.cut_short.values()))
        print(f"{len(self.cut_short)} of them were killed at work, in the middle of {amid:,} jobs")
        return result

    def _await_tidy(self) -> None:
        try:
            eventually(lambda: not leftovers(self.store), 15, message="nothing is left over")
        except AssertionError:
            raise AssertionError(f"{leftovers(self.store)}\n{self.report()}") from None

    def _note_faults(self) -> None:
        self._await_confessions()
        for worker in self.workers:
            if not worker.running and worker.wait() < 0:
                self.faults.setdefault(worker.pid, f"ended by signal {-worker.wait()}")
            if logs.gave_up(worker):
                self.faults.setdefault(worker.pid, "could have no thread, and stopped")
            if logs.knows_of_its_death(worker):
                self.faults.setdefault(worker.pid, "lost its lease")
                self.cut_short.pop(worker.pid, None)

    def _await_confessions(self) -> None:
        """Wait until who was declared dead says so itself: what it ran is over, but it may not know yet."""
        late = logs.declared_dead(self.workers)
        eventually(
            lambda: all(logs.knows_of_its_death(each) or not each.running for each in late),
            15,
            message="who was declared dead learns it",
        )

    def account(self) -> Account:
        """Return the account as it stands. While jobs move, one may be taken for lost."""
        held = [jid for jids in self.held().values() for jid in jids]
        return account(self.journal, self.attempted, self.acknowledged, dead=self.dead(), held=held)

    def held(self) -> dict[str, list[str]]:
        """Return the jids that Redis has, per key: queues, in flight, retry, schedule."""
        return held(self.store)

    def dead(self) -> list[str]:
        """Return the jids in the dead set."""
        if self.store.type("dead") == b"string":
            return []
        members: Any = self.store.zrange("dead", 0, -1)
        return [jid_of(raw) for raw in members]

    def report(self) -> str:
        """Return the end of every worker's log, with the stacks of those that run."""
        return logs.report(self.workers)

    def complaints(self) -> list[str]:
        """Return the lines of all logs that tell of a fault in kiq itself."""
        return logs.complaints(self.workers)

    def close(self) -> None:
        """End every worker."""
        for worker in self.workers:
            worker.end()
        self.store.close()
        self.journal.close()
