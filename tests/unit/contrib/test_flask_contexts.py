"""Jobs run in contexts of the application, which end with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import flask
import pytest
import redis

import kiq
from kiq.codec import encode
from kiq.config import Config
from kiq.contrib.flask import Kiq
from kiq.registry import registry
from kiq.verdict import DONE, Flight, Permit, Taken, ToRetry, Verdict
from kiq.work.executor import Executor

pytestmark = pytest.mark.needs("flask")


@pytest.fixture
def app(fake: redis.Redis) -> flask.Flask:
    made = flask.Flask(__name__)
    made.config["NAME"] = "shop"
    made.ended = []  # type: ignore[attr-defined]
    made.teardown_appcontext(made.ended.append)  # type: ignore[attr-defined]
    Kiq(made)
    return made


def run(body: Callable[[], Any]) -> Verdict:
    """Run *body* as a job, as a worker does."""
    kiq.job(name="flask.job")(body)
    payload = {"class": "flask.job", "args": [], "jid": "j1", "queue": "default"}
    taken = Taken("1.1", Flight("o", "queue:default", Permit()), encode(payload, "msgpack"), 0.0)
    try:
        return Executor(Config(), kiq.host, registry)(taken)
    finally:
        registry._specs.pop("flask.job")


def test_each_job_has_a_context_of_its_own(app: flask.Flask) -> None:
    seen: list[Any] = []

    def job() -> None:
        seen.append((flask.current_app.config["NAME"], flask.g.get("user")))
        flask.g.user = "ann"

    assert run(job) == run(job) == DONE
    assert seen == [("shop", None)] * 2
    assert app.ended == [None, None]  # type: ignore[attr-defined]
    assert not flask.has_app_context()


def test_what_is_torn_down_hears_of_the_error(app: flask.Flask) -> None:
    def job() -> None:
        raise ValueError("no")

    assert isinstance(run(job), ToRetry)
    assert [str(each) for each in app.ended] == ["no"]  # type: ignore[attr-defined]


def test_what_fails_while_it_is_torn_down_fails_no_job(app: flask.Flask) -> None:
    reported: list[str] = []
    kiq.host.error_handlers.append(lambda error, _context: reported.append(str(error)))

    @app.teardown_appcontext
    def broken(_error: BaseException | None) -> None:
        raise RuntimeError("no database")

    assert run(lambda: None) == DONE
    assert reported == ["no database"]
    assert not flask.has_app_context()


def test_layers_that_come_later_stand_within(app: flask.Flask) -> None:
    seen: list[bool] = []

    def layer(context: Any, call_next: Any) -> Any:
        seen.append(flask.has_app_context())
        return call_next(context)

    kiq.host.server_middleware.prepend(layer)
    kiq.host.events.emit_strictly("startup")
    assert run(lambda: None) == DONE
    assert seen == [True]


def test_inline_it_has_the_context_of_its_caller(app: flask.Flask) -> None:
    @kiq.job(name="flask.inline")
    def job() -> str:
        return str(flask.g.get("user", flask.current_app.config["NAME"]))

    assert job.perform_inline() == "shop"
    ended = list(app.ended)  # type: ignore[attr-defined]
    with app.app_context():
        flask.g.user = "ann"
        assert job.perform_inline() == "ann"
        assert flask.g.user == "ann"
        assert app.ended == ended  # type: ignore[attr-defined]


@pytest.mark.needs("greenlet")
def test_async_jobs_have_one_too(app: flask.Flask) -> None:
    @kiq.job(name="flask.async")
    async def job() -> str:
        await asyncio.sleep(0)
        return str(flask.current_app.config["NAME"])

    assert job.perform_inline() == "shop"


def test_of_several_applications_the_last_counts(app: flask.Flask) -> None:
    other = flask.Flask("other")
    other.config["NAME"] = "other"
    Kiq().init_app(other)
    seen: list[str] = []
    assert run(lambda: seen.append(flask.current_app.config["NAME"])) == DONE
    assert seen == ["other"]
    assert kiq.host.server_middleware.names().count("Contexts") <= 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("redis://", "it is a dict"),
        ({"redsi": "x"}, "unknown key 'redsi'; did you mean 'redis'?"),
        ({"codec": "pickle"}, "KIQ, in the config of the application: codec"),
    ],
)
def test_mistakes_of_the_config_are_told(fake: redis.Redis, given: Any, words: str) -> None:
    app = flask.Flask(__name__)
    app.config["KIQ"] = given
    with pytest.raises(kiq.ConfigError) as error:
        Kiq(app)
    assert words in str(error.value)
