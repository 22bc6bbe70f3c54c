"""kiq.api.ProcessSet and WorkSet, on real workers, and on what other programs leave in Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import keys
from kiq.api import ProcessSet, Stats, WorkSet
from kiq.errors import ConfigError
from kiq.store import owners, scripts
from kiq.store import processes as store_processes
from kiq.store.connection import Link
from kiq.store.signals import SentSignals
from tests.helpers.depot import open_link
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site

RUBY = {
    "hostname": "web",
    "pid": 7,
    "tag": "shop",
    "labels": ["reliable"],
    "started_at": 1_800_000_000.5,
    "version": "8.1.7",
    "capsules": {"default": {"concurrency": 3, "mode": "weighted", "weights": {"a": 3, "b": 0}}},
    "queues": ["a", "b"],
    "weights": [{"a": 3, "b": 0}],
    "embedded": False,
}


@pytest.fixture
def link(redis_url: str) -> Iterator[Link]:
    made = open_link(redis_url)
    yield made
    made.close()


def show(raw: redis.Redis, identity: str, info: object = RUBY, **fields: object) -> None:
    """Write what a process writes at a beat."""
    shown: Any = {"concurrency": 3, "busy": 1, "beat": 1_800_000_009.5, "quiet": "false"}
    shown |= {"rss": 51_000, "rtt_us": 420, "info": json.dumps(info), **fields}
    raw.sadd("processes", identity)
    raw.hset(identity, mapping=shown)


def works(raw: redis.Redis, identity: str, **entries: Any) -> None:
    """Write what the threads of a process run."""
    made: Any = {thread: json.dumps(entry) for thread, entry in entries.items()}
    raw.hset(f"{identity}:work", mapping=made)


def job(jid: str, run_at: float = 0, *, text: bool = True) -> dict[str, Any]:
    payload: Any = {"class": "X", "args": [1], "jid": jid, "queue": "a"}
    return {"queue": "a", "payload": json.dumps(payload) if text else payload, "run_at": run_at}


def test_nobody_is_there(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    everyone = ProcessSet()
    assert (list(everyone), len(everyone), everyone.total_concurrency, everyone.total_rss) == (
        ([], 0, 0, 0)
    )
    assert (everyone.leader, everyone.get("x")) == (None, None)
    assert "x" not in everyone
    with pytest.raises(KeyError):
        everyone["x"]
    assert (list(WorkSet()), len(WorkSet()), WorkSet().find("x")) == ([], 0, None)


def test_a_ruby_process_is_shown_with_all_that_it_says(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    show(raw, "web:7:ab")
    (process,) = ProcessSet()
    assert (process.identity, process.hostname, process.pid) == ("web:7:ab", "web", 7)
    assert (process.tag, process.labels, process.queues) == ("shop", ["reliable"], ["a", "b"])
    assert process.weights == [{"a": 3, "b": 0}]
    assert process.capsules["default"]["mode"] == "weighted"
    assert (process.concurrency, process.busy, process.is_quiet) == (3, 1, False)
    assert (process.rss, process.rtt_us, process.version) == (51_000, 420, "8.1.7")
    assert (process.started_at, process.beat) == (1_800_000_000.5, 1_800_000_009.5)
    assert not process.is_kiq
    assert (process["pid"], process["none"]) == (7, None)


def lapses(link: Link, owner: str) -> None:
    """What an owner that gives its jobs back does first."""
    places = (keys.record(owner), keys.lapsed(owner))
    link.call(scripts.lapse(places, ("1",)))


def test_of_a_process_that_leaves_in_order_one_owner_after_the_other_is_gone(
    raw: redis.Redis, link: Link, kiq_client: kiq.Client
) -> None:
    show(raw, "p", {**RUBY, "kiq": True}, quiet="true")
    raw.expire("p", keys.PROCESS_TTL)
    for name in ("p:default", "p:poller"):
        owners.register(link, name, 60.0, ["queue:a"], {"identity": "p"})
    seen = []
    for name in ("p:poller", "p:default"):
        lapses(link, name)
        seen.append(ProcessSet()["p"].state)
    assert seen == ["quiet", "leaving"]


def test_a_process_whose_jobs_are_all_given_back_is_dead(
    raw: redis.Redis, link: Link, kiq_client: kiq.Client
) -> None:
    show(raw, "p", {**RUBY, "kiq": True})
    raw.expire("p", keys.PROCESS_TTL)
    owners.register(link, "p:default", 60.0, ["queue:a"], {"identity": "p"})
    assert ProcessSet()["p"].state == "running"
    lapses(link, "p:default")
    assert [process.state for process in ProcessSet().dead()] == ["dead"]


def test_an_order_stays_until_what_it_brought_about_is_shown(
    raw: redis.Redis, link: Link, kiq_client: kiq.Client
) -> None:
    show(raw, "p")
    signals, told = SentSignals("p"), []
    raw.lpush(keys.signals("p"), "TTIN")
    raw.lpush(keys.signals("p"), "TSTP")
    told.append(ProcessSet()["p"].told)
    for _ in range(3):
        signals.read(link.exchange(signals.commands()))
        told.append(ProcessSet()["p"].told)
    assert told == [["TTIN", "TSTP"], ["TSTP"], ["TSTP"], []]


def test_queues_and_weights_come_from_the_capsules_where_they_are_named_there_only(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    show(raw, "p", {name: RUBY[name] for name in ("capsules", "hostname")})
    (process,) = ProcessSet()
    assert (process.queues, process.weights) == (["a", "b"], [{"a": 3, "b": 0}])


def test_many_are_read_in_pages_and_added_up(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    for number in range(250):
        show(raw, f"p{number:03}", quiet="true" if number % 2 else "false")
    everyone = ProcessSet()
    assert [process.identity for process in everyone] == [f"p{n:03}" for n in range(250)]
    assert sum(process.is_quiet for process in everyone) == 125
    assert (len(everyone), everyone.total_concurrency, everyone.total_rss) == (
        (250, 750, 250 * 51_000)
    )


def test_hostile_entries_neither_raise_nor_hide_the_others(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    show(raw, "good")
    show(raw, "list", [1], busy="many", rss="nan", beat="inf", rtt_us="", concurrency=b"\xff")
    show(raw, "odd", {"pid": "x", "labels": 5, "queues": [1, "q"], "weights": {"a": 1}, "tag": []})
    show(raw, "deep", "[" * 5)
    raw.hset("deep", "info", "[" * 100_000)
    raw.sadd("processes", "string", b"\xff\xfe")
    raw.set("string", "of another type")
    raw.hset(b"\xff\xfe", "info", "{}")
    found = {process.identity: process for process in ProcessSet()}
    assert set(found) == {"good", "list", "odd", "deep"}
    assert (found["list"].busy, found["list"].rss, found["list"].beat) == (0, 0, 0.0)
    assert (found["odd"].pid, found["odd"].queues, found["odd"].labels) == (0, ["q"], [])
    assert found["odd"].weights == []
    assert raw.sismember("processes", "string")
    assert ProcessSet().get("string") is None


def test_a_look_leaves_out_who_is_gone_and_writes_nothing(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    show(raw, "here")
    raw.sadd("processes", "gone")
    works(raw, "gone", t1=job("j1"))
    raw.hset("half", "busy", 1)
    raw.sadd("processes", "half")
    assert len(ProcessSet()) == 1
    assert raw.smembers("processes") == {b"here", b"gone", b"half"}
    assert raw.exists("gone:work", "half") == 2


def test_a_process_that_shows_itself_is_never_on_the_list_without_its_hash(
    raw: redis.Redis, redis_url: str, kiq_client: kiq.Client
) -> None:
    made: Any = raw
    with made.monitor() as monitor:
        store_processes.show(open_link(redis_url), "p", {}, {"busy": 0}, {})
        seen = []
        while "SADD" not in seen:
            seen.append(monitor.next_command()["command"].split()[0].upper())
    assert seen.index("HSET") < seen.index("SADD")


@pytest.mark.parametrize(
    ("method", "sent"), [("quiet", b"TSTP"), ("stop", b"TERM"), ("dump_threads", b"TTIN")]
)
def test_signals_go_into_the_list_of_the_process_for_a_minute(
    raw: redis.Redis, kiq_client: kiq.Client, method: str, sent: bytes
) -> None:
    show(raw, "p")
    process = ProcessSet()["p"]
    assert getattr(process, method)() is True
    assert getattr(process, method)() is True
    assert raw.lrange("p-signals", 0, -1) == [sent, sent]
    assert 0 < int(raw.ttl("p-signals")) <= 60  # type: ignore[arg-type]
    raw.delete("p", "p-signals")
    assert getattr(process, method)() is False
    assert not raw.exists("p-signals")


def test_an_embedded_process_can_only_dump_its_threads(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    show(raw, "p", {**RUBY, "embedded": True})
    process = ProcessSet()["p"]
    for refused in (process.quiet, process.stop):
        with pytest.raises(ConfigError, match="embedded"):
            refused()
    assert not raw.exists("p-signals")
    assert process.dump_threads()


def test_a_full_redis_takes_signals(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    show(raw, "p")
    process = ProcessSet()["p"]
    raw.config_set("maxmemory", 1)
    try:
        assert process.stop()
    finally:
        raw.config_set("maxmemory", 0)


def test_work_is_sorted_by_its_beginning_over_all_processes(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    now = time.time()
    for number in range(60):
        show(raw, f"p{number:02}")
        works(raw, f"p{number:02}", t1=job(f"j{number}", now - number))
    found = list(WorkSet())
    assert [work.jid for work in found] == [f"j{n}" for n in reversed(range(60))]
    first = found[0]
    assert (first.process, first.thread, first.queue, first.job_class) == ("p59", "t1", "a", "X")
    assert (first.payload["args"], first.run_at) == ([1], pytest.approx(now - 59))
    assert 58 < first.elapsed < 90
    assert len(WorkSet()) == 60
    sought = WorkSet().find("j7")
    assert sought
    assert sought.process == "p07"


def test_hostile_work_neither_raises_nor_hides_the_rest(
    raw: redis.Redis, kiq_client: kiq.Client
) -> None:
    for name in ("good", "string", "odd"):
        show(raw, name)
    raw.set("string:work", "of another type")
    works(raw, "good", t1=job("j1"), t2=job("j2", text=False))
    works(raw, "odd", t1=[], t2={"payload": 5}, t3={"payload": "no job", "run_at": "x"})
    raw.hset("odd:work", b"\xff", b"\xff")
    found = {(work.process, work.thread): work for work in WorkSet()}
    assert {key: work.jid for key, work in found.items()} == {
        ("good", "t1"): "j1",
        ("good", "t2"): "j2",
        ("odd", "t3"): "",
    }
    assert found["odd", "t3"].job.problem
    assert found["odd", "t3"].run_at == 0.0


# A worker process


@pytest.fixture
def site(server: TestServer, tmp_path: Path) -> Iterator[Site]:
    alone = Site(server, tmp_path)
    alone.write("config/kiq.yml", "concurrency: 3\ntag: shop\nlease: 6\n")
    yield alone
    alone.close()


def test_a_worker_is_seen_dumps_its_threads_becomes_quiet_and_stops(site: Site) -> None:
    worker = site.start()
    everyone = ProcessSet(site.client)
    process = eventually(lambda: everyone.get(worker.identity))
    assert (process.pid, process.tag, process.queues) == (worker.pid, "shop", ["default"])
    assert (process.concurrency, process.is_kiq, process["codec"]) == (3, True, "msgpack")
    assert process.rss > 1000
    eventually(lambda: everyone.leader == worker.identity)

    jid = site.push("Hold", "held", 60.0)
    found = eventually(lambda: WorkSet(site.client).find(jid))
    assert (found.process, found.queue) == (worker.identity, "default")
    assert found.job.args[0] == "held"
    assert Stats(site.client).workers_size == 1

    assert process.dump_threads()
    worker.says("thread kiq-courier-default")
    assert process.quiet()
    eventually(lambda: everyone[worker.identity].is_quiet)
    assert process.stop()
    worker.says("stop")
    site.release("held")
    assert worker.wait(30) == 0
    assert worker.identity not in everyone
    assert not process.stop()
    assert site.notes == ["begin held", "end held"]
