"""Guarded pushes and promotions against a model in dicts: a lock is where its job is, and nowhere else.

The model predicts the answer to each job of each command, and all that lies in Redis afterwards, with
requests that arrive late and again, keys of the wrong type, and claims that go back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kiq import keys
from kiq.codec import encode
from kiq.errors import StoreError
from kiq.guarding import Guard, Guarded, guarded
from kiq.plugin import Ride
from kiq.store.guarded import guarded_due, guarded_queue, guarded_schedule
from kiq.store.promotion import claim
from kiq.store.scripts import Command
from kiq.verdict import PutOff, Taken
from tests.helpers.depot import Depot, open_link
from tests.helpers.locked import FREE, HOLDER, TAKE
from tests.helpers.modelled import PHASES
from tests.helpers.server import TestServer

LATER = 4e9
LOCKS = ("", "a", "b", "c")  # the first: none
GUARDS = (
    Guard(
        "lock",
        guarding=lambda payload: Ride([f"lock:{payload['lock']}"], [payload["jid"]]),
        check=HOLDER,
        take=TAKE,
        undo=FREE,
        payload_field="lock",
    ),
    Guard(
        "wrong",
        guarding=lambda payload: Ride(["wrong"], [payload["jid"]]),
        check="return nil",
        take="redis.call('SADD', KEYS[1], ARGV[1])",
        undo="redis.call('SREM', KEYS[1], ARGV[1])",
        payload_field="wrong",
    ),
)


@dataclass(eq=False)
class Job:
    """One payload; *wrong* says that it has a guard whose key may be of the wrong type."""

    jid: str
    lock: str
    wrong: bool
    raw: bytes
    guarded: Guarded | None = field(repr=False)


@dataclass(eq=False)
class Sent:
    """A push that may arrive again: to the queue, or the scheduled set."""

    command: Command = field(repr=False)
    place: str
    token: str
    jobs: Sequence[Job]


class GuardsMachine(RuleBasedStateMachine):
    """Producers whose requests come late and again, and a poller that dies."""

    url: str
    raw: redis.Redis

    @initialize()
    def empty(self) -> None:
        self.raw.flushdb()
        self.link = open_link(self.url)
        self.made = 0
        self.queue: list[Job] = []  # the head, where pushes go, first
        self.schedule: dict[Job, float] = {}
        self.flight: dict[str, Job] = {}
        self.locks: dict[str, str] = {}
        self.wrong: set[str] = set()
        self.tokens: set[str] = set()
        self.broken: set[str] = set()
        self.sent: list[Sent] = []
        self._begin()

    def teardown(self) -> None:
        self.link.close()

    def _begin(self) -> None:
        self.made += 1
        self.poller = Depot(self.url, f"poller-{self.made}", keys.SCHEDULE)

    def _job(self, lock: str, wrong: bool) -> Job:
        self.made += 1
        jid = f"j{self.made}"
        payload: dict[str, Any] = {"class": "Any", "args": [], "queue": "out", "jid": jid}
        payload |= {"lock": lock} if lock else {}
        payload |= {"wrong": True} if wrong else {}
        return Job(jid, lock, wrong, encode(payload, "json"), guarded(GUARDS, payload))

    # What the model says

    def _asked(self, job: Job) -> Any:
        """Return what guards say before *job* is brought: None, b"?" or b"!"."""
        if job.lock and f"lock:{job.lock}" in self.broken:
            return b"!"
        return b"?" if job.lock and self.locks.get(job.lock, job.jid) != job.jid else None

    def _take(self, job: Job) -> bool:
        """Let guards write; False if one fails, and then its push is taken back."""
        if job.wrong and "wrong" in self.broken:
            if self.locks.get(job.lock) == job.jid:
                del self.locks[job.lock]  # what undo does
            return False
        if job.lock:
            self.locks[job.lock] = job.jid
        if job.wrong:
            self.wrong.add(job.jid)
        return True

    def _pushed(self, sent: Sent) -> Any:
        """Return what the push *sent* is answered: for each job, or None for an error alone."""
        if sent.place == "schedule" and "schedule" in self.broken:
            return None  # it looks which is the earliest before it asks anybody
        answers: list[Any] = []
        refused = False
        for at, job in enumerate(sent.jobs, 1):
            token = f"{sent.token}:{at}"
            answer = 0 if sent.token and token in self.tokens else self._asked(job)
            if answer is None and sent.place in self.broken:
                answer, refused = b"!", True
            if answer is None:
                answer = 1 if self._take(job) else b"!"
            if answer == 1:
                if sent.token:
                    self.tokens.add(token)
                if sent.place == "queue:out":
                    self.queue.insert(0, job)
                else:
                    self.schedule[job] = LATER
            answers.append(answer)
        return None if refused and 1 not in answers else answers

    def _committed(self, deliveries: Sequence[tuple[str, Job]]) -> Any:
        answers: list[Any] = []
        refused = False
        for delivery, job in deliveries:
            answer = self._asked(job) if delivery in self.flight else 0
            if answer is None and "queue:out" in self.broken:
                answer, refused = b"!", True
            if answer is None:
                answer = 1 if self._take(job) else b"!"
            if answer == 1:
                del self.flight[delivery]
                self.queue.insert(0, job)
            answers.append(answer)
        return None if refused and 1 not in answers else answers

    def _send(self, command: Command) -> Any:
        (reply,) = self.link.exchange([command])
        if isinstance(reply, StoreError):
            assert "WRONGTYPE" in str(reply)
            return None
        return [one[:1] if isinstance(one, bytes) else one for one in reply]

    # What happens

    @rule(
        wanted=st.lists(st.tuples(st.sampled_from(LOCKS), st.booleans()), min_size=1, max_size=5),
        place=st.sampled_from(("queue:out", "schedule")),
        kept=st.booleans(),
        arrives=st.booleans(),
    )
    def push(self, wanted: list[tuple[str, bool]], place: str, kept: bool, arrives: bool) -> None:
        jobs = [self._job(*each) for each in wanted]
        extras = {job.raw: job.guarded for job in jobs if job.guarded}
        token = f"t{self.made}" if kept else ""
        if place == "schedule":
            command = guarded_schedule([(LATER, job.raw) for job in jobs], extras, token)
        else:
            command = guarded_queue("out", [job.raw for job in jobs], extras, token)
        sent = Sent(command, place, token, jobs)
        if kept:
            self.sent.append(sent)
        if arrives or not kept:
            assert self._send(command) == self._pushed(sent)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def a_push_arrives_again(self, data: st.DataObject) -> None:
        sent = self.sent[data.draw(st.integers(0, len(self.sent) - 1))]
        assert self._send(sent.command) == self._pushed(sent)

    @precondition(lambda self: self.schedule and "schedule" not in self.broken)
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        places = st.integers(0, len(self.schedule) - 1)
        picked = data.draw(st.lists(places, unique=True, min_size=1))
        chosen = [list(self.schedule)[at] for at in picked]
        for at, job in enumerate(chosen, 1):
            self.raw.zadd("schedule", {job.raw: at})
        self.poller.call += 1
        call = self.poller.call
        found = claim(self.poller.link, self.poller.owner, keys.SCHEDULE, call, 100)
        by_raw = {job.raw: job for job in self.schedule}
        for at, raw in enumerate(found.raws, 1):
            self.flight[f"{call}.{at}"] = by_raw[raw]
            del self.schedule[by_raw[raw]]

    @precondition(lambda self: self.flight)
    @rule(again=st.booleans())
    def commit(self, again: bool) -> None:
        deliveries = list(self.flight.items())
        items = [(job.raw, delivery, job.guarded) for delivery, job in deliveries]
        command = guarded_due(self.poller.flight(keys.SCHEDULE).key, "out", items)
        for _ in range(1 + again):
            assert self._send(command) == self._committed(deliveries)

    @precondition(lambda self: self.flight and "schedule" not in self.broken)
    @rule()
    def put_off(self) -> None:
        for delivery, job in self.flight.items():
            taken = Taken(delivery, self.poller.flight(keys.SCHEDULE), job.raw, 0.0)
            assert self.poller.move(taken, PutOff(1e9))[0] == 1
            self.schedule[job] = 1e9
        self.flight.clear()

    @precondition(lambda self: "schedule" not in self.broken)
    @rule()
    def the_poller_dies(self) -> None:
        self.poller.die()
        self.schedule |= dict.fromkeys(self.flight.values(), 0.0)
        self.flight.clear()
        self._begin()

    @precondition(lambda self: self.queue and "queue:out" not in self.broken)
    @rule()
    def a_job_is_done(self) -> None:
        job = self.queue.pop()
        assert self.raw.rpop("queue:out") == job.raw
        if job.lock and f"lock:{job.lock}" not in self.broken:
            self.link.call(("EVAL", FREE, 1, f"lock:{job.lock}", job.jid))
            if self.locks.get(job.lock) == job.jid:
                del self.locks[job.lock]

    @rule(key=st.sampled_from(("queue:out", "schedule", "lock:a", "wrong")))
    def a_key_is_of_the_wrong_type(self, key: str) -> None:
        """Only one that is empty: what is there stays."""
        if not self.raw.exists(key):
            self.raw.hset(key, "wrong", "type")
            self.broken.add(key)

    @precondition(lambda self: self.broken)
    @rule()
    def keys_are_mended(self) -> None:
        for key in self.broken:
            self.raw.delete(key)
        self.broken.clear()

    # What holds

    @invariant()
    def redis_has_what_the_model_has(self) -> None:
        raw = self.raw
        if "queue:out" not in self.broken:
            assert raw.lrange("queue:out", 0, -1) == [job.raw for job in self.queue]
        if "schedule" not in self.broken:
            found: Any = raw.zrange("schedule", 0, -1)
            assert set(found) == {job.raw for job in self.schedule}
        held: Any = raw.hgetall(self.poller.flight(keys.SCHEDULE).key)
        assert {name.decode(): value.partition(b"|")[2] for name, value in held.items()} == {
            delivery: job.raw for delivery, job in self.flight.items()
        }
        for lock in LOCKS[1:]:
            if f"lock:{lock}" not in self.broken:
                assert raw.get(f"lock:{lock}") == (self.locks.get(lock, "").encode() or None)
        if "wrong" not in self.broken:
            assert raw.smembers("wrong") == {jid.encode() for jid in self.wrong}
        tokens: Any = raw.zrange(keys.PUSHED, 0, -1)
        assert {each.decode() for each in tokens} == self.tokens
        if self.queue and "queue:out" not in self.broken:
            assert raw.sismember("queues", "out")

    @invariant()
    def no_lock_is_without_its_job(self) -> None:
        there = {job.jid for job in (*self.queue, *self.schedule, *self.flight.values())}
        assert set(self.locks.values()) <= there


@pytest.mark.timeout(240)  # of a machine that does much besides
def test_guards_do_what_the_model_says(server: TestServer, redis_url: str) -> None:
    raw = server.client()
    machine = type("OnThisServer", (GuardsMachine,), {"url": redis_url, "raw": raw})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            phases=PHASES,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    raw.close()
