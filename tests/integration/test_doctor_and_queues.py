"""``kiq doctor`` on a fleet in trouble: what it finds in Redis, what monitors get, what it costs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from kiq.api import mark
from kiq.plugins.metrics import keys as metrics_keys
from kiq.plugins.trends import keys
from tests.helpers.commands import Outcome, command
from tests.helpers.counting_proxy import CountingProxy
from tests.helpers.living import show_process
from tests.helpers.server import TestServer

WELL = "persistence,fsync,round-trip,hiredis"  # of this machine, and no concern of these tests


def found(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [
        (each["check"], each["level"], each["where"])
        for each in outcome.document["findings"]
        if each["level"] != "ok"
    ]


def doctor(*arguments: str) -> Outcome:
    return command("doctor", "--ignore", WELL, *arguments)


def fill(store: redis.Redis, queue: str, jobs: int, age: float) -> None:
    store.sadd("queues", queue)
    text = json.dumps({"class": "X", "args": [], "jid": "a" * 24, "enqueued_at": time.time() - age})
    store.lpush(f"queue:{queue}", *[text] * jobs)


def grew(store: redis.Redis, queue: str, size: int, by: int) -> None:
    """Note moments of five minutes in which *queue* grew *by* so many in each fifteen seconds."""
    for at in range(20, -1, -1):
        queues = {queue: [size - by * at, 1000 - at * 10]}
        store.lpush(keys.TREND, json.dumps([time.time() - 15 * at, 0, 0, queues]))


def worker(store: redis.Redis, name: str = "web-1:1:abc", **info: Any) -> None:
    shown = {"codec": "msgpack", "version": "1", "queues": ["mail"], "started_at": 1e9, **info}
    show_process(store, name, shown)


def test_a_fleet_that_is_well_is_well(command_store: redis.Redis) -> None:
    worker(command_store)
    fill(command_store, "mail", 5, 2)
    outcome = doctor("--json")
    assert (found(outcome), outcome.code) == ([], 0)


def test_the_worst_comes_first_and_says_which_queue(command_store: redis.Redis) -> None:
    fill(command_store, "mail", 400, 90)
    fill(command_store, "mial", 2, 90)
    command_store.sadd("paused", "old")
    worker(command_store, latencies={"mail": 30.0})
    grew(command_store, "mail", 400, 15)
    shown = doctor()
    assert shown.code == 4
    first = " ".join(" ".join(shown.lines[:3]).split())
    assert first.startswith("danger late queue mail is late: the oldest of 400 jobs has waited")
    assert found(doctor("--json")) == [
        ("late", "danger", "mail"),
        ("untaken-queue", "danger", "mial"),
        ("paused", "note", ""),
    ]


def test_a_promise_stands_in_the_file_or_with_the_worker(
    command_store: redis.Redis, tmp_path: Path
) -> None:
    fill(command_store, "mail", 3, 90)
    worker(command_store)
    file = tmp_path / "kiq.yml"
    file.write_text("queues: {mail: {weight: 3, latency: 30s}}\n")
    assert found(doctor("--json")) == []
    assert found(doctor("--json", "-C", str(file))) == [("late", "warning", "mail")]
    worker(command_store, latencies={"mail": 30.0, "junk": "x"})
    assert found(doctor("--json")) == [("late", "warning", "mail")]
    file.write_text("queues: {mail: {weight: 3, latency: 5m}}\n")
    assert found(doctor("--json", "-C", str(file))) == [], "what stands here counts"


def test_a_class_that_fails_since_a_deploy_is_named(command_store: redis.Redis) -> None:
    now = datetime.now(UTC)

    def ran(ago: int, runs: int, failed: int) -> None:
        minute = metrics_keys.floor(now, metrics_keys.MINUTE) - ago * metrics_keys.MINUTE
        key = metrics_keys.runs(minute, metrics_keys.MINUTE)
        command_store.hset(key, mapping={"app.Mail|p": runs, "app.Mail|f": failed, "app.Old|p": 9})

    worker(command_store)
    for ago in (14, 16):
        ran(ago, 100, 1)
    for ago in (3, 5):
        ran(ago, 50, 40)
    assert found(doctor("--json")) == []
    assert mark("v2.7", now - timedelta(minutes=10))
    outcome = doctor("--json")
    assert found(outcome) == [("failing", "warning", "app.Mail")]
    (finding,) = [one for one in outcome.document["findings"] if one["level"] == "warning"]
    assert "80 of 100 runs; before, 2 of 200" in finding["what"]


def test_checks_are_chosen_and_left_out_by_name(command_store: redis.Redis) -> None:
    fill(command_store, "mial", 2, 90)
    worker(command_store)
    only = command("doctor", "--only", "untaken-queue,processes", "--json")
    assert {each["check"] for each in only.document["findings"]} == {"untaken-queue", "processes"}
    assert only.code == 4
    assert doctor("--ignore", "untaken-queue").code == 0
    none = command("doctor", "--only", "failing", "--json")
    assert (none.document, none.code) == ({"worst": "ok", "findings": []}, 0)
    wrong = command("doctor", "--only", "weather")
    assert wrong.code == 2
    assert "there is no check weather; there are clock, codecs" in wrong.both


def test_a_monitor_gets_one_line_and_its_own_exit_codes(
    command_store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker(command_store)
    well = doctor("--nagios")
    assert (well.code, len(well.lines)) == (0, 1)
    assert well.out.startswith("KIQ OK - ")
    fill(command_store, "mail", 3, 90)
    worker(command_store, latencies={"mail": 30.0})
    warned = doctor("--nagios")
    assert warned.code == 1
    assert warned.out.startswith("KIQ WARNING - late: queue mail is late: the oldest of 3 jobs")
    fill(command_store, "a|b", 3, 90)
    critical = doctor("--nagios")
    assert critical.code == 2
    assert critical.out.startswith("KIQ CRITICAL - untaken-queue: no process takes queue a/b:")
    assert critical.out.endswith("(and 1 more: kiq doctor)\n")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    away = command("doctor", "--nagios")
    assert (away.code, away.out.startswith("KIQ CRITICAL - Redis can't be reached")) == (2, True)
    monkeypatch.setenv("REDIS_URL", "nonsense")
    assert command("doctor", "--nagios").code == 3


def test_an_empty_server_without_workers_is_no_alarm(command_store: redis.Redis) -> None:
    outcome = doctor("--json")
    assert outcome.code == 0
    assert found(outcome) == [("processes", "note", "")]


def test_many_queues_and_jobs_cost_no_more_round_trips(
    private_server: Callable[..., TestServer],
    command_store: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = private_server()
    store = server.client()
    names = [f"q{at}" for at in range(300)]
    trips: list[int] = []
    for jobs in (0, 100):
        for at, name in enumerate(names if jobs else ()):
            fill(store, name, jobs, at)
        worker(store, queues=names)
        moment = [time.time(), 0, 0, {name: [jobs, 5] for name in names}]
        store.lpush(keys.TREND, *[json.dumps(moment)] * keys.MOMENTS)
        with CountingProxy(server.port) as proxy:
            monkeypatch.setenv("REDIS_URL", proxy.url)
            doctor("--json")
            trips.append(proxy.round_trips)
    # A question in several pieces may count twice.
    assert max(trips) <= 90, trips
