"""What the page does by itself: it follows, and leaves alone what is looked at; keys, themes, no Redis."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.street import Street
from tests.browser.window import Window
from tests.helpers.waiting import eventually


def test_numbers_follow_without_loading_the_page(window: Window, street: Street) -> None:
    page = window.open("/scheduled?q=tag:follow")
    page.evaluate("window.mark = 1")
    street.later("Mail", "follow", tags=["follow"])
    expect(page.locator("tbody tr[id]")).to_have_count(1)
    assert page.evaluate("window.mark") == 1


def test_what_is_chosen_stays_where_it_is(window: Window, street: Street) -> None:
    street.later("Mail", "first", tags=["stays"])
    page = window.open("/scheduled?q=tag:stays")
    page.locator("tbody input[type=checkbox]").check()
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(answer.url))
    street.push("Mail", "sooner", tags=["stays"], at=4_000_000_000)
    seen = len(asked)
    eventually(lambda: page.wait_for_timeout(50) or len(asked) >= seen + 2, 30)
    assert page.locator("tbody tr[id]").count() == 1
    assert page.locator("tbody input[type=checkbox]").is_checked()
    page.locator("tbody input[type=checkbox]").uncheck()
    page.locator("h1").click()
    page.mouse.move(0, 0)
    expect(page.locator("tbody tr[id]")).to_have_count(2)


def test_a_page_that_is_paused_asks_nothing(window: Window, street: Street) -> None:
    page = window.open("/scheduled?q=tag:paused")
    page.locator("#live").click()
    expect(page.locator("#live")).to_have_attribute("aria-pressed", "false")
    street.later("Mail", "paused", tags=["paused"])
    page.locator("#live").click()
    expect(page.locator("tbody tr[id]")).to_have_count(1)


def test_the_keyboard_reaches_the_content_first(window: Window) -> None:
    page = window.open("/queues")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"


def test_a_theme_is_kept(window: Window) -> None:
    page = window.open("/")
    page.locator("#theme").click()
    theme = page.evaluate("document.documentElement.dataset.theme")
    assert theme in ("dark", "light")
    page = window.open("/queues")
    assert page.evaluate("document.documentElement.dataset.theme") == theme


def test_find_is_a_key_away(window: Window) -> None:
    page = window.open("/queues")
    expect(page.locator("#live")).to_be_visible()  # the script has begun
    page.keyboard.press("/")
    page.keyboard.type("limi")
    found = page.locator("#palette-found a").first
    expect(found).to_have_text("Limits")
    page.keyboard.press("ArrowDown")
    expect(found).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("activ")
    expect(found).to_have_text("Activity")
    page.keyboard.press("Enter")
    page.wait_for_url("**/activity")


def test_times_are_those_of_the_browser_where_it_is_told_so(windows: Callable[..., Window]) -> None:
    with windows(timezone_id="Asia/Tokyo") as window:
        page = window.open("/scheduled")
        expect(page.locator(".ticks .zone")).to_have_text("UTC")
        page.locator("#zone").click()
        expect(page.locator(".ticks .zone")).to_have_text("Asia/Tokyo")
        page.locator("#zone").click()
        expect(page.locator(".ticks .zone")).to_have_text("UTC")


def test_while_redis_is_away_the_page_says_so_and_comes_back(
    windows: Callable[..., Window], street: Street
) -> None:
    with windows() as window:
        page = window.open("/queues")
        street.site.server.pause()
        try:
            expect(page.locator("#age")).to_have_class("age late", timeout=60_000)
            assert page.locator("tbody tr").count() > 0, "the last picture stays"
        finally:
            street.site.server.resume()
        expect(page.locator("#age")).not_to_have_class("age late", timeout=60_000)
        window.troubles = [each for each in window.troubles if "503" not in each]
