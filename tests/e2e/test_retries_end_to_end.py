"""Failing jobs, from their first attempt to their last."""

from __future__ import annotations

import time
from typing import Any

from kiq.codec import decode
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess


def member(site: Site, key: str, jid: str, timeout: float = 10) -> tuple[dict[str, Any], float]:
    """Wait for the job *jid* in a sorted set; return its payload and score."""

    def found() -> tuple[dict[str, Any], float] | None:
        for raw, score in site.store.zrange(key, 0, -1, withscores=True):  # type: ignore[union-attr]
            payload = decode(raw)[0]
            if payload["jid"] == jid:
                return payload, score
        return None

    return eventually(found, timeout, message=f"{jid} is in {key}; noted: {site.notes}")  # type: ignore[return-value]


def test_a_job_that_fails_once_runs_again_and_succeeds(shared: Site, worker: WorkerProcess) -> None:
    pushed_at = time.time()
    jid = shared.push("Fails", "once")
    payload, due = member(shared, "retry", jid)
    assert payload["retry_count"] == 0
    assert payload["error_class"] == "ValueError"
    assert payload["error_message"] == "out of luck: once"
    assert pushed_at * 1000 - 1000 < payload["failed_at"] < time.time() * 1000
    assert pushed_at + 15 <= due < time.time() + 25
    shared.hurry("retry")
    shared.noted("attempt 1 once", f"error {jid} ValueError", "attempt 2 once", "done once")
    assert f"death {jid} ValueError" not in shared.notes


def test_the_second_failure_is_counted_and_waits_longer(
    shared: Site, worker: WorkerProcess
) -> None:
    jid = shared.push("Fails", "twice", 2)
    first, _ = member(shared, "retry", jid)
    shared.hurry("retry")
    shared.noted("attempt 2 twice")
    payload, due = member(shared, "retry", jid)
    assert payload["retry_count"] == 1
    assert payload["failed_at"] == first["failed_at"] <= payload["retried_at"]
    assert due - time.time() > 10
    shared.hurry("retry")
    shared.noted("done twice")


def test_a_job_without_retries_left_goes_to_the_dead_set(
    shared: Site, worker: WorkerProcess
) -> None:
    jid = shared.push("Fails", "for good", 99, retry=1)
    member(shared, "retry", jid)
    shared.hurry("retry")
    payload, died_at = member(shared, "dead", jid)
    assert payload["retry_count"] == 1
    assert abs(died_at - time.time()) < 10
    shared.noted(f"death {jid} ValueError")
    assert shared.notes.count(f"death {jid} ValueError") == 1


def test_a_job_that_is_not_to_be_retried_is_dropped_and_told(
    shared: Site, worker: WorkerProcess
) -> None:
    jid = shared.push("Fails", "never again", retry=False)
    shared.noted(f"death {jid} ValueError")
    worker.says("is dropped", jid)
    assert jid not in str(
        [*shared.store.zrange("retry", 0, -1), *shared.store.zrange("dead", 0, -1)]
    )  # type: ignore[misc]


def test_a_job_may_ask_for_a_retry(shared: Site, worker: WorkerProcess) -> None:
    shared.push("Asks", "retry")
    shared.noted("attempt 1 retry", "attempt 2 retry")


def test_a_job_may_ask_for_later_without_being_counted(shared: Site, worker: WorkerProcess) -> None:
    shared.push("Asks", "snooze")
    eventually(lambda: shared.notes.count("attempt 1 snooze") == 2, 10)


def test_a_job_may_ask_for_its_death(shared: Site, worker: WorkerProcess) -> None:
    jid = shared.push("Asks", "kill")
    payload, _ = member(shared, "dead", jid)
    assert payload["error_message"] == "enough"
    shared.noted(f"death {jid} Kill")


def test_a_job_may_ask_to_be_dropped(shared: Site, worker: WorkerProcess) -> None:
    jid = shared.push("Asks", "discard")
    shared.noted(f"death {jid} Discard")
    worker.says("is dropped", jid)
    eventually(lambda: not shared.store.keys("kiq:inflight:*"))
    assert shared.notes.count("attempt 1 discard") == 1


def test_the_class_says_when_and_hears_of_the_end(shared: Site, worker: WorkerProcess) -> None:
    jid = shared.push("Hooked", "hooked", retry=2)
    _, due = member(shared, "retry", jid)
    assert 3600 - 5 < due - time.time() < 3600 + 10
    shared.hurry("retry")
    shared.noted("retry_in 1 hooked")
    _, due = member(shared, "retry", jid)
    assert 7200 - 5 < due - time.time() < 7200 + 20
    shared.hurry("retry")
    member(shared, "dead", jid)
    shared.noted("exhausted hooked hooked", f"death {jid} ValueError")
    assert [note for note in shared.notes if note.startswith("retry_in")] == [
        "retry_in 0 hooked",
        "retry_in 1 hooked",
    ]


def test_retry_in_may_say_kill(shared: Site, worker: WorkerProcess) -> None:
    jid = shared.push("Hooked", "kill me", retry=2)
    member(shared, "retry", jid)
    shared.hurry("retry")
    member(shared, "dead", jid)


def test_failures_and_successes_are_counted(site: Site) -> None:
    site.start()
    site.push("Note", "fine")
    site.push("Fails", "counted", 1, retry=0)
    site.client.push({"class": f"{JOBS}.Note", "args": ["fine too"]})
    eventually(lambda: site.store.get("stat:processed") == b"3")
    assert site.store.get("stat:failed") == b"1"
    assert site.count("dead") == 1
