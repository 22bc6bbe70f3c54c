"""Plugins hear of each job that leaves, once, when Redis has confirmed it; of what did nothing, never."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.config import Capsule
from kiq.plugin import Host, Rider
from kiq.settled import Deleted, Promoted, Settled
from kiq.verdict import DONE, Done, Dropped, PutOff, ToDead, ToQueue, ToRetry
from tests.helpers.capsuled import Capsuled, payloads
from tests.helpers.depot import Depot, open_link
from tests.helpers.driven import DrivenWorker
from tests.helpers.proxy import FaultProxy, Moment
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.ways_out import TABLE, Heard, Leaves, attach_vetoes, let_go

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def between(raw: redis.Redis, server: TestServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def capsuled(raw: redis.Redis, between: FaultProxy, heard: Heard) -> Iterator[Capsuled]:
    host = Host()
    host.on_settled(heard)
    raw.lpush("queue:a", *payloads("j1", "j2", "j3"))
    made = Capsuled(between.url, host)
    yield made
    made.close()


def test_every_way_out_is_told_once(
    redis_url: str, tmp_path: Path, kiq_client: kiq.Client, heard: Heard
) -> None:
    worker = DrivenWorker(redis_url, tmp_path, Capsule(queues=(("out", 1),), concurrency=2))
    worker._host.on_settled(heard)
    attach_vetoes(worker._host)
    with worker:
        pushed = {name: push() for name, (push, _) in TABLE.items()}
        undecodable = b"\xc1 no job"
        open_link(redis_url).call(("LPUSH", "queue:out", undecodable))
        count = sum(len(fates) for _, fates in TABLE.values()) + 1
        eventually(lambda: len(heard.ended) >= count, 20, message="all have left")
    # Sorted: the poller and the courier tell each what they have settled, in no order between them.
    ended: dict[str, list[str]] = {name: [] for name in TABLE}
    names = {jid: name for name, jid in pushed.items()}
    for one in heard.ended:
        if one.raw != undecodable:
            ended[names[one.jid]].append(type(one.verdict).__name__)
    assert {name: sorted(found) for name, found in ended.items()} == {
        name: sorted(fate.__name__ for fate in fates) for name, (_, fates) in TABLE.items()
    }
    assert [type(one.verdict) for one in heard.all if one.raw == undecodable] == [ToDead]
    assert len(heard.ended) == count


def test_what_is_handed_back_is_told(
    redis_url: str,
    tmp_path: Path,
    kiq_client: kiq.Client,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_go.clear()
    worker = DrivenWorker(redis_url, tmp_path, Capsule(queues=(("out", 1),), concurrency=1))
    worker._host.on_settled(heard)
    with worker:
        Leaves.perform_async("is held")
        eventually(lambda: worker.managers[0].running, 10, message="it runs")
        exchange = worker.managers[0].courier._exchange
        monkeypatch.setattr(exchange.pace, "wanted", lambda free, waiting, now: 1 - waiting)
        waiting = Leaves.perform_async("ends")
        eventually(lambda: ToQueue in heard.of(waiting), 10, message="it went back")
        let_go.set()
        eventually(lambda: Done in heard.of(waiting), 10, message="it ran")


@pytest.mark.parametrize("moment", ["before the request", "after the request", "in the reply"])
def test_what_is_sent_again_is_told_once(
    capsuled: Capsuled, between: FaultProxy, heard: Heard, moment: Moment
) -> None:
    capsuled.end(DONE, ToRetry(payloads("j2")[0], 2e9), DONE)
    between.cut_next(moment)
    capsuled.broken_round()
    assert capsuled.heard()
    assert heard.all == []
    capsuled.round()
    assert capsuled.heard()
    assert sorted((one.jid, type(one.verdict)) for one in heard.all) == [
        ("j1", Done),
        ("j2", ToRetry),
        ("j3", Done),
    ]


@pytest.mark.parametrize("moment", ["before the request", "after the request", "in the reply"])
def test_a_hand_back_whose_answer_is_lost_is_told_once(
    capsuled: Capsuled, between: FaultProxy, raw: redis.Redis, heard: Heard, moment: Moment
) -> None:
    capsuled.inbox.put(list(capsuled.jobs))
    capsuled.exchange.quiet = True
    between.cut_next(moment)
    capsuled.broken_round()
    assert heard.all == []
    for _ in range(3):
        capsuled.round()
    assert raw.llen("queue:a") == 3
    assert capsuled.heard()
    assert sorted((one.jid, one.verdict) for one in heard.all) == [
        (jid, ToQueue()) for jid in ("j1", "j2", "j3")
    ]


def test_of_due_jobs_of_which_some_are_refused_each_is_told(
    redis_url: str, raw: redis.Redis, tmp_path: Path, kiq_client: kiq.Client, heard: Heard
) -> None:
    raw.set("queue:closed", "of the wrong type")
    goes, stays = payloads("goes", queue="elsewhere"), payloads("stays", queue="closed")
    raw.zadd("schedule", dict.fromkeys([*goes, *stays], 1.0))
    worker = DrivenWorker(redis_url, tmp_path)
    worker._host.on_settled(heard)
    rides: list[Settled] = []
    worker._host.ride(Rider("noting", lua="return 1", releasing=rides.append))
    with worker:
        eventually(lambda: len(heard.all) >= 2, 10, message="both are told")
    assert (heard.of("goes"), heard.of("stays")) == ([Promoted], [PutOff])
    assert raw.llen("queue:elsewhere") == 1
    assert raw.zscore("schedule", stays[0])
    assert {(one.jid, type(one.verdict)) for one in rides} >= {
        ("goes", Promoted),
        ("stays", PutOff),
    }


def test_what_is_put_off_as_its_target_refuses_it_is_told(
    redis_url: str, raw: redis.Redis, tmp_path: Path, kiq_client: kiq.Client, heard: Heard
) -> None:
    raw.set("dead", "of the wrong type")
    raw.zadd("schedule", {b"\xc1 no job": 1.0})
    worker = DrivenWorker(redis_url, tmp_path)
    worker._host.on_settled(heard)
    rides: list[Settled] = []
    worker._host.ride(Rider("noting", lua="return 1", releasing=rides.append))
    with worker:
        eventually(lambda: heard.all, 10, message="it is told")
    assert [type(one.verdict) for one in heard.all] == [PutOff]
    assert [type(one.verdict) for one in rides] == [ToDead, PutOff]


def test_nor_is_one_of_which_nobody_knows_whether_it_arrived(
    capsuled: Capsuled, between: FaultProxy, redis_url: str, heard: Heard
) -> None:
    capsuled.inbox.put(list(capsuled.jobs))
    capsuled.exchange.quiet = True
    between.cut_next("before the request")
    capsuled.broken_round()
    Depot(redis_url, capsuled.owner).die()
    capsuled.round()
    assert capsuled.heard()
    assert heard.all == []


def test_what_a_fenced_owner_settles_late_is_not_told(
    capsuled: Capsuled, raw: redis.Redis, redis_url: str, heard: Heard
) -> None:
    capsuled.end(DONE, Dropped("because"))
    Depot(redis_url, capsuled.owner).die()
    raw.lpush("queue:a", *payloads("j9"))
    capsuled.exchange.begin()
    capsuled.exchange.end()
    assert capsuled.heard()
    assert heard.all == []


def test_nor_is_it_when_it_was_sent_before_and_nobody_knows_what_became_of_that(
    capsuled: Capsuled, between: FaultProxy, redis_url: str, heard: Heard
) -> None:
    capsuled.end(DONE, ToDead(b"dead", 2e9), DONE)
    between.cut_next("before the request")
    capsuled.broken_round()
    Depot(redis_url, capsuled.owner).die()
    capsuled.round()
    assert capsuled.heard()
    assert heard.all == []


def test_it_is_told_in_one_list_for_each_exchange(capsuled: Capsuled, heard: Heard) -> None:
    capsuled.end(DONE, DONE, DONE)
    capsuled.round()
    assert capsuled.heard()
    assert [[one.jid for one in batch] for batch in heard.batches] == [["j1", "j2", "j3"]]
    (batch,) = heard.batches
    assert {one.queue for one in batch} == {"a"}
    assert {one.source for one in batch} == {"queue:a"}


def test_a_handler_that_raises_is_reported_and_the_others_hear(
    capsuled: Capsuled, heard: Heard
) -> None:
    problems: list[tuple[BaseException, dict[str, Any]]] = []
    host = capsuled.worker.host
    host.error_handlers[:] = [lambda error, where: problems.append((error, where))]

    def broken(batch: Sequence[Settled]) -> None:
        raise ZeroDivisionError

    host.settled_handlers.insert(0, broken)
    capsuled.end(DONE, DONE, DONE)
    capsuled.round()
    assert capsuled.heard()
    assert capsuled.heard()
    assert len(heard.all) == 3
    assert [(type(error), where) for error, where in problems] == [
        (ZeroDivisionError, {"event": "settled"})
    ]


def test_one_that_hangs_holds_up_nothing_and_hears_the_rest_later(
    capsuled: Capsuled, raw: redis.Redis
) -> None:
    hold, seen = threading.Event(), Heard()

    def slow(batch: Sequence[Settled]) -> None:
        seen(batch)
        hold.wait(10)

    capsuled.worker.host.settled_handlers[:] = [slow]
    for job in capsuled.jobs:
        capsuled.handover.outbox.append((job, DONE))
        capsuled.round()
    eventually(lambda: bool(seen.all), 5, message="it was called")
    assert raw.hlen(f"kiq:inflight:{{queue:a}}:{capsuled.owner}") == 0
    hold.set()
    eventually(lambda: len(seen.all) == 3, 5, message="it heard the rest")


# What people delete


@pytest.fixture
def told(kiq_client: kiq.Client, heard: Heard) -> Heard:
    kiq.host.on_settled(heard)
    return heard


def test_what_is_deleted_from_sets_is_told(raw: redis.Redis, told: Heard) -> None:
    first, second, third, fourth = payloads("j1", "j2", "j3", "j4")
    raw.zadd("retry", {first: 1, second: 2, third: 3})
    raw.zadd("dead", {fourth: 4})
    entry = api.RetrySet().find("j1")
    assert entry is not None
    assert entry.delete()
    assert not entry.delete()
    assert api.RetrySet().delete_all() == 2
    assert api.DeadSet().clear() == 1
    assert [(one.jid, type(one.verdict), one.source) for one in told.all] == [
        ("j1", Deleted, "retry"),
        ("j2", Deleted, "retry"),
        ("j3", Deleted, "retry"),
        ("j4", Deleted, "dead"),
    ]


def test_what_is_killed_is_told(raw: redis.Redis, told: Heard) -> None:
    first, second = payloads("j1", "j2")
    raw.zadd("schedule", {first: 1, second: 2})
    entry = api.ScheduledSet().find("j1")
    assert entry is not None
    assert entry.kill(notify=False)
    assert api.ScheduledSet().kill_all() == 1
    assert [(one.jid, type(one.verdict)) for one in told.all] == [("j1", ToDead), ("j2", ToDead)]


def test_what_is_deleted_from_queues_is_told(raw: redis.Redis, told: Heard) -> None:
    jids = [f"j{number}" for number in range(250)]
    raw.lpush("queue:a", *payloads(*jids))
    raw.sadd("queues", "a")
    assert api.Queue("a").delete("j3")
    assert told.of("j3") == [Deleted]
    assert api.Queue("a").clear() == 249
    assert sorted(one.jid for one in told.all) == sorted(jids)
    assert not raw.exists("queue:a")
    assert not raw.sismember("queues", "a")


def test_what_is_pushed_while_a_queue_is_cleared_stays(raw: redis.Redis, told: Heard) -> None:
    raw.lpush("queue:a", *payloads("j1", "j2"))
    raw.sadd("queues", "a")

    def push(batch: Sequence[Settled]) -> None:
        raw.sadd("queues", "a")
        raw.lpush("queue:a", *payloads("late"))

    kiq.host.on_settled(push)
    assert api.Queue("a").clear() == 2
    assert raw.llen("queue:a") == 1
    assert raw.sismember("queues", "a")


# The page


def test_the_code_of_the_page_counts_how_jobs_ended(capsuled: Capsuled) -> None:
    (text,) = re.findall(r"```python\n(# ends\.py\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    page: dict[str, Any] = {"__name__": "page"}
    exec(text, page)  # noqa: S102 (our own page)
    plugin = page["Ends"]()
    capsuled.worker.host.install(plugin)
    capsuled.end(DONE, Dropped("because"), DONE)
    capsuled.round()
    assert capsuled.heard()
    assert plugin.counts == {("Any", "Done"): 2, ("Any", "Dropped"): 1}


def test_what_is_no_job_has_no_payload_and_no_jid() -> None:
    one = Settled(b"\xc1", "retry", DONE)
    assert (one.payload, one.jid, one.queue) == ({}, "", None)
    assert repr(one) == "<Settled ? of retry: Done>"
