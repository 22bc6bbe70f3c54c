"""``kiq doctor`` on real servers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.helpers.commands import Outcome, command
from tests.helpers.living import show_process
from tests.helpers.server import TestServer


def levels(outcome: Outcome) -> dict[str, str]:
    """What is not ok, by check."""
    findings = outcome.document["findings"]
    return {each["check"]: each["level"] for each in findings if each["level"] != "ok"}


def worker(store: redis.Redis, identity: str, **info: Any) -> None:
    shown = {"codec": "msgpack", "version": "0.1.0", "queues": ["default"], **info}
    show_process(store, identity, shown)


def test_a_server_that_keeps_jobs_is_well(
    private_server: Callable[..., TestServer],
    command_store: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = private_server(aof="everysec")
    monkeypatch.setenv("REDIS_URL", good.url)
    worker(good.client(), "web:1:abc")
    found = command("doctor", "--json")
    # How long this machine's disk takes is not ours to say.
    assert {check for check in levels(found) if check not in ("fsync", "round-trip")} <= {"hiredis"}
    assert found.code in (0, 3)
    assert good.client().keys("kiq:doctor*") == [] or good.client().pttl("kiq:doctor") < 1001


def test_what_loses_jobs_is_told_with_what_to_do(command_store: redis.Redis) -> None:
    command_store.sadd("queues", "mail")
    command_store.lpush("queue:mail", json.dumps({"class": "X", "args": [], "jid": "a"}))
    worker(command_store, "web:1:abc")
    found = command("doctor", "--json")
    assert found.code == 4
    assert found.document["worst"] == "danger"
    assert {"persistence": "danger", "untaken-queue": "danger"}.items() <= levels(found).items()
    shown = command("doctor", "--quiet")
    assert shown.code == 4
    assert "no process takes queue mail: 1 job there" in " ".join(shown.out.split())
    assert "appendonly yes" in shown.out
    assert "\nok " not in shown.out
    assert "\nok " in command("doctor").out


def test_jobs_in_dead_hands_are_counted(command_store: redis.Redis) -> None:
    command_store.hset("kiq:inflight:{queue:mail}:gone:1:x:default", mapping={"1": "a", "2": "b"})
    command_store.hset("kiq:inflight:{queue:mail}:here:1:x:default", mapping={"1": "c"})
    command_store.hset(
        "kiq:owner:here:1:x:default",
        mapping={"epoch": 0, "sources": "queue:mail", "lease": 60, "beat": time.time()},
    )
    command_store.sadd("kiq:owners", "here:1:x:default")
    found = command("doctor", "--json")
    (orphans,) = [each for each in found.document["findings"] if each["check"] == "orphans"]
    assert orphans["level"] == "danger"
    assert orphans["what"].startswith("2 jobs in the hands of 1 dead owner")


def test_a_user_who_may_not_ask_everything_is_told_what_is_missing(
    private_server: Callable[..., TestServer],
    command_store: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = private_server(aof="everysec")
    server.client().execute_command(
        *("ACL", "SETUSER", "app", "on", ">sesame", "~*", "&*", "+@all", "-config", "-client|list")
    )
    url = server.tcp_url.replace("redis://", "redis://app:sesame@")
    monkeypatch.setenv("REDIS_URL", url)
    found = command("doctor", "--json")
    assert levels(found)["permissions"] == "note"
    assert "sesame" not in found.both
    server.client().execute_command("ACL", "SETUSER", "app", "-eval")
    assert levels(command("doctor", "--json"))["permissions"] == "danger"


@pytest.mark.parametrize(
    ("policy", "level"),
    [("allkeys-lru", "danger"), ("volatile-lfu", "warning"), ("noeviction", "ok")],
)
def test_a_policy_that_evicts_is_told_where_config_is_refused(
    private_server: Callable[..., TestServer],
    command_store: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
    level: str,
) -> None:
    server = private_server("--maxmemory", "1gb", "--maxmemory-policy", policy)
    server.client().execute_command("ACL", "SETUSER", "default", "-config")
    monkeypatch.setenv("REDIS_URL", server.url)
    found = command("doctor", "--json").document["findings"]
    (eviction,) = [each for each in found if each["check"] == "eviction"]
    assert (eviction["level"], policy in eviction["what"]) == (level, True)
    assert ("maxmemory-policy noeviction" in eviction["do"]) == (level != "ok")


def test_a_wrong_password_is_no_diagnosis(
    private_server: Callable[..., TestServer],
    command_store: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = private_server()
    monkeypatch.setenv("REDIS_URL", server.tcp_url.replace("redis://", "redis://nobody:wrong@"))
    ended = command("doctor")
    assert ended.code == 77
    assert "wrong" not in ended.err.replace("wrong password", "")


def test_keys_of_another_type_do_not_stop_it(command_store: redis.Redis) -> None:
    command_store.set("kiq:inflight:{queue:x}:o", "no hash")
    command_store.sadd("processes", "junk")
    command_store.set("junk", "no hash")
    command_store.hset("odd", mapping={"info": "[1]", "beat": "soon"})
    command_store.sadd("processes", "odd")
    worker(command_store, "web:1:abc")
    found = command("doctor", "--json")
    assert levels(found)["unread"] == "danger"
    assert "processes" not in levels(found)
    assert found.code == 4


def test_a_full_redis_is_examined_all_the_same(
    private_server: Callable[..., TestServer],
    command_store: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = private_server("--maxmemory", "3mb")
    monkeypatch.setenv("REDIS_URL", server.url)
    fill = "for n = 1, 100 do redis.call('SET', 'ballast' .. n, string.rep('x', 100000)) end"
    server.client().eval(fill, 0)  # a script that has begun may go beyond it
    found = command("doctor", "--json")
    assert levels(found)["memory"] == "danger"
    assert found.code == 4


def test_the_embedded_server_is_well(command_store: redis.Redis, monkeypatch: Any) -> None:
    monkeypatch.setenv("REDIS_URL", "embedded:data")
    found = command("doctor", "--json")
    assert not {"persistence", "eviction", "version"} & set(levels(found))


def test_a_server_that_takes_no_writes_now_is_examined_all_the_same(
    private_server: Callable[..., TestServer], unconfigured: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = private_server()
    monkeypatch.setenv("REDIS_URL", refusing.url)
    refusing.client().config_set("min-replicas-to-write", 1)
    found = command("doctor", "--json")
    assert found.code == 4
    assert levels(found)["writes"] == "danger"
    said = next(each for each in found.document["findings"] if each["check"] == "writes")
    assert "NOREPLICAS" in said["what"]
