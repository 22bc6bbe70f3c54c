"""A backup that is restored under workers, and FLUSHALL: what docs/reliability.md says of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from kiq.api.verifying import verify
from kiq.client import Client
from kiq.config import Redis
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site

pytestmark = pytest.mark.bare_names


@pytest.fixture
def restored(private_server: Callable[..., TestServer]) -> TestServer:
    return private_server()


def test_after_an_older_backup_jobs_run_again_or_are_gone(site: Site, restored: TestServer) -> None:
    worker = site.start(REDIS_URL=restored.url, JOBS_REDIS_URL=site.url)

    def push(job: str, text: str, **fields: object) -> None:
        client = Client(Redis(url=restored.url))  # none that remembers the server that was killed
        client.push({"class": f"{JOBS}.{job}", "args": [text], **fields})

    push("Note", "settled before")
    site.noted("settled before")
    eventually(lambda: restored.client().get("stat:processed") == b"1", message="it is settled")
    push("Hold", "held")
    site.noted("begin held")
    push("Note", "waits", queue="other")
    restored.client().save()
    shutil.copy(restored.folder / "dump.rdb", restored.folder / "backup")
    push("Note", "pushed after", queue="other")
    site.release("held")
    site.noted("end held")
    eventually(lambda: restored.client().get("stat:processed") == b"2", message="it is settled")
    restored.kill()
    shutil.copy(restored.folder / "backup", restored.folder / "dump.rdb")
    restored.restart()
    # It was in flight in the backup: this process knows nothing of that delivery any more.
    eventually(lambda: site.notes.count("begin held") == 2, timeout=40, message="it runs again")
    site.release("held")
    eventually(lambda: site.notes.count("end held") == 2, message="and ends")
    assert site.notes.count("settled before") == 1
    waiting = restored.client().lrange("queue:other", 0, -1)
    assert len(waiting) == 1
    assert b"waits" in waiting[0]  # and not the one that was pushed after
    push("Note", "goes on")
    site.noted("goes on")
    assert verify(restored.url).clean
    assert worker.stop() == 0


def test_after_flushall_workers_go_on_and_what_was_there_is_gone(
    site: Site, restored: TestServer
) -> None:
    worker = site.start(REDIS_URL=restored.url, JOBS_REDIS_URL=site.url)
    client = Client(Redis(url=restored.url))
    client.push({"class": f"{JOBS}.Hold", "args": ["held"]})
    site.noted("begin held")
    client.push({"class": f"{JOBS}.Note", "args": ["gone"], "queue": "other"})
    restored.client().flushall()
    site.release("held")
    site.noted("end held")
    client.push({"class": f"{JOBS}.Note", "args": ["goes on"]})
    site.noted("goes on", timeout=20)
    assert not restored.client().exists("queue:other")
    eventually(lambda: verify(restored.url).clean, message="all is as it must be")
    assert worker.stop() == 0
