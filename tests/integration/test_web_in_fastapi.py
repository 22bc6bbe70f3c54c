"""The web UI mounted in FastAPI and Starlette, by dependencies that say who asks."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
import redis
from fastapi import FastAPI, HTTPException, Request

import kiq
import kiq.web
from kiq.contrib.fastapi.web import web_ui
from tests.helpers.asgi import ask

pytestmark = pytest.mark.needs("fastapi", "werkzeug")
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


async def current_user(request: Request) -> str:
    """As a dependency of an application."""
    assert threading.current_thread() is threading.main_thread()  # of the loop
    name = request.cookies.get("user")
    if name is None:
        raise HTTPException(401)
    if name == "eve":
        raise HTTPException(403, "not you")
    return name


async def who(request: Request) -> kiq.web.Visitor | None:
    role = await current_user(request)
    return kiq.web.visitor(role, role)


def mounted(url: str, policy: Any = who, **options: Any) -> FastAPI:
    app = FastAPI(**options)
    app.mount("/ops/kiq", web_ui(policy, login="/login", redis=url))
    return app


def as_user(role: str, **more: str) -> dict[str, str]:
    return {"Cookie": f"user={role}", **more}


def test_who_is_not_known_is_led_to_the_login(redis_url: str) -> None:
    app = mounted(redis_url)
    answer = ask(app, "/ops/kiq/queues?q=x")
    assert answer.status == 302
    assert answer.headers["location"] == "/login?next=%2Fops%2Fkiq%2Fqueues%3Fq%3Dx"
    assert ask(app, "/ops/kiq/api/v1/stats").status == 401
    assert ask(app, "/ops/kiq/queue/pause", form={}, headers=FROM_OUR_PAGE).status == 401
    refused = ask(app, "/ops/kiq/", headers=as_user("eve"))
    assert (refused.status, "not you" in refused.text) == (403, True)


@pytest.mark.parametrize(
    ("root", "path", "prefix"),
    [
        ("", "/ops/kiq", "/ops/kiq"),
        ("/behind", "/ops/kiq", "/behind/ops/kiq"),  # the proxy took its part away
        ("/behind", "/behind/ops/kiq", "/behind/ops/kiq"),  # as ASGI says it
    ],
)
def test_pages_stand_under_the_prefix(
    redis_url: str, raw: redis.Redis, root: str, path: str, prefix: str
) -> None:
    raw.sadd("queues", "mail é/%")
    app = mounted(redis_url)
    page = ask(app, f"{path}/queues", headers=as_user("admin"), root_path=root)
    assert "mail é/%" in page.text
    links = re.findall(r'(?:href|src|action)="([^"]+)"', page.text)
    assert links
    assert all(link.startswith((f"{prefix}/", "#", "?")) for link in links), links
    place = next(link for link in links if "/static/" in link).removeprefix(prefix)
    assert ask(app, f"{path}{place}", headers=as_user("admin"), root_path=root).status == 200
    assert ask(app, f"{path}/", headers=as_user("admin"), root_path=root).status == 200


def test_roles_are_those_of_the_applications_user(redis_url: str, raw: redis.Redis) -> None:
    raw.sadd("queues", "q")
    app, place, form = mounted(redis_url), "/ops/kiq/queue/pause", {"name": "q"}
    reader = ask(app, place, form=form, headers=as_user("reader", **FROM_OUR_PAGE))
    assert reader.status == 403
    foreign = as_user("operator", **{"Sec-Fetch-Site": "cross-site"})
    assert ask(app, place, form=form, headers=foreign).status == 403
    assert not raw.sismember("paused", "q")
    answer = ask(app, place, form=form, headers=as_user("operator", **FROM_OUR_PAGE))
    assert answer.headers["location"].startswith("/ops/kiq/queues?told=")
    assert raw.sismember("paused", "q")


def test_a_plain_policy_is_called_beside_the_loop(redis_url: str) -> None:
    seen: list[bool] = []

    def policy(request: Request) -> kiq.web.Visitor | None:
        seen.append(threading.current_thread() is threading.main_thread())
        if "user" not in request.cookies:
            raise HTTPException(401)
        return kiq.web.visitor("ann", "reader")

    app = mounted(redis_url, policy)
    assert ask(app, "/ops/kiq/", headers=as_user("x")).status == 200
    assert ask(app, "/ops/kiq/api/v1/stats").status == 401
    assert seen == [False, False]


def test_a_policy_that_fails_lets_nobody_in(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def policy(_request: Request) -> kiq.web.Visitor | None:
        raise RuntimeError("no database")

    assert ask(mounted(redis_url, policy), "/ops/kiq/").status == 500
    assert "no database" in caplog.text


def test_headers_of_a_proxy_are_not_believed(redis_url: str) -> None:
    said = as_user("admin", **{"X-Forwarded-Prefix": "/evil", "Script_Name": "/evil"})
    assert "/evil" not in ask(mounted(redis_url), "/ops/kiq/queues", headers=said).text


def test_a_form_that_is_too_large_is_refused(redis_url: str) -> None:
    form, headers = {"name": "x" * 100_000}, as_user("admin", **FROM_OUR_PAGE)
    assert ask(mounted(redis_url), "/ops/kiq/queue/pause", form=form, headers=headers).status == 413


def test_a_mount_without_a_policy_is_refused() -> None:
    with pytest.raises(kiq.ConfigError, match="policy= takes a function"):
        web_ui(None)  # type: ignore[arg-type]
    with pytest.raises(kiq.ConfigError, match="policy= takes a function"):
        kiq.web.asgi(policy=None)  # type: ignore[arg-type]
