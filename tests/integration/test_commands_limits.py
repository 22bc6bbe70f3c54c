"""``kiq limits``, what ``kiq why`` says of them, and limits in tests without a server."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis

import kiq
from kiq import api, limits, testing
from tests.helpers.commands import command
from tests.helpers.driven import DrivenWorker
from tests.helpers.limited import Limited, gate, noted, waiting
from tests.helpers.waiting import eventually

ONE = limits.concurrent("one", 1, key="account")
NAME = "concurrent:one:a"


pytestmark = pytest.mark.usefixtures("command_store")


def test_a_limit_is_shown_with_who_is_in_and_who_waits(
    limited_worker: Callable[..., DrivenWorker], raw: redis.Redis
) -> None:
    jobs = Limited.set(limit=ONE)
    first = jobs.perform_async(0, "a", "waits")
    with limited_worker(2):
        eventually(lambda: noted.order == [0], 10)
        second = jobs.perform_async(1)
        eventually(lambda: waiting(raw, NAME) == [second], 10)
        listed = json.loads(command("limits", "--json").out)
        assert (listed["size"], listed["limits"][0]["id"]) == (1, NAME)
        shown = json.loads(command("limits", "show", "one", "--json").out)
        assert [holder["jid"] for holder in shown["holders"]] == [first]
        assert [one["jid"] for one in shown["line"]] == [second]
        text = command("limits", "show", NAME).out
        assert first in text
        assert second in text
        assert "concurrent:one:a" in command("limits").out
        found = api.LimitSet()
        assert found.place(NAME, str(second)) == 0
        why = command("why", str(second)).out
        assert "its limit concurrent:one:a is reached: 1 of 1, 0 jobs are before it" in why
        gate.set()
        eventually(lambda: len(noted.began) == 2, 10)


def test_a_limit_is_reset(kiq_client: kiq.Client) -> None:
    two = limits.window("two", 2, per=3600)
    with two, two:
        pass
    assert command("limits", "reset", "window:nobody", "-y").code == 1
    done = command("limits", "reset", "window:two", "-y", "--json")
    assert json.loads(done.out) == {"reset": 1}
    with two, two:
        pass


def test_in_tests_all_limits_have_room_but_those_that_are_said_to_be_reached(
    kiq_client: kiq.Client,
) -> None:
    noted.clear()
    one = limits.window("rehearsed", 1, per=3600)
    with testing.scoped("fake"):
        for number in range(3):
            Limited.set(limit=one).perform_async(number)
        with one, one:
            pass
        testing.drain()
        assert noted.order == [0, 1, 2]
        Limited.set(limit=one).perform_async(3)
        with testing.limit_reached("rehearsed", retry_after=7):
            with pytest.raises(kiq.RateLimited) as limited:
                testing.drain()
            with pytest.raises(kiq.RateLimited), one:
                pass
    assert limited.value.retry_after == 7
