"""What is done by ``kiq top``, on a real server: asked before, told after, and to nothing else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis

import kiq
from kiq.api import DeadSet, PeriodicSet, Queue, undoable
from tests.helpers import topped
from tests.helpers.living import hold, show_process

pytestmark = pytest.mark.needs("textual")


class Sweep(kiq.Job, queue="low"):
    def perform(self) -> None: ...


def failed(at: int, **fields: Any) -> str:
    known = {"class": "app.Mail", "args": [at], "jid": f"{at:024x}", "queue": "mail"}
    error = {"error_class": "ConnectionError", "error_message": "no route", "retry_count": 1}
    return json.dumps({**known, **error, "created_at": 1, "failed_at": 2, **fields})


async def goes(seen: Any, view: str) -> None:
    await seen.types("colon", view)
    await seen.until(lambda: seen.top.picture.ask.place == seen.top.path.here)


@pytest.fixture
def dead(raw: redis.Redis) -> redis.Redis:
    """Three dead jobs, the newest first 2, 1, 0."""
    raw.zadd("dead", {failed(at): at for at in range(3)})
    return raw


def test_one_job_is_retried_after_a_yes(redis_url: str, dead: redis.Redis) -> None:
    async def script(seen: Any) -> None:
        await goes(seen, "dead")
        await seen.sees(f"{1:024x}")
        await seen.press("j", "R")
        await seen.sees(f"Run now app.Mail {1:024x}?", f"$ kiq dead retry {1:024x}")
        assert dead.zcard("dead") == 3
        await seen.press("y")
        await seen.sees("1 job in their queues")
        assert dead.zcard("dead") == 2
        assert json.loads(dead.lindex("queue:mail", 0) or b"")["jid"] == f"{1:024x}"

    topped.watch(redis_url, script, size=(140, 30))


def test_a_no_does_nothing(redis_url: str, dead: redis.Redis) -> None:
    async def script(seen: Any) -> None:
        await goes(seen, "dead")
        for no in ("n", "escape"):
            await seen.press("D")
            await seen.sees("Delete app.Mail")
            await seen.press(no)
            await seen.sees("nothing was done")
        assert dead.zcard("dead") == 3

    topped.watch(redis_url, script, size=(140, 30))


def test_marked_jobs_are_meant_together(redis_url: str, dead: redis.Redis) -> None:
    async def script(seen: Any) -> None:
        await goes(seen, "dead")
        await seen.press("x", "space")
        await seen.sees("2 rows marked")
        await seen.press("D")
        await seen.sees("Delete 2 jobs?")
        await seen.press("y")
        await seen.sees("2 jobs deleted")
        assert [json.loads(each)["args"] for each in dead.zrange("dead", 0, -1)] == [[0]]

    topped.watch(redis_url, script, size=(140, 30))


def test_all_that_the_filter_means_is_planned_and_what_came_later_is_left_alone(
    redis_url: str, raw: redis.Redis
) -> None:
    jobs = {failed(at, **{"class": "app.Mail" if at % 2 else "app.Other"}): at for at in range(400)}
    raw.zadd("dead", jobs)

    async def script(seen: Any) -> None:
        await goes(seen, "dead class:Other")
        await seen.press("A", "R")
        await seen.sees("Run now 200 jobs?", "of these: 200 app.Other")
        assert "kiq dead retry --filter class:Other" in seen.screen
        late = failed(1000, **{"class": "app.Other", "failed_at": time.time() + 60})
        raw.zadd("dead", {late: 1000})
        await seen.press("y")
        await seen.sees("200 jobs in their queues")
        assert raw.llen("queue:mail") == 200
        assert raw.zcard("dead") == 201

    topped.watch(redis_url, script, size=(140, 30))


def test_to_delete_many_their_number_is_typed(redis_url: str, raw: redis.Redis) -> None:
    raw.zadd("dead", {failed(at): at for at in range(1001)})

    async def script(seen: Any) -> None:
        await goes(seen, "dead")
        await seen.press("A", "D")
        await seen.sees("Delete 1,001 jobs?", "type 1001")
        await seen.press("y", "enter")
        await seen.sees("nothing was done: that was another number")
        assert raw.zcard("dead") == 1001
        await seen.press("D")
        await seen.sees("Delete 1,001 jobs?")
        await seen.press("escape")
        await seen.sees("nothing was done")
        await seen.press("D")
        await seen.sees("Delete 1,001 jobs?")
        seen.top.line.value = "1,001"
        await seen.press("enter")
        await seen.sees("1,001 jobs deleted")
        assert raw.zcard("dead") == 0

    topped.watch(redis_url, script, size=(140, 30))


def test_a_group_of_failures_is_acted_on_in_both_sets(redis_url: str, raw: redis.Redis) -> None:
    raw.zadd(
        "retry", {failed(1): time.time() + 60, failed(2, error_message="other"): 4_000_000_000}
    )
    raw.zadd("dead", {failed(3): 5, failed(4): 6})

    async def script(seen: Any) -> None:
        await goes(seen, "failures")
        await seen.sees("ConnectionError: no route")
        await seen.press("R")
        await seen.sees("Run now 3 jobs?", "kiq retries retry", "kiq dead retry")
        await seen.press("y")
        await seen.sees("3 jobs in their queues")
        assert raw.llen("queue:mail") == 3
        assert raw.zcard("retry") == 1

    topped.watch(redis_url, script, size=(140, 30))


def test_queues_are_paused_taken_again_and_cleared(redis_url: str, raw: redis.Redis) -> None:
    raw.sadd("queues", "mail")
    raw.lpush("queue:mail", failed(1), failed(2))

    async def script(seen: Any) -> None:
        await goes(seen, "queues")
        await seen.press("p")
        await seen.sees("Pause mail?", "$ kiq pause mail")
        await seen.press("y")
        await seen.sees("paused mail")
        note = Queue("mail", redis_url).pause_note
        assert note is not None
        assert note.reason == "kiq top"
        await seen.until(lambda: seen.top.body.current.subject.paused)
        await seen.press("p")
        await seen.sees("Unpause mail?")
        await seen.press("y")
        await seen.sees("mail is taken again")
        await seen.press("D")
        await seen.sees("Delete all 2 jobs of mail?")
        await seen.press("y")
        await seen.sees("mail: deleted 2 jobs")
        assert not raw.exists("queue:mail")

    topped.watch(redis_url, script, size=(140, 30))


def test_processes_are_told(redis_url: str, raw: redis.Redis) -> None:
    show_process(raw, "web:1:abc", {"queues": ["mail"], "concurrency": 3})

    async def script(seen: Any) -> None:
        await goes(seen, "processes")
        for key, word in (("Q", "quiet"), ("B", "dump"), ("T", "stop")):
            await seen.press(key)
            await seen.sees(f"Tell web:1:abc: {word}?", f"$ kiq {word} web:1:abc")
            await seen.press("y")
            await seen.sees(f"told web:1:abc: {word}")
        assert raw.lrange("web:1:abc-signals", 0, -1) == [b"TERM", b"TTIN", b"TSTP"]

    topped.watch(redis_url, script, size=(140, 30))


def test_what_runs_is_cancelled(redis_url: str, raw: redis.Redis) -> None:
    show_process(raw, "web:1:abc", {"queues": ["mail"], "concurrency": 3})
    hold(raw, "web:1:abc", "mail", failed(7))

    async def script(seen: Any) -> None:
        await goes(seen, "running")
        await seen.sees("app.Mail")
        await seen.press("C")
        await seen.sees(f"Cancel {7:024x}?")
        await seen.press("y")
        await seen.sees("is cancelled")
        await seen.press("enter")
        await seen.sees("runs at web:1:abc", "C cancel")

    topped.watch(redis_url, script, size=(140, 30))


@pytest.mark.usefixtures("kiq_client")
def test_periodic_jobs_are_paused_and_run(redis_url: str, raw: redis.Redis) -> None:
    PeriodicSet(redis_url).add("sweep", Sweep, every="1h")

    async def script(seen: Any) -> None:
        await goes(seen, "periodic")
        await seen.sees("sweep", "every 1 h")
        await seen.press("E")
        await seen.sees("Run sweep now?", "$ kiq periodic run sweep")
        await seen.press("y")
        await seen.sees("sweep was pushed: ")
        assert raw.llen("queue:low") == 1
        await seen.press("p")
        await seen.sees("Pause sweep?")
        await seen.press("y")
        await seen.sees("paused sweep")
        await seen.press("enter")
        await seen.sees("paused", "by_hand")

    topped.watch(redis_url, script, size=(140, 30))


def test_read_only_does_nothing_and_says_so(redis_url: str, dead: redis.Redis) -> None:
    async def script(seen: Any) -> None:
        await goes(seen, "dead")
        await seen.sees("read only")
        for key in "RDK":
            await seen.press(key)
            assert seen.top.question is None
        await seen.press("D")
        await seen.sees("nothing is done: kiq top runs with --read-only")
        assert not seen.top.doer.busy

    topped.watch(redis_url, script, size=(140, 30), read_only=True)
    assert dead.zcard("dead") == 3


def test_what_was_taken_meanwhile_is_told_and_its_neighbour_left_alone(
    redis_url: str, dead: redis.Redis
) -> None:
    async def script(seen: Any) -> None:
        await goes(seen, "dead")
        await seen.press("D")
        await seen.sees(f"Delete app.Mail {2:024x}?")
        dead.zrem("dead", failed(2))
        await seen.press("y")
        await seen.sees("0 jobs deleted, 1 gone: another process or person was quicker")
        assert dead.zcard("dead") == 2

    topped.watch(redis_url, script, size=(140, 30))


def test_nothing_is_done_while_redis_is_away(private_server: Any) -> None:
    server = private_server()
    server.client().zadd("dead", {failed(1): 1})

    async def script(seen: Any) -> None:
        await goes(seen, "dead")
        await seen.sees(f"{1:024x}")
        server.kill()
        await seen.sees("Redis away for ")
        await seen.press("D")
        assert seen.top.question is None
        assert "nothing is done: what is shown may be gone" in seen.top.message

    topped.watch(server.url, script, size=(140, 30))


def test_the_command_that_shows_a_row_is_copied(redis_url: str, dead: redis.Redis) -> None:
    async def script(seen: Any) -> None:
        await goes(seen, "dead class:Mail")
        await seen.press("y")
        await seen.sees(f"copied: kiq show {2:024x}")
        assert seen.top.clipboard == f"kiq show {2:024x}"
        await seen.press("D")
        await seen.sees("c copy the command")
        await seen.press("c")
        assert seen.top.clipboard == f"kiq dead delete {2:024x}"
        await seen.press("n")

    topped.watch(redis_url, script, size=(140, 30))


def test_why_leads_to_what_helps(redis_url: str, dead: redis.Redis) -> None:
    async def script(seen: Any) -> None:
        await goes(seen, "dead")
        await seen.press("w")
        await seen.sees("is dead", "R retry")
        await seen.press("R")
        await seen.sees(f"Run now app.Mail {2:024x}?")
        await seen.press("y")
        await seen.sees("1 job in their queues")

    topped.watch(redis_url, script, size=(140, 30))


def test_what_was_done_is_undone(redis_url: str, dead: redis.Redis) -> None:
    before = dead.zrange("dead", 0, -1, withscores=True)

    async def script(seen: Any) -> None:
        await goes(seen, "dead")
        await seen.sees(f"{2:024x}")
        await seen.press("A", "D")
        await seen.sees("Delete 3 jobs?", "can be undone for ten minutes")
        await seen.press("y")
        await seen.sees("3 jobs deleted; u undoes it")
        assert dead.zcard("dead") == 0
        await seen.press("u")
        await seen.sees("Undo: Delete 3 jobs?", "$ kiq undo ")
        await seen.press("y")
        await seen.sees("3 jobs back")
        assert dead.zrange("dead", 0, -1, withscores=True) == before
        await seen.press("u")
        await seen.sees("nothing was done in the last ten minutes")

    topped.watch(redis_url, script, size=(140, 30))


def test_acts_of_others_are_listed_and_undone(redis_url: str, dead: redis.Redis) -> None:
    with undoable("ann", "cleaning", client=redis_url):
        DeadSet(redis_url).delete_all(job_class="app.Mail")

    async def script(seen: Any) -> None:
        await goes(seen, "undo")
        await seen.sees("ann", "cleaning", "U undo")
        await seen.press("U")
        await seen.sees("Undo: cleaning?", "done by ann; 3 jobs kept")
        await seen.press("y")
        await seen.sees("3 jobs back")
        assert dead.zcard("dead") == 3

    topped.watch(redis_url, script, size=(140, 30))
