"""A server and workers for the fuzzer; feeding, waiting until all is settled, gathering."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

from tests.fuzz.judge import Place, read
from tests.fuzz.ledger import Ledger
from tests.fuzz.samples import JOBS, SERVED
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import KIQ, ROOT, WorkerProcess

DEAD_CAP = 2_000_000
_SLICE = 2_000_000  # bytes sent or read at once
_MEMBERS = 500  # read at once
_PAGE = os.sysconf("SC_PAGE_SIZE")

#: Words in a log that no payload of ours holds: an error of kiq itself.
_COMPLAINTS = (
    *("an error handler failed", "the log failed", "Exception in thread", "was declared dead"),
    *("not ours any more", "could not be reached", "can't be promoted", "over its limits"),
    *("kiq: logging", "kiq: telling"),
)


class Ground:
    """One private server with worker processes. :meth:`close` ends it all."""

    def __init__(self, folder: Path, workers: int, *, log_every: int = 1) -> None:
        self.server = TestServer()
        self.store = self.server.client()
        self._folder = folder
        self._log_every = log_every
        self.journal = folder / "journal"
        self.journal.touch()
        self.read_to = 0  # how much of the journal is accounted for
        self.workers: list[WorkerProcess] = []
        try:
            for number in range(workers):
                self.workers.append(self._start(number))
            for worker in self.workers:
                worker.wait_until_ready()
        except BaseException:
            self.close()
            raise

    def _start(self, number: int) -> WorkerProcess:
        settings = {
            "concurrency": 5,
            "queues": list(SERVED),
            "dead_max_jobs": DEAD_CAP,
            "log_format": ("plain", "json")[number % 2],
        }
        file = self._folder / f"kiq-{number}.yml"
        file.write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
        ours = ("KIQ_", "COVERAGE_", "REDIS_URL", "APP_ENV")
        outside = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment = {
            **outside,
            "FUZZ_JOURNAL": str(self.journal),
            "FUZZ_LOG_EVERY": str(self._log_every),
            "KIQ_RUN_DIR": str(self._folder / "run"),
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": self.server.url,
        }
        command = [*KIQ, "run", "-r", JOBS, "-C", str(file)]
        return WorkerProcess(command, self._folder, environment, self._folder / f"log-{number}")

    def feed(self, raws: Sequence[tuple[bytes, Place]]) -> None:
        """Write payloads into a queue and the two sets, as they are; in the sets they are due."""
        pipe: Any = self.store.pipeline(transaction=False)
        size = 0
        for raw, place in raws:
            if place == "queue":
                pipe.lpush(f"queue:{SERVED[0]}", raw)
            else:
                pipe.zadd(place, {raw: 1})
            size += len(raw) + 50
            if size > _SLICE:
                pipe.execute()
                size = 0
        pipe.execute()

    def settle(self, timeout: float) -> bool:
        """Wait until nothing waits, is due or in flight; False when that does not come about."""
        try:
            eventually(lambda: not any(self.unsettled().values()), timeout, interval=0.02)
        except AssertionError:
            return False
        return True

    def unsettled(self) -> dict[str, int]:
        """Return how many payloads are on their way, by place: all seen at one moment."""
        pipe: Any = self.store.pipeline(transaction=True)
        for name in SERVED:
            pipe.llen(f"queue:{name}")
        pipe.zcount("retry", "-inf", 1e9)
        pipe.zcount("schedule", "-inf", 1e9)
        pipe.keys("kiq:inflight:*")
        *waiting, retry, schedule, flying = pipe.execute()
        return {
            "queues": sum(waiting),
            "retry": retry,
            "schedule": schedule,
            "in flight": len(flying),
        }

    def gather(self, ledger: Ledger) -> None:
        """Strike in *ledger* what is found, and take it out of Redis."""
        self._gather_journal(ledger)
        while members := self._some("dead"):
            self._gather_dead(ledger, members)
        while members := self._some("retry"):
            for raw in members:
                ledger.found_job("retry", read(raw) or {"raw": raw})
            self.store.zrem("retry", *members)
        self._gather_strays(ledger)

    def _some(self, key: str) -> list[bytes]:
        found: Any = self.store.zrange(key, 0, _MEMBERS - 1)
        return list(found)

    def _gather_dead(self, ledger: Ledger, members: list[bytes]) -> None:
        names = [sha1(raw, usedforsecurity=False).hexdigest() for raw in members]
        reasons: Any = self.store.hmget("kiq:dead-reason", names)
        for raw, reason in zip(members, reasons, strict=True):
            payload = None if reason else read(raw)
            if payload is None:
                ledger.found_raw(raw, reason)
            else:
                ledger.found_job("dead job", payload)
        self.store.zrem("dead", *members)
        self.store.hdel("kiq:dead-reason", *names)

    def _gather_strays(self, ledger: Ledger) -> None:
        store: Any = self.store
        for key in store.keys("queue:*"):
            members = store.lrange(key, 0, -1)
            for raw in members:
                ledger.found_job("stray", read(raw) or {"raw": raw})
            store.delete(key)
            store.srem("queues", key.removeprefix(b"queue:"))

    def _gather_journal(self, ledger: Ledger) -> None:
        with self.journal.open("rb") as file:
            file.seek(self.read_to)
            for line in file:
                word, _, rest = line.decode().rstrip("\n").partition(" ")
                if word == "trouble":
                    ledger.wrong.append(f"an error of kiq itself: {rest}")
                else:
                    names = [bytes.fromhex(name) for name in rest.split()]
                    ledger.strike("run" if word == "run" else "dropped", *names)
            self.read_to = file.tell()

    def threads(self) -> list[set[str]]:
        """Return the ids of the threads of each worker: the system's, so that none is replaced unseen."""
        return [_threads(worker.pid) if worker.running else set() for worker in self.workers]

    def resident(self) -> list[int]:
        """Return the bytes of memory that each worker has at present."""
        return [_resident(worker.pid) if worker.running else 0 for worker in self.workers]

    def complaints(self) -> list[str]:
        """Return the lines of the logs that tell of a fault of kiq itself."""
        found = []
        for number in range(len(self.workers)):
            with (self._folder / f"log-{number}").open(errors="replace") as log:
                found += [line[:500] for line in log if any(word in line for word in _COMPLAINTS)]
        return found

    def close(self) -> None:
        """End the workers and the server."""
        for worker in self.workers:
            worker.end()
        self.store.close()
        self.server.stop()


def _threads(pid: int) -> set[str]:
    return set(os.listdir(f"/proc/{pid}/task"))


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
