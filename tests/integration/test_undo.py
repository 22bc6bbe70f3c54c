"""Undoing what people deleted, cleared, killed and moved: ``kiq.api.undoable`` and ``undo``."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq.api import (
    DeadSet,
    JobSet,
    Queue,
    RetrySet,
    ScheduledSet,
    scripts,
    trash,
    undo,
    undoable,
    undoable_act,
    undoable_acts,
)
from kiq.errors import ConfigError
from kiq.plugins import unique

SETS: dict[str, type[JobSet]] = {"retry": RetrySet, "schedule": ScheduledSet, "dead": DeadSet}


def job(number: int, **more: Any) -> bytes:
    fields = {"class": "X", "args": [number], "jid": f"{number:024}", "queue": "mail", **more}
    return json.dumps(fields).encode()


def fill(raw: redis.Redis, count: int = 7) -> None:
    for at, key in enumerate(SETS):
        raw.zadd(key, {job(100 * at + n): 2e9 + n / 7 for n in range(count)})
        raw.zadd(key, {b"\xff no job " + key.encode(): 2e9 + 0.123456})
    raw.lpush("queue:mail", *[job(1000 + n) for n in range(count)])
    raw.lpush("queue:mail\x1f:high", *[job(2000 + n) for n in range(count)])
    raw.sadd("queues", "mail", "mail\x1f:high")


def picture(raw: redis.Redis) -> Any:
    sets = {key: raw.zrange(key, 0, -1, withscores=True) for key in SETS}
    lists = {key: raw.lrange(key, 0, -1) for key in ("queue:mail", "queue:mail\x1f:high")}
    return sets, lists, raw.smembers("queues")


def entry(kind: type[JobSet], number: int) -> Any:
    found = kind().find(f"{number:024}")
    assert found is not None
    return found


def in_the_middle() -> None:
    for each in list(Queue("mail"))[2:9:2]:
        assert each.delete()


ACTS: dict[str, Callable[[], object]] = {
    "delete one": lambda: entry(RetrySet, 3).delete(),
    "delete many": lambda: ScheduledSet().delete_all(),
    "clear a set": lambda: DeadSet().clear(),
    "clear a queue": lambda: Queue("mail").clear(),
    "delete of a queue": in_the_middle,
    "kill one": lambda: entry(RetrySet, 3).kill(),
    "kill many": lambda: ScheduledSet().kill_all(),
    "retry one": lambda: entry(DeadSet, 203).retry(),
    "retry many": lambda: RetrySet().retry_all(wanted="class:X"),
    "enqueue one": lambda: entry(ScheduledSet, 104).add_to_queue(),
    "reschedule": lambda: entry(ScheduledSet, 101).reschedule(2e9 + 500),
    "a dead one to a time": lambda: entry(DeadSet, 201).reschedule(2e9 + 500),
}


@pytest.mark.parametrize("name", ACTS)
def test_all_is_where_it_was(name: str, kiq_client: kiq.Client, raw: redis.Redis) -> None:
    fill(raw)
    raw.zadd("retry", {job(50, retry_count=3): 2e9 + 1})
    before = picture(raw)
    with undoable("ann", name) as act:
        ACTS[name]()
    assert picture(raw) != before
    (said,) = undoable_acts()
    assert (said.id, said.by, said.what, said.beyond) == (act.id, "ann", name, 0)
    assert 0 < said.left <= 600
    done = undo(act.id)
    assert (done.back, done.left) == (said.jobs, {})
    assert picture(raw) == before
    assert not raw.keys(f"kiq:undo:{act.id}*")
    with pytest.raises(ConfigError, match="nothing is kept"):
        undo(act.id)
    assert picture(raw) == before


def test_nothing_is_kept_unasked(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    fill(raw)
    RetrySet().delete_all()
    Queue("mail").clear()
    assert raw.keys("kiq:undo*") == []


def test_what_is_kept_ends_by_itself(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    fill(raw)
    with undoable():
        RetrySet().delete_all()
    kept = raw.keys("kiq:undo*")
    assert len(kept) == 3
    ttls = {key: raw.ttl(key) for key in kept}
    assert 0 < ttls.pop(b"kiq:undo") <= 86_400  # names only
    assert all(0 < ttl <= 600 for ttl in ttls.values())


def test_acts_that_begin_at_a_time_are_both_kept(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    fill(raw)
    with undoable() as one:
        begun = one.keeping(scripts.delete, ("retry", "dead", "a", "b"), [job(1)], "")
        with undoable() as other:
            ScheduledSet().delete_all()
        one._home.call(begun)
    assert undo(one.id).back == 1
    assert undo(other.id).back == 8


def test_a_job_comes_back_between_those_it_was_between(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    jobs = [job(n) for n in range(6)]  # the first is next
    raw.lpush("queue:mail", *jobs)
    with undoable() as act:
        assert Queue("mail").delete(f"{3:024}")
    raw.rpop("queue:mail", 3)  # a worker took all that were before it
    raw.lpush("queue:mail", job(6))
    assert undo(act.id).back == 1
    assert raw.lrange("queue:mail", 0, -1)[::-1] == [jobs[3], jobs[4], jobs[5], job(6)]
    with undoable() as act:
        assert Queue("mail").delete(f"{4:024}")
    raw.rpop("queue:mail", 2)  # both of its neighbours are gone: it was older than what is left
    assert undo(act.id).back == 1
    assert raw.lrange("queue:mail", 0, -1)[::-1] == [jobs[4], job(6)]


def test_a_cleared_queue_comes_back_before_newer_jobs(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    jobs = [job(n) for n in range(120)]
    raw.lpush("queue:mail", *jobs)
    with undoable() as act:
        assert Queue("mail").clear() == 120
    raw.lpush("queue:mail", job(500))
    assert undo(act.id).back == 120
    assert raw.lrange("queue:mail", 0, -1)[::-1] == [*jobs, job(500)]
    assert raw.smembers("queues") == {b"mail"}


def test_what_has_started_is_left_alone(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    raw.zadd("retry", {job(n): 2e9 for n in range(4)})
    with undoable() as act:
        assert RetrySet().retry_all() == 4
    assert raw.rpop("queue:mail", 3)
    done = undo(act.id)
    assert done.back == 1
    assert sum(done.left.values()) == 3
    assert "it has started" in next(iter(done.left))
    assert (raw.llen("queue:mail"), raw.zcard("retry")) == (0, 1)


def test_what_was_put_there_again_is_not_there_twice(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    raw.zadd("schedule", {job(1): 2e9})
    with undoable() as act:
        ScheduledSet().clear()
    raw.zadd("schedule", {job(1): 2e9 + 5})
    assert undo(act.id).left == {"back already": 1}
    assert raw.zrange("schedule", 0, -1, withscores=True) == [(job(1), 2e9 + 5)]


def test_no_more_is_kept_than_there_is_room_for(
    kiq_client: kiq.Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "MOST_JOBS", 150)
    raw.zadd("retry", {job(n): 2e9 + n for n in range(200)})
    raw.zadd("dead", {job(n): 2e9 + n for n in range(200)})
    with undoable() as act:
        assert RetrySet().delete_all() == 200
        assert DeadSet().clear() == 200
    said = undoable_act(act.id)
    assert said is not None
    assert (said.jobs, said.beyond) == (150, 250)
    done = undo(act.id)
    assert (done.back, done.beyond) == (150, 250)
    assert raw.zcard("retry") == 150


def test_the_oldest_acts_go_first(
    kiq_client: kiq.Client, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "MOST_BYTES", 3_000)
    monkeypatch.setattr(trash, "MOST_IN_ALL", 9_000)
    made = []
    for turn in range(6):
        raw.zadd("retry", {job(n, turn=turn): 2e9 for n in range(10)})
        with undoable(what=str(turn)) as act:
            RetrySet().delete_all()
        made.append(act.id)
    assert undoable_act(made[0]) is None
    assert undoable_act(made[-1]) is not None
    assert sum(raw.memory_usage(key) or 0 for key in raw.keys("kiq:undo:*")) < 20_000
    raw.delete("retry")
    assert undo(made[-1]).back == 10


@pytest.mark.parametrize("what", ["delete", "retry"])
def test_many_undo_at_a_time_and_each_job_comes_back_once(
    what: str, kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    jobs = {job(n): 2e9 + n for n in range(300)}
    raw.zadd("retry", jobs)
    with undoable() as act:
        getattr(RetrySet(), f"{what}_all")()
    backs: list[int] = []
    start = threading.Barrier(4)

    def press() -> None:
        start.wait()
        try:
            backs.append(undo(act.id).back)
        except ConfigError:
            backs.append(0)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(backs) == 300
    assert dict(raw.zrange("retry", 0, -1, withscores=True)) == jobs
    assert raw.llen("queue:mail") == 0


def test_acting_taking_and_undoing_at_a_time_loses_nothing_and_doubles_nothing(
    kiq_client: kiq.Client, raw: redis.Redis
) -> None:
    jobs = [job(n) for n in range(200)]
    raw.zadd("retry", {each: 2e9 + n for n, each in enumerate(jobs)})
    acts: list[str] = []
    taken: list[bytes] = []
    over = threading.Event()

    def act_and_undo(seed: int) -> None:
        chance = random.Random(seed)
        for turn in range(12):
            with undoable() as one:
                wanted = f"text:{chance.randint(0, 9)}"
                if chance.random() < 0.5:
                    RetrySet().retry_all(wanted=wanted)
                else:
                    RetrySet().delete_all(wanted=wanted)
            acts.append(one.id)
            if turn % 2:
                try_undo(chance.choice(acts))

    def take() -> None:
        while not over.is_set():
            got = raw.rpop("queue:mail")
            if got:
                taken.append(got)

    worker = threading.Thread(target=take)
    people = [threading.Thread(target=act_and_undo, args=(seed,)) for seed in range(3)]
    for each in (worker, *people):
        each.start()
    for each in people:
        each.join()
    over.set()
    worker.join()
    for one in acts:
        try_undo(one)
    found = [*taken, *raw.zrange("retry", 0, -1), *raw.lrange("queue:mail", 0, -1)]
    assert sorted(found) == sorted(jobs)


def try_undo(act: str) -> None:
    try:
        undo(act)
    except ConfigError:
        pass


def test_a_unique_job_is_not_brought_back_beside_another(
    kiq_client: kiq.Client, raw: redis.Redis, fresh_host: kiq.Host
) -> None:
    unique.attach()

    class Sync(kiq.Job, queue="mail", unique=True, name="undo.Sync"):
        def perform(self, number: int) -> None: ...

    one = Sync.perform_async(1)
    with undoable() as act:
        assert Queue("mail").delete(str(one))
    other = Sync.perform_async(1)
    assert other != one
    done = undo(act.id)
    assert done.back == 0
    assert next(iter(done.left)).startswith(f"guard unique declined it: {other}")
    assert [each.jid for each in Queue("mail")] == [other]
    assert Queue("mail").delete(str(other))
    assert undo(act.id).back == 1  # it was kept
    assert Sync.perform_async(1) == one  # and has its lock again


def test_what_redis_refuses_stays_kept(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    raw.zadd("schedule", {job(1): 2e9})
    with undoable() as act:
        ScheduledSet().kill_all()
    raw.set("schedule", "of another program")
    done = undo(act.id)
    assert done.back == 0
    assert "WRONGTYPE" in next(iter(done.left))
    assert raw.zcard("dead") == 1
    raw.delete("schedule")
    assert undo(act.id).back == 1
    assert (raw.zcard("dead"), raw.zrange("schedule", 0, -1)) == (0, [job(1)])


def test_a_job_that_comes_back_wakes_a_worker(kiq_client: kiq.Client, raw: redis.Redis) -> None:
    raw.lpush("queue:mail", job(1))
    with undoable() as act:
        Queue("mail").clear()
    raw.sadd("kiq:idle:mail", "somebody")
    assert undo(act.id).back == 1
    assert not raw.exists("kiq:idle:mail")
