"""What a job may do to its worker: fork children that end in any way, raise what harms who looks."""

from __future__ import annotations

import pytest

from tests.helpers.traps import TRAPS
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site

_TRAPS = """
import asyncio

import kiq
from tests.helpers.traps import TRAPS


@kiq.job(name="Trapped")
def trapped(name: str) -> None:
    raise TRAPS[name]()


@kiq.job(name="TrappedAsync")
async def trapped_async(name: str) -> None:
    await asyncio.sleep(0)
    raise TRAPS[name]()
"""

_CHILDREN = """
import concurrent.futures
import multiprocessing
import os
import sys
import threading

import kiq
from tests.helpers.jobs import note


def ends(how, layer=""):
    print("the child says so", flush=False)
    match how:
        case "exit": sys.exit(3)
        case "exit with words": sys.exit("no more")
        case "exit with None": sys.exit()
        case "exit with a large number": sys.exit(256 + 7)
        case "_exit": os._exit(4)
        case "error": raise ValueError("of the child")
        case "signal of kiq": raise kiq.Discard("of the child")
        case "return": return


class Forks(kiq.Job, name="Forks"):
    def perform(self, how: str) -> None:
        if not (pid := os.fork()):
            ends(how)
            return
        note(f"{how}: {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


class ForksAsync(kiq.Job, name="ForksAsync"):
    async def perform(self, how: str) -> None:
        if not (pid := os.fork()):
            ends(how)
            return
        note(f"{how}: {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


class ForksInLayer(kiq.Job, name="ForksInLayer"):
    def perform(self, how: str) -> None:
        pass


@kiq.host.around_perform
def outermost(context, call_next):
    me = os.getpid()
    try:
        return call_next(context)
    finally:
        if os.getpid() != me and context.payload["class"] != "ForksInLayer":
            note("a layer of the parent's ran in the child")


@kiq.host.around_perform
def layer(context, call_next):
    if context.payload["class"] == "ForksInLayer":
        if not (pid := os.fork()):
            ends(*context.payload["args"])
            return None
        note(f"{context.payload['args'][0]}: {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")
    return call_next(context)


@kiq.host.on_error
def told(error, where):
    note(f"told in {os.getpid()} of {error!r}")


class Processes(kiq.Job, name="Processes"):
    def perform(self, method: str, how: str) -> None:
        child = multiprocessing.get_context(method).Process(target=ends, args=(how,))
        child.start()
        child.join()
        note(f"{how}: {child.exitcode}")


def snoozes(seconds):
    raise kiq.Snooze(seconds, "no room")


def twice(number):
    return 2 * number


class Pools(kiq.Job, name="Pools"):
    def perform(self, method: str) -> None:
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            note(f"pool: {pool.map(twice, [1, 2])}")
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            note(f"executor: {list(pool.map(twice, [1, 2]))}")
        with context.Pool(1) as pool:
            pool.map(snoozes, [3600])
"""

CODES = {
    "exit": 3,
    "exit with words": 1,
    "exit with None": 0,
    "exit with a large number": 7,
    "_exit": 4,
    "error": 1,
    "signal of kiq": 1,
    "return": 0,
}


@pytest.mark.parametrize("job", ["Trapped", "TrappedAsync"])
def test_an_error_that_can_not_be_looked_at_is_retried_later_counted_and_told(
    site: Site, job: str
) -> None:
    site.write("trapping.py", _TRAPS)
    worker = site.run("-r", "./trapping.py", "-c", "2").wait_until_ready()
    for number, name in enumerate(TRAPS):
        site.client.push({"class": job, "args": [name], "jid": f"trap-{number}"})
    for number in range(len(TRAPS)):
        worker.says("ERROR", f"jid=trap-{number} class={job}")
    eventually(lambda: site.count("retry") == len(TRAPS), message="all wait")
    eventually(lambda: failed(site) == len(TRAPS), message="each has failed once")
    assert worker.stop() == 0
    assert failed(site) == len(TRAPS)


@pytest.fixture(scope="module")
def children(shared: Site) -> Site:
    shared.write("children.py", _CHILDREN)
    shared.run("-r", "./children.py", "-c", "2").wait_until_ready()
    return shared


@pytest.mark.parametrize("how", CODES)
@pytest.mark.parametrize("job", ["Forks", "ForksAsync", "ForksInLayer"])
def test_the_parent_sees_how_its_child_ended(children: Site, job: str, how: str) -> None:
    children.store.delete("notes")
    before = done(children)
    children.client.push({"class": job, "args": [how]})
    children.noted(f"{how}: {CODES[how]}")
    eventually(lambda: done(children) == before + 1, message="the job is done, once")
    assert children.notes == [f"{how}: {CODES[how]}"]
    assert children.count("retry") == children.count("dead") == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("how", ["exit", "error", "return"])
def test_children_of_multiprocessing_end_as_they_do_elsewhere(
    children: Site, method: str, how: str
) -> None:
    children.store.delete("notes")
    children.client.push({"class": "Processes", "args": [method, how]})
    children.noted(f"{how}: {CODES[how]}")
    assert children.notes == [f"{how}: {CODES[how]}"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_work_in_a_job_and_what_their_processes_raise_arrives(
    children: Site, method: str
) -> None:
    children.store.delete("notes", "schedule")
    children.client.push({"class": "Pools", "args": [method]})
    children.noted("pool: [2, 4]", "executor: [2, 4]")
    eventually(lambda: children.count("schedule") == 1, 20, message="it was snoozed")


def test_what_a_child_has_said_is_not_lost(site: Site) -> None:
    site.write("children.py", _CHILDREN)
    worker = site.run("-r", "./children.py", "-c", "1").wait_until_ready()
    for how in ("exit", "error", "return"):
        site.client.push({"class": "Forks", "args": [how]})
        site.noted(f"{how}: {CODES[how]}")
    eventually(lambda: worker.log.count("the child says so") == 3, message="each has said so")
    worker.says("ValueError: of the child")
    eventually(lambda: worker.log.count("INFO: done") == 3, message="each is said to be done")
    assert worker.log.count("INFO: start") == 3
    assert "INFO: fail" not in worker.log
    assert worker.stop() == 0


def failed(site: Site) -> int:
    return int(site.store.get("stat:failed") or 0)


def done(site: Site) -> int:
    return int(site.store.get("stat:processed") or 0)
