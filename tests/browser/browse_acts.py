"""Every act of every page, by its button: what it does in Redis, and what the page says of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.street import Street
from tests.browser.window import Window
from tests.helpers.waiting import eventually


def number(text: str) -> int:
    """Return the number in *text*, which may have separators."""
    found = re.search(r"\d[\d,.\u202f]*", text)
    assert found, text
    return int(re.sub(r"\D", "", found[0]))


def test_a_queue_is_paused_and_goes_on(window: Window, street: Street) -> None:
    window.open("/queue?name=mailers")
    window.press("Pause")
    assert "paused" in window.open("/queue?name=mailers").locator("h1").inner_text()
    street.push("Mail", "waits@example.org", queue="mailers")
    assert window.open("/queue?name=mailers").locator("tbody tr").count() == 1
    window.press("Unpause")
    eventually(lambda: street.site.count("queue:mailers") == 0, message="the worker takes it")


def test_a_queue_is_cleared_after_a_question(window: Window, street: Street) -> None:
    for name in ("a", "b", "c"):
        street.push("Mail", name, queue="cleared")
    # What many look at is read once a second: a queue may be so old before it is shown.
    eventually(lambda: "cleared" in window.open("/queues").content())
    window.open("/queue?name=cleared")
    window.follow("Clear…")
    assert "3 jobs wait in it" in window.page.locator("main").inner_text()
    assert street.site.count("queue:cleared") == 3
    window.press("Delete all jobs of cleared")
    assert street.site.count("queue:cleared") == 0
    assert "3" in window.told


def test_what_was_done_is_undone(window: Window, street: Street) -> None:
    for name in ("a", "b", "c"):
        street.later("Mail", name, tags=["undone"], queue="nobody")
    window.open("/scheduled?q=tag:undone")
    window.press("Delete", within="tbody tr:first-child")
    assert window.page.locator("tbody tr[id]").count() == 2
    window.press("Undo", within=".undo")
    assert window.told == "1 job back"
    window.open("/scheduled?q=tag:undone")
    assert window.page.locator("tbody tr[id]").count() == 3


@pytest.mark.parametrize(
    ("button", "left", "dead"), [("Run now", 2, 0), ("Kill", 2, 1), ("Delete", 2, 0)]
)
def test_one_job_of_a_set(
    window: Window, street: Street, button: str, left: int, dead: int
) -> None:
    tag = f"one-{button.split(maxsplit=1)[0].lower()}"
    for name in ("a", "b", "c"):
        street.later("Mail", name, tags=[tag], queue="nobody")
    window.open(f"/scheduled?q=tag:{tag}")
    window.press(button, within="tbody tr:first-child")
    assert not window.told.startswith("failed")
    assert window.page.locator("tbody tr[id]").count() == left
    window.open(f"/dead?q=tag:{tag}")
    assert window.page.locator("tbody tr[id]").count() == dead


def test_chosen_jobs_are_handled_and_no_others(window: Window, street: Street) -> None:
    for name in "abcd":
        street.later("Mail", name, tags=["chosen"])
    page = window.open("/scheduled?q=tag:chosen")
    for place in (0, 2):
        page.locator("tbody input[type=checkbox]").nth(place).check()
    with page.expect_navigation():
        page.locator("#chosen").get_by_role("button", name="Delete …").click()
    assert page.locator("h1").inner_text() == "Delete 2 jobs?"
    window.press("Delete 2 jobs")
    assert number(window.told) == 2
    window.open("/scheduled?q=tag:chosen")
    assert sorted(street.arguments(page)) == ["b", "d"]


def test_all_that_match_are_killed_and_then_run(window: Window, street: Street) -> None:
    for name in "abc":
        street.later("Mail", name, tags=["all"])
    page = window.open("/scheduled?q=tag:all")
    with page.expect_navigation():
        page.locator(".many div").get_by_role("link", name="Kill …").click()
    window.press("Kill 3 jobs")
    page.get_by_text("✓ done").wait_for()
    window.open("/dead?q=tag:all")
    assert page.locator("tbody tr[id]").count() == 3
    with page.expect_navigation():
        page.locator(".many div").get_by_role("link", name="Run now …").click()
    window.press("Run 3 jobs now")
    page.get_by_text("✓ done").wait_for()
    window.open("/dead?q=tag:all")
    assert page.get_by_text("Nothing matches.").is_visible()


def test_a_group_of_failures_is_run_again(window: Window, street: Street) -> None:
    page = window.open("/failures")
    row = page.locator("tbody tr", has_text="Lost").first
    assert number(row.locator("td").first.inner_text()) in (1, 2)
    with page.expect_navigation():
        row.get_by_role("link", name=re.compile("Run now|Retry")).first.click()
    with page.expect_navigation():
        page.locator("form.plan button").click()
    page.get_by_text("✓ done").wait_for()


def test_a_periodic_job_runs_now_pauses_and_resumes(window: Window) -> None:
    page = window.open("/periodic/one?name=nightly")
    window.press("Run now")
    eventually(lambda: "by hand" in _fresh(window).locator("main").inner_text())
    window.press("Pause")
    assert "paused" in page.locator("h1").inner_text()
    window.press("Resume")
    assert "paused" not in page.locator("h1").inner_text()


def test_a_batch_is_cancelled_with_a_reason(window: Window) -> None:
    page = window.open("/batches")
    with page.expect_navigation():
        page.locator("tbody tr a").first.click()
    window.follow("Cancel it …")
    page.get_by_label("Why").fill("sent by mistake")
    window.press("Cancel it")
    assert "sent by mistake" in page.locator("main").inner_text()


def test_a_limit_is_opened(window: Window) -> None:
    page = window.open("/limits")
    with page.expect_navigation():
        page.locator("tbody tr a").first.click()
    window.follow("Open it …")
    with page.expect_navigation():
        page.locator("main form button.danger").click()
    assert not window.told.startswith("failed")


def test_a_lock_is_freed(window: Window, street: Street) -> None:
    page = window.open("/locks")
    assert page.locator("tbody tr").count() == 1
    window.press("Free", within="tbody tr:first-child")
    assert page.locator("tbody tr").count() == 0


def test_a_job_is_deleted_by_its_own_page(window: Window, street: Street) -> None:
    jid = street.later("Mail", "by its page")
    page = window.open(f"/jobs/{jid}")
    assert "by its page" in page.locator("main").inner_text()
    window.press("Delete")
    assert not window.told.startswith("failed")
    window.open(f"/jobs/{jid}", status=404)
    window.troubles.clear()  # the console tells of the status
    assert "It is in no queue and no set" in page.locator("main").inner_text()


def test_what_somebody_did_is_in_the_log(window: Window) -> None:
    window.open("/queue?name=mailers")
    window.press("Pause")
    window.open("/queue?name=mailers")
    window.press("Unpause")
    rows = window.open("/activity").locator("tbody tr")
    assert "queue.unpause" in rows.first.inner_text() or "Unpause" in rows.first.inner_text()


def test_a_form_that_is_sent_three_times_acts_once(window: Window) -> None:
    before = window.open("/activity").locator("tbody tr").count()
    page = window.open("/periodic/one?name=nightly")
    sent = page.evaluate(
        """async () => {
            const forms = [...document.querySelectorAll("main form")];
            const form = forms.find(one => one.innerText === "Run now");
            const how = {method: "POST", body: new URLSearchParams(new FormData(form))};
            const answers = await Promise.all([1, 2, 3].map(() => fetch(form.action, how)));
            return answers.map(one => one.status);
        }"""
    )
    assert sent == [200, 200, 200]
    assert window.open("/activity").locator("tbody tr").count() == before + 1


def test_a_form_from_another_site_does_nothing(
    window: Window, street: Street, windows: Callable[..., Window]
) -> None:
    with windows() as other:
        other.page.set_content(
            f"<form method=post action='{street.address}/queue/pause'>"
            "<input name=name value=payments><button>win</button></form>"
        )
        with other.page.expect_navigation():
            other.page.get_by_role("button").click()
        assert other.page.locator("h1").is_visible()
        other.troubles = [each for each in other.troubles if "403" not in each]
    assert "paused" not in window.open("/queue?name=payments").locator("h1").inner_text()


def test_processes_are_made_quiet_and_stopped(window: Window, street: Street) -> None:
    window.open("/running")
    window.press("Threads", within="#processes-title ~ .scroll")
    street.worker.says("thread")
    window.press("Quiet", within="#processes-title ~ .scroll")
    eventually(lambda: "quiet" in _fresh(window).locator("main").inner_text())
    window.press("Stop", within="#processes-title ~ .scroll")
    assert street.worker.wait() == 0


def _fresh(window: Window) -> Page:
    window.page.reload()
    return window.page
