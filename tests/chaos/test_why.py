"""What ``kiq why`` answers in a storm is checked by what happens next."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import kiq
from kiq.api import Queue, Why, why
from kiq.client import Client
from kiq.config import Redis
from kiq.errors import StoreError
from tests.chaos.long_form import LONG
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

QUESTIONS = 3_000 if LONG else 120
KILLS = 20 if LONG else 1
RESTARTS = 10 if LONG else 1  # of Redis
#: Of the last so many jobs most questions are: they are where something happens.
RECENT = 12
#: What says that nothing but time is in the way, of a job that was not done yet.
_GOES_ON = {"behind", "next", "busy", "fetched", "running", "promoting", "late"}

APP = """
import time
import kiq
from tests.helpers.jobs import store


class Asked(kiq.Job, name="chaos.Asked", queue="a", retry=25, history=True):
    def perform(self, seconds, how):
        store().rpush(f"began {self.jid}", time.time())
        time.sleep(seconds)
        if how == "fails" and self.attempt == 1:
            raise kiq.Retry(0.5)
        store().sadd("ended", self.jid)
"""


class Storm:
    """Two workers that take the queues a and b, jobs for these and for a queue of nobody."""

    def __init__(self, server: TestServer, notes: TestServer, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.server = server
        self.site = Site(notes, folder)
        self.notes = self.site.store
        self.site.write("asked.py", APP)
        self.file = self.site.write(
            "kiq.yml",
            "require: [asked]\nqueues: [a, b]\nconcurrency: 3\nskip_default_job_logging: true\n"
            "lease: 10\n",
        )
        self.client = Client(Redis(url=server.url))
        self.workers = [self.start() for _ in range(2)]
        self.killed: set[int] = set()
        self.queue_of: dict[str, str] = {}
        self.jids: list[str] = []
        self.paused = False
        self.answers: list[tuple[float, Why]] = []
        self.calm_at = 0.0  # when nothing is pushed nor paused any more

    def start(self) -> WorkerProcess:
        return self.site.run("-C", str(self.file), REDIS_URL=self.server.url)

    def kill(self) -> None:
        """Kill a worker, and start another."""
        worker = self.chance.choice(self.workers)
        self.killed.add(worker.pid)
        worker.signal(signal.SIGKILL)
        worker.wait()
        self.workers[self.workers.index(worker)] = self.start()

    def restart_redis(self) -> None:
        """Kill Redis, and start it again with its data."""
        self.server.kill()
        self.server.restart()
        eventually(self.is_reached, message="Redis is there again")

    def is_reached(self) -> bool:
        """Tell whether Redis answers who asks."""
        try:
            len(Queue("a", self.client))
        except StoreError:
            return False
        return True

    def push(self) -> None:
        """Push a few jobs of any kind."""
        for _ in range(self.chance.randrange(6)):
            queue = self.chance.choice(["a", "a", "b", "nobody"])
            if queue == "nobody" and list(self.queue_of.values()).count("nobody") > 20:
                continue
            how = self.chance.choice(["runs", "runs", "fails"])
            args = [self.chance.choice([0.0, 0.01, 0.2]), how]
            job = {"class": "chaos.Asked", "args": args, "queue": queue, "history": 10}
            if self.chance.random() < 0.2:
                job["at"] = time.time() + self.chance.random() * 3
            try:
                jid = str(self.client.push(job))
            except StoreError:  # Redis was restarted: whether it came, nobody knows
                continue
            self.queue_of[jid] = queue
            self.jids.append(jid)

    def push_for_nobody(self) -> str:
        """Push a job into the queue that nobody takes; return its jid."""
        jid = str(
            self.client.push({"class": "chaos.Asked", "args": [0.0, "runs"], "queue": "nobody"})
        )
        self.queue_of[jid] = "nobody"
        return jid

    def act(self) -> None:
        """Do one thing that changes what is so."""
        if self.chance.random() < 0.1:
            queue = Queue("b", self.client)
            queue.unpause() if self.paused else queue.pause()
            self.paused = not self.paused
        self.push()

    def ask_of_some(self) -> None:
        """Ask of some job, most likely of one that came of late."""
        recent = self.chance.random() < 0.8
        self.ask(self.chance.choice(self.jids[-RECENT:] if recent else self.jids))

    def ask(self, jid: str) -> None:
        """Ask of *jid*, and check what can be checked at once."""
        ended_before = self.notes.smembers("ended")
        at = time.time()
        answer = why(jid, self.client)
        self.answers.append((at, answer))
        codes = {reason.code for reason in answer.reasons}
        told = f"{jid} {answer}"
        if answer.found:
            assert answer.unknown == (), told
        else:
            assert self.notes.sismember("ended", jid), f"it is nowhere and did not end: {told}"
            assert answer.found.ended == "done", told
        if jid.encode() in ended_before:
            assert codes <= {"over", "running", "fetched", "silent", "dead_process"}, told
        if answer.found.where == "waiting":
            assert ("paused" in codes) == (self.paused and answer.found.queue == "b"), told
            assert ("queue_untaken" in codes) == (answer.found.queue == "nobody"), told
        if "dead_process" in codes:
            assert int(answer.found.process.split(":")[1]) in self.killed, told

    def begins(self, jid: str) -> list[float]:
        return [float(one) for one in self.notes.lrange(f"began {jid}", 0, -1)]

    def check_what_happened(self) -> Counter[str]:
        """Check each answer by what came after it; return how often each reason was given."""
        counts: Counter[str] = Counter()
        for at, answer in self.answers:
            jid = answer.found.jid
            begins, codes = self.begins(jid), {reason.code for reason in answer.reasons}
            counts.update(codes)
            told = f"asked at {at}, began at {begins}: {answer}"
            if "due" in codes:
                due = next(one.until for one in answer.reasons if one.code == "due") or 0.0
                assert not [one for one in begins if at + 0.5 < one < due - 0.05], told
            if codes & {"silent", "dead_process"} and "over" not in codes:
                assert begins or not answer.found, told
            if codes & _GOES_ON and not answer.stopped:
                # Who waits behind others may see more of them come, or its queue paused: until the end.
                waits = codes & {"behind", "strict"} or answer.found.queue == "b"
                soon = [
                    one for one in begins if one < (max(at, self.calm_at) if waits else at) + 60
                ]
                assert soon, f"nothing was in the way, and it did not run: {told}"
        return counts


@pytest.fixture
def storm(
    private_server: Callable[..., TestServer],
    tmp_path: Path,
    fresh_host: kiq.Host,
    unconfigured: None,
) -> Iterator[Storm]:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    made = Storm(private_server(aof="always"), private_server(), tmp_path, seed)
    yield made
    made.site.close()


@pytest.mark.timeout(3000 if LONG else 180)
def test_each_answer_is_borne_out_by_what_happens_next(storm: Storm) -> None:
    for worker in storm.workers:
        worker.wait_until_ready(60)
    storm.push()
    while not storm.queue_of:
        storm.push()
    kills = {(number + 1) * QUESTIONS // (KILLS + 1) for number in range(KILLS)}
    restarts = {(number + 1) * QUESTIONS // (RESTARTS + 2) for number in range(RESTARTS)}
    for number in range(QUESTIONS):
        if number in kills:
            storm.kill()
        if number in restarts:
            storm.restart_redis()
        storm.act()
        storm.ask_of_some()
    if storm.paused:
        Queue("b", storm.client).unpause()
    storm.calm_at = time.time()
    mine = {jid for jid, queue in storm.queue_of.items() if queue != "nobody"}

    def all_ended() -> bool:
        return mine <= {jid.decode() for jid in storm.notes.smembers("ended")}

    eventually(all_ended, 120, interval=0.1, message="all of them run")
    # Of each kind one at least, however slow the machine was.
    over = mine.pop()
    eventually(lambda: not why(over, storm.client).found, 30, message="its end is settled")
    for jid in (over, storm.push_for_nobody()):
        storm.ask(jid)
    counts = storm.check_what_happened()
    print(f"\n{len(storm.queue_of)} jobs, {len(storm.answers)} answers: {dict(counts)}")
    assert counts["over"]
    assert counts["queue_untaken"]
