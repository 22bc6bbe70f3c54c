"""Schedules in the manner of resque-scheduler, in Redis: added, looked at, run now, removed."""

from __future__ import annotations

import pytest
import redis

from kiq.api import PeriodicSet
from kiq.client import Client
from kiq.contrib import resque
from kiq.errors import ConfigError
from tests.helpers.resque_jobs import Foo, called


@pytest.fixture(autouse=True)
def _nothing_called(kiq_client: Client) -> None:
    called.clear()


def test_dynamic_schedules_are_added_changed_fetched_and_removed(raw: redis.Redis) -> None:
    config = {"every": "1h", "class": "Foo", "args": [1], "description": "hourly"}
    resque.register(Foo)
    assert resque.set_schedule("hourly", config) is not None
    assert resque.fetch_schedule("hourly") == {
        **{"every": "3600s", "timezone": "UTC", "class": f"{Foo.__module__}.Foo"},
        **{"args": [1], "queue": "foo", "description": "hourly"},
    }
    resque.set_schedule("hourly", {**config, "every": "2h", "queue": "low"})
    changed = resque.fetch_schedule("hourly")
    assert changed is not None
    assert (changed["every"], changed["queue"]) == ("7200s", "low")
    assert list(resque.get_schedules()) == ["hourly"]
    assert resque.last_enqueued_at("hourly") is None
    assert resque.queue_now("hourly")
    assert resque.last_enqueued_at("hourly") is not None
    assert resque.size("low") == 1
    assert resque.remove_schedule("hourly")
    assert not resque.remove_schedule("hourly")
    assert resque.fetch_schedule("hourly") is None
    with pytest.raises(ConfigError, match="no schedule 'hourly'"):
        resque.queue_now("hourly")


def test_a_dynamic_schedule_may_be_of_a_class_that_another_program_has() -> None:
    config = {"every": "1h", "class": "shop.jobs.Pack", "queue": "shop", "args": []}
    assert resque.set_schedule("pack", config) is not None
    with pytest.raises(ConfigError, match="give the entry a queue"):
        resque.set_schedule("lost", {"every": "1h", "class": "shop.jobs.Pack"})


def test_a_dynamic_schedule_of_another_environment_is_left_out() -> None:
    config = {"every": "1h", "class": Foo, "args": [1], "rails_env": "production"}
    assert resque.set_schedule("x", config) is None
    assert list(PeriodicSet()) == []
