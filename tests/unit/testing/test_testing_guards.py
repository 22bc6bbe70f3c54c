"""Guards in tests: decided by the jobs that wait in the box, as there is no Redis."""

from __future__ import annotations

import asyncio

import pytest

import kiq
from kiq import testing
from kiq.plugin import Guard, Ride
from tests.helpers.locked import Free, Locked, Locks


@pytest.fixture(autouse=True)
def locks(unconfigured: None, fresh_host: kiq.Host) -> None:
    """The plugin of ``docs/plugins.md`` is installed."""
    fresh_host.install(Locks())


def test_the_second_is_declined_while_the_first_waits() -> None:
    with testing.scoped("fake"):
        first = Locked.perform_async()
        assert Locked.perform_async() == first
        assert Locked.perform_in(60) == first
        assert Locked.perform_bulk([()] * 2) == [first] * 2
        Free.perform_async()
        assert [job.jid for job in testing.jobs(Locked)] == [first]
        assert len(testing.jobs()) == 2
        testing.drain(Locked)
        assert Locked.perform_async() != first


def test_of_a_bulk_the_first_is_pushed() -> None:
    with testing.scoped("fake"):
        jids = Locked.perform_bulk([(), ()], at=4_000_000_000)
        assert jids == [jids[0]] * 2
        assert [job.jid for job in testing.jobs()] == jids[:1]


def test_asyncio_code_is_told_too() -> None:
    async def main() -> list[str | None]:
        return [await Locked.aio.perform_async(), await Locked.aio.perform_async()]

    with testing.scoped("fake"):
        first, second = asyncio.run(main())
        assert first == second


def test_a_job_that_pushes_its_like_while_it_runs_may() -> None:
    """It has been taken out of the box."""
    with testing.scoped("fake"):
        Locked.perform_async()
        testing.perform_one()
        assert Locked.perform_async()
        assert len(testing.jobs()) == 1


def test_in_inline_mode_every_push_runs() -> None:
    with testing.scoped("inline"):
        assert len({Locked.perform_async(), Locked.perform_async()}) == 2


def test_a_guard_without_a_word_for_tests_lets_pass(fresh_host: kiq.Host) -> None:
    fresh_host.guard(Guard("never", guarding=lambda payload: Ride([]), check="return 'never'"))
    with testing.scoped("fake"):
        assert Free.perform_async()
        assert len(testing.jobs()) == 1
