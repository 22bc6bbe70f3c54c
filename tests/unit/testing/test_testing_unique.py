"""Unique jobs in tests: in fake mode the lock of a job is the job in its box."""

from __future__ import annotations

import pytest

import kiq
from kiq import testing
from tests.helpers.uniques import by_name, noted

pytestmark = pytest.mark.usefixtures("unconfigured", "fresh_host")


def waiting() -> list[int]:
    return [job.args[1] for job in testing.jobs()]


def test_a_second_push_returns_the_first_until_that_has_run() -> None:
    with testing.scoped("fake"):
        jobs = by_name()
        first = jobs.perform_async("a", 1)
        assert jobs.perform_bulk([("a", 2), ("b", 3)])[0] == first
        assert waiting() == [1, 3]
        testing.drain()
        assert jobs.perform_async("a", 4) != first


def test_the_other_policies() -> None:
    with testing.scoped("fake"):
        jobs = by_name(on_conflict="raise")
        first = jobs.perform_async("a", 1)
        with pytest.raises(kiq.DuplicateJob) as caught:
            jobs.perform_async("a", 2)
        assert caught.value.jid == first
        for policy in ("replace", "reschedule"):
            testing.clear()
            jobs = by_name(on_conflict=policy)
            jobs.perform_in(60, "a", 1)
            jobs.perform_in(120, "a", 2)
            assert waiting() == [2]


def test_while_executing_all_wait() -> None:
    with testing.scoped("fake"):
        jobs = by_name("while_executing")
        assert jobs.perform_async("a", 1) != jobs.perform_async("a", 2)
        assert testing.drain() == 2


def test_inline_every_push_runs() -> None:
    noted.clear()
    with testing.scoped("inline"):
        jobs = by_name("until_and_while_executing")
        assert jobs.perform_async("a", 1) != jobs.perform_async("a", 2)
    assert noted.ran == [("a", 1), ("a", 2)]
