"""Every page that a link leads to, in both themes, wide and narrow: whole, readable, and of nobody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import pytest

from tests.browser.street import Street
from tests.browser.window import LOOKS, Window

#: Pages that are there whatever else is: the crawl must find them.
FOUND = (
    "/",
    "/queues",
    "/queue",
    "/running",
    "/failures",
    "/retries",
    "/scheduled",
    "/dead",
    "/batches",
    "/batches/one",
    "/limits",
    "/limits/one",
    "/locks",
    "/metrics",
    "/metrics/class",
    "/periodic",
    "/periodic/one",
    "/jobs",
    "/profiles",
    "/profiles/one",
    "/redis",
    "/activity",
)
#: Of pages with the same path so many are looked at.
ALIKE = 2


def page_of(link: str) -> str:
    """Return what page a link leads to: its path, without a jid."""
    path = urlsplit(link).path
    return "/jobs" if path.startswith("/jobs/") else path


@pytest.fixture(scope="module")
def links(chromium: object, street: Street) -> Sequence[str]:
    """What links lead to, from the first page on: a few of each kind."""
    seen, counts, ahead = {"/"}, Counter[str](), ["/"]
    with Window(chromium, street.address) as window:  # type: ignore[arg-type]
        while ahead:
            link = ahead.pop(0)
            window.open(link)
            for each in window.links():
                if each not in seen and counts[page_of(each)] < ALIKE and "/static/" not in each:
                    seen.add(each)
                    counts[page_of(each)] += 1
                    ahead.append(each)
    return sorted(seen)


def test_every_page_is_found(links: Sequence[str]) -> None:
    assert set(FOUND) - {page_of(link) for link in links} == set()


def test_nothing_from_redis_is_markup(window: Window, links: Sequence[str]) -> None:
    for link in links:
        page = window.open(link)
        assert page.locator("img").count() == 0, link
        assert "{{" not in page.content().replace("{{7*7}}", ""), link


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_every_page_fits_and_is_accessible(
    window: Window, links: Sequence[str], theme: str, width: int, height: int
) -> None:
    window.look_like(theme, width, height)
    wrong = []
    for link in links:
        window.open(link)
        if over := window.too_wide():
            wrong.append(f"{link} is {over} px too wide: {window.widest()}")
        wrong += (f"{link}: {each}" for each in window.violations())
    assert not wrong, "\n".join(wrong)


def test_every_page_is_there_without_javascript(
    windows: Callable[..., Window], window: Window, links: Sequence[str]
) -> None:
    with windows(java_script_enabled=False) as plain:
        for link in links:
            plain.open(link)
            assert plain.page.locator("main h1").is_visible(), link
            assert (
                plain.page.locator("button:visible").count()
                == plain.page.locator("form button:visible, button[type=submit]:visible").count()
            ), f"{link} has a button that does nothing"
