"""Who gets in, what they may do, and what a foreign page can not make a browser do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import redis

import kiq
import kiq.web
from kiq.web import ROLES, Application, Visitor
from kiq.web.sections import all_sections
from tests.helpers.web import FROM_OUR_PAGE, Browser, application

pytestmark = pytest.mark.needs("werkzeug")

ROUTES = [route for section in all_sections() for route in section.routes]
HEADERS = {
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Cache-Control",
}


def ask(app: Application, name: str) -> int:
    """Ask for the route *name*; return the status."""
    route = next(route for route in ROUTES if route.name == name)
    pages = Browser(app)
    path = re.sub(r"<\w+>", "x", route.path)
    if route.method == "POST":
        return pages.post(path, {"name": "q"}).status_code
    return pages.get(path).status_code


@pytest.mark.parametrize("route", [route.name for route in ROUTES])
def test_nobody_gets_in_whom_the_policy_does_not_know(redis_url: str, route: str) -> None:
    assert ask(application(redis_url, lambda _environ: None), route) == 401


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", [route.name for route in ROUTES])
def test_each_route_asks_for_its_permission(redis_url: str, role: str, route: str) -> None:
    needed = next(each.permission for each in ROUTES if each.name == route)
    status = ask(application(redis_url, kiq.web.everyone(role)), route)
    assert (status == 403) is (needed not in ROLES[role]), status
    assert status != 500


def test_each_act_needs_more_than_looking() -> None:
    assert all(route.permission != "look" for route in ROUTES if route.method == "POST")


def test_what_one_may_not_do_is_not_offered(redis_url: str, raw: redis.Redis) -> None:
    raw.sadd("queues", "q")
    reader = Browser(application(redis_url, kiq.web.everyone("reader")))
    assert "<form" not in reader.get("/queues").text
    assert "<form" in Browser(application(redis_url)).get("/queues").text


def test_a_right_that_is_taken_away_is_gone_at_once(redis_url: str) -> None:
    role = ["admin"]
    app = application(redis_url, lambda _environ: kiq.web.visitor("ann", role[0]))
    pages = Browser(app)
    assert pages.post("/queue/pause", {"name": "q"}).status_code == 404  # no such queue
    role[0] = "reader"
    refused = pages.post("/queue/pause", {"name": "q"})
    assert refused.status_code == 403
    assert "ann has not got the permission &#39;pause&#39;" in refused.text


@pytest.fixture
def queue(raw: redis.Redis) -> Iterator[str]:
    raw.sadd("queues", "q")
    yield "q"
    raw.srem("paused", "q")


def paused(raw: redis.Redis) -> bool:
    return bool(raw.sismember("paused", "q"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost"},  # ours, but without a token
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_a_form_of_another_site_does_nothing(
    redis_url: str, raw: redis.Redis, queue: str, headers: dict[str, str]
) -> None:
    pages = Browser(application(redis_url))
    pages.get("/queues")
    assert pages.post("/queue/pause", {"name": queue}, headers).status_code == 403
    assert not paused(raw)


def test_an_old_browser_shows_its_token(redis_url: str, raw: redis.Redis, queue: str) -> None:
    app = application(redis_url)
    pages = Browser(app)
    token = re.search(r'name="token" value="(\w+)"', pages.get("/queues").text)
    assert token is not None
    form = {"name": queue, "token": token[1]}
    origin = {"Origin": "http://localhost"}
    stranger = Browser(app)  # another browser, whose cookie does not go with it
    stranger.get("/queues")
    assert stranger.post("/queue/pause", form, origin).status_code == 403
    assert not paused(raw)
    assert pages.post("/queue/pause", form, origin).status_code == 303
    assert paused(raw)


def test_a_get_acts_on_nothing(redis_url: str, raw: redis.Redis, queue: str) -> None:
    pages = Browser(application(redis_url))
    for path in ("/queue/pause?name=q", "/queue/cleared?name=q", "/process/signal?identity=x"):
        assert pages.get(path).status_code == 405
    assert not paused(raw)
    assert queue


def test_a_server_on_loopback_answers_to_its_names_only(redis_url: str) -> None:
    app = application(redis_url, hosts={"localhost", "127.0.0.1", "[::1]"})
    for host, status in (
        *(
            ("localhost", 200),
            ("localhost:9494", 200),
            ("127.0.0.1:9494", 200),
            ("[::1]:9494", 200),
        ),
        *(("evil.example", 421), ("evil.example:9494", 421), ("localhost.evil.example", 421)),
    ):
        assert Browser(app).get("/", Host=host).status_code == status, host


@pytest.mark.parametrize("path", ["/", "/nowhere", "/queue?name=nowhere", "/static/nothing.js"])
@pytest.mark.parametrize("known", [True, False])
def test_every_answer_has_the_headers(redis_url: str, path: str, known: bool) -> None:
    app = application(redis_url, kiq.web.everyone("reader") if known else lambda _environ: None)
    answer = Browser(app).get(path)
    assert set(answer.headers.keys()) >= HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_form_that_is_too_large_is_refused(redis_url: str) -> None:
    pages = Browser(application(redis_url))
    assert pages.post("/queue/pause", {"name": "x" * 100_000}).status_code == 413
    assert pages.post("/queue/pause", {"name": "x" * 3000}).status_code == 400
    many = {f"f{number}": "x" for number in range(2000)}
    assert pages.post("/queue/pause", many).status_code in (400, 404, 413)


def test_prefixes_of_anybody_are_no_prefixes(redis_url: str) -> None:
    answer = Browser(application(redis_url)).get(
        "/", X_Forwarded_Prefix='"><script>', X_Script_Name="//evil.example"
    )
    assert "script>" not in answer.text.replace("</script>", "")
    assert "evil.example" not in answer.text


def test_what_follows_an_act_is_a_path_of_ours(redis_url: str, queue: str) -> None:
    pages = Browser(application(redis_url))
    answer = pages.post("/queue/pause", {"name": queue, "back": "//evil.example"}, FROM_OUR_PAGE)
    assert answer.headers["Location"].startswith("/queues?told=")


def test_a_policy_of_ones_own_decides_by_name(redis_url: str) -> None:
    only_pause = Visitor("sam", lambda permission: permission in ("look", "pause"))
    app = application(redis_url, lambda _environ: only_pause)
    assert ask(app, "queue.pause") == 404
    assert ask(app, "queue.clear") == 403
