"""Iterable jobs in worker processes that are stopped, made quiet, killed."""

from __future__ import annotations

import signal
from itertools import pairwise
from typing import Any

from kiq.api import IterationState
from kiq.codec import decode
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import UNMEASURED, Site, WorkerProcess

JOBS = "tests.helpers.iterable_jobs"


def start(site: Site, *arguments: str, **environment: str | None) -> WorkerProcess:
    return site.run("-r", JOBS, "-c", "2", *arguments, **environment).wait_until_ready()


def push(site: Site, name: str, *arguments: Any) -> str:
    return str(site.client.push({"class": f"{JOBS}.{name}", "args": list(arguments)}))


def steps(site: Site, label: str = "a") -> list[int]:
    return [int(each.split()[1]) for each in site.notes if each.startswith(f"{label} ")]


def test_a_stopped_worker_leaves_the_job_in_its_queue_and_the_next_goes_on(site: Site) -> None:
    worker = start(site)
    site.store.set("hold:a:2", 1)
    jid = push(site, "Steps", "a", 5)
    site.noted("a 2")
    worker.signal(signal.SIGTERM)
    worker.says("quiet: ")
    site.store.delete("hold:a:2")
    assert worker.wait() == 0
    (raw,) = site.store.lrange("queue:default", 0, -1)  # type: ignore[misc]
    payload = decode(raw)[0]
    assert payload["jid"] == jid
    assert "retry_count" not in payload
    assert site.store.hget(f"it-{jid}", "c") == b"3"
    assert site.store.get("stat:failed") is None
    start(site)
    site.noted("complete")
    assert site.notes == [
        *("start", "a 0", "a 1", "a 2", "stop"),
        *("resume", "a 3", "a 4", "stop", "complete"),
    ]


def test_a_worker_drops_the_states_of_jobs_that_never_came_back(site: Site) -> None:
    now = site.store.time()[0]  # type: ignore[index]
    for name, ends in (("it-over", now - 5), ("it-waits", now + 3600)):
        site.store.hset(name, "ex", 1)
        site.store.zadd("kiq:iterations", {name: ends})
    worker = start(site)
    eventually(lambda: not site.store.exists("it-over"))
    assert site.store.exists("it-waits")
    assert worker.stop() == 0


def test_a_quiet_worker_gives_the_job_to_another_at_once(site: Site) -> None:
    first = start(site)
    site.store.set("hold:a:2", 1)
    push(site, "Steps", "a", 5)
    site.noted("a 2")
    start(site)
    first.signal(signal.SIGTSTP)
    first.says("quiet: ")
    site.store.delete("hold:a:2")
    site.noted("complete")
    assert first.running
    assert steps(site) == [0, 1, 2, 3, 4]


def test_a_killed_worker_repeats_only_what_came_after_the_last_flush(site: Site) -> None:
    worker = start(site)
    site.store.set("hold:a:300", 1)
    jid = push(site, "Steps", "a", 301, 0.02)  # six seconds: one flush
    site.noted("a 300", timeout=30)
    saved = IterationState.find(jid, site.url)
    assert saved is not None
    assert 0 < saved.cursor < 300
    worker.signal(signal.SIGKILL)
    worker.wait()
    site.store.delete("hold:a:300")
    start(site)
    site.noted("complete", timeout=30)
    assert steps(site) == [*range(301), *range(saved.cursor, 301)]


def test_a_run_that_slept_past_its_lease_writes_nothing_over_what_came_since(site: Site) -> None:
    site.write("config/kiq.yml", "lease: 5\n")
    sleeper = start(site, "-C", "config/kiq.yml")
    jid = push(site, "Steps", "a", 100_000, 0.01)
    site.noted("a 10")
    sleeper.stop_where_it_is()  # before its first flush: nothing is saved
    other = start(site, "-C", "config/kiq.yml")
    eventually(lambda: site.store.hexists(f"it-{jid}", "c"), 40, message="the other one has saved")
    cursors = [cursor_of(site, jid)]
    sleeper.signal(signal.SIGCONT)
    sleeper.says("interrupted: another process goes on with it", timeout=20)

    def saved_once_more() -> bool:
        cursors.append(cursor_of(site, jid))
        return cursors[-1] > cursors[0]

    eventually(saved_once_more, 20, interval=0.001)
    assert cursors == sorted(cursors)
    other.signal(signal.SIGKILL)
    other.wait()
    before = len(steps(site))
    start(site, "-C", "config/kiq.yml")
    eventually(lambda: len(steps(site)) > before, 30)
    assert steps(site)[before] >= cursors[-1]


def cursor_of(site: Site, jid: str) -> int:
    return int(site.store.hget(f"it-{jid}", "c") or 0)  # type: ignore[arg-type]


def test_a_cancel_from_outside_is_heard_within_five_seconds(site: Site) -> None:
    start(site)
    jid = push(site, "Steps", "a", 10_000, 0.01)
    site.noted("a 1")
    IterationState(jid=jid).cancel(site.url)
    site.noted("complete")
    assert site.notes[-3:] == ["cancel", "stop", "complete"]
    assert site.count("queue:default") == site.count("retry") == 0


def test_max_iteration_runtime_lets_others_have_their_turn(site: Site) -> None:
    start(site, "-c", "1", KIQ_MAX_ITERATION_RUNTIME="0.3")
    push(site, "Steps", "a", 40, 0.02)
    push(site, "Steps", "b", 2)
    site.noted("b 1", "a 39", timeout=20)
    assert steps(site) == list(range(40))
    assert site.notes.index("b 1") < site.notes.index("a 39")
    assert site.store.get("stat:failed") is None


def test_a_plain_job_sees_that_it_is_to_end(site: Site) -> None:
    worker = start(site)
    push(site, "Polls", "a")
    site.noted("begin a at 0")
    assert worker.stop() == 0
    assert site.notes == ["begin a at 0", "interrupted a"]
    (raw,) = site.store.lrange("queue:default", 0, -1)  # type: ignore[misc]
    assert decode(raw)[0]["args"][0] == "a"
    eventually(lambda: not site.store.keys("kiq:inflight:*"))


def test_a_shutdown_that_cuts_an_item_short_saves_its_cursor(site: Site) -> None:
    worker = start(site, "-t", "0.3", **UNMEASURED)  # in traced threads 3.11 can't raise
    site.store.set("hold:a:2", 1)
    jid = push(site, "Steps", "a", 5)
    site.noted("a 2")
    assert worker.stop() == 0
    assert site.store.hget(f"it-{jid}", "c") == b"2"
    assert site.count("queue:default") == 1
    assert site.store.get("stat:failed") is None


def test_the_plugin_can_be_left_out(site: Site) -> None:
    start(site, KIQ_DISABLE_PLUGINS="iteration")
    push(site, "Steps", "a", 3)
    site.noted("complete")
    assert site.store.keys("it-*") == []


def test_whatever_happens_to_workers_no_item_is_left_out(site: Site) -> None:
    push(site, "Steps", "a", 300, 0.02)
    ways = [signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL]
    for way in ways:
        worker = start(site)
        before = len(steps(site))
        eventually(lambda seen=before: len(steps(site)) > seen + 20, 20)  # type: ignore[misc]
        worker.signal(way)
        worker.wait()
    start(site)
    site.noted("complete", timeout=30)
    done = steps(site)
    assert sorted(set(done)) == list(range(300))
    # In order, but for going back to where the state was saved: at each kill, once.
    assert sum(1 for one, other in pairwise(done) if other != one + 1) <= ways.count(signal.SIGKILL)
    assert site.store.get("stat:failed") is None
