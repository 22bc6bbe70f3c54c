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
from tests.chaos.long_form import LONG
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

QUESTIONS = 3_000 if LONG else 120
KILLS = 20 if LONG else 1
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
        self.paused = False
        self.answers: list[tuple[float, Why]] = []

    def start(self) -> WorkerProcess:
        return self.site.run("-C", str(self.file), REDIS_URL=self.server.url)

    def kill(self) -> None:
        """Kill a worker, and start another."""
        worker = self.chance.choice(self.workers)
        self.killed.add(worker.pid)
        worker.signal(signal.SIGKILL)
        worker.wait()
        self.workers[self.workers.index(worker)] = self.start()

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
            self.queue_of[str(self.client.push(job))] = queue

    def act(self) -> None:
        """Do one thing that changes what is so."""
        if self.chance.random() < 0.1:
            queue = Queue("b", self.client)
            queue.unpause() if self.paused else queue.pause()
            self.paused = not self.paused
        self.push()

    def ask(self) -> None:
        """Ask of some job, and check what can be checked at once."""
        ended_before = self.notes.smembers("ended")
        jid = self.chance.choice(list(self.queue_of))
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
                soon = [one for one in begins if one < at + 60]
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
    made = Storm(private_server(), private_server(), tmp_path, seed)
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
    for number in range(QUESTIONS):
        if number in kills:
            storm.kill()
        storm.act()
        storm.ask()
    if storm.paused:
        Queue("b", storm.client).unpause()
    mine = {jid for jid, queue in storm.queue_of.items() if queue != "nobody"}

    def all_ended() -> bool:
        return mine <= {jid.decode() for jid in storm.notes.smembers("ended")}

    eventually(all_ended, 120, interval=0.1, message="all of them run")
    counts = storm.check_what_happened()
    print(f"\n{len(storm.queue_of)} jobs, {len(storm.answers)} answers: {dict(counts)}")
    assert counts["over"]
    assert counts["queue_untaken"]
