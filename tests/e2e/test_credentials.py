"""Credentials that can't be had, or that Redis refuses, as workers, commands and producers meet them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from kiq.client import Client
from kiq.config import Redis
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

TOKENS = """
import os
import kiq, redis
from redis.credentials import CredentialProvider


class Tokens(CredentialProvider):
    def get_credentials(self):
        if os.path.exists("away"):
            raise RuntimeError("the token service is away")
        return ("default", "")


kiq.configure(redis=redis.Redis.from_url({url!r}, credential_provider=Tokens()))


@kiq.job(name="tokens.greet")
def greet(name):
    print(f"hello {{name}}", flush=True)
"""


@pytest.fixture
def tokens(site: Site) -> Site:
    """A site whose jobs connect by a credential provider: it raises while there is a file "away"."""
    site.write("tokens.py", TOKENS.format(url=site.url))
    return site


def test_a_worker_waits_for_a_provider_that_raises_as_it_waits_for_redis(tokens: Site) -> None:
    tokens.write("away", "")
    worker = tokens.run("-r", "tokens", REDIS_URL=None)
    worker.says("RuntimeError: the token service is away", "trying again until it answers")
    assert worker.running
    (tokens.folder / "away").unlink()
    worker.wait_until_ready()
    assert "Traceback" not in worker.log
    assert worker.stop() == 0


def test_a_running_worker_outlives_a_provider_that_raises(tokens: Site) -> None:
    worker = tokens.run("-r", "tokens", REDIS_URL=None).wait_until_ready()
    tokens.client.push({"class": "tokens.greet", "args": ["Ann"]})
    worker.says("hello Ann")
    tokens.write("away", "")
    tokens.store.client_kill_filter(_type="normal", skipme=True)
    tokens.store.client_kill_filter(_type="pubsub", skipme=True)
    worker.says("RuntimeError: the token service is away", "trying again")
    Client(Redis(url=tokens.url)).push({"class": "tokens.greet", "args": ["Bob"]})
    (tokens.folder / "away").unlink()
    worker.says("hello Bob")
    assert "Traceback" not in worker.log
    assert worker.stop() == 0


# A password, or rights, that change under a running worker


@pytest.fixture
def guarded(private_server: Callable[..., TestServer]) -> TestServer:
    """A server on which the user "worker" has a password, and all rights."""
    server = private_server()
    acl(server, "on", ">opensesame", "~*", "&*", "+@all")
    return server


def acl(server: TestServer, *rules: str) -> None:
    """Change the user "worker", and cut all connections."""
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "worker", *rules)  # type: ignore[no-untyped-call]
        client.client_kill_filter(_type="normal", skipme=True)
        client.client_kill_filter(_type="pubsub", skipme=True)


def denied(server: TestServer) -> int:
    """How often a user has been refused something."""
    with server.client() as client:
        found = client.info("stats")
    return sum(int(found[name]) for name in found if name.startswith("acl_access_denied"))


def start(site: Site, server: TestServer) -> WorkerProcess:
    url = server.tcp_url.replace("redis://", "redis://worker:opensesame@")
    return site.start(REDIS_URL=url, JOBS_REDIS_URL=server.url)


def refusals(worker: WorkerProcess) -> list[str]:
    return [line for line in worker.lines if "Redis refused" in line]


@pytest.mark.parametrize(
    ("taken", "given", "words"),
    [
        (("resetpass", ">changed"), (">opensesame",), "check the user and the password"),
        (("off",), ("on",), "check the user and the password"),
        (("-@all",), ("+@all",), "ACL SETUSER"),
        (("-evalsha",), ("+evalsha",), "ACL SETUSER"),
        (("resetkeys",), ("allkeys",), "ACL SETUSER"),
        (("resetkeys", "~queue:*"), ("allkeys",), "ACL SETUSER"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_a_refusal_is_said_once_and_the_worker_goes_on_when_it_is_mended(
    site: Site, guarded: TestServer, taken: Sequence[str], given: Sequence[str], words: str
) -> None:
    worker = start(site, guarded)
    client = Client(Redis(url=guarded.url))
    acl(guarded, *taken)
    worker.says("Redis refused", words)
    eventually(lambda: denied(guarded) >= 10, timeout=30)  # each part, more than once
    assert len(refusals(worker)) == 1
    assert "Traceback" not in worker.log
    assert "opensesame" not in worker.log
    with guarded.client() as redis:
        client.push({"class": f"{JOBS}.Note", "args": ["after"]})
        acl(guarded, *given)
        eventually(lambda: redis.lrange("notes", 0, -1) == [b"after"], timeout=25)
    worker.says("Redis is back", timeout=25)
    assert worker.stop() == 0


def test_a_password_of_a_file_changes_under_a_running_worker(
    site: Site, guarded: TestServer
) -> None:
    secret = site.write("password", "opensesame\n")
    url = guarded.tcp_url.replace("redis://", "redis://worker@")
    variables = {"REDIS_URL": url, "KIQ_REDIS_PASSWORD_FILE": str(secret)}
    worker = site.start(**variables, JOBS_REDIS_URL=guarded.url)
    settings = Redis(url=url, options={"password_file": secret})
    Client(settings).push({"class": f"{JOBS}.Note", "args": ["before"]})
    with guarded.client() as redis:
        eventually(lambda: redis.get("stat:processed") == b"1", message="it is settled")
    acl(guarded, "resetpass", ">changed")
    worker.says("Redis refused the user or its password")
    assert worker.running
    secret.write_text("changed")
    Client(settings).push({"class": f"{JOBS}.Note", "args": ["after"]})
    with guarded.client() as redis:
        eventually(lambda: redis.lrange("notes", 0, -1) == [b"before", b"after"], timeout=25)
    worker.says("Redis is back", timeout=25)
    assert len(refusals(worker)) == 1
    assert "Traceback" not in worker.log
    assert worker.stop() == 0


def test_a_file_that_is_away_for_a_moment_is_waited_for(site: Site, guarded: TestServer) -> None:
    secret = site.write("password", "opensesame\n")
    url = guarded.tcp_url.replace("redis://", "redis://worker@")
    worker = site.start(
        REDIS_URL=url, KIQ_REDIS_PASSWORD_FILE=str(secret), JOBS_REDIS_URL=guarded.url
    )
    secret.rename(site.folder / "away")
    acl(guarded, "on")
    worker.says(f"redis.password_file: {secret} can't be read", "trying again")
    (site.folder / "away").rename(secret)
    worker.says("Redis is back", timeout=25)
    assert "Traceback" not in worker.log
    assert worker.stop() == 0
