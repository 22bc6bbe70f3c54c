"""Faults around periodic ticks: two leaders, runs that stand in the way, entries that break, lost ticks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq.api import PeriodicSet, Queue, verify
from kiq.plugins.periodic import keys, standing
from kiq.plugins.unique import UniqueJobs
from tests.helpers.ticking import (
    Ticking,
    cursor,
    history,
    is_cancelled,
    last_run,
    minute,
    pushed,
    set_back,
    whats,
)

Make = Callable[..., Ticking]
MINUTELY = {"every": "1m", "class": "elsewhere.Job", "queue": "default"}


def test_who_comes_too_late_for_a_tick_does_not_cancel_its_run(
    make_ticking: Make, raw: redis.Redis
) -> None:
    entries = {"fresh": {**MINUTELY, "overlap": "cancel"}}
    first, second = make_ticking(entries), make_ticking(entries)
    due = minute()
    set_back(raw, "fresh", due)
    ticker = second.service.ticker
    exchange = ticker._exchange

    def overtaken(*commands: Any) -> Any:
        """Between its look at what is due and its look at the last run, another takes the tick."""
        if commands[0][0] == "HMGET":
            ticker._exchange = exchange  # type: ignore[method-assign]
            first.tick()
        return exchange(*commands)

    ticker._exchange = overtaken  # type: ignore[method-assign]
    second.tick()
    assert pushed("fresh")[0] == due
    assert not is_cancelled(raw, last_run(raw, "fresh"))


def test_a_pause_or_a_veto_cancels_no_run(make_ticking: Make, raw: redis.Redis) -> None:
    host, refuses = kiq.Host(), [False]

    @host.around_push
    def veto(context: kiq.ClientContext, call_next: Any) -> Any:
        return None if refuses[0] else call_next(context)

    one = make_ticking({"fresh": {**MINUTELY, "overlap": "cancel"}}, host=host)
    set_back(raw, "fresh", minute(1))
    one.tick()
    running = last_run(raw, "fresh")
    raw.hset(keys.PAUSED, "fresh", "1 somebody")
    set_back(raw, "fresh", minute())
    one.tick()
    raw.hdel(keys.PAUSED, "fresh")
    refuses[0] = True
    set_back(raw, "fresh", minute())
    one.tick()
    assert last_run(raw, "fresh") == running
    assert not is_cancelled(raw, running)


def test_of_several_ticks_that_are_made_up_for_each_cancels_the_one_before(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"fresh": {**MINUTELY, "overlap": "cancel", "missed": "all"}})
    set_back(raw, "fresh", minute(3))
    one.tick()
    jids = [line[3] for line in history(raw, "fresh") if line[2] == "run"]
    assert len(jids) in (4, 5)
    assert [is_cancelled(raw, jid) for jid in jids] == [True] * (len(jids) - 1) + [False]


@pytest.mark.parametrize("missed", ["skip", "once"])
def test_what_was_missed_in_an_outage_follows_the_policy_though_ticks_take_turns(
    make_ticking: Make, raw: redis.Redis, missed: str
) -> None:
    anchor = int(time.time()) - 3 * 3600
    rule = {"every": "1d", "start": anchor - 86_400, "missed": missed, "within": "2h"}
    one = make_ticking({"turns": {**MINUTELY, **rule, "overlap": "queue"}})
    set_back(raw, "turns", anchor)
    one.tick()
    assert pushed("turns") == []
    assert whats(raw, "turns") == ["missed"]


def test_a_tick_that_waited_for_longer_than_is_missed_runs_all_the_same(
    make_ticking: Make, raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "kiq.periodic")
    rule = {"missed": "skip", "overlap": "queue", "every": "1h"}
    one = make_ticking({"turns": {**MINUTELY, **rule}})
    hour = int(time.time()) // 3600 * 3600
    set_back(raw, "turns", hour - 7200)
    raw.hset(keys.LATEST, "turns", "0123 1 default")
    raw.lpush("queue:default", '{"jid":"0123"}')  # it waits
    raw.hset(keys.WAITING, "turns", hour - 7200)  # and a tick waits for it, since it was due
    one.tick()
    assert cursor(raw, "turns") == hour - 7200  # whoever ticks
    raw.delete(keys.LATEST, "queue:default")
    one.tick()
    assert pushed("turns")[0] in (hour, hour + 3600)
    assert whats(raw, "turns") == ["merged", "run"]
    assert raw.hexists(keys.WAITING, "turns") == 0
    assert "missed" not in caplog.text


def test_a_unique_job_that_raises_is_declined_and_not_tried_again(
    make_ticking: Make, raw: redis.Redis
) -> None:
    host = kiq.Host()
    host.install(UniqueJobs())
    options = {"unique": {"on_conflict": "raise"}}
    one = make_ticking({"only": {**MINUTELY, "options": options}}, host=host)
    for ago in (1, 0):
        set_back(raw, "only", minute(ago))
        one.tick()
    (job,) = Queue("default")
    assert whats(raw, "only")[-2:] == ["run", "declined"] or "declined" in whats(raw, "only")
    declined = [line[3] for line in history(raw, "only") if line[2] == "declined"]
    assert set(declined) == {job.jid}
    assert one.reported == []
    assert cursor(raw, "only") > minute()


def test_what_fails_is_tried_with_growing_pauses_however_often_the_bell_rings(
    make_ticking: Make, raw: redis.Redis
) -> None:
    host, tries = kiq.Host(), list[float]()

    @host.around_push
    def broken(context: kiq.ClientContext, call_next: Any) -> Any:
        tries.append(time.monotonic())
        raise ValueError("no")

    one = make_ticking({"bad": MINUTELY, "good": {**MINUTELY, "every": "30d"}}, host=host)
    set_back(raw, "bad", minute())
    began = time.monotonic()
    for _ in range(20):
        one.tick()  # woken, as by the end of some other run
    took = time.monotonic() - began
    assert len(tries) <= 2 + took / 5
    assert len(one.reported) == 1
    jobs = PeriodicSet()
    before = len(tries)
    raw.hdel(keys.ENTRIES, "bad")
    jobs.add("bad", "elsewhere.Job", every="1m", queue="default", args=[1])
    set_back(raw, "bad", minute())
    one.tick()
    assert len(tries) == before + 1  # another entry now: at once


def test_who_can_t_do_an_entry_offers_the_duty_to_another(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"odd": MINUTELY, "fine": MINUTELY})
    text: Any = raw.hget(keys.ENTRIES, "odd")
    raw.hset(keys.ENTRIES, "odd", text.replace(b"UTC", b"No/Where"))
    for name in ("odd", "fine"):
        set_back(raw, name, minute())
    for _ in range(3):
        one.tick()
    assert one.unfit == ["periodic jobs that fail here: odd"]
    assert pushed("fine")


def test_an_entry_that_was_added_again_meanwhile_keeps_its_tick(
    make_ticking: Make, raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    one = make_ticking({})
    jobs = PeriodicSet()
    job = jobs.add("mail", "elsewhere.Job", every="1m", queue="default")
    set_back(raw, "mail", minute())
    ticker = one.service.ticker
    exchange = ticker._exchange

    def meanwhile(*commands: Any) -> Any:
        """It is removed before its definition is read, and added before that is seen."""
        if commands[0][0] != "HMGET":
            return exchange(*commands)
        job.remove()
        found = exchange(*commands)
        jobs.add("mail", "elsewhere.Job", every="1m", queue="default")
        ticker._exchange = exchange  # type: ignore[method-assign]
        return found

    ticker._exchange = meanwhile  # type: ignore[method-assign]
    one.tick()
    assert cursor(raw, "mail") is not None
    assert "had lost its next tick" not in caplog.text


def test_an_entry_that_has_lost_its_tick_gets_another(make_ticking: Make, raw: redis.Redis) -> None:
    one = make_ticking({})
    PeriodicSet().add("mail", "elsewhere.Job", every="1m", queue="default")
    PeriodicSet().add("off", "elsewhere.Job", every="1m", queue="default", enabled=False)
    raw.delete(keys.DUE)  # evicted, or by a person
    one.tick()
    assert cursor(raw, "mail") > minute()
    assert cursor(raw, "off") is None


def test_outcomes_are_noted_though_two_hundred_runs_outlasted_the_history(
    make_ticking: Make, raw: redis.Redis, ridden: None
) -> None:
    one = make_ticking({"slow": MINUTELY})
    raw.hset(keys.outcomes("slow"), mapping={f"old{number}": "done 1.0" for number in range(250)})
    set_back(raw, "slow", minute())
    one.tick()
    (job, *_) = Queue("default")
    assert job.delete()
    assert raw.hget(keys.outcomes("slow"), job.jid).startswith(b"deleted ")
    assert raw.hlen(keys.outcomes("slow")) < 100


def test_a_run_of_an_entry_that_is_gone_leaves_nothing_behind(
    make_ticking: Make, raw: redis.Redis, ridden: None
) -> None:
    one = make_ticking({})
    entry = PeriodicSet().add("mail", "elsewhere.Job", every="1m", queue="default")
    set_back(raw, "mail", minute())
    one.tick()
    (job, *_) = Queue("default")
    entry.remove()
    assert job.delete()
    entry.run()  # whoever had it in hand
    assert raw.keys("kiq:periodic:*mail*") == []
    assert raw.hlen(keys.LATEST) == 0


def test_an_application_that_has_another_name_now_takes_its_entries_along(
    make_ticking: Make, raw: redis.Redis
) -> None:
    make_ticking({"report": MINUTELY}, tag="app.jobs")
    due = cursor(raw, "report")
    renamed = make_ticking({"report": {**MINUTELY, "args": [1]}}, tag="app.jobs app.mail")
    assert b'"args":[]' in raw.hget(keys.ENTRIES, "report")  # the old one is seen still
    said: Any = raw.hget(keys.SETS, "app.jobs")
    raw.hset(keys.SETS, "app.jobs", said.split(b" ")[0] + b" 1 ")
    renamed.offer()
    assert b'"args":[1]' in raw.hget(keys.ENTRIES, "report")
    assert cursor(raw, "report") == due


def test_entries_of_an_application_that_is_gone_for_a_week_go(
    make_ticking: Make, raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    make_ticking({"old": MINUTELY}, tag="shop")
    one = make_ticking({"new": MINUTELY}, tag="mail")
    PeriodicSet().add("hand", "elsewhere.Job", every="1m", queue="default")
    said: Any = raw.hget(keys.SETS, "shop")
    week = int(time.time()) - 7 * 86_400
    raw.hset(keys.SETS, "shop", said.split(b" ")[0] + f" {week + 600} ".encode())
    one.tick()
    assert cursor(raw, "old") is not None
    raw.hset(keys.SETS, "shop", said.split(b" ")[0] + f" {week - 600} ".encode())
    one.service.ticker.close()  # what it knows is begun anew
    one.tick()
    assert {entry.name for entry in PeriodicSet()} == {"new", "hand"}
    assert cursor(raw, "old") is None
    assert "old is no more: no process of its application shop" in caplog.text


def test_a_long_queue_is_looked_through_a_piece_at_a_time(
    make_ticking: Make, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "_BETWEEN", 0.0)
    one = make_ticking({"gone": {**MINUTELY, "overlap": "skip"}, "other": MINUTELY})
    set_back(raw, "gone", minute())
    one.tick()
    raw.delete("queue:default")
    with raw.pipeline(transaction=False) as pipe:
        for _ in range(100):
            pipe.rpush("queue:default", *[b"x" * 50] * 1000)
        pipe.execute()
    set_back(raw, "gone", minute())
    ticker = one.service.ticker
    monkeypatch.setattr("kiq.plugins.periodic.ticker._BIT", 0.0001)
    while ticker.tick() == 0.0:
        pass
    assert ticker._standing.looking
    set_back(raw, "other", minute())
    assert ticker.tick() == 0.0  # nobody waits for it
    assert history(raw, "other")[-1][2] == "run"
    monkeypatch.setattr("kiq.plugins.periodic.ticker._BIT", 0.02)
    for _ in range(2):
        set_back(raw, "gone", minute())
        one.tick()
    set_back(raw, "gone", minute())
    one.tick()
    assert whats(raw, "gone")[-1] == "run"


def test_verify_finds_what_is_not_as_it_must_be(
    make_ticking: Make, raw: redis.Redis, ridden: None
) -> None:
    names = ("fine", "lost", "late", "broken", "skipping")
    one = make_ticking(
        dict.fromkeys(names, MINUTELY)
        | {"away": MINUTELY, "waits": {**MINUTELY, "overlap": "skip"}}
    )
    assert verify().findings == ()
    raw.zrem(keys.DUE, "lost")
    raw.zadd(keys.DUE, {"late": minute(10), "nobody": minute()})
    raw.hset(keys.ENTRIES, "broken", "{")
    raw.hset(keys.LATEST, "waits", "0123 1 default")
    found = {(each.where, each.what.split(",")[0][:13]) for each in verify().findings}
    assert found == {
        ("periodic job nobody", "has a tick th"),
        ("periodic job lost", "has no next t"),
        ("periodic job late", "is due"),
        ("periodic job broken", "can't be read"),
        ("periodic job waits", "its last run"),
    }
    mended = verify(mend=True)
    assert {each.where for each in mended.findings if not each.mended} == {
        "periodic job late",
        "periodic job broken",
    }
    assert cursor(raw, "lost") is not None
    assert cursor(raw, "nobody") is None
    assert raw.hlen(keys.LATEST) == 0
    one.offer()
    one.tick()
    assert verify().findings == ()
    said: Any = raw.hget(keys.SETS, "app")
    raw.hset(keys.SETS, "app", said.split(b" ")[0] + b" 1 ")
    assert len(verify().findings) == len(names) + 2
