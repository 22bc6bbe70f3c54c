"""Entries that processes bring along: two releases at once, two applications, and what is added by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from kiq.plugins.periodic import keys
from tests.helpers.ticking import Ticking, cursor, minute, set_back

Make = Callable[..., Ticking]
HOURLY = {"every": "1h", "class": "elsewhere.Job", "queue": "default"}


def names(raw: redis.Redis) -> set[str]:
    found: Any = raw.hkeys(keys.ENTRIES)
    return {name.decode() for name in found}


def forget_seen(raw: redis.Redis, app: str = "app") -> None:
    """Let it be a while since a process of the release in force was seen."""
    said: Any = raw.hget(keys.SETS, app)
    digest, _, *older = said.decode().split(" ")
    raw.hset(keys.SETS, app, " ".join([digest, "1", *older]))


def test_the_new_release_holds_at_once_and_the_old_one_does_not_come_back(
    make_ticking: Make, raw: redis.Redis
) -> None:
    old = make_ticking({"kept": HOURLY, "removed": HOURLY})
    new = make_ticking({"kept": HOURLY, "added": HOURLY})
    assert names(raw) == {"kept", "added"}
    old.offer()
    make_ticking({"kept": HOURLY, "removed": HOURLY})  # a process of the old release begins anew
    assert names(raw) == {"kept", "added"}
    assert cursor(raw, "removed") is None
    new.offer()
    assert names(raw) == {"kept", "added"}


def test_a_release_that_was_rolled_back_comes_into_force_when_the_newer_one_has_gone(
    make_ticking: Make, raw: redis.Redis
) -> None:
    old = make_ticking({"one": HOURLY})
    make_ticking({"two": HOURLY})
    forget_seen(raw)
    old.offer()
    assert names(raw) == {"one"}
    make_ticking({"two": HOURLY})  # now that one is the older
    assert names(raw) == {"one"}


def test_what_is_equal_changes_nothing_a_tick_that_is_due_stays_due(
    make_ticking: Make, raw: redis.Redis
) -> None:
    make_ticking({"report": HOURLY})
    due = minute()
    set_back(raw, "report", due)
    make_ticking({"report": HOURLY}).offer()
    assert cursor(raw, "report") == due


def test_other_arguments_keep_the_tick_another_rule_begins_now(
    make_ticking: Make, raw: redis.Redis
) -> None:
    make_ticking({"report": HOURLY})
    due = minute()
    set_back(raw, "report", due)
    make_ticking({"report": {**HOURLY, "args": [1]}})
    assert cursor(raw, "report") == due
    make_ticking({"report": {**HOURLY, "args": [1], "every": "2h"}})
    assert cursor(raw, "report") > minute()


def test_what_is_not_enabled_has_no_tick(make_ticking: Make, raw: redis.Redis) -> None:
    make_ticking({"report": HOURLY})
    make_ticking({"report": {**HOURLY, "enabled": False}})
    assert cursor(raw, "report") is None
    make_ticking({"report": {**HOURLY, "enabled": True, "description": "again"}})
    assert cursor(raw, "report") > minute()


def test_another_application_and_what_was_added_by_hand_are_left_alone(
    make_ticking: Make, raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    make_ticking({"shared": HOURLY, "first": HOURLY}, tag="shop")
    make_ticking({"shared": {**HOURLY, "every": "5m"}, "second": HOURLY}, tag="mail")
    assert names(raw) == {"shared", "first", "second"}
    assert "shared is left out: another application" in caplog.text
    make_ticking({}, tag="mail")
    assert names(raw) == {"shared", "first"}


def test_a_pause_outlives_a_deploy(make_ticking: Make, raw: redis.Redis) -> None:
    make_ticking({"report": HOURLY})
    raw.hset(keys.PAUSED, "report", "1 somebody")
    make_ticking({"report": {**HOURLY, "every": "5m"}})
    assert raw.hexists(keys.PAUSED, "report")


def test_what_a_flush_took_comes_back_with_the_next_beat(
    make_ticking: Make, raw: redis.Redis
) -> None:
    one = make_ticking({"report": HOURLY})
    raw.flushdb()
    one.offer()
    assert names(raw) == {"report"}
    assert cursor(raw, "report") > minute()


def test_a_class_that_nobody_knows_leaves_one_entry_out(
    make_ticking: Make, raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    make_ticking({"lost": {"every": "1h", "class": "no.such.Job"}, "found": HOURLY})
    assert names(raw) == {"found"}
    assert "lost is left out: no job class named 'no.such.Job'" in caplog.text
