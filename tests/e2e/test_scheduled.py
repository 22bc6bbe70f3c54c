"""Scheduled jobs start when they are due."""

from __future__ import annotations

import time

import kiq
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess


def started_at(site: Site, label: str, timeout: float = 10) -> float:
    """Wait for a ``Clocked`` job; return when it started."""

    def found() -> float | None:
        times = [note.split(" at ")[1] for note in site.notes if note.startswith(f"{label} at ")]
        return float(times[0]) if times else None

    return eventually(found, timeout, message=f"{label} starts") or 0.0


def test_a_job_starts_when_it_is_due_and_not_before(shared: Site, worker: WorkerProcess) -> None:
    due = time.time() + 0.7
    shared.push("Clocked", "due", at=due)
    # How late it may be leaves room for a busy machine.
    assert -0.001 <= started_at(shared, "due") - due < 0.4


def test_a_job_that_becomes_the_earliest_is_not_kept_waiting(
    shared: Site, worker: WorkerProcess
) -> None:
    shared.push("Clocked", "far", at=time.time() + 3600)
    due = time.time() + 0.25
    shared.push("Clocked", "near", at=due)
    assert -0.001 <= started_at(shared, "near") - due < 0.4
    assert shared.count("schedule") == 1


def test_many_that_are_due_together_all_start(shared: Site, worker: WorkerProcess) -> None:
    due = time.time() + 0.5
    jobs = [
        {"class": f"{JOBS}.Clocked", "args": [f"one {number}"], "at": due, "queue": "default"}
        for number in range(200)
    ]
    jids = shared.client.push_slices(jobs)
    assert len(set(jids)) == 200
    starts = [started_at(shared, f"one {number}") for number in range(200)]
    assert min(starts) >= due - 0.001
    assert max(starts) - due < 3
    assert len([note for note in shared.notes if note.startswith("one ")]) == 200


def test_one_that_ruby_wrote_starts_within_a_second(shared: Site, worker: WorkerProcess) -> None:
    due = time.time() + 0.3
    raw = f'{{"class":"{JOBS}.Clocked","args":["ruby"],"jid":"ruby"}}'
    shared.store.zadd("schedule", {raw: due})
    assert -0.001 <= started_at(shared, "ruby") - due < 1.5


def test_a_job_that_became_due_while_no_worker_ran_starts_with_the_next(site: Site) -> None:
    client: kiq.Client = site.client
    client.push({"class": f"{JOBS}.Clocked", "args": ["late"], "at": time.time() + 0.05})
    eventually(lambda: time.time() > site.store.zrange("schedule", 0, 0, withscores=True)[0][1])  # type: ignore[index]
    site.start()
    assert started_at(site, "late")
