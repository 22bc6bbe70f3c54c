"""Limits against a small model, by a clock that stands: who asks, parks, ends and dies in any order."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

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

from kiq.plugins.limits import keys as own
from kiq.plugins.limits.asking import ask, leave, read_answer
from kiq.plugins.limits.lua import read
from kiq.plugins.limits.terms import Held
from tests.helpers.modelled import PHASES
from tests.helpers.server import TestServer

SIZE, PER = 3, 10.0
START = 1_800_000_000.0
NEVER = 9e9  # when a job comes that nobody calls
COMMON = read("common").replace(
    "  local time = redis.call('TIME')\n  return time[1] + time[2] / 1000000\n",
    "  return tonumber(redis.call('GET', 'now'))\n",
)
ASK, LEAVE = COMMON + read("ask"), COMMON + read("leave") + "return 1\n"


class LimitMachine(RuleBasedStateMachine):
    """Jobs that have one limit, or two, and processes that die."""

    raw: ClassVar[redis.Redis]

    @initialize(
        kind=st.sampled_from(["concurrent", "window", "bucket", "leaky", "points"]),
        second=st.booleans(),
    )
    def begin(self, kind: str, second: bool) -> None:
        assert "GET" in ASK
        self.raw.flushdb()
        self.now = START
        self.raw.set("now", self.now)
        terms = f"{SIZE} {0 if kind == 'concurrent' else PER:.6f}"
        self.limits = [Held(f"{kind}:a:", terms, True)]
        if second:
            self.limits.append(Held("concurrent:b:", "2 0.000000", True))
        self.kind = kind
        self.number = self.died = 0
        #: What was told to wait, and is not in the set yet: for which limit, since when.
        self.parking: dict[str, tuple[int, str]] = {}
        self.parked: set[str] = set()
        self.coming: list[str] = []  # in the queue
        self.inside: set[str] = set()
        self.starts: list[float] = []
        self.began: dict[str, float] = {}
        self.deaths: Counter[str] = Counter()  # a job that comes again is another delivery of it

    def _eval(self, text: str, names: Any, args: Any) -> Any:
        return self.raw.eval(text, len(names), *names, *args)

    def _ask(self, jid: str) -> None:
        command = ask(self.limits, jid, self._holder(jid), flight=("flight", "1"))
        self.raw.hset("flight", "1", "x")
        count = command[2]
        answer = read_answer(self._eval(ASK, command[3 : 3 + count], command[3 + count :]))
        if answer.place is None:
            self.inside.add(jid)
            self.starts.append(self.now)
            self.began[jid] = self.now
        else:
            self.parking[jid] = (answer.place, answer.since)

    def _leave(self, jid: str, what: str, **more: Any) -> None:
        self._eval(LEAVE, *leave(self.limits, jid, self._holder(jid), what, **more))

    def _holder(self, jid: str) -> str:
        return f"{jid}/{self.deaths[jid]}"

    @rule()
    def a_job_is_pushed(self) -> None:
        self.number += 1
        self.coming.append(f"j{self.number}")

    @precondition(lambda self: self.coming)
    @rule(data=st.data())
    def one_starts(self, data: Any) -> None:
        self._ask(self.coming.pop(data.draw(st.integers(0, len(self.coming) - 1))))

    @precondition(lambda self: self.parking)
    @rule(data=st.data())
    def one_parks(self, data: Any) -> None:
        jid = data.draw(st.sampled_from(sorted(self.parking)))
        place, since = self.parking.pop(jid)
        self.raw.zadd("schedule", {jid: NEVER})
        self._leave(jid, "park", waits=(place, jid.encode(), since))
        self.parked.add(jid)

    @precondition(lambda self: self.inside)
    @rule(data=st.data(), dies=st.booleans(), late=st.sampled_from([0.0, 0.2, 5.0]))
    def one_ends(self, data: Any, dies: bool, late: float) -> None:
        jid = data.draw(st.sampled_from(sorted(self.inside)))
        self.inside.discard(jid)
        ago = min(late, self.now - self.began[jid])  # it is settled later than it ended
        self._leave(jid, "keep" if dies else "over", ago=ago)
        if dies:
            self.died += 1
            self.deaths[jid] += 1
            self.coming.append(jid)

    @precondition(lambda self: self.parked)
    @rule(data=st.data())
    def one_that_waits_is_deleted(self, data: Any) -> None:
        jid = data.draw(st.sampled_from(sorted(self.parked)))
        self.parked.discard(jid)
        self.raw.zrem("schedule", jid)
        self._leave(jid, "over")

    @rule(seconds=st.sampled_from([0.001, 0.4, 1.0, 3.3, 9.9, 10.0, 25.0]))
    def time_goes_on(self, seconds: float) -> None:
        self.now += seconds
        self.raw.set("now", f"{self.now:.6f}")
        self._sweep()  # a call that nobody has answered is over by time alone
        self._come()

    def _come(self) -> None:
        due: Any = self.raw.zrangebyscore("schedule", "-inf", self.now)
        for member in due:
            self.raw.zrem("schedule", member)
            self.parked.discard(member.decode())
            self.coming.append(member.decode())

    def _sweep(self) -> None:
        self._leave("", "keep")

    @invariant()
    def never_more_than_may_be(self) -> None:
        if not hasattr(self, "kind"):
            return
        if len(self.limits) > 1:
            assert len(self.inside) <= 2
        if self.kind == "concurrent":
            assert len(self.inside) <= SIZE
        elif self.kind == "window":
            for first, later in zip(self.starts, self.starts[SIZE:], strict=False):
                assert later - first >= PER - 1e-5
        elif self.kind == "bucket":
            buckets = [int(at // PER) for at in self.starts]
            assert all(buckets.count(each) <= SIZE for each in set(buckets))
        else:
            level, before = 0.0, START
            for at in self.starts:
                level, before = max(0.0, level - (at - before) * SIZE / PER) + 1, at
                assert level <= SIZE + 1e-4

    @invariant()
    def nobody_waits_while_there_is_room(self) -> None:
        if not hasattr(self, "kind"):
            return
        for place, held in enumerate(self.limits):
            names = own.of(held.id)
            if held.kind != "concurrent" or not self.raw.zcard(names[1]):
                continue
            size = SIZE if place == 0 else 2
            taken = int(self.raw.zcard(names[0])) + int(self.raw.zcard(names[3]))
            assert taken >= size, "somebody stands in line, and nobody was called"

    def teardown(self) -> None:
        """Let all of them end: each is called, and none is left."""
        if not hasattr(self, "kind"):
            return
        for _ in range(60 + 12 * self.number):
            for jid in sorted(self.parking):
                place, since = self.parking.pop(jid)
                self.raw.zadd("schedule", {jid: NEVER})
                self._leave(jid, "park", waits=(place, jid.encode(), since))
                self.parked.add(jid)
            while self.coming:
                self._ask(self.coming.pop(0))
            for jid in sorted(self.inside):
                self.inside.discard(jid)
                self._leave(jid, "over")
            if not self.parked and not self.parking:
                break
            self.now += 0.7
            self.raw.set("now", f"{self.now:.6f}")
            self._sweep()
            self._come()
            self.never_more_than_may_be()
        assert not self.parked, f"{len(self.parked)} were called by nobody"
        for held in self.limits:
            assert not self.raw.exists(*own.of(held.id)[1:4]), (
                "nothing is left of those that waited"
            )


@pytest.mark.timeout(200)
@pytest.mark.bare_names
def test_a_model_agrees(private_server: Any) -> None:
    server: TestServer = private_server()
    LimitMachine.raw = server.client()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        LimitMachine,
        settings=settings(
            max_examples=30,
            phases=PHASES,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
