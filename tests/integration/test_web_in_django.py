"""The web UI in a project of Django: its users, their permissions, its login, the link in its admin."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.test.utils import override_settings
from django.urls import clear_url_caches, set_script_prefix

import kiq
from kiq.web import PERMISSIONS
from tests.helpers import django_project  # noqa: F401 (sets Django up before it is used)
from tests.helpers.asgi import ask

pytestmark = pytest.mark.needs("django", "werkzeug")
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}
APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "kiq.contrib.django",
]
SETTINGS: dict[str, Any] = {
    "INSTALLED_APPS": APPS,
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    "ROOT_URLCONF": "tests.helpers.django_urls",
    "ALLOWED_HOSTS": ["testserver", "localhost"],
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    "SECURE_PROXY_SSL_HEADER": None,
}


@pytest.fixture
def project(kiq_client: kiq.Client) -> Iterator[None]:
    """The project of the tests with users, an admin, and the UI under ops/kiq/."""
    with override_settings(**SETTINGS):
        clear_url_caches()
        call_command("migrate", verbosity=0)
        yield
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
    clear_url_caches()


def browser(*permissions: str, **attributes: Any) -> Client:
    """Return a browser in which a user has logged in; with a host that CSRF is checked for."""
    from django.contrib.auth.models import Permission, User

    user = User.objects.create_user("ann", password="p", **{"is_staff": True, **attributes})
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    pages = Client(enforce_csrf_checks=True)
    pages.force_login(user)
    return pages


def test_who_is_not_logged_in_is_led_to_the_login_of_the_admin(project: None) -> None:
    pages = Client()
    answer = pages.get("/ops/kiq/queues?q=x")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/admin/login/?next=/ops/kiq/queues%3Fq%3Dx"
    assert pages.get("/ops/kiq/api/v1/stats").status_code == 401
    assert pages.post("/ops/kiq/queue/pause", headers=FROM_OUR_PAGE).status_code == 401


def test_without_an_admin_it_is_the_login_of_the_settings_and_no_circle(project: None) -> None:
    with override_settings(ROOT_URLCONF="tests.helpers.django_urls_plain", LOGIN_URL="/in/"):
        assert Client().get("/kiq/").headers["Location"] == "/in/?next=/kiq/"
        assert browser(is_staff=False).get("/kiq/").status_code == 401


@pytest.mark.parametrize("attributes", [{"is_staff": False}, {"is_active": False}])
def test_only_staff_is_let_in(project: None, attributes: dict[str, Any]) -> None:
    pages = browser("look", **attributes)
    assert pages.get("/ops/kiq/api/v1/stats").status_code == 401


def test_pages_and_assets_come_from_below_the_prefix(project: None, raw: redis.Redis) -> None:
    raw.sadd("queues", "mail é/%")
    pages = browser(is_superuser=True)
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
    assert pages.get("/ops/kiq/no%0Asuch/é").status_code == 404
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert pages.cookies["kiq_form"]["path"] == "/ops/kiq"
    assert pages.cookies["kiq_form"]["samesite"] == "Strict"


def test_each_act_asks_for_its_permission(project: None, raw: redis.Redis) -> None:
    raw.sadd("queues", "q")
    pages, form = browser("look", "pause"), {"name": "q"}
    assert pages.post("/ops/kiq/queue/cleared", form, headers=FROM_OUR_PAGE).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert pages.post("/ops/kiq/queue/pause", form, headers=foreign).status_code == 403
    assert not raw.sismember("paused", "q")
    # Django's own middleware asks for no token of its own; and a form is what browsers send.
    sent = {"content_type": "application/x-www-form-urlencoded", "headers": FROM_OUR_PAGE}
    answer = pages.post("/ops/kiq/queue/pause", "name=q", **sent)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/ops/kiq/queues?told=")
    assert raw.sismember("paused", "q")
    assert ">ann<" in pages.get("/ops/kiq/activity").text


def test_a_right_that_is_taken_away_is_gone_at_once(project: None) -> None:
    from django.contrib.auth.models import User

    pages = browser("look")
    assert pages.get("/ops/kiq/").status_code == 200
    User.objects.get().user_permissions.clear()
    assert pages.get("/ops/kiq/").status_code == 403


def test_the_admin_leads_there_whoever_may_look(project: None) -> None:
    line = '"/admin/kiq/dashboard/"'
    pages = browser(is_superuser=True)
    assert line in pages.get("/admin/").text
    assert pages.get("/admin/kiq/dashboard/").headers["Location"] == "/ops/kiq/"
    assert "/admin/kiq/dashboard/add/" not in pages.get("/admin/").text


def test_the_admin_shows_nothing_to_others(project: None) -> None:
    pages = browser()
    assert "/admin/kiq/dashboard/" not in pages.get("/admin/").text
    assert pages.get("/admin/kiq/dashboard/").status_code == 403


def test_under_asgi_and_behind_a_proxy(project: None, raw: redis.Redis) -> None:
    raw.sadd("queues", "q é")
    browser(is_superuser=True)
    cookie = f"sessionid={_session()}"
    said = {"Cookie": cookie, "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil"}
    page = ask(get_asgi_application(), "/ops/kiq/queues", headers=said)
    assert 'href="/ops/kiq/queue?' in page.text
    assert "/evil" not in page.text
    form, same = {"name": "q é"}, {"Cookie": cookie, **FROM_OUR_PAGE}
    paused = ask(get_asgi_application(), "/ops/kiq/queue/pause", form=form, headers=same)
    assert paused.status == 303
    assert raw.sismember("paused", "q é")
    with override_settings(
        FORCE_SCRIPT_NAME="/behind", SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
    ):
        page = ask(get_asgi_application(), "/ops/kiq/queues", headers=said)
        assert 'href="/behind/ops/kiq/queue?' in page.text
        assert "Secure" in page.headers["set-cookie"]
    set_script_prefix("/")
    asyncio.run(sync_to_async(connections.close_all)())  # those of the thread that made these pages


def _session() -> str:
    from django.contrib.sessions.models import Session

    return str(Session.objects.get().session_key)


def test_a_policy_of_ones_own_and_none_at_all(project: None) -> None:
    from kiq.contrib.django.web import web_ui

    pages = Client()
    assert pages.get("/open/kiq/api/v1/stats").status_code == 401
    assert pages.get("/open/kiq/api/v1/stats", headers={"X-Who": "ann"}).status_code == 200
    with pytest.raises(kiq.ConfigError, match="policy= takes a function"):
        web_ui(None)  # type: ignore[arg-type]


def test_without_users_of_django_a_mount_is_refused(project: None) -> None:
    from kiq.contrib.django.web import web_ui

    with (
        override_settings(INSTALLED_APPS=["kiq.contrib.django"]),
        pytest.raises(kiq.ConfigError, match="auth is not in INSTALLED_APPS"),
    ):
        web_ui()


def test_permissions_are_those_of_the_ui_and_the_migration_knows_them(project: None) -> None:
    from kiq.contrib.django.models import Dashboard

    assert dict(Dashboard._meta.permissions) == dict(PERMISSIONS)
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
    call_command("check", fail_level="WARNING")
