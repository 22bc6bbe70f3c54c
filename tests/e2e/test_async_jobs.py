"""``async def perform`` in a worker process, seen from outside."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from kiq.codec import decode
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site, WorkerProcess

pytestmark = pytest.mark.needs("greenlet")

MODULE = "tests.helpers.async_jobs"


def start(site: Site, *arguments: str, **environment: str | None) -> WorkerProcess:
    return site.run("-r", MODULE, *arguments, **environment).wait_until_ready()


def push(site: Site, job: str, *arguments: Any, **fields: Any) -> str:
    payload = {"class": f"{MODULE}.{job}", "args": list(arguments), **fields}
    return str(site.client.push(payload))


def notes_with(site: Site, *words: str) -> list[str]:
    return [note for note in site.notes if all(word in note for word in words)]


def processed(site: Site) -> int:
    return int(site.store.get("stat:processed") or 0)  # type: ignore[arg-type]


def member(site: Site, key: str) -> dict[str, Any]:
    """The one job in a sorted set."""
    raws: Any = site.store.zrange(key, 0, -1)
    assert len(raws) == 1
    payload: dict[str, Any] = decode(raws[0])[0]
    return payload


def at_work(site: Site, worker: WorkerProcess) -> dict[str, dict[str, Any]]:
    """What Sidekiq's tools see of the jobs that run, by tid."""
    found: Any = site.store.hgetall(f"{worker.identity}:work")
    return {tid.decode(): json.loads(shown) for tid, shown in found.items()}


def test_they_run_on_the_event_loop_and_others_on_threads(site: Site) -> None:
    worker = start(site)
    jid = push(site, "Note", "soft")
    push(site, "Plain", "hard")
    site.push("Note", "other module")  # of a module that this worker imports, too
    site.client.push({"class": "shout", "args": ["hey"], "kwargs": {"loud": True}})
    site.noted("soft on kiq-event-loop", "HEY", "other module")
    eventually(lambda: notes_with(site, "hard on kiq-default-"))
    eventually(lambda: processed(site) == 4)
    assert site.store.get("stat:failed") is None
    done = worker.says("done", jid)
    assert "elapsed=" in done
    inside = worker.says("noted soft")
    assert jid in inside
    (tid,) = (word for word in inside.split() if word.startswith("tid="))
    assert tid in done, "its lines carry the tid of the busy table"
    assert "-" in tid
    assert worker.stop() == 0


def test_a_plain_layer_stands_around_the_whole_job(site: Site) -> None:
    start(site)
    jid = push(site, "Note", "x", watched=True)
    failing = push(site, "Fails", "value", watched=True)
    # What the layer set is seen by the job, and what the job set by the layer: one context.
    site.noted(f"before {jid}", f"after {jid} x blue", f"failed {failing} ValueError red")
    assert site.notes.index(f"before {jid}") < site.notes.index("x on kiq-event-loop")


def test_an_async_layer_may_wait_and_is_for_async_jobs_only(site: Site) -> None:
    start(site)
    jid = push(site, "Note", "x", waits=True, watched=True)
    push(site, "Plain", "y", waits=True)
    site.noted(f"let go {jid}", f"after {jid} x blue")
    order = [f"waited {jid}", "x on kiq-event-loop", f"let go {jid}", f"after {jid} x blue"]
    assert [note for note in site.notes if note in order] == order
    eventually(lambda: processed(site) == 2)
    assert len(notes_with(site, "waited")) == 1


@pytest.mark.parametrize(
    ("what", "error"),
    [("value", "ValueError"), ("exit", "SystemExit"), ("cancel", "CancelledError")],
)
def test_one_that_fails_is_retried_like_any_other(site: Site, what: str, error: str) -> None:
    worker = start(site)
    jid = push(site, "Fails", what, backtrace=True)
    eventually(lambda: site.count("retry") == 1, 10)
    found = member(site, "retry")
    assert (found["jid"], found["retry_count"]) == (jid, 0)
    assert found["error_class"].endswith(error)
    site.noted(f"error {jid} {error}")
    push(site, "Note", "the loop goes on")
    site.noted("the loop goes on on kiq-event-loop")
    site.hurry("retry")
    eventually(lambda: member(site, "retry")["retry_count"] == 1, 10)
    assert worker.stop() == 0


def test_one_that_is_given_up_is_told_to_the_death_handlers(site: Site) -> None:
    start(site)
    jid = push(site, "Fails", "value", retry=0)
    site.noted(f"death {jid} ValueError")
    eventually(lambda: site.count("dead") == 1)


def test_hundreds_run_at_a_time_on_one_thread(site: Site) -> None:
    worker = start(site, "-c", "1")
    for _ in range(600):
        push(site, "Meeting", 600)
    eventually(lambda: int(site.store.get("met") or 0) == 600, 20)  # type: ignore[arg-type]
    eventually(lambda: processed(site) == 600)
    assert worker.stop() == 0


@pytest.mark.parametrize("number", [1, 7])
def test_no_more_run_at_a_time_than_the_setting_says(site: Site, number: int) -> None:
    start(site, "--async-concurrency", str(number))
    for _ in range(40):
        push(site, "Counts")
    eventually(lambda: processed(site) == 40, 20)
    assert int(site.store.get("most")) == number  # type: ignore[arg-type]


def test_a_full_loop_leaves_jobs_to_other_processes(site: Site) -> None:
    first = start(site, KIQ_ASYNC_CONCURRENCY="2")
    push(site, "Sleep", "a", 60)
    push(site, "Sleep", "b", 60)
    site.noted("begun a", "begun b")
    for label in "cde":
        push(site, "Sleep", label, 60)
    # Nobody has room: after a moment they are back in the queue rather than in somebody's hands.
    eventually(lambda: site.count("queue:default") == 3, 10)
    start(site)
    site.noted("begun c", "begun d", "begun e")
    assert len(at_work_or_wait(site, first, 2)) == 2


def at_work_or_wait(site: Site, worker: WorkerProcess, number: int) -> dict[str, dict[str, Any]]:
    eventually(lambda: len(at_work(site, worker)) == number, 15)
    return at_work(site, worker)


def test_a_full_loop_runs_what_comes_when_there_is_room(site: Site) -> None:
    start(site, "-c", "2", KIQ_ASYNC_CONCURRENCY="1")
    push(site, "Sleep", "long", 0.6)
    site.noted("begun long")
    for n in range(6):
        push(site, "Sleep", str(n), 0.01)
    site.noted("slept long", *(f"slept {n}" for n in range(6)))
    eventually(lambda: processed(site) == 7)


def test_the_busy_table_shows_each_as_a_thread_of_its_own(site: Site) -> None:
    worker = start(site)
    jids = {push(site, "Sleep", str(n), 60) for n in range(3)}
    shown = at_work_or_wait(site, worker, 3)
    assert {json.loads(each["payload"])["jid"] for each in shown.values()} == jids
    assert int(site.store.hget(worker.identity, "busy")) == 3  # type: ignore[arg-type]


def test_a_stop_waits_for_them(site: Site) -> None:
    worker = start(site)
    push(site, "Sleep", "a", 1.0)
    site.noted("begun a")
    assert worker.stop() == 0
    assert "slept a" in site.notes
    assert (processed(site), site.count("queue:default")) == (1, 0)


def test_a_stop_ends_those_that_take_too_long_and_gives_them_back(site: Site) -> None:
    worker = start(site, "-t", "0.3")
    jid = push(site, "Sleep", "a", 60, watched=True)
    site.noted("begun a")
    assert worker.stop() == 0
    # The layer hears of it; nobody else does, and no attempt is counted.
    site.noted(f"failed {jid} Shutdown red")
    (raw,) = site.store.lrange("queue:default", 0, -1)  # type: ignore[misc]
    assert decode(raw)[0]["jid"] == jid
    assert "retry_count" not in decode(raw)[0]
    assert (site.count("retry"), processed(site)) == (0, 0)
    assert notes_with(site, "error") == []
    assert not site.store.keys("kiq:inflight:*")


@pytest.mark.parametrize(("job", "arguments"), [("Swallows", []), ("Blocks", [60])])
def test_what_does_not_let_itself_be_ended_goes_back_too(
    site: Site, job: str, arguments: list[Any]
) -> None:
    worker = start(site, "-t", "0.2")
    jid = push(site, job, *arguments)
    eventually(lambda: at_work_or_wait(site, worker, 1), 15)
    assert worker.stop() == 0
    (raw,) = site.store.lrange("queue:default", 0, -1)  # type: ignore[misc]
    assert decode(raw)[0]["jid"] == jid


def test_a_stop_does_not_wait_for_a_full_loop_to_have_room(site: Site) -> None:
    worker = start(site, "-c", "3", "-t", "20", KIQ_ASYNC_CONCURRENCY="1")
    push(site, "Sleep", "a", 2.0)
    site.noted("begun a")
    for n in range(5):
        push(site, "Sleep", str(n), 60)
    eventually(lambda: site.count("queue:default") == 5, 10)
    assert worker.stop() == 0
    assert "slept a" in site.notes
    assert site.count("queue:default") == 5
    assert not site.store.keys("kiq:inflight:*")


def test_after_a_crash_they_run_again(site: Site) -> None:
    worker = start(site)
    for n in range(20):
        push(site, "Sleep", str(n), 2)
    site.noted(*(f"begun {n}" for n in range(20)))
    worker.signal(signal.SIGKILL)
    worker.wait()
    start(site)
    site.noted(*(f"slept {n}" for n in range(20)), timeout=30)
    eventually(lambda: processed(site) == 20)


def test_a_poison_pill_ends_in_the_dead_set_at_the_third_crash(site: Site) -> None:
    site.write(
        "pill.py",
        "import os, kiq\nclass Pill(kiq.Job):\n    async def perform(self): os.abort()\n",
    )
    path = f"{site.folder}{os.pathsep}{ROOT}"
    site.client.push({"class": "pill.Pill", "args": []})
    for _ in range(3):
        assert site.run("-r", "pill", PYTHONPATH=path).wait(30) < 0
    site.run("-r", "pill", PYTHONPATH=path).wait_until_ready()
    eventually(lambda: site.count("dead") == 1, 20)
    assert member(site, "dead")["error_class"] == "kiq.PoisonPill"


def test_one_that_blocks_the_loop_is_named_with_its_stack(site: Site) -> None:
    worker = start(site, KIQ_ASYNC_BLOCKED_AFTER="0.1")
    jid = push(site, "Blocks", 1.0)
    site.noted("blocked")
    line = worker.says("the event loop has been blocked for")
    assert f"{MODULE}.Blocks" in line
    assert jid in line
    worker.says("time.sleep(seconds)")
    worker.says("the event loop goes on")


def test_a_task_that_nobody_waits_for_is_reported(site: Site) -> None:
    worker = start(site)
    push(site, "Leaves")
    worker.says("nobody waits for this")
    push(site, "Note", "still here")
    site.noted("still here on kiq-event-loop")


def test_a_worker_without_async_jobs_has_neither_loop_nor_greenlet(site: Site) -> None:
    site.write(
        "plain.py",
        "import sys, threading, kiq\n"
        "from tests.helpers.jobs import note\n"
        "class Look(kiq.Job):\n"
        "    def perform(self):\n"
        "        names = [thread.name for thread in threading.enumerate()]\n"
        "        note(f\"{'greenlet' in sys.modules} {'kiq-event-loop' in names}\")\n",
    )
    site.run("-r", "plain", PYTHONPATH=f"{site.folder}{os.pathsep}{ROOT}").wait_until_ready()
    site.client.push({"class": "plain.Look", "args": []})
    site.noted("False False")


@pytest.mark.parametrize(
    ("missing", "flags", "says"),
    [
        (
            "greenlet",
            (),
            "such jobs need greenlet, which is not installed: pip install 'kiq[async]'",
        ),
        ("uvloop", ("uvloop",), "async_loop is uvloop, which is not installed: pip install uvloop"),
    ],
)
def test_it_does_not_start_without_what_it_needs(
    site: Site, missing: str, flags: tuple[str, ...], says: str
) -> None:
    site.write(f"{missing}.py", f"raise ModuleNotFoundError('none', name={missing!r})\n")
    path = f"{site.folder}{os.pathsep}{ROOT}"
    loop = flags[0] if flags else None
    worker = site.run("-r", MODULE, PYTHONPATH=path, KIQ_ASYNC_LOOP=loop)
    assert worker.wait() == 78
    worker.says(says)
    assert "Traceback" not in worker.log


def test_without_the_plugin_they_fail_with_a_reason_and_are_kept(site: Site) -> None:
    start(site, KIQ_DISABLE_PLUGINS="asyncio_jobs")
    push(site, "Note", "x")
    eventually(lambda: site.count("retry") == 1, 10)
    assert "this process has no event loop" in member(site, "retry")["error_message"]


@pytest.mark.needs("uvloop")
def test_uvloop_is_used_where_it_is_asked_for(site: Site) -> None:
    site.write(
        "kind.py",
        "import asyncio, kiq\n"
        "from tests.helpers.jobs import note\n"
        "class Kind(kiq.Job):\n"
        "    async def perform(self):\n"
        "        note(type(asyncio.get_running_loop()).__module__)\n",
    )
    worker = site.run(
        "-r", "kind", PYTHONPATH=f"{site.folder}{os.pathsep}{ROOT}", KIQ_ASYNC_LOOP="uvloop"
    ).wait_until_ready()
    site.client.push({"class": "kind.Kind", "args": []})
    site.noted("uvloop")
    assert worker.stop() == 0
