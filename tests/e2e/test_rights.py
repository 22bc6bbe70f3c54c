"""Users of Redis with the rights that docs/redis.md gives them, and no others."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import kiq
from kiq.client import Client
from kiq.config import Redis
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site

pytestmark = pytest.mark.bare_names

PAGE = Path(__file__).parents[2].joinpath("docs", "redis.md").read_text("utf-8")
LINES = dict(re.findall(r"^ACL SETUSER (\w+) on >PASSWORD (.+)$", PAGE, re.MULTILINE))


@pytest.fixture(scope="module")
def strict() -> Iterator[TestServer]:
    server = TestServer()
    for user, rights in LINES.items():
        server.client().execute_command("ACL", "SETUSER", user, "on", ">pw", *rights.split())
    yield server
    server.stop()


def url(server: TestServer, user: str) -> str:
    return server.tcp_url.replace("redis://", f"redis://{user}:pw@")


def denied(server: TestServer, user: str) -> list[str]:
    """What was refused to *user*, but for what redis-py and `kiq doctor` do without."""
    entries = [
        dict(zip(e[::2], e[1::2], strict=True))
        for e in server.client().execute_command("ACL", "LOG")
    ]
    objects = [e[b"object"].decode() for e in entries if e[b"username"] == user.encode()]
    return [each for each in objects if not each.startswith(("client|", "config|"))]


def test_a_worker_does_all_its_work_with_its_rights(site: Site, strict: TestServer) -> None:
    variables = {"REDIS_URL": url(strict, "worker"), "JOBS_REDIS_URL": site.url}
    client = Client(Redis(url=url(strict, "pusher")))
    doomed = site.start(**variables)
    client.push({"class": f"{JOBS}.Note", "args": ["now"]})
    client.push({"class": f"{JOBS}.Note", "args": ["later"], "at": kiq.clock.wall() + 0.3})
    client.push({"class": f"{JOBS}.Asks", "args": ["retry"]})
    client.push({"class": f"{JOBS}.Asks", "args": ["kill"]})
    client.push({"class": f"{JOBS}.Hold", "args": ["held"]})
    site.noted("now", "later", "attempt 1 retry", "attempt 2 retry", "begin held")
    eventually(lambda: strict.client().zcard("dead") == 1, message="one is dead")
    doomed.signal(signal.SIGKILL)
    heir = site.start(**variables)
    eventually(lambda: site.notes.count("begin held") == 2, 30, message="it is given back")
    site.release("held")
    site.noted("end held")
    for words, codes in (
        (("stats",), (0,)),
        (("queues",), (0,)),
        (("ps", "--jobs"), (0,)),
        (("dead", "retry", "--all", "-y"), (0,)),
        (("pause", "default"), (0,)),
        (("unpause", "default"), (0,)),
        (("verify",), (0,)),
        (("doctor",), (0, 3, 4)),
        (("quiet", "all", "-y"), (0,)),
    ):
        command = site.run(*words, **variables)
        assert command.wait(30) in codes, (words, command.log)
        assert "can't start without" not in command.log
    assert heir.stop() == 0
    for worker in (doomed, heir):
        assert "refused" not in worker.log
        assert "does not take" not in worker.log
    assert denied(strict, "worker") == []
    assert denied(strict, "pusher") == []


def test_a_monitor_looks_and_changes_nothing(site: Site, strict: TestServer) -> None:
    Client(Redis(url=url(strict, "pusher"))).push({"class": "X", "args": [], "queue": "seen"})
    for words in (("stats",), ("queues",), ("ps",), ("retries",), ("verify",)):
        command = site.run(*words, REDIS_URL=url(strict, "monitor"))
        assert command.wait(30) == 0, command.log
    clear = site.run("clear-queue", "seen", "-y", REDIS_URL=url(strict, "monitor"))
    assert clear.wait(30) == 77
    assert "ACL SETUSER" in clear.log
    assert strict.client().llen("queue:seen") == 1
    with pytest.raises(kiq.StoreDenied):
        Client(Redis(url=url(strict, "monitor"))).push({"class": "X", "args": []})


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        (("resetkeys", "~queue:*", "~kiq:*"), "keys such as queues, retry, schedule"),
        (("-zadd",), "does not take ZADD"),
    ],
)
def test_what_is_missing_is_named_at_the_start(
    site: Site, private_server: Callable[..., TestServer], taken: tuple[str, ...], said: str
) -> None:
    server = private_server()
    rights = (*LINES["worker"].split(), *taken)
    server.client().execute_command("ACL", "SETUSER", "worker", "on", ">pw", *rights)
    worker = site.run("-r", JOBS, REDIS_URL=url(server, "worker"))
    assert worker.wait(30) == 77
    assert said in worker.log
    assert "docs/redis.md" in worker.log


def test_what_is_taken_away_from_a_running_worker_is_named_once(
    site: Site, private_server: Callable[..., TestServer]
) -> None:
    server = private_server()
    server.client().execute_command(
        "ACL", "SETUSER", "worker", "on", ">pw", *LINES["worker"].split()
    )
    worker = site.start(REDIS_URL=url(server, "worker"), JOBS_REDIS_URL=site.url)
    server.client().execute_command("ACL", "SETUSER", "worker", "-evalsha", "-eval")
    worker.says("Redis refused", "+eval", timeout=20)
    Client(Redis(url=server.url)).push({"class": f"{JOBS}.Note", "args": ["after"]})
    server.client().execute_command("ACL", "SETUSER", "worker", "+evalsha", "+eval")
    site.noted("after", timeout=30)
    assert worker.log.count("ACL SETUSER") == 1
    assert worker.stop() == 0
