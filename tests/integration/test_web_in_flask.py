"""The web UI as a blueprint of Flask, behind the login that the application has."""

from __future__ import annotations

import re
from typing import Any

import flask
import pytest
import redis
from werkzeug.middleware.proxy_fix import ProxyFix

import kiq
import kiq.web
from kiq.contrib.flask.web import web_ui

pytestmark = pytest.mark.needs("flask", "werkzeug")
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


def who(request: flask.Request) -> kiq.web.Visitor | None:
    """As an application does that has its users in the session."""
    assert request.path.startswith("/ops/kiq")
    name = flask.session.get("user")
    return kiq.web.visitor(name, flask.session["role"]) if name else None


@pytest.fixture
def app(redis_url: str) -> flask.Flask:
    made = flask.Flask(__name__)
    made.secret_key = "secret"

    @made.get("/login/<role>", endpoint="login")
    @made.get("/login", endpoint="login")
    def login(role: str = "") -> str:
        if role:
            flask.session["user"], flask.session["role"] = "ann", role
        return "log in"

    ui = web_ui(who, url_prefix="/ops/kiq", login="login", redis=redis_url)
    made.register_blueprint(ui)
    return made


def known(app: flask.Flask, role: str = "admin") -> Any:
    pages = app.test_client()
    pages.get(f"/login/{role}")
    return pages


def test_who_is_not_logged_in_is_led_to_the_login_of_the_application(app: flask.Flask) -> None:
    pages = app.test_client()
    answer = pages.get("/ops/kiq/queues?q=x")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=/ops/kiq/queues?q%3Dx"
    assert pages.get("/ops/kiq/api/v1/stats").status_code == 401
    assert pages.post("/ops/kiq/queue/pause", headers=FROM_OUR_PAGE).status_code == 401
    assert pages.get("/ops/kiq/queues", headers={"X-Kiq-Part": "1"}).status_code == 401


def test_pages_and_assets_come_from_below_the_prefix(app: flask.Flask, raw: redis.Redis) -> None:
    raw.sadd("queues", "mail é/%")
    pages = known(app)
    assert pages.get("/ops/kiq").status_code == 308
    page = pages.get("/ops/kiq/queues")
    assert "mail é/%" in page.text
    links = re.findall(r'(?:href|src|action)="([^"]+)"', page.text)
    assert links
    for link in links:
        assert link.startswith(("/ops/kiq/", "#", "?")), link
        if "/static/" in link:
            assert pages.get(link).status_code == 200
    place = next(link for link in links if "/queue?" in link).replace("&amp;", "&")
    assert pages.get(place).status_code == 200


def test_roles_are_those_of_the_applications_user(app: flask.Flask, raw: redis.Redis) -> None:
    raw.sadd("queues", "q")
    form = {"name": "q"}
    answer = known(app, "reader").post("/ops/kiq/queue/pause", data=form, headers=FROM_OUR_PAGE)
    assert answer.status_code == 403
    operator = known(app, "operator")
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert operator.post("/ops/kiq/queue/pause", data=form, headers=foreign).status_code == 403
    assert not raw.sismember("paused", "q")
    answer = operator.post("/ops/kiq/queue/pause", data=form, headers=FROM_OUR_PAGE)
    assert answer.headers["Location"].startswith("/ops/kiq/queues?told=")
    assert raw.sismember("paused", "q")
    assert ">ann<" in operator.get("/ops/kiq/activity").text


@pytest.mark.parametrize("reads", ["form", "get_data"])
def test_a_form_that_the_application_has_read_before_is_read_again(
    app: flask.Flask, raw: redis.Redis, reads: str
) -> None:
    raw.sadd("queues", "é & q")

    @app.before_request
    def read() -> None:
        getattr(flask.request, reads)() if reads == "get_data" else flask.request.form.get("x")

    answer = known(app).post("/ops/kiq/queue/pause", data={"name": "é & q"}, headers=FROM_OUR_PAGE)
    assert answer.status_code == 303
    assert raw.sismember("paused", "é & q")


def test_several_processes_take_the_forms_of_each_other(
    app: flask.Flask, redis_url: str, raw: redis.Redis
) -> None:
    raw.sadd("queues", "q")

    def token(pages: Any, place: str) -> str:
        found = re.search(r'name="token" value="(\w+)"', pages.get(place).text)
        assert found
        return found[1]

    pages, stranger = known(app), known(app)
    again = flask.Flask(__name__)
    again.secret_key = "secret"
    again.register_blueprint(web_ui(kiq.web.everyone("admin"), redis=redis_url))
    own = token(pages, "/ops/kiq/queues")
    other = again.test_client()
    other.set_cookie("kiq_form", pages.get_cookie("kiq_form", path="/ops/kiq").value, path="/kiq")
    assert token(other, "/kiq/queues") == own != token(stranger, "/ops/kiq/queues")


def test_a_prefix_of_a_proxy_counts_where_the_application_trusts_it(app: flask.Flask) -> None:
    said = {"X-Forwarded-Prefix": "/behind"}
    assert "/behind" not in known(app).get("/ops/kiq/queues", headers=said).text
    app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1)  # type: ignore[method-assign]
    assert 'href="/behind/ops/kiq/queues' in known(app).get("/ops/kiq/queues", headers=said).text


def test_what_a_policy_aborts_with_is_the_answer(redis_url: str) -> None:
    app = flask.Flask(__name__)
    app.register_blueprint(web_ui(lambda _request: flask.abort(404), redis=redis_url))
    assert app.test_client().get("/kiq/").status_code == 404


def test_a_mount_without_a_policy_is_refused() -> None:
    with pytest.raises(kiq.ConfigError, match="policy= takes a function"):
        web_ui(None)  # type: ignore[arg-type]
