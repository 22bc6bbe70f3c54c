"""Writing metrics to a real server: the keys are Sidekiq's, and nothing is lost or counted twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from kiq.config import Config
from kiq.config import Redis as RedisSettings
from kiq.plugin import Host
from kiq.plugins.metrics.batches import Batches
from kiq.plugins.metrics.plugin import Metrics, Writer
from kiq.plugins.metrics.tally import Measured, Minutes
from kiq.registry import Registry
from kiq.store.connection import Connector
from kiq.work.attached import Attached
from kiq.work.worker import Worker
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually

MINUTE = int(datetime(2026, 11, 21, 20, 34, tzinfo=UTC).timestamp()) // 60
EARLY = int(datetime(2026, 11, 2, 3, 4, tzinfo=UTC).timestamp()) // 60


def measured(succeeded: int = 0, failed: int = 0, ran: float = 0.0, **buckets: int) -> Measured:
    one = Measured()
    one.succeeded, one.failed, one.ran = succeeded, failed, ran
    for name, count in buckets.items():
        one.run_times[int(name[1:])] = count
    return one


def waited(count: int, seconds: float, bucket: int) -> Measured:
    one = measured(count)
    one.waits, one.waited = count, seconds
    one.wait_times[bucket] = count
    return one


def write(server: redis.Redis, minutes: Minutes, batches: Batches | None = None) -> list[Any]:
    commands = (batches or Batches("a process")).commands(minutes)
    return [server.execute_command(*command) for command in commands]


def texts(reply: Any) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in reply.items()}


def bits(server: redis.Redis, key: str) -> list[int]:
    gets = [part for n in range(26) for part in ("GET", "u16", f"#{n}")]
    found: list[int] = server.execute_command("BITFIELD_RO", key, *gets)
    return found


def test_the_keys_and_fields_are_those_that_sidekiqs_web_ui_reads(raw: redis.Redis) -> None:
    write(raw, {MINUTE: {"HardWorker": measured(7, 2, 1.2345, b0=3, b7=4)}})
    expected = {"HardWorker|p": "9", "HardWorker|f": "2", "HardWorker|ms": "1234"}
    assert texts(raw.hgetall("j|261121|20:34")) == expected
    assert texts(raw.hgetall("j|261121|20:3")) == expected
    counts = bits(raw, "h|HardWorker-21-20:34")
    assert counts == [3, 0, 0, 0, 0, 0, 0, 4, *[0] * 18]
    assert 28_700 < raw.ttl("j|261121|20:34") <= 28_800  # type: ignore[operator]
    assert 259_100 < raw.ttl("j|261121|20:3") <= 259_200  # type: ignore[operator]
    assert 28_700 < raw.ttl("h|HardWorker-21-20:34") <= 28_800  # type: ignore[operator]


def test_an_hour_has_no_leading_zero_and_a_histogram_none_at_all(raw: redis.Redis) -> None:
    write(raw, {EARLY: {"HardWorker": measured(1, b0=1)}})
    keys = {key.decode() for key in raw.scan_iter()}
    assert keys >= {"j|261102|3:04", "j|261102|3:0", "h|HardWorker-2-3:4"}


def test_ten_minutes_add_up_and_so_do_processes(raw: redis.Redis) -> None:
    one = {"HardWorker": measured(1, ran=0.5, b9=1)}
    for process in ("one", "another"):
        write(raw, {MINUTE: one, MINUTE + 1: one}, Batches(process))
    assert texts(raw.hgetall("j|261121|20:3")) == {"HardWorker|p": "4", "HardWorker|ms": "2000"}
    assert texts(raw.hgetall("j|261121|20:35"))["HardWorker|p"] == "2"


def test_waits_are_in_keys_of_kiqs_own(raw: redis.Redis) -> None:
    write(raw, {MINUTE: {"HardWorker": waited(3, 4.5, 11)}})
    expected = {"HardWorker|n": "3", "HardWorker|ms": "4500", "HardWorker|11": "3"}
    assert texts(raw.hgetall("kiq:waits|261121|20:34")) == expected
    assert texts(raw.hgetall("kiq:waits|261121|20:3")) == expected
    assert 28_700 < raw.ttl("kiq:waits|261121|20:34") <= 28_800  # type: ignore[operator]
    assert 259_100 < raw.ttl("kiq:waits|261121|20:3") <= 259_200  # type: ignore[operator]


def test_a_batch_that_is_sent_again_counts_once(raw: redis.Redis) -> None:
    batches = Batches("a process")
    first = batches.commands({MINUTE: {"HardWorker": measured(1, b0=1)}})
    second = batches.commands({MINUTE: {"HardWorker": measured(1, b0=1)}})
    assert [raw.execute_command(*command) for command in first * 2] == [0, -1]
    assert [raw.execute_command(*command) for command in second + first] == [0, -1]
    assert texts(raw.hgetall("j|261121|20:34")) == {"HardWorker|p": "2"}
    assert bits(raw, "h|HardWorker-21-20:34")[0] == 2


def test_a_bucket_is_full_at_65_535(raw: redis.Redis) -> None:
    batches = Batches("a process")
    for _ in range(2):
        write(raw, {MINUTE: {"HardWorker": measured(50_000, b0=50_000)}}, batches)
    assert bits(raw, "h|HardWorker-21-20:34")[0] == 65_535
    assert texts(raw.hgetall("j|261121|20:34"))["HardWorker|p"] == "100000"


def test_what_rounding_takes_off_is_added_later(raw: redis.Redis) -> None:
    batches = Batches("a process")
    for _ in range(100):
        write(raw, {MINUTE: {"HardWorker": measured(4, ran=0.0004, b0=4)}}, batches)
    assert abs(int(texts(raw.hgetall("j|261121|20:34"))["HardWorker|ms"]) - 40) <= 1


def test_thousands_of_classes_go_in_batches(raw: redis.Redis) -> None:
    classes = {f"Class{number}": measured(1, b0=1) for number in range(1_050)}
    replies = write(raw, {MINUTE: classes})
    assert replies == [0] * 11
    assert raw.hlen("j|261121|20:34") == 1_050


def test_names_of_any_language_arrive(raw: redis.Redis) -> None:
    write(raw, {MINUTE: {"jobs.Größe名": measured(1)}})
    assert texts(raw.hgetall("j|261121|20:34")) == {"jobs.Größe名|p": "1"}


def test_a_key_of_another_type_in_the_way_spoils_only_itself(raw: redis.Redis) -> None:
    raw.set("j|261121|20:34", "mine")
    raw.lpush("h|HardWorker-21-20:34", "mine")
    assert write(raw, {MINUTE: {"HardWorker": measured(1, b0=1)}})[0] > 0
    assert texts(raw.hgetall("j|261121|20:3")) == {"HardWorker|p": "1"}


# The plugin


def plugged(url: str, lease: float = 60.0) -> Writer:
    host = Host()
    host.install(Metrics())
    settings = RedisSettings(url=url, connect_timeout=1.0)
    config = Config(redis=settings, lease=lease)
    process = Attached(Worker(config, host, Registry(), Connector(settings), "0"), [], print)
    (make,) = host.services
    writer: Any = make(process)
    writer.start()
    return writer  # type: ignore[no-any-return]


def processed(server: redis.Redis) -> int:
    """How many runs are counted, whatever the minute."""
    found: Any = [server.hget(key, "HardWorker|p") for key in server.scan_iter("j|*:??")]
    return sum(int(each or 0) for each in found)


def note(metrics: Writer, count: int = 1) -> None:
    for _ in range(count):
        metrics.tally.note({"class": "HardWorker"}, 0.0, 0.001, failed=False)


def test_it_is_the_outermost_layer(raw: redis.Redis, redis_url: str) -> None:
    host = Host()
    host.around_perform(lambda context, call_next: call_next(context))
    host.install(Metrics())
    assert host.server_middleware.names()[0] == "Measuring"


def test_it_writes_at_a_beat_not_at_each_job_and_the_rest_at_the_exit(
    raw: redis.Redis, redis_url: str
) -> None:
    metrics = plugged(redis_url)
    note(metrics, 3)
    assert processed(raw) == 0
    metrics.beat()
    assert processed(raw) == 3
    note(metrics, 2)
    metrics.beat()  # just now
    assert processed(raw) == 3
    metrics.exit()
    assert processed(raw) == 5


def test_when_nothing_ran_nothing_is_sent(raw: redis.Redis, redis_url: str) -> None:
    metrics = plugged(redis_url)
    metrics.flush()
    assert raw.keys() == []


def test_while_redis_is_away_it_keeps_and_counts_once_when_it_is_back(
    private_server: Callable[..., TestServer], caplog: pytest.LogCaptureFixture
) -> None:
    server = private_server(aof="always")
    metrics = plugged(server.url)
    note(metrics)
    metrics.flush()
    server.kill()
    for _ in range(3):
        note(metrics)
        metrics.flush()
    assert len(metrics._owed) == 1
    assert caplog.text.count("trying again until it answers") == 1
    server.restart()
    for _ in range(2):
        metrics.flush()
        assert processed(server.client()) == 4


def test_a_reply_that_is_lost_counts_nothing_twice(
    private_server: Callable[..., TestServer],
) -> None:
    server = private_server()
    metrics = plugged(server.url, lease=6.0)
    store = server.client()
    note(metrics)
    metrics.flush()
    note(metrics)
    server.pause()
    metrics.flush()  # times out; Redis does it later
    server.resume()
    assert metrics._owed
    eventually(lambda: processed(store) == 2, 10)
    metrics.flush()
    assert not metrics._owed
    assert processed(store) == 2


def test_at_the_end_a_connection_that_broke_costs_no_count(
    raw: redis.Redis, redis_url: str
) -> None:
    metrics = plugged(redis_url)
    note(metrics)
    metrics.flush()
    note(metrics)
    raw.client_kill_filter(skipme=True)
    metrics.exit()
    assert processed(raw) == 2


def test_a_full_redis_refuses_and_has_it_later(private_server: Callable[..., TestServer]) -> None:
    server = private_server()
    metrics = plugged(server.url)
    store = server.client()
    store.config_set("maxmemory", "1")
    note(metrics)
    metrics.flush()
    store.config_set("maxmemory", "0")
    assert processed(store) == 0
    metrics.flush()
    assert processed(store) == 1


def test_places_that_are_taken_are_reported_once(
    raw: redis.Redis, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = plugged(redis_url)
    now = datetime.now(UTC)
    for moment in (now, datetime.fromtimestamp(now.timestamp() + 60, UTC)):
        raw.set(f"j|{moment:%y%m%d}|{moment.hour}:{moment:%M}", "mine")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            note(metrics)
            metrics.flush()
    assert [record.name for record in caplog.records].count("kiq.metrics") == 1


def test_a_batch_that_can_never_be_written_does_not_hold_up_the_others(
    raw: redis.Redis, redis_url: str
) -> None:
    metrics = plugged(redis_url)
    metrics._owed = [("EVAL", "return redis.error_reply('ERR never')", 0)]
    note(metrics)
    metrics.flush()
    metrics.flush()
    assert processed(raw) == 1


def test_a_flush_writes_all_of_its_batches(raw: redis.Redis, redis_url: str) -> None:
    metrics = plugged(redis_url)
    for number in range(350):
        metrics.tally.note({"class": f"Class{number}"}, 0.0, 0.001, failed=False)
    metrics.flush()
    found: Any = [raw.hlen(key) for key in raw.scan_iter("j|*:??")]
    assert sum(found) == 700  # |p and |ms, in whatever minute
