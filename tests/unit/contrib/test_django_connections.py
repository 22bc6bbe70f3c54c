"""Connections of Django between jobs: closed when they are old, tried before they are used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import Error, connections, transaction
from django.utils import translation

import kiq
from kiq.client import configured, default_client
from kiq.contrib.django import attaching
from kiq.contrib.django.connections import Connections
from kiq.contrib.django.locale import carry_locale
from kiq.plugins.after_commit import AfterCommit
from kiq.verdict import DONE
from tests.helpers import django_project  # noqa: F401 (sets Django up before it is used)
from tests.helpers.stored import in_queue
from tests.unit.contrib.test_sqlalchemy_sessions import works
from tests.unit.plugins.test_context_variables import run as run_payload

pytestmark = pytest.mark.needs("django")


@pytest.fixture(autouse=True)
def plugin(fake: redis.Redis) -> Iterator[None]:
    connections.close_all()
    kiq.host.install(Connections())
    yield
    kiq.after_commit.always(None)
    for alias in ("default", "other"):
        connections[alias].close()
        del connections[alias]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections live on between jobs."""
    for alias in ("default", "other"):
        monkeypatch.setitem(connections[alias].settings_dict, "CONN_MAX_AGE", None)


def query(alias: str = "default") -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
    return connections[alias].connection


def test_by_default_a_job_leaves_no_connection_open() -> None:
    raws: list[Any] = []
    assert works(lambda: raws.append(query())) is DONE
    assert connections["default"].connection is None
    works(lambda: raws.append(query("other")))
    assert connections["other"].connection is None
    assert len({id(raw) for raw in raws}) == 2


def test_a_job_that_fails_leaves_none_open_either() -> None:
    def body() -> None:
        query()
        raise ValueError("no")

    works(body)
    assert connections["default"].connection is None


def test_conn_max_age_is_respected(kept: None, monkeypatch: pytest.MonkeyPatch) -> None:
    raws: list[Any] = []
    works(lambda: raws.append(query()))
    works(lambda: raws.append(query()))
    assert raws[0] is raws[1]
    connections["default"].close_at = 0.0
    works(lambda: raws.append(query()))
    assert raws[2] is not raws[1]


@pytest.mark.parametrize("checked", [True, False])
def test_a_connection_that_the_database_closed_does_not_fail_the_next_job(
    kept: None, monkeypatch: pytest.MonkeyPatch, checked: bool
) -> None:
    wrapper = type(connections["default"])
    monkeypatch.setattr(wrapper, "is_usable", _usable)  # SQLite's own says yes, whatever happens
    works(lambda: query() and None)
    connections["default"].connection.close()  # behind its back, as a server does
    if not checked:
        kiq.host.server_middleware.clear()
        connections["default"].health_check_enabled = False
    assert (works(lambda: query() and None) is DONE) is checked


def _usable(connection: Any) -> bool:
    try:
        connection.connection.execute("SELECT 1")
    except Error:
        return False
    except Exception:
        return False
    return True


def test_a_connection_is_tried_once_a_job_and_only_if_it_is_used(
    kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []
    wrapper = type(connections["default"])
    monkeypatch.setattr(wrapper, "is_usable", lambda self: tried.append(self) or True)
    works(lambda: query() and None)
    assert tried == []
    works(lambda: None)
    assert tried == []
    works(lambda: (query(), query()))
    assert len(tried) == 1


def test_a_job_that_runs_here_and_now_leaves_the_connections_of_its_caller() -> None:
    @kiq.job(name="db.inner")
    def inner() -> Any:
        return query()

    mine = query()
    assert inner.perform_inline() is mine
    assert connections["default"].connection is mine
    with transaction.atomic():
        assert inner.perform_inline() is mine


def test_a_transaction_that_a_job_left_open_does_not_swallow_the_next_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS orders (number INTEGER)")
        cursor.execute("DELETE FROM orders")

    def insert() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("INSERT INTO orders VALUES (1)")

    def leave_open() -> None:
        transaction.atomic().__enter__()
        insert()

    assert works(leave_open) is DONE
    assert "left a transaction open on the database 'default'" in caplog.text
    assert works(insert) is DONE
    connections["default"].close()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders")
        assert cursor.fetchone() == (1,)


def test_an_error_in_closing_fails_no_job(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_self: Any) -> None:
        raise OSError("the network is down")

    raws: list[Any] = []

    def body() -> None:
        raws.append(query())
        monkeypatch.setattr(type(connections["default"]), "_close", broken)

    assert works(body) is DONE
    monkeypatch.undo()
    raws[0].close()  # Django has let go of it
    assert "the network is down" in caplog.text
    assert works(lambda: query() and None) is DONE


def test_the_settings_configure_kiq(monkeypatch: pytest.MonkeyPatch) -> None:
    kiq.host.plugins.clear()
    wanted = {"redis": "redis://example.org/7", "push_buffer": 9, "after_commit": "other"}
    monkeypatch.setattr(settings, "KIQ", {**wanted, "locale": True}, raising=False)
    attaching.attach()
    assert configured()["push_buffer"] == 9
    assert configured()["redis"].url == "redis://example.org/7"
    assert set(kiq.host.plugins) == {"django", "context"}
    with transaction.atomic(using="other"):
        assert isinstance(default_client(), AfterCommit)
    monkeypatch.setattr(settings, "KIQ", {"rediss": "x"})
    with pytest.raises(kiq.ConfigError, match="did you mean 'redis'"):
        attaching.attach()


def test_a_job_runs_in_the_language_of_the_request(fake: redis.Redis) -> None:
    carry_locale()

    @kiq.job(name="context.look")
    def look() -> None:
        seen.append(translation.get_language())

    seen: list[str | None] = []
    with translation.override("de"):
        look.perform_async()
    with translation.override(None):
        look.perform_async()
    german, none = in_queue(fake)
    assert german["locale"] == "de"
    assert "locale" not in none
    for payload in (german, none, {**none, "locale": "xx-nowhere"}, {**none, "locale": "../de"}):
        run_payload(**payload)
    assert seen == ["de", "en", "en", "en"]
