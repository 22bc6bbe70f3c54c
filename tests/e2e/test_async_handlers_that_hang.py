"""What kiq calls for the sake of an async job may take long: the other async jobs go on."""

from __future__ import annotations

import pytest

from tests.e2e.test_async_jobs import member, processed
from tests.e2e.test_handlers_that_hang import with_application
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site

pytestmark = pytest.mark.needs("greenlet")

#: A job that fails, in an application that hangs when it is told of it.
FAILS = """
import asyncio
import logging
import sys


class Passes(kiq.Job):
    async def perform(self, what: str) -> None:
        await asyncio.sleep(0)
        note(what)


class Leaves(kiq.Job):
    async def perform(self) -> None:
        asyncio.get_running_loop().call_soon(int, "a callback that fails")
        note("left")


class Fails(kiq.Job):
    async def perform(self) -> None:
        raise ValueError("on purpose")
"""
TOLD = {
    "error": "\n\n@kiq.host.on_error\ndef told(error, context):\n    hang('error')\n",
    "death": "\n\n@kiq.host.on_death\ndef told(payload, error):\n    hang('death')\n",
    "exhausted": "\n    def retries_exhausted(self, payload, error):\n        hang('exhausted')\n",
}


def pushed(site: Site, job: str, *arguments: str, **fields: object) -> str:
    return str(site.client.push({"class": f"hangs.{job}", "args": list(arguments), **fields}))


@pytest.mark.parametrize("what", TOLD)
def test_who_is_told_that_one_failed_holds_up_no_other(site: Site, what: str) -> None:
    worker = with_application(site, FAILS + TOLD[what])
    pushed(site, "Fails", retry=0)
    site.noted(f"hangs in {what}")
    for number in range(20):
        pushed(site, "Passes", f"through {number}")
    site.noted(*(f"through {number}" for number in range(20)))
    eventually(lambda: processed(site) == 20)
    assert not site.count("dead"), "its fate is known when all have been told"
    site.store.set(f"let {what} go", 1)
    eventually(lambda: site.count("dead") == 1)
    assert worker.stop() == 0
    assert site.notes.count(f"hangs in {what}") == 1


def test_a_hook_that_says_when_it_is_tried_again_holds_up_no_other(site: Site) -> None:
    again = "\n\nclass Again(kiq.Job):\n    perform = Fails.perform\n"
    hook = "\n    def retry_in(self, count, error, payload):\n        hang('hook')\n        return 600\n"
    with_application(site, FAILS + again + hook)
    pushed(site, "Again")
    site.noted("hangs in hook")
    pushed(site, "Passes", "through")
    site.noted("through")
    site.store.set("let hook go", 1)
    eventually(lambda: site.count("retry") == 1)
    assert member(site, "retry")["error_message"] == "on purpose"


def test_who_is_told_of_what_a_job_left_on_the_loop_holds_up_no_other(site: Site) -> None:
    with_application(site, FAILS + TOLD["error"])
    pushed(site, "Leaves")
    site.noted("left", "hangs in error")
    pushed(site, "Passes", "through")
    site.noted("through")


def test_a_handler_of_an_async_job_finds_the_error_where_python_keeps_it(site: Site) -> None:
    looks = """

@kiq.host.on_error
def told(error, context):
    note(f"it is {sys.exc_info()[1]!r}, in {error.__traceback__.tb_frame.f_code.co_name}")
    logging.getLogger("app").error("told of it", exc_info=True)
"""
    worker = with_application(site, FAILS + looks)
    jid = pushed(site, "Fails", retry=0)
    eventually(lambda: site.count("dead") == 1)
    (note,) = (one for one in site.notes if one.startswith("it is"))
    assert note.startswith("it is ValueError('on purpose'), in ")
    line = next(one for one in worker.log.splitlines() if "told of it" in one)
    assert jid in line, "the log knows for which job it was"


def test_a_stop_does_not_wait_for_a_handler_that_hangs(site: Site) -> None:
    worker = with_application(site, FAILS + TOLD["error"], "-t", "1")
    for _ in range(3):
        pushed(site, "Fails", retry=0)
    eventually(lambda: site.notes.count("hangs in error") == 3)
    assert worker.stop() == 0
    assert site.count("queue:default") == 3, "they go back to run again: nothing is written of them"
    assert not site.store.keys("kiq:inflight:*")
