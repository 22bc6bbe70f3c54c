"""Ticks of periodic jobs: each has one job, whatever happens around it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq import keys as house
from kiq.api import Queue, RetrySet, ScheduledSet
from kiq.plugins.periodic import keys, standing
from kiq.plugins.periodic.plugin import Periodic
from tests.helpers.ticking import (
    Ticking,
    cursor,
    history,
    minute,
    pushed,
    set_back,
    whats,
)
from tests.helpers.waiting import eventually

Make = Callable[..., Ticking]
CLASS = "tests.helpers.noop.Nothing"
MINUTELY = {"every": "1m", "class": "elsewhere.Job", "queue": "default"}


def test_a_tick_that_is_due_pushes_one_job_that_knows_of_it(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking(
        {"report": {**MINUTELY, "args": ["a", 1], "kwargs": {"x": None}, "retry": 3}}
    )
    assert one.tick() > 0
    assert pushed("report") == []
    due = minute()
    set_back(raw, "report", due)
    assert one.tick() > 0
    (job,) = Queue("default")
    assert (job.class_name, job.args, job.kwargs) == ("elsewhere.Job", ["a", 1], {"x": None})
    assert (job.payload["periodic"], job.payload["tick"], job.payload["retry"]) == (
        "report",
        due,
        3,
    )
    ((tick, at, what, jid),) = history(raw, "report")
    assert (int(tick), what, jid) == (due, "run", job.jid)
    assert float(at) >= due
    assert cursor(raw, "report") > due
    assert one.tick() > 0
    assert len(list(Queue("default"))) == 1


def test_two_that_think_they_have_the_duty_push_each_tick_once(
    make_ticking: Make, raw: redis.Redis
) -> None:
    entries = {"busy": {**MINUTELY, "every": "1s", "missed": "all", "within": "1h"}}
    both = [make_ticking(entries), make_ticking(entries)]
    began = int(time.time()) - 60
    set_back(raw, "busy", began)
    threads = [threading.Thread(target=each.tick) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    ticks = Counter(pushed("busy"))
    assert set(ticks.values()) == {1}
    last = cursor(raw, "busy")
    assert sorted(ticks) == list(range(began, last))


@pytest.mark.parametrize(
    ("policy", "behind", "runs", "told"),
    [
        ({}, 0, 1, ["run"]),
        ({}, 3, 1, ["missed", "run"]),
        ({"missed": "skip"}, 3, 1, ["missed", "run"]),
        ({"missed": "all"}, 3, 4, ["run"] * 4),
        ({"missed": "all", "within": "2m"}, 30, 2, ["missed", "run", "run"]),
    ],
)
def test_ticks_that_nobody_took_follow_the_policy(
    make_ticking: Make,
    raw: redis.Redis,
    policy: dict[str, Any],
    behind: int,
    runs: int,
    told: list[str],
) -> None:
    one = make_ticking({"late": {**MINUTELY, **policy}})
    last = minute()
    set_back(raw, "late", last - 60 * behind)
    one.tick()
    # A minute may have begun meanwhile.
    assert len(pushed("late")) in (runs, runs + 1)
    assert whats(raw, "late")[: len(told)] == told
    missed = [int(line[3]) for line in history(raw, "late") if line[2] == "missed"]
    assert sum(missed) + len(pushed("late")) in (behind + 1, behind + 2)


@pytest.mark.parametrize(("missed", "runs"), [("once", 1), ("skip", 0), ("all", 1)])
def test_a_day_when_nobody_ran(
    make_ticking: Make, raw: redis.Redis, missed: str, runs: int
) -> None:
    now = int(time.time())
    anchor = now - now % 60 - 7200  # two hours ago, once a day
    rule = {"every": "1d", "start": anchor - 86_400 * 10, "missed": missed}
    one = make_ticking({"daily": {**MINUTELY, **rule}})
    set_back(raw, "daily", anchor - 86_400)
    one.tick()
    expected = {"once": [anchor], "skip": [], "all": [anchor]}[missed]
    assert pushed("daily") == expected
    assert len(pushed("daily")) == runs
    assert cursor(raw, "daily") == anchor + 86_400


def test_all_of_a_storm_has_an_end(make_ticking: Make, raw: redis.Redis) -> None:
    one = make_ticking({"storm": {**MINUTELY, "missed": "all", "within": "30d"}})
    set_back(raw, "storm", minute() - 60 * 5000)
    one.tick()
    assert len(pushed("storm")) in (100, 101)


def test_while_the_last_run_is_there_a_tick_is_skipped(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"slow": {**MINUTELY, "overlap": "skip"}})
    for ago in (2, 1, 0):
        set_back(raw, "slow", minute(ago))
        one.tick()
    assert len(pushed("slow")) == 1
    assert [what for what in whats(raw, "slow") if what != "missed"][:2] == ["run", "skipped"]


def test_a_tick_that_waits_runs_once_when_the_last_run_is_over(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"turns": {**MINUTELY, "overlap": "queue"}})
    set_back(raw, "turns", minute(3))
    one.tick()
    set_back(raw, "turns", minute(2))
    one.tick()
    assert len(pushed("turns")) == 1
    assert cursor(raw, "turns") <= minute()  # it waits
    raw.hdel(keys.LATEST, "turns")
    one.tick()
    assert len(pushed("turns")) == 2
    assert cursor(raw, "turns") > minute()


def test_the_other_is_cancelled_where_that_is_wanted(make_ticking: Make, raw: redis.Redis) -> None:
    one = make_ticking({"fresh": {**MINUTELY, "overlap": "cancel"}})
    set_back(raw, "fresh", minute(1))
    one.tick()
    (first,) = Queue("default")
    set_back(raw, "fresh", minute())
    one.tick()
    assert len(pushed("fresh")) == 2
    assert raw.zscore(house.CANCELLED, first.jid) is not None


def test_a_run_that_is_nowhere_stands_in_nobodys_way_for_long(
    make_ticking: Make, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "_BETWEEN", 0.0)
    one = make_ticking({"gone": {**MINUTELY, "overlap": "skip"}})
    set_back(raw, "gone", minute(2))
    one.tick()
    raw.delete("queue:default")  # by another program
    for _ in range(3):
        set_back(raw, "gone", minute())
        one.tick()
    eventually(lambda: one.tick() > 0 and len(pushed("gone")) == 1, 5)


@pytest.mark.parametrize("place", ["queue", "retry", "schedule", "in flight"])
def test_a_run_that_is_somewhere_is_found(
    make_ticking: Make, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(standing, "_BETWEEN", 0.0)
    one = make_ticking({"here": {**MINUTELY, "overlap": "skip"}})
    set_back(raw, "here", minute(2))
    one.tick()
    payload: Any = raw.lindex("queue:default", 0)
    if place != "queue":
        raw.delete("queue:default")
    if place == "in flight":
        raw.sadd(house.OWNERS, "host:1:aa:default")
        raw.hset(house.inflight("queue:default", "host:1:aa:default"), "1.1", payload)
    elif place != "queue":
        raw.zadd(place, {payload: time.time() + 60})
    for _ in range(5):
        set_back(raw, "here", minute())
        one.tick()
    assert whats(raw, "here").count("run") == 1
    assert whats(raw, "here").count("skipped") == 5


def test_what_is_paused_has_no_jobs_and_owes_none(make_ticking: Make, raw: redis.Redis) -> None:
    one = make_ticking({"quiet": {**MINUTELY, "missed": "all", "within": "1d"}})
    raw.hset(keys.PAUSED, "quiet", "1 somebody")
    set_back(raw, "quiet", minute(10))
    one.tick()
    assert pushed("quiet") == []
    assert cursor(raw, "quiet") > minute()
    raw.hdel(keys.PAUSED, "quiet")
    one.tick()
    assert pushed("quiet") == []


def test_jitter_puts_the_job_off_and_always_by_the_same(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"spread": {**MINUTELY, "jitter": "1h"}})
    due = minute()
    ats = []
    for _ in range(2):
        set_back(raw, "spread", due)
        one.tick()
        ats += [entry.score for entry in ScheduledSet() if entry.payload["tick"] == due]
        raw.delete("schedule")
    assert len(ats) == 2
    assert ats[0] == ats[1]
    assert due < ats[0] < due + 3600


def test_one_entry_that_is_broken_keeps_no_other_from_its_ticks(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"a": MINUTELY, "b": MINUTELY, "c": MINUTELY})
    raw.hset(keys.ENTRIES, "a", "{")
    raw.hdel(keys.ENTRIES, "b")
    for name in "abc":
        set_back(raw, name, minute())
    one.tick()
    assert len(pushed("c")) == 1
    assert [context for _, context in one.reported] == [{"context": "periodic job a"}]
    assert cursor(raw, "b") is None
    one.offer()  # what the file has comes back
    set_back(raw, "a", minute())
    one.tick()
    assert len(pushed("a")) == 1


def test_a_push_that_redis_refuses_is_made_later_and_once(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"refused": MINUTELY})
    raw.set("queue:default", "no list")
    due = minute()
    set_back(raw, "refused", due)
    one.tick()
    assert cursor(raw, "refused") == due
    assert len(one.reported) == 1
    raw.delete("queue:default")
    one.tick()
    assert pushed("refused")[0] == due
    assert len(pushed("refused")) == 1
    assert whats(raw, "refused") == ["run"]


def test_middleware_sees_the_job_and_may_refuse_it(make_ticking: Make, raw: redis.Redis) -> None:
    host = kiq.Host()
    seen: list[str] = []

    @host.around_push
    def veto(context: kiq.ClientContext, call_next: Any) -> Any:
        seen.append(context.payload["class"])
        return None

    one = make_ticking({"vetoed": MINUTELY}, host=host)
    set_back(raw, "vetoed", minute())
    one.tick()
    assert seen
    assert pushed("vetoed") == []
    assert whats(raw, "vetoed")[0] == "vetoed"
    assert cursor(raw, "vetoed") > minute()


def test_what_the_clock_decided_a_day_too_early_is_repaired_and_an_hour_is_waited_for(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"year": MINUTELY, "hour": MINUTELY})
    ahead = minute() + 3600
    set_back(raw, "year", minute() + 366 * 86_400)
    set_back(raw, "hour", ahead)
    one.tick()
    assert cursor(raw, "year") <= minute() + 120
    assert cursor(raw, "hour") == ahead


def test_a_thousand_entries_at_once(make_ticking: Make, raw: redis.Redis) -> None:
    names = [f"n{number}" for number in range(1000)]
    one = make_ticking(dict.fromkeys(names, MINUTELY))
    due = minute()
    raw.zadd(keys.DUE, dict.fromkeys(names, due))
    one.tick()
    waiting = [job.payload for job in Queue("default") if job.payload["tick"] == due]
    assert sorted(job["periodic"] for job in waiting) == sorted(names)


def test_how_a_run_went_is_in_its_history_and_the_next_may_begin(
    make_ticking: Make, raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    ran: list[str] = []

    @kiq.job(name="ticks.good")
    def good() -> None:
        ran.append("good")

    @kiq.job(name="ticks.bad")
    def bad() -> None:
        raise ValueError("no")

    host = kiq.host
    host.install(Periodic())
    host.services.clear()  # its ticks are the test's
    entries = {
        "good": {"every": "1m", "class": "ticks.good"},
        "bad": {"every": "1m", "class": "ticks.bad"},
    }
    one = make_ticking(entries, host=host)
    due = minute()
    for name in entries:
        set_back(raw, name, due)
    with one.worker:
        one.tick()
        eventually(lambda: outcome(raw, "good") == "done", 10)
        eventually(lambda: outcome(raw, "bad") == "failed", 10)
        assert raw.hexists(keys.LATEST, "good") == 0
        assert raw.hexists(keys.LATEST, "bad") == 1
        assert [entry.kill() for entry in RetrySet()] == [True]  # by a person
        assert outcome(raw, "bad") == "dead"
        assert raw.hexists(keys.LATEST, "bad") == 0
    assert ran == ["good"] * len(ran)


def outcome(raw: redis.Redis, name: str) -> str:
    """How the first run of *name* went."""
    jid = history(raw, name)[0][3]
    found: Any = raw.hget(keys.outcomes(name), jid)
    return (found or b"").decode().partition(" ")[0]


def test_the_history_has_an_end_and_so_have_outcomes(make_ticking: Make, raw: redis.Redis) -> None:
    one = make_ticking({"long": {**MINUTELY, "every": "1s", "missed": "all", "within": "1d"}})
    for _ in range(2):
        set_back(raw, "long", int(time.time()) - 90)
        one.tick()
    assert raw.llen(keys.history("long")) <= keys.KEPT
