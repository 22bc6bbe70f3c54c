"""Children that users' handlers and client middleware fork come to their end, and their parents go on."""

from __future__ import annotations

import time

import pytest

from tests.helpers.worker_process import Site

APP = """
import os, sys
import kiq
from tests.helpers.jobs import note

done = set()

def fork(where):
    if where in done:
        return
    done.add(where)
    child = os.fork()
    if child:
        note(f"{where}: {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")
    elif HOW == "exit":
        sys.exit(3)

@kiq.host.on("beat")
def beat():
    fork("beat")

@kiq.host.on_error
def error(error, context):
    fork("error")

@kiq.host.on_death
def death(payload, error):
    fork("death")

@kiq.host.around_push
def promoted(context, call_next):
    if context.promoting:
        fork("promotion")
    return call_next(context)

@kiq.job(name="fails")
def fails():
    raise ValueError

@kiq.job(name="runs")
def runs():
    note("ran")
"""


@pytest.mark.parametrize(("how", "code"), [("return", 0), ("exit", 3)])
def test_a_child_of_a_handler_ends_where_its_code_does(site: Site, how: str, code: int) -> None:
    site.write("app.py", f"HOW = {how!r}\n{APP}")
    worker = site.run("-r", "app", "-c", "2", KIQ_LEASE="6").wait_until_ready()
    site.client.push({"class": "fails", "args": [], "retry": 0})
    site.client.push({"class": "runs", "args": [], "at": time.time() + 0.5})
    # Those of a job's errors are called on its thread: they end where the job would.
    ends = (f"beat: {code}", f"promotion: {code}", "error: 0", "death: 0")
    site.noted(*ends, "ran", timeout=20)
    assert worker.stop() == 0
    assert site.notes.count("ran") == 1
