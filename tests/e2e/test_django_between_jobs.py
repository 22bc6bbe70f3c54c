"""What Django keeps between requests, a worker keeps, closes or looks at between jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from tests.helpers.postgresql import PostgreSQL, program
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

pytestmark = [
    pytest.mark.needs("django", "greenlet"),
    pytest.mark.skipif(program("initdb") is None, reason="PostgreSQL is not installed"),
]

MANY = 300


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    yield server
    server.stop()


@pytest.fixture
def cache(private_server: Callable[..., TestServer]) -> redis.Redis:
    return private_server().client()


Start = Callable[..., WorkerProcess]


@pytest.fixture
def start(site: Site, postgresql: PostgreSQL, cache: redis.Redis) -> Start:
    def start(*arguments: str, **environment: str) -> WorkerProcess:
        port = cache.config_get("port")["port"]  # type: ignore[index]
        worker = site.run(
            *("-r", "kiq.contrib.django.worker", "-r", "tests.helpers.django_shop", *arguments),
            DJANGO_SETTINGS_MODULE="tests.helpers.django_shop_settings",
            SHOP_CACHE=f"redis://127.0.0.1:{port}/0",
            SHOP_DATABASE=str(postgresql.folder),
            **environment,
        )
        return worker.wait_until_ready()

    return start


def opened(cache: redis.Redis) -> int:
    """How many connections the server of the cache has accepted in its life."""
    return int(cache.info("stats")["total_connections_received"])  # type: ignore[index]


def push(site: Site, name: str, *arguments: object) -> None:
    site.client.push({"class": f"shop.{name}", "args": list(arguments)})


@pytest.mark.parametrize("kind", ["counts", "counts_async", "counts_by_a_loop"])
def test_jobs_share_the_connections_of_a_cache(
    site: Site, start: Start, cache: redis.Redis, kind: str
) -> None:
    worker = start("-c", "4")
    before = opened(cache)
    for number in range(MANY):
        push(site, kind, number)
    site.noted(*(f"counted {number}" for number in range(MANY)), timeout=60)
    # One for each thread that used it, and some for the threads of to_thread.
    assert opened(cache) - before <= 12
    worker.says("ready")
    assert worker.stop() == 0
    assert site.count("retry") == 0


def test_a_connection_of_a_cache_that_its_server_closed_fails_no_job(
    site: Site, start: Start, cache: redis.Redis
) -> None:
    start("-c", "2")
    for number in range(20):
        push(site, "counts" if number % 2 else "counts_async", number)
        site.noted(f"counted {number}")
        cache.client_kill_filter(_type="normal", skipme=True)
    assert site.count("retry") == 0


def asked(site: Site, label: str) -> str:
    """Wait until a job has noted, by its *label*, the process of PostgreSQL that it asked; return that."""

    def found() -> str | None:
        noted = (note.partition(": ") for note in site.notes)
        return next((pid for name, _, pid in noted if name == label), None)

    return str(eventually(found, 10, message=f"{label}, the notes: {site.notes}"))


WAYS = ["sync_to_async", "of any thread", "to_thread", "gather"]


@pytest.mark.parametrize("keeps", ["", "1"], ids=["closed after each", "kept"])
def test_a_database_that_ends_its_connections_fails_no_later_job_of_any_kind(
    site: Site, start: Start, postgresql: PostgreSQL, keeps: str
) -> None:
    start("-c", "1", SHOP_KEEPS=keeps)
    kinds = [("asks_async", [way]) for way in WAYS]
    kinds += [("asks_by_a_loop", ["sync_to_async"]), ("asks", [])]
    for turn in range(3):
        for kind, way in kinds:
            label = f"{turn} {kind} {way}"
            push(site, kind, label, *way)
            asked(site, label)
        postgresql.close_connections()
    assert site.count("dead") == site.count("retry") == 0


def test_where_connections_are_kept_async_jobs_use_one_again(site: Site, start: Start) -> None:
    start("-c", "1", SHOP_KEEPS="1")
    used = set()
    for turn in range(3):
        push(site, "asks_async", f"{turn}", "sync_to_async")
        used.add(asked(site, f"{turn}"))
    assert len(used) == 1


def test_where_they_are_not_none_is_left_when_the_last_job_ends(
    site: Site, start: Start, postgresql: PostgreSQL
) -> None:
    start("-c", "2")
    for way in WAYS:
        push(site, "asks_async", way, way)
        asked(site, way)
    eventually(lambda: postgresql.count_connections() == 0, 5, message="all are closed")


def test_an_async_job_keeps_its_connection_while_others_end(
    site: Site, start: Start, cache: redis.Redis
) -> None:
    start("-c", "2")
    push(site, "asks_all_the_time", "long")
    asked(site, "long began")
    for turn in range(5):
        push(site, "asks_async", f"{turn}", "sync_to_async")
        asked(site, f"{turn}")
    cache.set(":1:release long", 1)
    asked(site, "long")
    assert site.count("dead") == 0


def test_a_transaction_that_an_async_job_leaves_open_is_rolled_back_and_reported(
    site: Site, start: Start, postgresql: PostgreSQL
) -> None:
    worker = start("-c", "2", SHOP_KEEPS="1")
    push(site, "leaves_open", "left")
    site.noted("left")
    worker.says("left a transaction open on the database 'default'")
    eventually(lambda: postgresql.count_connections() == 0, 5, message="it is closed")


def test_each_job_begins_with_the_language_the_time_zone_and_the_prefix_of_the_settings(
    site: Site, start: Start
) -> None:
    start("-c", "1")
    for label in ("one", "two"):
        push(site, "changes_all", label)
        push(site, "changes_all_async", f"{label} async")
    expected = "en-us America/Chicago /shop/ RedisCache"
    site.noted(*(f"{each}: {expected}" for each in ("one", "two", "one async", "two async")))


def test_a_child_that_a_job_forks_closes_no_connection_of_its_parent(
    site: Site, start: Start
) -> None:
    start("-c", "1")
    push(site, "forks_with_a_connection", "whole")
    asked(site, "whole")
    assert site.count("dead") == site.count("retry") == 0


def test_where_the_orm_is_used_on_the_loop_itself_no_connection_stays_open(
    site: Site, start: Start, postgresql: PostgreSQL
) -> None:
    start("-c", "2", DJANGO_ALLOW_ASYNC_UNSAFE="1", SHOP_KEEPS="1")
    for turn in range(3):
        push(site, "asks_on_the_loop", f"{turn}")
        asked(site, f"{turn}")
    eventually(lambda: postgresql.count_connections() == 0, 5, message="all are closed")
