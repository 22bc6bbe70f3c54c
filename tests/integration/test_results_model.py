"""Results against a model in dicts: what each job came to, and how far it is, through every way out."""

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
from kiq import api
from kiq.codec import decode
from kiq.plugins.results import keys
from kiq.plugins.results.progress import Progress, Underway
from kiq.plugins.results.record import Error, kept
from kiq.plugins.results.running import STORY, Story
from kiq.plugins.results.writer import Line, command_of
from kiq.riders import Riders
from kiq.store import flight as writes
from kiq.store import owners
from kiq.verdict import Done, Dropped, Taken, ToDead, ToQueue, ToRetry, ToSchedule
from tests.helpers.depot import LIMITS, NOW, Depot
from tests.helpers.modelled import PHASES
from tests.helpers.resulted import wanted
from tests.helpers.server import TestServer

LATER = 4e9
WAYS = ("done", "dead", "drop", "retry", "snooze", "back")


class ResultsMachine(RuleBasedStateMachine):
    """Workers that are declared dead while they work, writes that are sent twice, and people."""

    url: str
    raw: redis.Redis

    @initialize()
    def begin(self) -> None:
        self.raw.flushdb()
        self.problems: list[BaseException] = []
        self.riders = Riders(kiq.host, lambda error, where: self.problems.append(error))
        self.number = 0
        #: The model: status and value of each end, and how far each is that has not ended.
        self.ends: dict[str, tuple[str, Any]] = {}
        self.far: dict[str, float] = {}
        self.taken: list[Taken] = []
        #: Deliveries of processes that were declared dead, and go on.
        self.ghosts: list[Taken] = []
        self._born()

    def _born(self) -> None:
        self.number += 1
        self.worker = Depot(self.url, f"h:{self.number}:w:default", "queue:out")

    def _next(self) -> int:
        self.number += 1
        return self.number

    @rule()
    def push(self) -> None:
        jid = f"j{self._next():06}"
        kiq.push(
            {"class": "resulted.Any", "args": [], "queue": "out", "result_ttl": 500, "jid": jid}
        )

    @precondition(lambda self: self.raw.llen("queue:out"))
    @rule()
    def take(self) -> None:
        self.taken += self.worker.take(1, "out")

    @precondition(lambda self: self.taken or self.ghosts)
    @rule(data=st.data())
    def tell(self, data: st.DataObject) -> None:
        """Write progress: of who was declared dead, nothing."""
        taken = data.draw(st.sampled_from([*self.taken, *self.ghosts]))
        done, jid = float(self._next()), jid_of(taken)
        raw = Underway("running", 1, Progress(done, None, "", 1.0)).written()
        line = Line(taken.flight.key, keys.progress(jid), taken.delivery, raw, 100_000)
        assert self.worker.link.call(command_of([line])) == int(taken in self.taken)
        if taken in self.taken:
            self.far[jid] = done

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), how=st.sampled_from(WAYS))
    def settle(self, data: st.DataObject, how: str) -> None:
        taken = data.draw(st.sampled_from(self.taken))
        self.taken.remove(taken)
        self._settle(taken, how)
        jid, value = jid_of(taken), self.number
        if how in ("retry", "snooze"):
            self.far[jid] = float(value)
        elif how != "back":
            word = {"done": "done", "dead": "dead", "drop": "discarded"}[how]
            self.ends[jid] = word, value if how == "done" else None
            self.far.pop(jid, None)

    @precondition(lambda self: self.ghosts)
    @rule(how=st.sampled_from(WAYS))
    def settle_too_late(self, how: str) -> None:
        """Whatever it came to there: nothing of it is written."""
        self._settle(self.ghosts.pop(), how)

    def _settle(self, taken: Taken, how: str) -> None:
        number, raw = self._next(), taken.raw
        story = Story(1)
        story.tell(float(number), None, None)
        story.value = kept(number, "msgpack", 1000)[0]
        story.error = Error("ValueError", "on purpose")
        told = {STORY: story}
        verdict: Any = {
            "done": Done(told),
            "dead": ToDead(raw, NOW, enclosed=told),
            "drop": Dropped("on purpose", enclosed=told),
            "retry": ToRetry(raw, LATER + number, told),
            "snooze": ToSchedule(raw, LATER + number, told),
            "back": ToQueue(),
        }[how]
        if how == "done":
            command = writes.done_command(writes.group_by_flight([taken]), NOW)
        elif writes.goes_with_others((taken, verdict)):
            command = writes.delay_command([(taken, verdict)], NOW)
        else:
            command = writes.move_command((taken, verdict), NOW, LIMITS)
        for _ in range(2):  # a write that was cut is sent again
            commands, read = self.riders.in_flight([command], [[(taken, verdict)]])
            read(self.worker.link.exchange(commands))

    @rule()
    def the_worker_is_declared_dead(self) -> None:
        rides = self.riders.giving_back()
        assert owners.reclaim(
            self.worker.link, self.worker.owner, proven=True, crashed=False, rides=rides
        )
        self.ghosts += self.taken
        self.taken = []
        self._born()

    @precondition(lambda self: any(self.raw.zcard(each) for each in ("retry", "schedule", "dead")))
    @rule(place=st.sampled_from(("retry", "schedule", "dead")), act=st.sampled_from("dkqr"))
    def somebody_acts(self, place: str, act: str) -> None:
        kind = {"retry": api.RetrySet, "schedule": api.ScheduledSet, "dead": api.DeadSet}[place]
        entry = next(iter(kind()), None)
        if entry is None:
            return
        jid = entry.jid
        if act == "d":
            assert entry.delete()
            self.ends[jid] = "deleted", None
            self.far.pop(jid, None)
        elif act == "k":
            assert entry.kill()
            self.ends[jid] = "dead", None
            self.far.pop(jid, None)
        elif act == "q":
            assert entry.add_to_queue()
        elif place != "dead":
            assert entry.reschedule(LATER + self._next())

    @precondition(lambda self: self.raw.llen("queue:out"))
    @rule()
    def somebody_clears_the_queue(self) -> None:
        for job in api.Queue("out"):
            self.ends[job.jid] = "deleted", None
            self.far.pop(job.jid, None)
        api.Queue("out").clear()

    @invariant()
    def what_is_there_is_what_the_model_says(self) -> None:
        assert not self.problems
        there: Any = self.raw.keys("kiq:result:*")
        assert {key.decode() for key in there} == {keys.result(jid) for jid in self.ends}
        going: Any = self.raw.keys("kiq:progress:*")
        assert {key.decode() for key in going} == {keys.progress(jid) for jid in self.far}
        assert all(self.raw.pttl(key) > 0 for key in (*there, *going)), "a key that stays"

    @invariant()
    def who_looks_sees_it(self) -> None:
        alive = self._alive()
        for jid, (status, value) in self.ends.items():
            result = kiq.result(jid)
            if status == "dead" and jid in alive:
                assert not result.ready()
                assert result.status in alive[jid]
                continue
            assert result.status == status
            if value is not None:
                assert result.get(timeout=0) == value
        for jid, done in self.far.items():
            progress = kiq.result(jid).progress
            assert progress is not None
            assert progress.done == done

    def _alive(self) -> dict[str, tuple[str, ...]]:
        """Return which jobs are to run, or do, and what each may be called."""
        # Here no thread has what was taken: it waits for one, unless it has told how far it is.
        found: dict[str, tuple[str, ...]] = {
            jid_of(taken): ("waiting", "running") for taken in self.taken
        }
        found |= {job.jid: ("waiting",) for job in api.Queue("out")}
        found |= {entry.jid: ("scheduled",) for entry in api.ScheduledSet()}
        return found | {entry.jid: ("retrying",) for entry in api.RetrySet()}


def jid_of(taken: Taken) -> str:
    return str(decode(taken.raw)[0]["jid"])


@pytest.mark.timeout(240)
def test_results_are_what_the_model_says(
    server: TestServer, redis_url: str, kiq_client: kiq.Client
) -> None:
    raw = server.client()
    wanted()  # attached
    machine = type("OnThisServer", (ResultsMachine,), {"url": redis_url, "raw": raw})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10,
            phases=PHASES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    raw.close()
