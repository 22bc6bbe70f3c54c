"""Processes side by side: they share, and one takes over from the other."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site

RAN = re.compile(r"(?P<label>\w+) in (?P<pid>\d+) at (?P<time>[\d.]+)")


def ran(site: Site) -> list[tuple[str, int, float]]:
    """What ``Slow`` jobs noted: label, process, start."""
    found = [RAN.fullmatch(note) for note in site.notes]
    return [(m["label"], int(m["pid"]), float(m["time"])) for m in found if m]


def test_two_processes_share_the_slow_jobs_of_a_queue(site: Site) -> None:
    workers = [site.start("-c", "2"), site.start("-c", "2")]
    pushed_at = time.time()
    site.client.push_slices(
        {"class": f"{JOBS}.Slow", "args": [f"job{number}", 0.4], "queue": "default"}
        for number in range(12)
    )
    eventually(lambda: len(ran(site)) == 12)
    by_process = Counter(pid for _, pid, _ in ran(site))
    assert set(by_process) == {worker.pid for worker in workers}
    assert min(by_process.values()) >= 4
    # Four threads, twelve jobs: three rounds.
    assert max(when for _, _, when in ran(site)) - pushed_at < 2


def test_an_idle_process_takes_what_a_busy_one_has_in_its_buffer(site: Site) -> None:
    busy = site.start("-c", "1")
    # Short jobs first, so that it fetches many at a time.
    site.client.push_slices(
        {"class": f"{JOBS}.Note", "args": ["short"], "queue": "default"} for _ in range(300)
    )
    eventually(lambda: len(site.notes) == 300)
    idle = site.start("-c", "4")
    idle.signal(signal.SIGSTOP)
    site.client.push_slices(
        {"class": f"{JOBS}.Slow", "args": [f"job{number}", 2], "queue": "default"}
        for number in range(4)
    )
    eventually(lambda: len(ran(site)) == 1)
    assert ran(site)[0][1] == busy.pid
    awake_at = time.time()
    idle.signal(signal.SIGCONT)
    eventually(lambda: len(ran(site)) == 4, message=f"jobs are shared: {ran(site)}")
    late = [when - awake_at for _, pid, when in ran(site) if pid == idle.pid]
    assert len(late) == 3
    assert max(late) < 1.5  # 0.2 s, and room for a busy machine; before the job of 2 s ends


def test_the_jobs_of_a_killed_process_run_in_its_neighbour(site: Site) -> None:
    doomed = site.start("-c", "2")
    for label in ("a", "b"):
        site.push("Hold", label)
    site.noted("begin a", "begin b")
    neighbour = site.start("-c", "3")
    doomed.signal(signal.SIGKILL)
    killed_at = time.monotonic()
    assert doomed.wait() == -signal.SIGKILL
    eventually(lambda: site.notes.count("begin a") == site.notes.count("begin b") == 2, 6)
    assert time.monotonic() - killed_at < 4  # 2 s, and room for a busy machine
    neighbour.says("was declared dead; its 2 unfinished jobs will run again")
    site.release("a")
    site.release("b")
    site.noted("end a", "end b")
    eventually(lambda: not site.store.keys("kiq:inflight:*"))
    assert Counter(site.notes) == {"begin a": 2, "begin b": 2, "end a": 1, "end b": 1}


def test_a_scheduled_job_starts_though_the_process_that_promoted_is_killed(site: Site) -> None:
    first = site.start()
    eventually(lambda: site.store.get("kiq:poller") is not None)
    site.start()
    assert first.identity.encode() in site.store.get("kiq:poller")  # type: ignore[operator]
    site.push("Note", "promoted", at=time.time() + 0.5)
    first.signal(signal.SIGKILL)
    site.noted("promoted", timeout=5)


def test_the_duties_of_a_killed_process_go_to_its_neighbour_as_soon_as_it_is_known_dead(
    site: Site,
) -> None:
    site.write(
        "duties.py",
        "import kiq\n\n@kiq.duty('janitor', every=0.05)\ndef janitor(duty: kiq.Duty) -> None: ...\n",
    )
    first = site.start("-r", "duties")
    eventually(lambda: site.store.get("kiq:duty:janitor") == first.identity.encode(), 10)
    second = site.start("-r", "duties")
    terms = ("kiq:duty:janitor", "kiq:reclaimer")
    for name in terms:  # nobody else may have it for as long as this test lasts
        site.store.set(name, first.identity, px=29_000)
    first.signal(signal.SIGKILL)
    mine = second.identity.encode()
    eventually(lambda: [site.store.get(name) for name in terms] == [mine, mine], 15)
