"""``kiq top`` on a real server: what its views show, that they only read, and that nothing hides them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis

import kiq
from kiq.top.views import VIEWS
from tests.helpers import topped
from tests.helpers.living import hold, show_process

pytestmark = pytest.mark.needs("textual")

EVIL = "[red]\x1b]52;c;ZXZpbA==\x07\x9b31m\u202e[/red] [true, false]"


class Mail(kiq.Job, queue="mailers"):
    def perform(self, to: str, password: str = "") -> None: ...


def job(**fields: Any) -> str:
    known = {"class": "app.Mail", "args": [], "jid": "5d1c7a52e6ad1ab1f5a1a0d8", "queue": "mail"}
    return json.dumps({**known, "created_at": 1, **fields})


def failed(jid: str, **fields: Any) -> str:
    error = {"error_class": "ConnectionError", "error_message": "no route", "retry_count": 1}
    return job(jid=jid, failed_at=time.time() - 90, **{**error, **fields})


@pytest.fixture
def filled(raw: redis.Redis) -> None:
    """Some of everything."""
    now = time.time()
    raw.sadd("queues", "mail", "low")
    raw.lpush("queue:mail", job(enqueued_at=now - 40), job(jid="b" * 24, args=["Bob", 5]))
    raw.lpush("queue:low", job(queue="low", args=[{"password": "geheim"}]))
    raw.sadd("paused", "low")
    raw.zadd("retry", {failed("c" * 24): now + 60, failed("d" * 24): now + 3600})
    raw.zadd("dead", {failed("e" * 24): now - 5})
    raw.zadd("schedule", {job(jid="f" * 24): now + 3600})
    show_process(raw, "web:1:abc", {"queues": ["mail"], "concurrency": 3})
    hold(raw, "web:1:abc", "mail", job(jid="9" * 24, args=["running"]))


@pytest.fixture
def hostile(raw: redis.Redis) -> None:
    """Names, messages and arguments that anybody may have written."""
    raw.sadd("queues", EVIL)
    evil = {"class": EVIL, "args": [EVIL], "jid": EVIL, "tags": [EVIL], "queue": EVIL}
    bad = job(**evil, error_class=EVIL, error_message=EVIL, retry_count=3, failed_at=5)
    raw.lpush("queue:" + EVIL, bad, b"\xff\x00no job")
    for key in ("retry", "schedule", "dead"):
        raw.zadd(key, {bad: 1_900_000_000, b"\xff": 1_900_000_001, job(queue=[1], jid=7): 5})
    show_process(raw, "web:1:abc", {"queues": [EVIL], "concurrency": 3, "tag": EVIL})
    hold(raw, "web:1:abc", EVIL, bad)
    raw.zadd("dead", {job(**{**evil, "jid": "a" * 24}, error_class=EVIL, error_backtrace=EVIL): 9})
    minute = time.strftime("%y%m%d|%-H:%M", time.gmtime(time.time() - 120))
    raw.hset(f"j|{minute}", mapping={f"{EVIL.replace('|', '')}|p": 3})
    raw.hset("kiq:periodic:entries", mapping={EVIL: "{}"})


@pytest.mark.usefixtures("filled")
def test_each_view_shows_what_there_is(redis_url: str) -> None:
    async def script(seen: Any) -> None:
        await seen.sees("waiting 3", "retries 2", "scheduled 1", "dead 1", "what needs somebody")
        await seen.press("2")
        await seen.sees("mail", "40 s", "paused")
        await seen.press("3")
        await seen.sees("app.Mail", '"running"', "web:1:abc")
        await seen.press("4")
        await seen.sees("ConnectionError: no route")
        assert "    3" in seen.page

    topped.watch(redis_url, script)


@pytest.mark.usefixtures("filled")
def test_enter_leads_from_a_queue_to_its_jobs_and_escape_back(redis_url: str) -> None:
    async def script(seen: Any) -> None:
        await seen.press("2")
        await seen.sees("mail")
        await seen.press("enter")
        await seen.sees("Queues › Queue mail", '"Bob", 5')
        await seen.press("escape")
        await seen.sees("oldest", "takers")

    topped.watch(redis_url, script)


@pytest.mark.usefixtures("filled")
def test_enter_leads_from_a_group_of_failures_to_its_jobs(redis_url: str) -> None:
    async def script(seen: Any) -> None:
        await seen.press("4")
        await seen.sees("ConnectionError")
        await seen.press("enter")
        await seen.sees("Retries group:", "c" * 24)
        await seen.press("o")
        await seen.sees("Dead group:", "e" * 24)
        assert "c" * 24 not in seen.page
        await seen.press("escape", "o")
        await seen.sees("there is no other set here")

    topped.watch(redis_url, script, size=(160, 50))


@pytest.mark.usefixtures("filled")
def test_the_language_of_filters_is_that_of_commands(redis_url: str) -> None:
    async def script(seen: Any) -> None:
        await seen.press("colon", *"retries", "enter")
        await seen.sees("c" * 24, "d" * 24)
        await seen.types("slash", f"jid:{'c' * 24}")
        await seen.until(lambda: "d" * 24 not in seen.screen)
        assert "c" * 24 in seen.page
        await seen.types("slash", "class:Mail bogus:1")
        await seen.sees("does not know 'bogus'")
        await seen.press("escape")
        await seen.sees("c" * 24, "d" * 24)

    topped.watch(redis_url, script, size=(160, 50))


@pytest.mark.usefixtures("filled")
def test_secrets_are_hidden_until_somebody_asks(redis_url: str) -> None:
    async def script(seen: Any) -> None:
        await seen.types("colon", "queue low")
        await seen.sees("•••")
        assert "geheim" not in seen.screen
        await seen.press("m")
        await seen.sees("geheim")

    topped.watch(redis_url, script)


@pytest.mark.usefixtures("hostile")
def test_hostile_text_is_shown_as_text(redis_url: str) -> None:
    async def script(seen: Any) -> None:
        views = [
            *("now", "queues", "running", "failures", "retries", "scheduled", "dead", "classes"),
            *("processes", "process web:1:abc", "periodic", f"job {'a' * 24}", f"why {'a' * 24}"),
        ]
        for view in views:
            await seen.types("colon", view)
            await seen.until(lambda: seen.top.picture.ask.place == seen.top.path.here)
            assert seen.top.picture.problem == ""
            assert all(each.isprintable() or each == "\n" for each in seen.screen)
            if not view.startswith(("now", "why")):
                assert "[red]\\x1b]52;" in seen.page
        await seen.press("2")
        await seen.sees("[red]\\x1b]52;")
        await seen.press("D")
        await seen.sees("Delete all 2 jobs of [red]\\x1b]52;")
        assert all(each.isprintable() or each == "\n" for each in seen.screen)
        await seen.press("c", "n", "enter")
        assert seen.top.clipboard.isprintable()
        await seen.sees("(undecodable)", "[red]\\x1b]52;")

    topped.watch(redis_url, script, size=(200, 40))


@pytest.mark.usefixtures("filled")
def test_looking_only_reads(redis_url: str, raw: redis.Redis) -> None:
    def state() -> dict[bytes, bytes | None]:
        return {key: raw.dump(key) for key in raw.scan_iter()}

    before = state()

    async def script(seen: Any) -> None:
        for key in "1234":
            await seen.press(key)
            await seen.until(lambda: seen.top.picture.ask.place == seen.top.path.here)

    topped.watch(redis_url, script)
    assert state() == before


def test_an_empty_redis_says_what_is_missing(redis_url: str) -> None:
    async def script(seen: Any) -> None:
        await seen.press("2")
        await seen.sees("no queue has got a job yet")
        await seen.press("3")
        await seen.sees("nothing runs")
        await seen.press("4")
        await seen.sees("nothing waits for a retry, and nothing is dead")

    topped.watch(redis_url, script)


def test_a_large_set_is_shown_page_by_page(redis_url: str, raw: redis.Redis) -> None:
    raw.zadd("dead", {failed(f"{at:024x}", error_message="?"): at for at in range(100)})

    async def script(seen: Any) -> None:
        await seen.types("colon", "dead")
        await seen.sees(f"{99:024x}", "of 100 jobs; l shows the next")
        await seen.until(lambda: len(seen.top.picture.page.rows) < 40)
        shown = len(seen.top.picture.page.rows)
        await seen.press("l")
        await seen.sees(f"{99 - shown:024x}")
        assert f"{99:024x}" not in seen.screen
        await seen.press("h")
        await seen.sees(f"{99:024x}")

    topped.watch(redis_url, script, size=(160, 40))


def test_the_cursor_stays_on_what_it_was_on_and_acts_on_nothing_else(
    redis_url: str, raw: redis.Redis
) -> None:
    kept = [failed(f"{at:024x}", error_message="?") for at in range(5)]
    raw.zadd("dead", {each: at for at, each in enumerate(kept)})

    async def script(seen: Any) -> None:
        await seen.types("colon", "dead")
        await seen.sees(f"{4:024x}")
        await seen.press("j", "j")
        assert seen.top.body.current.jid == f"{2:024x}"
        raw.zrem("dead", kept[4])
        await seen.until(lambda: len(seen.top.body.page.rows) == 4)
        assert seen.top.body.current.jid == f"{2:024x}"
        raw.zrem("dead", kept[2])
        await seen.until(lambda: len(seen.top.body.page.rows) == 3)
        assert seen.top.body.current is None
        await seen.press("enter")
        assert "what was under the cursor is gone" in seen.screen

    topped.watch(redis_url, script, size=(160, 40))


def test_redis_is_away_over_the_last_picture_and_comes_back(private_server: Any) -> None:
    server = private_server()
    url = server.url
    store = server.client()
    store.sadd("queues", "mail")
    store.lpush("queue:mail", job())

    async def script(seen: Any) -> None:
        await seen.press("2")
        await seen.sees("mail")
        server.kill()
        await seen.sees("Redis away for ", "mail", "oldest")
        await seen.press("question_mark")
        await seen.sees("Keys", "Redis away for ")
        await seen.press("escape")
        server.restart()
        await seen.until(lambda: "Redis away" not in seen.screen)

    topped.watch(url, script)


def test_each_fleet_is_shown_by_its_name(redis_url: str, private_server: Any) -> None:
    other = private_server()
    other.client().sadd("queues", "elsewhere")

    async def script(seen: Any) -> None:
        await seen.press("2")
        await seen.sees("kiq top  shop", "no queue has got a job yet")
        await seen.types("colon", "fleet mail")
        await seen.sees("kiq top  mail", "elsewhere")
        await seen.types("colon", "fleet x")
        await seen.sees("there is no fleet 'x'; there are shop, mail")

    fleets = [topped.fleet(redis_url, "shop"), topped.fleet(other.url, "mail")]
    topped.watch(redis_url, script, fleets=fleets)


@pytest.mark.usefixtures("filled")
def test_a_terminal_that_gets_smaller_shows_what_there_is_room_for(redis_url: str) -> None:
    async def script(seen: Any) -> None:
        await seen.types("colon", "retries")
        await seen.sees("c" * 24)
        for width, height in ((60, 12), (20, 6), (160, 50)):
            await seen.resize(width, height)
            await seen.until(lambda w=width: len(max(seen.screen.splitlines(), key=len)) <= w)
        await seen.sees("c" * 24, "d" * 24)

    topped.watch(redis_url, script, size=(160, 50))


def test_keys_answer_while_redis_does_not(private_server: Any) -> None:
    server = private_server()
    server.client().sadd("queues", "mail")

    async def script(seen: Any) -> None:
        await seen.press("2")
        await seen.sees("mail")
        server.pause()
        try:
            await seen.press("question_mark")
            assert "Keys" in seen.screen  # at once, though nothing is read
            await seen.press("q")
        finally:
            server.resume()

    topped.watch(server.url, script)


@pytest.mark.usefixtures("filled")
def test_a_frozen_picture_stays(redis_url: str, raw: redis.Redis) -> None:
    async def script(seen: Any) -> None:
        await seen.press("2")
        await seen.sees("mail")
        await seen.press("f")
        raw.sadd("queues", "later")
        await seen.sees("FROZEN")
        read = seen.top.reads
        await seen.until(lambda: seen.top.reads > read + 2)
        assert "later" not in seen.page
        await seen.press("f")
        await seen.sees("later")

    topped.watch(redis_url, script)


def test_a_class_is_shown_with_how_long_its_runs_took(redis_url: str, raw: redis.Redis) -> None:
    minute = time.strftime("%y%m%d|%-H:%M", time.gmtime(time.time() - 120))
    raw.hset(f"j|{minute}", mapping={"app.Mail|ms": 1200, "app.Mail|p": 3, "app.Mail|f": 1})

    async def script(seen: Any) -> None:
        await seen.press("7")
        await seen.sees("app.Mail", "0.6 s")
        await seen.press("enter")
        await seen.sees("in the last hour", "3, 1 failed")

    topped.watch(redis_url, script)


@pytest.mark.parametrize("broken", ["retries", "queues"])
def test_a_view_that_breaks_is_told_and_hides_no_other(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setitem(VIEWS, broken, lambda look: 1 / 0)  # type: ignore[arg-type]

    async def script(seen: Any) -> None:
        await seen.types("colon", broken)
        await seen.sees("ZeroDivisionError: division by zero")
        await seen.press("3")
        await seen.sees("nothing runs")

    topped.watch(redis_url, script)


def test_a_queue_is_shown_page_by_page(redis_url: str, raw: redis.Redis) -> None:
    raw.sadd("queues", "mail")
    raw.lpush("queue:mail", *(job(jid=f"{at:024x}") for at in range(100)))

    async def script(seen: Any) -> None:
        await seen.types("colon", "queue mail")
        await seen.sees(f"{0:024x}", "from 1 on, of 100 jobs; l shows the next")
        await seen.until(lambda: len(seen.top.picture.page.rows) < 40)
        shown = len(seen.top.picture.page.rows)
        await seen.press("l")
        await seen.sees(f"{shown:024x}", f"from {shown + 1} on")
        assert f"{0:024x}" not in seen.screen

    topped.watch(redis_url, script, size=(160, 40))
