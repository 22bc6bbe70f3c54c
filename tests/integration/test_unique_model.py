"""Unique jobs against a model in dicts: who has the lock, who waits, who runs, through every way out."""

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

import kiq
from kiq import api, keys
from kiq.client import process_client
from kiq.codec import decode
from kiq.guarding import guarded
from kiq.middleware import ServerContext
from kiq.plugins.unique.locks import LockSet, freeing
from kiq.plugins.unique.starting import Starts, _Asking
from kiq.riders import Riders
from kiq.store import flight as writes
from kiq.store import owners
from kiq.store.guarded import guarded_due
from kiq.store.promotion import claim
from kiq.verdict import DONE, Dropped, PutOff, Taken, ToDead, ToQueue, ToRetry, ToSchedule
from kiq.worker_state import WorkerState
from tests.helpers.depot import LIMITS, NOW, Depot
from tests.helpers.modelled import PHASES
from tests.helpers.server import TestServer
from tests.helpers.uniques import Sole, by_name

LOCKS = ("until_success", "until_start", "while_executing", "until_and_while_executing")
POLICIES = ("skip", "replace", "reschedule")
LATER = 4e9
FAR = 3e9  # what is later is not due: times of settled jobs are moved, as their clock is another
STARTS = ("until_start", "until_and_while_executing")
RUNS = ("while_executing", "until_and_while_executing")


class UniqueMachine(RuleBasedStateMachine):
    """Producers, a worker and a poller that die, and people."""

    url: str
    raw: redis.Redis
    lock: str
    policy: str

    @initialize(lock=st.sampled_from(LOCKS), policy=st.sampled_from(POLICIES))
    def begin(self, lock: str, policy: str) -> None:
        self.raw.flushdb()
        self.lock, self.policy = lock, "skip" if lock == "while_executing" else policy
        self.unique = {"lock": lock, "by": ["name"], "on_conflict": self.policy}
        self.host = kiq.host
        self.starts = next(
            one for one in self.host.server_middleware.layers if isinstance(one, Starts)
        )
        self.state = WorkerState()
        asking = _Asking.__new__(_Asking)
        asking.home = api.connection(process_client())
        self.state.keep(asking)
        self.riders = Riders(self.host, lambda error, where: self.problems.append(error))
        self.problems: list[BaseException] = []
        self.number = 0
        #: The model: what has each lock that is taken at a push, and what runs.
        self.holder: dict[str, str] = {}
        self.running: dict[str, str] = {}
        self.parked: set[str] = set()
        self.started: set[str] = set()
        self.dropped: set[str] = set()
        self.put_off: set[str] = set()
        self.taken: dict[str, Taken] = {}
        #: Who was told to wait, and is not in the set yet.
        self.parking: dict[str, Taken] = {}
        #: What may have been forgotten with what another program deleted; it asks again within a minute.
        self.forgotten: set[str] = set()
        self._born()

    def _born(self) -> None:
        self.number += 1
        self.worker = Depot(self.url, f"h:{self.number}:w:default", "queue:out")
        self.poller = Depot(self.url, f"h:{self.number}:p:poller", keys.SCHEDULE, keys.RETRY)

    def _waits(self) -> bool:
        return self.lock != "while_executing"

    def _settle(self, command: Any, taken: Taken, verdict: Any) -> None:
        commands, read = self.riders.in_flight([command], [[(taken, verdict)]])
        read(self.worker.link.exchange(commands))

    # Producers

    @rule(name=st.sampled_from("ab"), later=st.booleans())
    def push(self, name: str, later: bool) -> None:
        self.number += 1
        job = {"class": "uniques.Any", "args": [name, self.number], "unique": self.unique}
        at = {"at": LATER + self.number} if later else {}
        # Named, so that all is in the same order when this is played again.
        jid = kiq.push({**job, **at, "jid": f"j{self.number:06}"})
        holder = self.holder.get(name)
        if not self._waits():
            return
        if holder is None:
            self.holder[name] = jid
        elif self.policy == "skip" or holder in self.started:
            assert jid == holder
        else:
            assert jid != holder
            self.dropped.add(holder)
            self.holder[name] = jid

    # The worker

    @precondition(lambda self: self.raw.llen("queue:out"))
    @rule()
    def take_and_start(self) -> None:
        (taken,) = self.worker.take(1, "out")
        payload = decode(taken.raw)[0]
        jid, name = payload["jid"], payload["args"][0]
        run = ServerContext(payload, "out", Sole, None)
        run.worker = self.state
        try:
            may_run = self.starts.may_run(run)
        except kiq.Snooze:
            assert self.running[name] != jid
            self.parking[jid] = taken
            return
        assert may_run == (jid not in self.dropped)
        if not may_run:
            verdict = Dropped("replaced")
            self._settle(writes.move_command((taken, verdict), NOW, LIMITS), taken, verdict)
            self.dropped.discard(jid)
            return
        if self.lock in RUNS:
            assert self.running.get(name, jid) == jid, "two run"
            self.running[name] = jid
        self.parked.discard(jid)
        if self.holder.get(name) == jid:
            if self.lock in STARTS:
                del self.holder[name]
            elif self.policy != "skip":
                self.started.add(jid)
        self.taken[jid] = taken

    @precondition(lambda self: self.parking)
    @rule()
    def park(self) -> None:
        """Whom it waits for may have ended since it asked."""
        self._park(next(iter(self.parking)))

    def _park(self, jid: str) -> None:
        taken = self.parking.pop(jid)
        self.number += 1
        verdict = ToSchedule(taken.raw, LATER + self.number)
        for _ in range(2):  # a write that was cut is sent again
            self._settle(writes.delay_command([(taken, verdict)], NOW), taken, verdict)
        self.parked.add(jid)

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), how=st.sampled_from(("done", "dead", "drop", "retry", "snooze", "back")))
    def settle(self, data: st.DataObject, how: str) -> None:
        self._ends(data.draw(st.sampled_from(list(self.taken))), how)

    def _ends(self, jid: str, how: str) -> None:
        taken = self.taken.pop(jid)
        name = decode(taken.raw)[0]["args"][0]
        fresh = taken.raw
        self.number += 1
        verdicts: dict[str, Any] = {
            "done": DONE,
            "dead": ToDead(fresh, NOW),
            "drop": Dropped("on purpose"),
            "retry": ToRetry(fresh, LATER + self.number),
            "snooze": ToSchedule(fresh, LATER + self.number),
            "back": ToQueue(),
        }
        verdict = verdicts[how]
        if how == "done":
            command = writes.done_command(writes.group_by_flight([taken]), NOW)
        elif writes.goes_with_others((taken, verdict)):
            command = writes.delay_command([(taken, verdict)], NOW)
        else:
            command = writes.move_command((taken, verdict), NOW, LIMITS)
        for _ in range(2):  # a write that was cut is sent again
            self._settle(command, taken, verdict)
        self.started.discard(jid)
        if self.running.get(name) == jid:
            del self.running[name]
        if how in ("done", "dead", "drop") and self.holder.get(name) == jid:
            del self.holder[name]

    @rule()
    def the_worker_dies(self) -> None:
        rides = self.riders.giving_back()
        for depot in (self.worker, self.poller):
            assert owners.reclaim(depot.link, depot.owner, proven=True, crashed=True, rides=rides)
        self.taken.clear()
        self.parking.clear()
        self.started.clear()
        self.running.clear()
        self._born()

    # Orders that are rare by chance

    def _started(self, name: str, count: int) -> list[str]:
        """Push some of *name* and start all that is there; return those of it that run."""
        for _ in range(count):
            self.push(name, False)
        while self.raw.llen("queue:out"):
            self.take_and_start()
        return [jid for jid, one in self.taken.items() if decode(one.raw)[0]["args"][0] == name]

    @rule(name=st.sampled_from("ab"), how=st.sampled_from(("done", "retry", "snooze")))
    def one_ends_before_another_parks(self, name: str, how: str) -> None:
        for jid in self._started(name, 2):
            self._ends(jid, how)
        for jid in list(self.parking):
            self._park(jid)

    @rule(name=st.sampled_from("ab"))
    def who_snoozed_is_due_when_another_waits(self, name: str) -> None:
        for jid in self._started(name, 1):
            self._ends(jid, "snooze")
        self.push(name, True)
        self.promote(keys.SCHEDULE, True)

    # The poller

    @rule(source=st.sampled_from((keys.SCHEDULE, keys.RETRY)), all_=st.booleans())
    def promote(self, source: str, all_: bool) -> None:
        members = self.raw.zrange(source, 0, -1)
        for member in members if all_ else members[:1]:
            self.raw.zadd(source, {member: 1})
        self.poller.call += 1
        found = claim(self.poller.link, self.poller.owner, source, self.poller.call, 100)
        hash_ = self.poller.flight(source)
        for at, raw in enumerate(found.raws, 1):
            payload = decode(raw)[0]
            asked = guarded(self.host.guards, payload)
            taken = Taken(f"{self.poller.call}.{at}", hash_, raw, 0.0)
            item = (raw, taken.delivery, asked)
            (reply,) = self.poller.link.exchange([guarded_due(hash_.key, "out", [item])])
            self._promoted(payload, taken, reply[0])

    def _promoted(self, payload: dict[str, Any], taken: Taken, answer: Any) -> None:
        jid, name = payload["jid"], payload["args"][0]
        holder = self.holder.get(name)
        if jid in self.dropped or not self._waits() or holder in (None, jid):
            assert answer == 1
            if self._waits() and jid not in self.dropped:
                self.holder[name] = jid
            return
        assert answer.split()[:2] == [b"?1", holder.encode()]  # behind it: its age
        self.put_off.add(jid)
        verdict = PutOff(LATER)
        self._settle(writes.move_command((taken, verdict), NOW, LIMITS), taken, verdict)

    # People

    @rule(place=st.sampled_from(("out", keys.SCHEDULE, keys.RETRY)))
    def clear(self, place: str) -> None:
        jids = self._jids(place)
        if place == "out":
            api.Queue("out").clear()
        else:
            (api.ScheduledSet() if place == keys.SCHEDULE else api.RetrySet()).clear()
        self._forget(jids)

    @rule(place=st.sampled_from(("out", keys.SCHEDULE, keys.RETRY)))
    def another_program_deletes_and_the_sweep_comes(self, place: str) -> None:
        jids = self._jids(place)
        self.forgotten |= {name for _, name, _ in self._jobs(place)}
        self.raw.delete("queue:out" if place == "out" else place)
        for lock in LockSet():
            if lock.jid in jids:
                process_client()
                api.connection().call(freeing(lock.name, lock.jid, lock.moved))
        self._forget(jids)

    def _forget(self, jids: set[str]) -> None:
        self.holder = {name: jid for name, jid in self.holder.items() if jid not in jids}
        self.parked -= jids

    def _jids(self, place: str) -> set[str]:
        return {jid for jid, _, _ in self._jobs(place)}

    def _jobs(self, place: str) -> list[tuple[str, str, float]]:
        """Return jid, name and when it is due, of those in *place*."""
        if place == "out":
            found: Any = [(raw, 0.0) for raw in self.raw.lrange("queue:out", 0, -1)]
        else:
            found = self.raw.zrange(place, 0, -1, withscores=True)
        payloads = [(decode(raw)[0], due) for raw, due in found]
        return [(one["jid"], one["args"][0], due) for one, due in payloads]

    # What holds

    @invariant()
    def locks_are_those_of_the_model(self) -> None:
        assert not self.problems
        locks = list(LockSet())
        waiting = {lock.jid for lock in locks if not lock.name.startswith("run:")}
        assert waiting == set(self.holder.values())
        assert {lock.jid for lock in locks if lock.name.startswith("run:")} == set(
            self.running.values()
        )

    @invariant()
    def no_lock_is_without_its_job(self) -> None:
        there = self.taken.keys() | self.parking.keys()
        for place in ("out", keys.SCHEDULE, keys.RETRY):
            there |= self._jids(place)
        assert set(self.holder.values()) | set(self.running.values()) <= there

    @invariant()
    def who_waits_for_a_run_is_due_when_nobody_runs(self) -> None:
        """What waits in the scheduled set for a lock that is free would wait for nobody."""
        here = {decode(one.raw)[0]["args"][0] for one in self.parking.values()}
        here |= {name for _, name, _ in self._jobs("out")}
        scheduled = self._jobs(keys.SCHEDULE)
        here |= {name for _, name, due in scheduled if due < FAR}
        for jid, name, due in scheduled:
            if jid in self.parked and due > FAR and jid not in self.put_off:
                assert name in here | self.running.keys() | self.forgotten, "nobody wakes it"


@pytest.mark.timeout(240)
def test_unique_jobs_do_what_the_model_says(
    server: TestServer, redis_url: str, kiq_client: kiq.Client
) -> None:
    raw = server.client()
    by_name()
    machine = type("OnThisServer", (UniqueMachine,), {"url": redis_url, "raw": raw})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            phases=PHASES,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    raw.close()
