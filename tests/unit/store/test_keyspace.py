"""The names of a connection's keys and channels: where they stand in commands, and what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from kiq import keys
from kiq.cli import needs
from kiq.config import Redis, check_namespace
from kiq.errors import ConfigError, StoreError
from kiq.store.connection import Connector
from kiq.store.enqueue import RedisSender, push_command, schedule_command
from kiq.store.keyspace import BARE, Keyspace
from kiq.store.link_pool import LinkPool
from kiq.store.source import source_of

SHOP = Keyspace("{shop}")


def test_without_a_namespace_commands_are_what_they_were() -> None:
    command = ("SET", "queue:default", "queue:default")
    assert BARE.place(command) is command
    assert BARE.bare


@pytest.mark.parametrize(
    ("command", "placed"),
    [
        (("GET", "a"), ("GET", "{shop}:a")),
        (("GET", b"a"), ("GET", b"{shop}:a")),
        (("LREM", "a", -1, "a"), ("LREM", "{shop}:a", -1, "a")),
        (("DEL", "a", "b"), ("DEL", "{shop}:a", "{shop}:b")),
        (("LMOVE", "a", "b", "LEFT"), ("LMOVE", "{shop}:a", "{shop}:b", "LEFT")),
        (("BLPOP", "a", "b", 1), ("BLPOP", "{shop}:a", "{shop}:b", 1)),
        (("MSET", "a", "a", "b", "b"), ("MSET", "{shop}:a", "a", "{shop}:b", "b")),
        (("EVALSHA", "0", 2, "a", "b", "c"), ("EVALSHA", "0", 2, "{shop}:a", "{shop}:b", "c")),
        (("EVAL", "return 1", "0", "c"), ("EVAL", "return 1", "0", "c")),
        (("ZUNION", 1, "a", "WITHSCORES"), ("ZUNION", 1, "{shop}:a", "WITHSCORES")),
        (("PUBLISH", "a", "a"), ("PUBLISH", "{shop}:a", "a")),
        (("SUBSCRIBE", "a"), ("SUBSCRIBE", "{shop}:a")),
        (("SCAN", "0", "MATCH", "a*", "COUNT", 9), ("SCAN", "0", "MATCH", "{shop}:a*", "COUNT", 9)),
        (("SCAN", "0"), ("SCAN", "0", "MATCH", "{shop}:*")),
        (("CLIENT", "SETNAME", "a"), ("CLIENT", "SETNAME", "a")),
        (("TIME",), ("TIME",)),
    ],
)
def test_the_names_in_a_command_get_the_namespace(command: Any, placed: Any) -> None:
    assert SHOP.place(command) == placed


def test_the_names_that_redis_tells_lose_it() -> None:
    command = ("SCAN", "0", "MATCH", "a*")
    assert SHOP.read(command, [b"7", [b"{shop}:a", b"{shop}:ab"]]) == [b"7", [b"a", b"ab"]]
    assert SHOP.read(("HGETALL", "a"), [b"{shop}:a"]) == [b"{shop}:a"]
    refused = StoreError("no")
    assert SHOP.read(command, refused) is refused


def test_a_command_that_is_not_known_is_refused_by_its_name() -> None:
    with pytest.raises(StoreError, match="which parts of GEOADD are keys is not known here"):
        SHOP.place(("GEOADD", "a", 1, 2, "b"))


def test_every_command_that_kiq_sends_is_known() -> None:
    sent = {*needs.NEEDED, *needs.NICETIES, *needs.ELSEWHERE} - {"SUBSCRIBE", "EVAL", "EVALSHA"}
    for name in sent:
        SHOP.place((name, "key", "another", "third"))


def test_a_bell_that_all_workers_hear_has_the_number_of_the_database() -> None:
    third = Keyspace("shop", 3)
    poller, owner = keys.bell(keys.POLLER_BELL), keys.bell("host:1:abc:default")
    assert third.name(poller) == "shop:kiq:bell:poller@3"
    assert third.name(owner) == "shop:kiq:bell:host:1:abc:default"
    assert third.name(keys.bell("")) == "shop:kiq:bell:"
    assert third.name("queue:default") == "shop:queue:default"
    assert Keyspace("", 3).name(poller) == "kiq:bell:poller@3"
    assert BARE.name(poller) == poller


def test_pushes_are_packed_with_their_names() -> None:
    links = LinkPool(Connector(Redis(url="redis://localhost/0", namespace="shop")))
    packed = RedisSender(links).pack(push_command("default", [b"raw"]))
    assert b"\r\nshop:queue:default\r\n" in packed
    assert b"\r\nshop:kiq:idle:default\r\n" in packed
    assert b"\r\ndefault\r\n" in packed
    packed = RedisSender(links).pack(schedule_command([(1.0, b"raw")]))
    assert b"\r\nshop:schedule\r\n" in packed
    assert b"\r\nshop:kiq:bell:poller\r\n" in packed


@pytest.mark.parametrize("name", ["shop", "{shop}", "a{shop}b", "shop:eu", "x-1_2.3", "s"])
def test_what_may_be_a_namespace(name: str) -> None:
    assert check_namespace(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "shop:",
        ":shop",
        "a*",
        "a?",
        "{}",
        "{a}{b}",
        "{a",
        "ü",
        "a\n",
        "x" * 101,
        5,
        None,
    ],
)
def test_what_may_be_none(name: object) -> None:
    with pytest.raises(ConfigError, match=r"redis\.namespace must be 1 to 100"):
        check_namespace(name)


@pytest.mark.parametrize("name", ["kiq", "queue", "stat", "kiq:shop"])
def test_names_that_sidekiq_and_kiq_begin_with_are_taken(name: str) -> None:
    with pytest.raises(ConfigError, match="must not begin with"):
        check_namespace(name)


@pytest.mark.parametrize(
    ("given", "namespace", "shown"),
    [
        ("redis://h/2?namespace=shop", "shop", "redis://h/2?namespace=shop"),
        (Redis(url="redis://h/2", namespace="shop"), "shop", "redis://h/2?namespace=shop"),
        (
            Redis(url="unix:///s?db=2&namespace=a", namespace="{b}"),
            "{b}",
            "unix:///s?db=2&namespace={b}",
        ),
        (
            Redis(client=redis.Redis(host="h", db=2), namespace="shop"),
            "shop",
            "redis://h:6379/2?namespace=shop",
        ),
        (redis.Redis(host="h", db=2), "", "redis://h:6379/2"),
    ],
)
def test_a_connection_has_the_names_of_its_settings(given: Any, namespace: str, shown: str) -> None:
    source = source_of(given)
    assert source.keyspace == Keyspace(namespace, 2)
    assert source.where == shown


def test_an_embedded_server_has_namespaces_too() -> None:
    source = source_of(Redis(url="embedded", namespace="shop"), start=False)
    assert source.where == "embedded, namespace shop"
    assert source.keyspace == Keyspace("shop")
