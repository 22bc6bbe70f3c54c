"""Applications that share one database, each behind a namespace of its own."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kiq
from kiq.api import ProcessSet, Stats
from kiq.redis_url import with_namespace
from tests.helpers.namespaced import store_of
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

#: One without a namespace is an application like the others.
APPLICATIONS = ("shop", "{blog}", None)


class Application:
    """One application: its client, and its worker. Jobs note in the database what they do."""

    def __init__(self, site: Site, namespace: str | None, url: str = "") -> None:
        self.namespace = namespace
        self.url = with_namespace(url or site.url, namespace)
        self.client = kiq.Client(kiq.config.Redis(url=self.url))
        self.store = store_of(self.url)
        self._site = site

    def start(self) -> WorkerProcess:
        """Start a worker."""
        worker = self._site.run(
            "-r", JOBS, "-c", "2", REDIS_URL=self.url, JOBS_REDIS_URL=self._site.url
        )
        return worker.wait_until_ready()

    def push(self, job: str, *arguments: Any, **fields: Any) -> str:
        """Push a job of :mod:`tests.helpers.jobs`."""
        payload = {"class": f"{JOBS}.{job}", "args": list(arguments), **fields}
        return str(self.client.push(payload))


@pytest.fixture
def applications(site: Site) -> Iterator[list[Application]]:
    """Three of them in one database."""
    found = [Application(site, namespace) for namespace in APPLICATIONS]
    yield found
    for each in found:
        each.store.close()


def test_each_worker_runs_the_jobs_of_its_own_application_now_and_later(
    site: Site, applications: list[Application]
) -> None:
    workers = [each.start() for each in applications]
    for each in applications:
        each.push("Slow", f"now {each.namespace}", 0)
        each.push("Slow", f"later {each.namespace}", 0, at=kiq.clock.wall() + 0.5)
        each.push("Fails", f"{each.namespace}", 1, retry=1)
    for each, worker in zip(applications, workers, strict=True):
        for when in ("now", "later"):
            begins = f"{when} {each.namespace} in {worker.pid} at "
            eventually(lambda begins=begins: any(n.startswith(begins) for n in site.notes))
        numbers = eventually(lambda each=each: _counted(each), message="it is counted")
        assert (numbers.processed, numbers.failed, numbers.retry_size) == (3, 1, 1)
        assert [process.pid for process in ProcessSet(each.client)] == [worker.pid]
        assert each.store.get("kiq:poller").decode().split(":")[1] == str(worker.pid)
    assert [worker.stop() for worker in workers] == [0, 0, 0]


def _counted(application: Application) -> Stats | None:
    numbers = Stats(application.client)
    return numbers if numbers.processed == 3 else None


def test_who_is_cancelled_quieted_and_killed_is_ones_own(
    site: Site, applications: list[Application]
) -> None:
    workers = [each.start() for each in applications]
    jids = [each.push("Hold", str(each.namespace)) for each in applications]
    site.noted(*(f"begin {each.namespace}" for each in applications))
    first, second, third = applications
    assert kiq.cancel(jids[0], client=second.client) != "running"
    for process in ProcessSet(second.client):
        process.quiet()
    workers[1].says("quiet")
    workers[2].signal(signal.SIGKILL)
    heir = third.start()
    site.noted("begin None", timeout=15)
    eventually(
        lambda: site.notes.count("begin None") == 2, 15, message="its heir has the job again"
    )
    for each in applications:
        site.release(str(each.namespace))
    site.noted(*(f"end {each.namespace}" for each in applications))
    assert site.notes.count("begin shop") == site.notes.count("begin {blog}") == 1
    assert "quiet" not in workers[0].log
    assert kiq.cancel(jids[0], client=first.client) != "running"
    assert [each.stop() for each in (workers[0], workers[1], heir)] == [0, 0, 0]


@pytest.fixture
def confined(site: Site, server: TestServer) -> Iterator[Callable[..., str]]:
    """Give the URL of a user that may touch nothing but what is behind one namespace."""
    client = server.client()

    def url(namespace: str) -> str:
        rights = ("reset", "on", ">word", f"~{namespace}:*", f"&{namespace}:*", "+@all")
        client.execute_command("ACL", "SETUSER", "tenant", *rights)
        return site.url.replace("unix://", "unix://tenant@") + "&password=word"

    yield url
    client.execute_command("ACL", "DELUSER", "tenant")


def test_nothing_is_touched_but_what_is_behind_the_namespace(
    site: Site, confined: Callable[..., str]
) -> None:
    application = Application(site, "shop", confined("shop"))
    worker = application.start()
    application.push("Note", "now")
    application.push("Note", "later", at=kiq.clock.wall() + 0.3)
    application.push("Fails", "once", 1, retry=0)
    site.noted("now", "later", "attempt 1 once")
    eventually(lambda: application.store.zcard("dead") == 1, message="it is dead")
    for words in (["doctor"], ["ps"], ["queues"], ["stats"], ["dead", "retry", "--all", "--yes"]):
        command = site.run(*words, REDIS_URL=application.url)
        assert command.wait() in (0, 4), command.log  # 4: nothing is written to disk here
        assert "NOPERM" not in command.log
    assert worker.stop() == 0
    assert "NOPERM" not in worker.log
    assert "does not take" not in worker.log
    names: Any = site.store.keys("*")
    assert {name for name in names if not name.startswith(b"shop:")} == {b"notes"}


def test_commands_say_which_namespace_they_look_at(site: Site) -> None:
    site.write("config/kiq.yml", "redis: {namespace: shop}\n")
    application = Application(site, "shop")
    application.push("Note", "x")
    checked = site.run("check", "-r", JOBS)
    queues = site.run("queues", "--json")
    doctor = site.run("doctor")
    assert checked.wait() == 0, checked.log
    assert "namespace shop (config/kiq.yml:1)" in checked.log
    assert queues.wait() == 0
    assert json.loads(queues.lines[-1])
    doctor.wait()
    assert "namespace=shop" in doctor.log
