"""What ``kiq doctor`` makes of facts, without any server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from kiq.api import QueueSummary
from kiq.cli.needs import Refusals
from kiq.config import Redis
from kiq.doctor import fleet, queues, server
from kiq.doctor.finding import Finding
from kiq.doctor.fleet_facts import FleetFacts, ProcessFacts
from kiq.doctor.server_facts import ServerFacts
from kiq.store.flight import DeadLimits

NOW = 1_800_000_000.0
WELL = ServerFacts(
    info={
        "redis_version": "7.2.4",
        "role": "master",
        "maxmemory_policy": "noeviction",
        "maxmemory": str(1 << 30),
        "used_memory": str(1 << 20),
        "aof_enabled": "1",
        "maxclients": "1000",
        "connected_clients": "20",
    },
    settings={"appendfsync": "everysec", "save": "3600 1", "timeout": "0"},
    round_trip=0.0002,
    slowest_write=0.001,
    clock_ahead=0.01,
    uncertain=0.001,
    clients={"kiq": 14, "": 6},
)
CREW = FleetFacts(
    now=NOW,
    processes=(
        ProcessFacts(
            "a:1:x", {"kiq": True, "codec": "msgpack", "queues": ["default"]}, NOW - 3, silence=3.0
        ),
        ProcessFacts(
            "b:1:y", {"kiq": True, "codec": "msgpack", "queues": ["low"]}, NOW - 1, silence=1.0
        ),
    ),
    queues=(QueueSummary("default", 3, 1.0, False), QueueSummary("low", 0, 0.0, False)),
    known=frozenset({"a:1:x:default"}),
    live=frozenset({"a:1:x:default"}),
    holding={"a:1:x:default": 2},
    sets={"schedule": (1, NOW + 60), "retry": (0, None), "dead": (5, NOW - 60)},
)


def of_server(**changes: Any) -> list[Finding]:
    """Everything found about a server that is well but for *changes*; ``info`` is merged."""
    info = {**WELL.info, **changes.pop("info", {})}
    settings = {**WELL.settings, **changes.pop("settings", {})}
    facts = replace(WELL, info=info, settings=settings, **changes)
    checks: list[Callable[[ServerFacts], Iterator[Finding]]] = [
        server.version,
        server.eviction,
        server.persistence,
        server.latency,
        server.clock,
        lambda each: server.clients(each, 2),
        server.replies,
        server.commands,
    ]
    return [finding for check in checks for finding in check(facts)]


def of_fleet(**changes: Any) -> list[Finding]:
    """Everything found about a fleet that is well but for *changes*."""
    facts = replace(CREW, **changes)
    checks = (
        fleet.unread,
        fleet.processes,
        fleet.silence,
        fleet.companions,
        fleet.owners,
        queues.queues,
        queues.promises,
        fleet.sets,
    )
    return [finding for check in checks for finding in check(facts)]


def bad(findings: list[Finding]) -> dict[str, str]:
    """The checks that are not ok, with their levels; each of them says what to do."""
    assert all(finding.do for finding in findings if finding.level != "ok")
    return {finding.check: finding.level for finding in findings if finding.level != "ok"}


def test_nothing_is_wrong_where_all_is_well() -> None:
    assert bad(of_server()) == {}
    assert bad(of_fleet()) == {}


@pytest.mark.parametrize(
    ("changes", "check", "level"),
    [
        ({"info": {"redis_version": "6.0.16"}}, "version", "danger"),
        ({"info": {"role": "slave"}}, "role", "danger"),
        ({"info": {"maxmemory_policy": "allkeys-lru"}}, "eviction", "danger"),
        ({"info": {"maxmemory_policy": "allkeys-lru", "maxmemory": "0"}}, "eviction", "warning"),
        ({"info": {"maxmemory_policy": "a-new-one"}}, "eviction", "danger"),
        ({"settings": {"maxmemory-policy": "allkeys-lfu"}}, "eviction", "danger"),
        ({"info": {"maxmemory_policy": "volatile-ttl"}}, "eviction", "warning"),
        ({"info": {"maxmemory_policy": "volatile-lru", "maxmemory": "0"}}, "eviction", "warning"),
        ({"info": {"used_memory": str(int(0.85 * 2**30))}}, "memory", "warning"),
        ({"info": {"used_memory": str(int(0.99 * 2**30))}}, "memory", "danger"),
        ({"info": {"aof_enabled": "0"}}, "persistence", "warning"),
        ({"info": {"aof_enabled": "0"}, "settings": {"save": ""}}, "persistence", "danger"),
        ({"settings": {"appendfsync": "no"}}, "persistence", "warning"),
        ({"info": {"rdb_last_bgsave_status": "err"}}, "disk", "danger"),
        ({"round_trip": 0.02}, "round-trip", "warning"),
        ({"slowest_write": 0.4}, "fsync", "warning"),
        ({"info": {"aof_delayed_fsync": "7"}}, "fsync", "warning"),
        ({"clock_ahead": 5.0}, "clock", "warning"),
        ({"clock_ahead": -50.0}, "clock", "danger"),
        ({"info": {"connected_clients": "960"}}, "connections", "danger"),
        ({"info": {"connected_clients": "15", "maxclients": "20"}}, "connections", "warning"),
        ({"info": {"rejected_connections": "3"}}, "connections", "warning"),
        ({"settings": {"timeout": "10"}}, "timeout", "warning"),
        (
            {"settings": {"client-output-buffer-limit": "normal 65536 0 0 slave 268435456 0 0"}},
            "replies",
            "warning",
        ),
        ({"missing": Refusals(("RENAME",), ())}, "commands", "danger"),
        ({"missing": Refusals((), ("SCAN",))}, "commands", "note"),
        ({"refused": ("CLIENT LIST",)}, "permissions", "note"),
        ({"refused": ("EVAL",)}, "permissions", "danger"),
    ],
)
def test_what_is_wrong_with_a_server_is_found(
    changes: dict[str, Any], check: str, level: str
) -> None:
    assert bad(of_server(**changes)) == {check: level}


@pytest.mark.parametrize(
    ("changes", "check", "level"),
    [
        ({"sets": {**CREW.sets, "schedule": (4, NOW - 300)}}, "overdue", "danger"),
        ({"sets": {**CREW.sets, "dead": (10_000, NOW)}}, "dead", "warning"),
        ({"sets": {"dead": (95, NOW)}, "dead_limits": DeadLimits(100, 1e6)}, "dead", "warning"),
        ({"queues": (QueueSummary("old", 3, 9.0, False),)}, "untaken-queue", "danger"),
        ({"queues": (QueueSummary("low", 3, 9.0, True),)}, "paused", "warning"),
        ({"queues": (QueueSummary("low", 0, 0.0, True),)}, "paused", "note"),
        ({"holding": {"c:1:z:default": 2}}, "orphans", "warning"),
        ({"known": frozenset({"c:1:z:default"}), "holding": {"c:1:z:default": 2}}, "orphans", "warning"),
        ({"codec": "json"}, "codecs", "note"),
        ({"unread": ("queues: WRONGTYPE",) * 9}, "unread", "danger"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_fleet_is_found(
    changes: dict[str, Any], check: str, level: str
) -> None:
    assert bad(of_fleet(**changes)) == {check: level}


def changed(at: int, **changes: Any) -> tuple[ProcessFacts, ...]:
    found = list(CREW.processes)
    found[at] = replace(found[at], **changes)
    return tuple(found)


@pytest.mark.parametrize(
    ("processes", "found"),
    [
        (changed(0, beat=NOW + 30), {"worker-clocks": "warning"}),
        (changed(0, beat=NOW - 40), {"worker-clocks": "warning"}),
        (changed(0, beat=NOW - 40, silence=40.0), {}),
        (changed(0, beat=NOW - 40, silence=40.0, state="silent"), {"silent": "warning"}),
        (tuple(replace(each, quiet=True) for each in CREW.processes), {"processes": "danger"}),
        (
            changed(1, info={"kiq": True, "codec": "json", "queues": ["low"]}),
            {"codecs": "note"},
        ),
        (
            changed(1, info={"kiq": True, "codec": "msgpack", "version": "9", "queues": ["low"]}),
            {"versions": "note"},
        ),
        (changed(1, info={"queues": ["low"], "version": "8.1"}), {"ruby-server": "danger"}),
        (changed(1, info={"kiq": True, "codec": "msgpack", "queues": "junk"}), {}),
    ],
)
def test_what_is_wrong_with_processes_is_found(
    processes: tuple[ProcessFacts, ...], found: dict[str, str]
) -> None:
    assert bad(of_fleet(processes=processes)) == found


def test_without_any_process_waiting_jobs_and_orphans_are_a_danger() -> None:
    found = bad(of_fleet(processes=(), live=frozenset()))
    assert found == {"processes": "danger", "orphans": "danger"}
    idle = {"schedule": (0, None), "retry": (0, None), "dead": (0, None)}
    assert bad(of_fleet(processes=(), queues=(), sets=idle)) == {"processes": "note"}


def test_a_ruby_server_is_no_danger_where_everything_is_json() -> None:
    ruby = ProcessFacts("web:1:r", {"queues": ["low"], "version": "8.1.7"}, NOW)
    ours = replace(CREW.processes[0], info={"kiq": True, "codec": "json", "queues": ["default"]})
    assert bad(of_fleet(processes=(ours, ruby), codec="json")) == {}


def test_a_server_that_tells_nothing_is_said_to_tell_nothing() -> None:
    silent = ServerFacts(refused=("INFO", "CONFIG GET", "CLIENT LIST"))
    found = {finding.check: finding.level for finding in server.version(silent)}
    assert found == {"version": "warning", "permissions": "note"}
    assert list(server.persistence(silent)) == []
    assert list(server.clients(silent, 3)) == []


def test_a_clock_that_is_behind_makes_jobs_early() -> None:
    behind, ahead = (next(server.clock(replace(WELL, clock_ahead=off))) for off in (5.0, -5.0))
    assert (
        behind.what == "this machine's clock is 5.0 s behind Redis's: what it schedules runs early"
    )
    assert (
        ahead.what == "this machine's clock is 5.0 s ahead of Redis's: what it schedules runs late"
    )


def test_names_that_others_wrote_can_not_act_on_the_terminal() -> None:
    evil = "\x1b[2J"
    processes = (ProcessFacts(evil, {"kiq": True, "codec": evil, "version": evil}, NOW + 99),)
    found = (QueueSummary(evil, 3, 9.0, True),)
    for finding in of_fleet(processes=processes, queues=found):
        assert (finding.what + finding.do).isprintable()


@pytest.mark.parametrize(
    ("redis", "mode", "told"),
    [
        (Redis(), "no", True),
        (Redis(), "yes", False),
        (Redis(url="redis://:pw@h"), "no", False),
        (Redis(options={"password_file": "/run/secret"}), "no", False),
        (Redis(url="rediss://h"), "no", False),
    ],
)
def test_a_redis_that_is_open_to_all_is_named(redis: Redis, mode: str, told: bool) -> None:
    facts = replace(WELL, settings={**WELL.settings, "protected-mode": mode})
    assert [each.check for each in server.exposure(facts, redis)] == ["exposure"] * told
