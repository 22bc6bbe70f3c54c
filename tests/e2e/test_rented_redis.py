"""Workers whose Redis does not take every command."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

import kiq
from kiq.cli import needs
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site


@pytest.fixture
def limited(site: Site, server: TestServer) -> Iterator[Callable[..., str]]:
    """Give the URL of a user that may not use some commands."""
    client = server.client()

    def url(*commands: str) -> str:
        words = [f"-{command.lower()}" for command in commands]
        client.execute_command(
            "ACL", "SETUSER", "rents", "reset", "on", ">word", "~*", "&*", "+@all", *words
        )
        return site.url.replace("unix://", "unix://rents@") + "&password=word"

    yield url
    client.execute_command("ACL", "DELUSER", "rents")


def test_a_worker_does_without_all_that_is_a_nicety_and_says_so_once(
    site: Site, limited: Callable[..., str]
) -> None:
    url = limited(*needs.NICETIES)
    worker = site.run("-r", JOBS, REDIS_URL=url).wait_until_ready()
    site.push("Note", "now")
    site.push("Note", "later", at=kiq.clock.wall() + 0.5)
    site.noted("now", "later")
    for name in needs.NICETIES:
        assert worker.log.count(f"does not take {name}:") == 1, worker.log
    assert "ERROR" not in worker.log
    assert worker.stop() == 0


def test_a_waiting_job_is_cancelled_where_nobody_may_publish(
    site: Site, limited: Callable[..., str]
) -> None:
    url = limited("PUBLISH")
    jid = site.push("Note", "cancelled")
    assert kiq.cancel(jid, client=url) == "waiting or running"
    worker = site.run("-r", JOBS, REDIS_URL=url).wait_until_ready()
    site.push("Note", "other")
    site.noted("other")
    eventually(lambda: not site.store.exists("queue:default"), message="both are taken")
    assert site.notes == ["other"]
    assert worker.stop() == 0


def test_a_worker_without_a_command_that_it_needs_ends_and_names_it(
    site: Site, limited: Callable[..., str]
) -> None:
    worker = site.run("-r", JOBS, REDIS_URL=limited("RENAME", "ZADD"))
    assert worker.wait() == 77
    assert "does not take RENAME, ZADD from this user" in worker.log
    assert "Traceback" not in worker.log


def test_the_doctor_names_what_is_taken_away(site: Site, limited: Callable[..., str]) -> None:
    doctor = site.run("doctor", REDIS_URL=limited("RENAME", "SCAN"))
    assert doctor.wait() == 4
    assert "RENAME: refused, and a worker can't start without" in doctor.log
    assert "SCAN is refused" in doctor.log


def test_jobs_of_a_killed_worker_come_back_where_redis_can_not_be_searched(
    site: Site, limited: Callable[..., str]
) -> None:
    url = limited(*needs.NICETIES)
    doomed = site.run("-r", JOBS, REDIS_URL=url).wait_until_ready()
    site.push("Hold", "held")
    site.noted("begin held")
    doomed.signal(signal.SIGKILL)
    heir = site.run("-r", JOBS, REDIS_URL=url).wait_until_ready()
    site.release("held")
    site.noted("end held")
    assert heir.stop() == 0
