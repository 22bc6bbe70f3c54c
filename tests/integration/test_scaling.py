"""Workers that get more threads, or fewer, while they run: no job is lost, none broken off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import kiq
from kiq import scaling
from kiq.api import Process, ProcessSet
from kiq.config import Capsule
from kiq.errors import ConfigError
from tests.helpers.commands import command
from tests.helpers.driven import BLINK, DrivenWorker, Ledger, Pace, released
from tests.helpers.living import show_process
from tests.helpers.waiting import eventually

HELD: Pace = ("waits", 30.0)
NAP: Pace = ("sleeps", 0.002)


@pytest.fixture
def ledger(redis_url: str) -> Iterator[Ledger]:
    released.clear()
    ledger = Ledger(redis_url)
    yield ledger
    released.set()
    ledger.close()


def shown() -> Process:
    (process,) = ProcessSet()
    return process


def scaled(worker: DrivenWorker, threads: int) -> None:
    """Order it, and wait until the worker shows that it has heard."""
    eventually(lambda: len(ProcessSet()) == 1)
    assert shown().scale(threads)
    worker.launcher.heartbeat.soon()

    def there() -> bool:
        worker.launcher.mend()
        return shown().concurrency == threads

    eventually(there, 20)


def alive(worker: DrivenWorker) -> int:
    return sum(one.thread.is_alive() for manager in worker.managers for one in manager.processors)


def test_more_threads_run_more_jobs_at_a_time(
    ledger: Ledger, redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    with DrivenWorker(redis_url, tmp_path, Capsule(concurrency=2)) as worker:
        ledger.push([HELD] * 6)
        eventually(lambda: len(ledger.runs) == 2)
        scaled(worker, 6)
        eventually(lambda: len(ledger.runs) == 6, 20)
        assert (shown().concurrency, shown().configured, shown().busy) == (6, 2, 6)
        released.set()
        ledger.verify()
        assert not worker.problems


def test_fewer_threads_break_off_no_job_and_start_no_more_than_they_may(
    ledger: Ledger, redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    with DrivenWorker(redis_url, tmp_path, Capsule(concurrency=5)) as worker:
        ledger.push([HELD] * 5)
        eventually(lambda: len(ledger.runs) == 5)
        scaled(worker, 2)
        assert alive(worker) == 5, "each ends with the job that it runs"
        released.set()
        eventually(lambda: alive(worker) == 2)
        ledger.verify()
        released.clear()
        ledger.push([HELD] * 4)
        eventually(lambda: len(ledger.runs) == 7)
        eventually(lambda: shown().busy == 2)
        assert len(ledger.runs) == 7
        released.set()
        ledger.verify()


def test_threads_that_wait_end_at_once(
    ledger: Ledger, redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    with DrivenWorker(redis_url, tmp_path, Capsule(concurrency=8)) as worker:
        scaled(worker, 1)
        eventually(lambda: alive(worker) == 1)
        worker.launcher.mend()
        (manager,) = worker.managers
        assert len(manager.processors) == 1
        eventually(lambda: manager._inbox.free == 1)
        ledger.push([BLINK] * 500)
        ledger.verify()


def test_up_and_down_under_load_loses_and_repeats_nothing(
    ledger: Ledger, redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    with DrivenWorker(redis_url, tmp_path, Capsule(concurrency=3)) as worker:
        (manager,) = worker.managers
        for threads in (1, 12, 2, 7, 1, 3) * 3:
            ledger.push([NAP] * 40 + [BLINK] * 300)
            manager.resize(threads)
        ledger.verify(60)
        eventually(lambda: alive(worker) == 3)
        eventually(lambda: manager._inbox.free == 3)
        assert not worker.problems


def test_a_capsule_that_is_not_named_stays_as_it_is(
    redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    left, right = (Capsule(name=name, concurrency=2, queues=((name, 1),)) for name in "lr")
    with DrivenWorker(redis_url, tmp_path, left, right) as worker:
        for order in (scaling.order(4, "r"), scaling.order(9, "nobody")):
            worker.launcher._hear(order, 0.0)
        worker.launcher.mend()
        assert [manager.courier.threads for manager in worker.managers] == [2, 4]
        eventually(lambda: len(ProcessSet()) == 1 and shown().concurrency == 6)
        counts = {name: one["concurrency"] for name, one in shown().capsules.items()}
        assert counts == {"l": 2, "r": 4}
        with pytest.raises(ConfigError, match="no capsule 'default'; it has l, r"):
            shown().scale(3)


def test_who_is_quiet_starts_no_threads(
    redis_url: str, tmp_path: Path, kiq_client: kiq.Client
) -> None:
    with DrivenWorker(redis_url, tmp_path, Capsule(concurrency=2)) as worker:
        worker.launcher.quiet()
        worker.launcher._hear(scaling.order(9, "default"), 0.0)
        worker.launcher.mend()
        assert alive(worker) == 2


def test_a_capsule_without_room_for_threads_has_those_that_it_could_get(
    redis_url: str, tmp_path: Path, kiq_client: kiq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DrivenWorker(redis_url, tmp_path, Capsule(concurrency=2)) as worker:
        (manager,) = worker.managers

        def refused(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refused)
            manager.resize(5)
        assert manager.courier.threads == 2
        manager.resize(3)
        assert alive(worker) == 3


@pytest.mark.parametrize("threads", [0, -1, 1001, True, 2.5, "3", None])
def test_no_other_number_is_sent(raw: redis.Redis, kiq_client: kiq.Client, threads: object) -> None:
    show_process(raw, "web:1:abc", {"capsules": {"default": {}}})
    with pytest.raises(ConfigError, match="scale takes"):
        shown().scale(threads)  # type: ignore[arg-type]
    assert not raw.exists("web:1:abc-signals")


def test_of_several_orders_the_last_counts(raw: redis.Redis, kiq_client: kiq.Client) -> None:
    show_process(raw, "web:1:abc", {"capsules": {"default": {}}})
    for threads in (20, 10, 20):
        assert shown().scale(threads)
    raw.srem("processes", "web:1:abc")
    assert raw.lrange("web:1:abc-signals", 0, 0) == [b"SCALE 20 default"]


def test_the_command_means_one_a_host_or_all(command_store: redis.Redis) -> None:
    for host, pid in (("web-1", 1), ("web-1", 2), ("web-2", 3)):
        info = {"hostname": host, "capsules": {"default": {}}, "concurrency": 10}
        show_process(command_store, f"{host}:{pid}:abc", info)
    command_store.sadd("processes", "ruby:1:abc")
    command_store.hset("ruby:1:abc", mapping={"info": '{"hostname": "ruby"}', "concurrency": 5})

    def sent() -> list[str]:
        names = sorted(name.decode() for name in command_store.keys("*-signals"))
        for name in names:
            command_store.delete(name)
        return [name.removesuffix(":abc-signals") for name in names]

    told = command("scale", "web-1", "20")
    assert (told.code, sent()) == (0, ["web-1:1", "web-1:2"])
    assert "told web-1:1:abc to have 20 threads: it has 10" in told.out
    assert (command("scale", "web-2:3", "20").code, sent()) == (0, ["web-2:3"])
    assert (command("scale", "all", "20").code, sent()) == (2, [])
    told = command("scale", "all", "20", "--yes", "--json")
    assert (told.code, sent()) == (1, ["web-1:1", "web-1:2", "web-2:3"])
    assert '"failed": ["ruby:1:abc"]' in told.out
    assert "no process of kiq" in told.both
    assert (command("scale", "nobody", "2").code, sent()) == (1, [])
    assert (command("scale", "web-2", "0").code, sent()) == (2, [])
    told = command("scale", "web-2", "3", "--capsule", "slow")
    assert (told.code, sent()) == (1, [])
    assert "it has default" in told.both


def test_a_list_tells_of_threads_that_a_worker_was_started_without(
    command_store: redis.Redis,
) -> None:
    show_process(command_store, "web:1:abc", {"concurrency": 20, "configured": 10})
    assert "0/20 of 10" in command("ps").out
