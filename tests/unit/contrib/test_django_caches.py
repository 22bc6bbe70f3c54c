"""Caches of Django between jobs: who gets which, and when they are closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
import redis
from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.dummy import DummyCache

import kiq
from kiq.contrib.django.caching import Caches, close_caches
from kiq.contrib.django.connections import Connections
from kiq.contrib.django.runs import Run, here
from kiq.verdict import DONE
from tests.helpers import django_project  # noqa: F401 (sets Django up before it is used)
from tests.unit.contrib.test_sqlalchemy_sessions import works

pytestmark = pytest.mark.needs("django", "sqlalchemy")


class Closing(DummyCache):  # type: ignore[misc]
    """As those of memcached: it has a connection, to be closed at the end of a request."""

    closed = 0

    def close(self, **_: Any) -> None:
        self.closed += 1
        if self.closed > 1:
            raise OSError("the network is down")


def make(alias: str) -> Any:
    """Make a cache as Django does: "closing" has something to close."""
    return Closing("", {}) if alias == "closing" else DummyCache("", {})


@pytest.fixture
def made(fake: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Caches]:
    """What makes the caches of jobs, two kinds of them."""
    ours = Caches(make)
    monkeypatch.setattr(caches, "create_connection", ours)
    monkeypatch.setitem(caches.settings, "closing", {})
    kiq.host.install(Connections())
    kiq.host.events.emit_strictly("startup")
    yield ours
    for alias in ("default", "closing"):
        if hasattr(caches._connections, alias):
            del caches[alias]


def run_of(jid: str) -> Run:
    """Begin a run beside others, in this context."""
    run = Run(jid, is_async=True)
    here.set(run)
    return run


def test_one_job_after_the_other_on_a_thread_gets_the_same_cache(made: Caches) -> None:
    seen: list[Any] = []
    for _ in range(3):
        assert works(lambda: seen.append((caches["default"], caches["closing"])) or None) is DONE
    other = threading.Thread(target=works, args=[lambda: seen.append((caches["default"], None))])
    other.start()
    other.join()
    assert len({id(one) for one, _ in seen[:3]}) == 1
    assert len({id(one) for _, one in seen[:3]}) == 1
    assert seen[3][0] is not seen[0][0]


def test_a_cache_is_closed_after_each_job_that_used_it_and_an_error_in_that_fails_none(
    made: Caches, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Any] = []
    assert works(lambda: seen.append(caches["closing"])) is DONE
    assert seen[0].closed == 1
    assert works(lambda: None) is DONE
    assert seen[0].closed == 1
    assert works(lambda: seen.append(caches["closing"])) is DONE
    assert "the network is down" in caplog.text
    assert "closing a cache" in caplog.text


def test_what_runs_here_and_now_uses_the_caches_of_its_caller(made: Caches) -> None:
    mine = caches["closing"]
    inner = kiq.job(name="db.inner")(lambda: caches["closing"])
    assert inner.perform_inline() is mine
    assert mine.closed == 0


def test_jobs_beside_one_another_share_what_has_nothing_to_close(made: Caches) -> None:
    def one(jid: str) -> tuple[Run, Any, Any]:
        return run_of(jid), made("default"), made("closing")

    first, second = (copy_context().run(one, jid) for jid in ("a", "b"))
    assert first[1] is second[1]
    assert first[2] is not second[2]
    close_caches(first[0], lambda *_: None)
    assert (first[2].closed, second[2].closed) == (1, 0)


def test_the_parts_of_one_job_share_all_its_caches(made: Caches) -> None:
    def whole() -> list[tuple[Any, Any]]:
        run_of("a")
        return [copy_context().run(lambda: (made("default"), made("closing"))) for _ in range(2)]

    first, second = copy_context().run(whole)
    assert first[0] is second[0]
    assert first[1] is second[1]


def test_what_a_job_leaves_running_makes_its_own(made: Caches) -> None:
    def late() -> tuple[Any, Any]:
        run_of("a").over = True
        return made("default"), made("default")

    first, second = copy_context().run(late)
    assert first is not second


def test_a_cache_that_can_not_be_made_fails_the_job_that_asks_for_it(
    fake: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(caches.settings, "broken", {"BACKEND": "no.such.Cache"})
    kiq.host.install(Connections())
    kiq.host.events.emit_strictly("startup")
    assert works(lambda: None) is DONE
    problems: list[BaseException] = []
    kiq.host.on_error(lambda error, _: problems.append(error))
    assert works(lambda: caches["broken"]) is not DONE
    assert isinstance(problems[0], InvalidCacheBackendError)
