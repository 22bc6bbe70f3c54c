"""The steps of periodic jobs, one by one: what each of them must not do, whoever has been faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq.api import PeriodicSet, Queue
from kiq.plugins.periodic import keys, standing
from kiq.plugins.periodic.pieces import free, pass_over
from tests.helpers.ticking import (
    Ticking,
    cursor,
    history,
    is_cancelled,
    last_run,
    minute,
    pushed,
    set_back,
)
from tests.helpers.waiting import eventually

Make = Callable[..., Ticking]
MINUTELY = {"every": "1m", "class": "elsewhere.Job", "queue": "default"}


def test_a_tick_of_an_entry_that_has_just_changed_is_not_taken(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one, jobs = make_ticking({}), PeriodicSet()
    jobs.add("mail", "elsewhere.Job", every="1m", queue="default")
    due = minute()
    set_back(raw, "mail", due)
    ticker = one.service.ticker
    exchange = ticker._exchange

    def changed(*commands: Any) -> Any:
        found = exchange(*commands)
        if commands[0][0] == "HMGET":
            ticker._exchange = exchange  # type: ignore[method-assign]
            new = {"every": "1m", "queue": "default", "args": [1], "replace": True}
            jobs.add("mail", "elsewhere.Job", **new)
        return found

    ticker._exchange = changed  # type: ignore[method-assign]
    one.tick()
    one.tick()
    assert [job.args for job in Queue("default") if job.payload["tick"] == due] == [[1]]


def test_the_step_that_takes_the_tick_cancels_the_last_run(
    make_ticking: Make, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiq.plugins.periodic.ticker.cancel", lambda *_: None)  # who ticks died
    one = make_ticking({"fresh": {**MINUTELY, "overlap": "cancel"}, "any": MINUTELY})
    runs = {}
    for ago in (1, 0):
        for name in ("fresh", "any"):
            runs[name, ago] = last_run(raw, name)
            set_back(raw, name, minute(ago))
        one.tick()
    assert is_cancelled(raw, runs["fresh", 0])
    assert not is_cancelled(raw, last_run(raw, "fresh"))
    assert not is_cancelled(raw, runs["any", 0])


def test_what_was_decided_meanwhile_is_not_passed_over(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"mail": MINUTELY})
    exchange, text = one.service.ticker._exchange, raw.hget(keys.ENTRIES, "mail")
    due = cursor(raw, "mail")
    assert due is not None
    assert isinstance(text, bytes)
    assert exchange(pass_over("mail", due - 60, text, due + 60)) == [0]
    assert exchange(pass_over("mail", due, text + b" ", due + 60)) == [0]
    assert cursor(raw, "mail") == due
    assert exchange(pass_over("mail", due, text, due + 60)) == [1]
    assert cursor(raw, "mail") == due + 60


def test_only_the_end_of_the_last_run_lets_the_next_begin(
    make_ticking: Make, raw: redis.Redis, ridden: None
) -> None:
    one = make_ticking({"mail": MINUTELY})
    for ago in (1, 0):
        set_back(raw, "mail", minute(ago))
        one.tick()
    jobs = {job.jid: job for job in Queue("default")}
    last = jobs.pop(last_run(raw, "mail"))
    assert all(job.delete() for job in jobs.values())
    assert last_run(raw, "mail") == last.jid
    assert last.delete()
    assert last_run(raw, "mail") == ""


def test_a_push_that_is_taken_back_leaves_the_tick_as_it_was(
    make_ticking: Make, raw: redis.Redis
) -> None:
    def ask(_: dict[str, Any]) -> kiq.plugin.Ride:
        return kiq.plugin.Ride(["other"], [])

    fails = "redis.call('SADD', KEYS[1], 'x')"
    one = make_ticking({"mail": MINUTELY})
    other = kiq.plugin.Guard("other", guarding=ask, check="return nil", take=fails)
    pusher = one.service.ticker._pusher.client
    pusher._guards = (*pusher._guards, other)  # one that is asked behind the tick's
    raw.set("other", "no set")
    due = minute()
    set_back(raw, "mail", due)
    one.tick()
    assert len(one.reported) == 1
    assert (cursor(raw, "mail"), last_run(raw, "mail"), history(raw, "mail")) == (due, "", [])
    assert pushed("mail") == []
    raw.delete("other")
    one.tick()
    assert due in pushed("mail")


def test_only_the_run_that_was_looked_for_is_let_go_of(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"mail": MINUTELY})
    raw.hset(keys.LATEST, "mail", "new 2 default")
    assert one.service.ticker._exchange(free("mail", b"old 1 default")) == [0]
    assert last_run(raw, "mail") == "new"


def test_a_run_is_let_go_of_after_two_looks_only(
    make_ticking: Make, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "_BETWEEN", 0.0)
    one = make_ticking({"mail": {**MINUTELY, "overlap": "skip"}})
    raw.hset(keys.LATEST, "mail", "0123 1 default")
    for left in ("0123", ""):
        set_back(raw, "mail", minute())
        eventually(lambda: one.tick() > 0.005 and not one.service.ticker._standing.looking)
        assert last_run(raw, "mail") == left
