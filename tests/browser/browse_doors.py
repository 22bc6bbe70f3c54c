"""Mounted in Django, Flask and FastAPI, behind their logins and a prefix: pages and acts work as alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.street import Street, answers
from tests.browser.window import Window
from tests.helpers.server import free_port
from tests.helpers.waiting import eventually


@pytest.fixture(scope="module", params=["in_django", "in_flask", "in_fastapi"])
def door(street: Street, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an application with the UI under ``/kiq/``."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    program = (sys.executable, "-m", f"tests.browser.doors.{request.param}", str(port))
    with street.site.run(command=program) as run:
        eventually(lambda: answers(f"{address}/kiq/"), 30, message=f"it answers: {run.log}")
        yield address


@pytest.fixture
def inside(chromium: Browser, door: str) -> Iterator[Window]:
    """A window in which ann has logged in."""
    with Window(chromium, door) as window:
        page = window.open("/kiq/")
        page.locator("[name=username]").fill("ann")
        if page.locator("[name=password]").count():
            page.locator("[name=password]").fill("secret")
        with page.expect_navigation():
            page.locator("form [type=submit], form button").first.click()
        window.troubles.clear()  # of the login's own page
        yield window


def test_who_is_not_known_comes_to_the_login_and_from_there_to_the_page(inside: Window) -> None:
    assert inside.page.url == f"{inside.address}/kiq/"
    assert inside.page.locator("nav.side").is_visible()


def test_every_page_of_the_navigation_is_there(inside: Window) -> None:
    for link in [each for each in inside.links() if each.startswith("/kiq/")]:
        page = inside.open(link)
        assert page.locator("main h1").count() == 1, link
        assert page.evaluate("document.styleSheets.length") == 1


def test_an_act_works_and_is_noted_with_the_name(inside: Window, street: Street) -> None:
    jid = street.later("Mail", "by door")
    inside.open(f"/kiq/jobs/{jid}")
    inside.press("Delete")
    assert not inside.told.startswith("failed")
    row = inside.open("/kiq/activity").locator("tbody tr").first.inner_text()
    assert "ann" in row


def test_numbers_follow(inside: Window, street: Street) -> None:
    page = inside.open("/kiq/scheduled?q=tag:door")
    before = page.locator("tbody tr[id]").count()
    street.later("Mail", "door", tags=["door"])
    page.locator("tbody tr[id]").nth(before).wait_for()
