"""The store against a model in a dict: every pushed payload is in exactly one place, or settled.

The model predicts each queue in order and each in-flight field by name, so a lost, doubled, stranded
or overtaken job shows at the step that did it.
"""

from __future__ import annotations

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
from kiq.store.fetch import Wanted, fetch_command
from kiq.store.flight import hand_back_command
from kiq.verdict import Taken, ToDead, ToQueue, ToRetry, Verdict
from kiq.work.owner import order_of
from tests.helpers.depot import NOW, Depot
from tests.helpers.modelled import PHASES
from tests.helpers.server import TestServer

QUEUES = ("a", "b")
SLOTS = st.sampled_from((0, 1))
SUFFIX = st.sampled_from((b"", b"\0", b"|", b"\n", b"\xff", b"x" * 2000))
Field = tuple[str, str]  # source, delivery id


class StoreMachine(RuleBasedStateMachine):
    """Two workers and a poller, whose replies get lost and who die."""

    url: str
    raw: redis.Redis

    @initialize()
    def empty(self) -> None:
        self.raw.flushdb()
        self.named = 0
        self.pushed = 0
        self.settled = 0
        self.queues: dict[str, list[bytes]] = {name: [] for name in QUEUES}
        self.retry: set[bytes] = set()
        self.dead: set[bytes] = set()
        self.flights: dict[str, dict[Field, bytes]] = {}
        self.owners = [self._owner(), self._owner()]
        self.poller = self._owner(keys.RETRY)
        self.late: list[tuple[Depot, Any]] = []  # commands of old connections, still on their way
        # Something everywhere, so that few steps find nothing to do.
        for queue in QUEUES:
            self.push(queue, [b"", b"\0", b"|", b"\n", b"\xff"] * 3)
        for depot in self.owners:
            self._fetch(depot, 6, lost=False)
        self._move(self.owners[0], list(self.flights[self.owners[0].owner])[:3], "retry")

    def _owner(self, *sources: str) -> Depot:
        self.named += 1
        depot = Depot(self.url, f"owner-{self.named}", *(sources or map(keys.queue, QUEUES)))
        self.flights[depot.owner] = {}
        return depot

    def teardown(self) -> None:
        for depot in (*self.owners, self.poller):
            depot.link.close()

    # What happens

    @rule(queue=st.sampled_from(QUEUES), suffixes=st.lists(SUFFIX, min_size=1, max_size=20))
    def push(self, queue: str, suffixes: list[bytes]) -> None:
        raws = []
        for suffix in suffixes:
            self.pushed += 1
            raws.append(b"%d:%s" % (self.pushed, suffix))
        self.owners[0].push(queue, raws)
        self.queues[queue] += raws

    @precondition(lambda self: any(self.queues.values()))
    @rule(slot=SLOTS, count=st.integers(1, 15), lost=st.booleans())
    def fetch(self, slot: int, count: int, lost: bool) -> None:
        self._fetch(self.owners[slot], count, lost)

    def _fetch(self, depot: Depot, count: int, lost: bool) -> None:
        expected = self._pop(count)
        flights = self.flights[depot.owner]
        call = depot.call + 1
        for index, (queue, raw) in enumerate(expected, start=1):
            flights[(keys.queue(queue), f"{call}.{index}")] = raw
        if lost:
            depot.fetch_reply(count, *QUEUES)
            self._reconcile(depot)
        else:
            jobs = depot.take(count, *QUEUES)
            assert [(job.flight.queue, job.raw) for job in jobs] == expected

    def _pop(self, count: int) -> list[tuple[str, bytes]]:
        popped = []
        for name in QUEUES:
            while self.queues[name] and len(popped) < count:
                popped.append((name, self.queues[name].pop(0)))
        return popped

    @precondition(lambda self: self._flying())
    @rule(slot=SLOTS, data=st.data())
    def done(self, slot: int, data: st.DataObject) -> None:
        depot = self.owners[slot]
        chosen = self._choose(depot, data)
        jobs = [self._taken(depot, field) for field in chosen]
        if jobs:
            assert depot.done(jobs)[0] == len(jobs)
            assert depot.done(jobs)[0] == 0  # its reply was lost
        for field in chosen:
            del self.flights[depot.owner][field]
        self.settled += len(jobs)

    @precondition(lambda self: self._flying())
    @rule(slot=SLOTS, data=st.data(), kind=st.sampled_from(["retry", "dead", "first", "last"]))
    def move(self, slot: int, data: st.DataObject, kind: str) -> None:
        self._move(self.owners[slot], self._choose(self.owners[slot], data)[:2], kind)

    def _move(self, depot: Depot, fields: list[Field], kind: str) -> None:
        for field in fields:
            raw = self.flights[depot.owner].pop(field)
            queue = self.queues[field[0].removeprefix("queue:")]
            verdict: Verdict
            if kind == "retry":
                verdict = ToRetry(raw, NOW)
                self.retry.add(raw)
            elif kind == "dead":
                verdict = ToDead(raw, NOW)
                self.dead.add(raw)
            else:
                verdict = ToQueue(last=kind == "last")
                queue.insert(len(queue) if kind == "last" else 0, raw)
            self.settled += kind in ("retry", "dead")
            job = self._taken(depot, field, raw)
            assert depot.move(job, verdict) == [1, 0]
            assert depot.move(job, verdict) == [0]
            if kind == "retry":  # for an order that the model knows
                self.raw.zadd(keys.RETRY, {raw: float(len(raw))}, xx=True)

    @precondition(lambda self: self._flying())
    @rule(slot=SLOTS, data=st.data(), last=st.booleans())
    def hand_back(self, slot: int, data: st.DataObject, last: bool) -> None:
        depot = self.owners[slot]
        chosen = sorted(self._choose(depot, data), key=lambda field: order_of(field[1]))
        depot.hand_back([self._taken(depot, field) for field in chosen], last=last)
        self._give_back(depot, chosen, last)

    @precondition(lambda self: self._flying())
    @rule(slot=SLOTS)
    def reconcile(self, slot: int) -> None:
        self._reconcile(self.owners[slot])

    def _reconcile(self, depot: Depot) -> None:
        """What the old connection had sent may arrive late; from here on it must do nothing."""
        flights = [depot.flight(name) for name in QUEUES]
        wanted = Wanted(5, flights, [1, 1], [0.0, 0.0], True)
        ids: dict[str, list[str]] = {keys.queue(name): [] for name in QUEUES}
        for source, delivery in self.flights[depot.owner]:
            ids[source].append(delivery)
        groups = {flight: ids[flight.source] for flight in flights}
        depot.call += 1
        self.late = [
            (depot, fetch_command(depot.owner, depot.epoch, depot.call, wanted, False)),
            (depot, hand_back_command(depot.owner, depot.epoch, groups)),
        ]
        found = depot.contents(*QUEUES)
        assert found is not None
        held = {(flight.source, id_) for flight, ids_ in found.held.items() for id_ in ids_}
        assert held == set(self.flights[depot.owner])

    @precondition(lambda self: self.late)
    @rule()
    def a_late_command_arrives(self) -> None:
        for depot, command in self.late:
            assert depot.link.call(command)[0] in (b"stale", b"fenced")
        self.late = []

    @precondition(lambda self: self._flying())
    @rule(slot=SLOTS, crashed=st.booleans())
    def reclaim(self, slot: int, crashed: bool) -> None:
        depot = self.owners[slot]
        fields = sorted(self.flights[depot.owner], key=lambda field: order_of(field[1]))
        gone = [self._taken(depot, field) for field in fields]
        reclaimed = depot.die(self.owners[1 - slot].link, crashed=crashed)
        assert (reclaimed.moved, reclaimed.complete) == (len(fields), True)
        self._give_back(depot, fields, last=False)
        if gone:
            assert depot.done(gone)[0] == 0
        assert depot.fetch(5, *QUEUES).state == "fenced"
        depot.link.close()
        self.owners[slot] = self._owner()

    @precondition(lambda self: self.retry)
    @rule(count=st.integers(1, 10))
    def claim(self, count: int) -> None:
        due = sorted(self.retry, key=lambda raw: (float(len(raw)), raw))[:count]
        assert self.poller.claim(keys.RETRY, count).raws == due
        for index, raw in enumerate(due, start=1):
            delivery = f"{self.poller.call}.{index}"
            self.flights[self.poller.owner][(keys.RETRY, delivery)] = raw
            self.retry.remove(raw)

    @precondition(lambda self: self.flights[self.poller.owner])
    @rule(data=st.data(), queue=st.sampled_from(QUEUES))
    def commit(self, data: st.DataObject, queue: str) -> None:
        chosen = self._choose(self.poller, data)
        flights = self.flights[self.poller.owner]
        moves = [(delivery, queue, flights.pop((source, delivery))) for source, delivery in chosen]
        if moves:
            assert self.poller.commit(keys.RETRY, *moves) == (len(moves), [])
            assert self.poller.commit(keys.RETRY, *moves) == (0, [])
        self.queues[queue] += [raw for _, _, raw in moves]

    @precondition(lambda self: self.flights[self.poller.owner])
    @rule()
    def the_poller_dies(self) -> None:
        fields = self.flights[self.poller.owner]
        assert self.poller.die(self.owners[0].link).moved == len(fields)
        self.retry |= set(fields.values())
        fields.clear()
        self.poller.link.close()
        self.poller = self._owner(keys.RETRY)

    @rule()
    def the_server_forgets_its_scripts(self) -> None:
        self.raw.script_flush()

    # The model's side

    def _flying(self) -> bool:
        return any(self.flights[depot.owner] for depot in self.owners)

    def _choose(self, depot: Depot, data: st.DataObject) -> list[Field]:
        fields = list(self.flights[depot.owner])
        if not fields:
            return []
        return data.draw(st.lists(st.sampled_from(fields), unique=True, min_size=1))

    def _taken(self, depot: Depot, field: Field, raw: bytes = b"") -> Taken:
        source, delivery = field
        flight = depot.flight(source.removeprefix("queue:"))
        return Taken(delivery, flight, raw or self.flights[depot.owner][field], NOW)

    def _give_back(self, depot: Depot, fields: list[Field], last: bool) -> None:
        for name in QUEUES:
            back = [
                self.flights[depot.owner].pop(field)
                for field in fields
                if field[0] == keys.queue(name)
            ]
            self.queues[name] = [*self.queues[name], *back] if last else [*back, *self.queues[name]]

    @invariant()
    def every_payload_is_where_the_model_says_and_nowhere_else(self) -> None:
        found: Any
        for name in QUEUES:
            found = self.raw.lrange(keys.queue(name), 0, -1)
            assert found[::-1] == self.queues[name]
        assert set(self.raw.zrange(keys.RETRY, 0, -1)) == self.retry
        assert set(self.raw.zrange(keys.DEAD, 0, -1)) == self.dead
        held: dict[tuple[str, str, str], bytes] = {}
        for key in self.raw.scan_iter("kiq:inflight:*", count=1000):
            source, _, owner = key.decode().removeprefix("kiq:inflight:{").partition("}:")
            for delivery, value in self.raw.hgetall(key).items():
                # A claim carries its score; the model knows that it is the payload's length.
                raw = value.partition(b"|")[2] if source == keys.RETRY else value
                assert source != keys.RETRY or value == b"%d|%s" % (len(raw), raw)
                held[(owner, source, delivery.decode())] = raw
        assert held == {
            (owner, *field): raw
            for owner, fields in self.flights.items()
            for field, raw in fields.items()
        }
        assert int(self.raw.get(keys.STAT_PROCESSED) or 0) == self.settled


@pytest.mark.timeout(240)  # of a machine that does much besides
def test_no_sequence_of_steps_loses_doubles_or_strands_a_job(server: TestServer) -> None:
    raw = server.client()
    machine = type("OnThisServer", (StoreMachine,), {"url": server.url, "raw": raw})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=50,
            phases=PHASES,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
