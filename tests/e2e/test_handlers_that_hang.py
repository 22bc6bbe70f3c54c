"""What users attach to kiq may hang, and holds up nothing but itself."""

from __future__ import annotations

import time

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

#: Handlers that note that they were called, and do not return before the test lets them.
APPLICATION = f"""
import os, sys, time
import kiq
from {JOBS} import *


def hang(what):
    note(f"hangs in {{what}}")
    while not store().exists(f"let {{what}} go"):
        time.sleep(0.01)
    note(f"out of {{what}}")


"""


def with_application(site: Site, code: str, *flags: str, **variables: str) -> WorkerProcess:
    site.write("hangs.py", APPLICATION + code)
    return site.run("-r", "hangs", *flags, **variables).wait_until_ready()


def event(name: str) -> str:
    return f"@kiq.host.on('{name}')\ndef {name}_that_hangs():\n    hang('{name}')\n\n\n"


@pytest.mark.parametrize("name", ["beat", "heartbeat"])
def test_a_handler_of_beats_holds_up_no_heartbeat(site: Site, name: str) -> None:
    others = "@kiq.host.on('beat')\ndef other():\n    note('other')\n"
    worker = with_application(site, event(name) + others, KIQ_LEASE="5")
    site.noted(f"hangs in {name}")
    worker.says(f"{name} hangs.{name}_that_hangs has not returned for 1", timeout=20)
    worker.says("in hang")
    # Its leases are renewed all the while, far longer than they last.
    (record,) = site.store.keys("kiq:owner:*:default")
    beaten = site.store.hget(record, "beat")
    eventually(lambda: site.store.hget(record, "beat") != beaten)
    site.push("Note", "through")
    site.noted("through")
    eventually(lambda: site.notes.count("other") > 1, message="others are called, again and again")
    assert site.notes.count(f"hangs in {name}") == 1
    site.store.set(f"let {name} go", 1)
    worker.says("has returned after")
    assert "declared dead" not in worker.log
    assert worker.stop() == 0


@pytest.mark.parametrize("name", ["quiet", "shutdown", "exit"])
def test_a_handler_of_the_end_does_not_move_the_deadline(site: Site, name: str) -> None:
    others = "".join(
        f"@kiq.host.on('{one}')\ndef other_{one}():\n    note('other {one}')\n\n\n"
        for one in ("quiet", "shutdown", "exit")
    )
    # Before and behind it: handlers of the end are called in reverse.
    worker = with_application(site, others + event(name), "-t", "1")
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 1 + 5
    site.noted(f"hangs in {name}", "other quiet", "other shutdown", "other exit")
    worker.says(f"{name} hangs.{name}_that_hangs has not returned")
    worker.says("bye")


def test_jobs_end_while_a_handler_of_the_end_hangs(site: Site) -> None:
    worker = with_application(site, event("shutdown"), "-t", "3")
    site.push("Hold", "a")
    site.noted("begin a")
    began = time.monotonic()
    worker.signal(15)
    site.noted("hangs in shutdown")
    site.release("a")
    assert worker.wait(10) == 0
    assert time.monotonic() - began < 3 + 5
    assert "end a" in site.notes
    assert site.count("queue:default") == 0


SERVICE = """
class Background:
    def __init__(self, worker):
        pass

    def start(self):
        {start}

    def stop(self):
        {stop}


kiq.host.services.append(Background)
"""


def test_a_service_that_does_not_start_holds_up_neither_jobs_nor_the_stop(site: Site) -> None:
    site.write("hangs.py", APPLICATION + SERVICE.format(start="hang('start')", stop="note('stop')"))
    worker = site.run("-r", "hangs", "-t", "1")
    site.noted("hangs in start")
    site.push("Note", "through")
    site.noted("through")
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 1 + 5
    worker.says("service hangs.Background.start has not returned")
    assert not site.store.keys("kiq:inflight:*")
    assert not site.store.keys("kiq:owner*")


def test_a_service_that_does_not_stop_does_not_move_the_deadline(site: Site) -> None:
    worker = with_application(
        site, SERVICE.format(start="note('start')", stop="hang('stop')"), "-t", "1"
    )
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 1 + 5
    worker.says("end of service hangs.Background.stop has not returned")


def test_a_service_that_can_not_be_started_ends_the_process_in_order(site: Site) -> None:
    site.write(
        "hangs.py",
        APPLICATION + SERVICE.format(start="raise OSError('no port')", stop="note('stop')"),
    )
    worker = site.run("-r", "hangs")
    assert worker.wait() == 70
    worker.says("a service could not be started: OSError: no port")
    assert not site.store.keys("kiq:owner*")
    assert site.store.scard("processes") == 0


@pytest.mark.parametrize("code", ["0", "3", "'no'"])
def test_a_startup_handler_that_exits_ends_the_process_with_a_line(site: Site, code: str) -> None:
    site.write(
        "hangs.py",
        APPLICATION + f"@kiq.host.on('startup')\ndef leave():\n    sys.exit({code})\n",
    )
    worker = site.run("-r", "hangs")
    assert worker.wait() == 70
    worker.says("ERROR: a startup handler failed: SystemExit: " + code.strip("'"))
    worker.says("in leave")


@pytest.mark.parametrize("name", ["beat", "quiet", "shutdown", "exit"])
def test_a_handler_that_exits_ends_nothing(site: Site, name: str) -> None:
    leaves = f"@kiq.host.on('{name}')\ndef leave():\n    sys.exit(3)\n"
    worker = with_application(site, leaves, KIQ_LEASE="5")
    site.push("Note", "through")
    site.noted("through")
    assert worker.stop() == 0
    worker.says(f"SystemExit: 3 [event={name}")


ERRORS = """
@kiq.host.on_error
def slow(error, context):
    if "jid" not in context:
        note(f"told of {type(error).__name__}")
        hang("on_error")
"""


def test_a_slow_error_handler_holds_up_no_queue(site: Site) -> None:
    worker = with_application(site, ERRORS, "-q", "bad", "-q", "default")
    # A queue of another type is reported by each fetch.
    site.store.set("queue:bad", "no list")
    site.noted("hangs in on_error")
    worker.says("queue:bad")
    for number in range(20):
        site.push("Note", f"good {number}")
    site.noted(*(f"good {number}" for number in range(20)), timeout=5)
    worker.says("error hangs.slow has not returned", timeout=20)
    site.push("Note", "still good")
    site.noted("still good")
    assert worker.stop() == 0


@pytest.mark.parametrize("name", ["on_error", "on_death"])
def test_handlers_of_a_jobs_end_hold_up_only_its_thread(site: Site, name: str) -> None:
    handler = f"@kiq.host.{name}\ndef slow(first, second):\n    hang('{name}')\n"
    worker = with_application(site, handler, "-c", "2", "-t", "1")
    site.push("Fails", "x", 99, retry=0)
    site.noted(f"hangs in {name}")
    for number in range(5):
        site.push("Note", f"good {number}")
    site.noted(*(f"good {number}" for number in range(5)), timeout=5)
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 1 + 5


FILTER = """
def picky(queues):
    if store().exists("hang"):
        {what}
    return queues


kiq.host.queue_filters.append(picky)
"""


def test_a_queue_filter_that_hangs_is_shown_and_does_not_move_the_deadline(site: Site) -> None:
    worker = with_application(site, FILTER.format(what="hang('filter')"), "-t", "1")
    site.store.set("hang", 1)
    site.noted("hangs in filter")
    worker.says("capsule default has not been in touch with Redis", timeout=30)
    worker.says("in picky")
    began = time.monotonic()
    worker.signal(15)
    assert worker.wait(10) == 0
    assert time.monotonic() - began < 1 + 5


@pytest.mark.parametrize("error", ["sys.exit(3)", "raise KeyboardInterrupt", "raise OSError"])
def test_a_queue_filter_that_raises_ends_no_fetching(site: Site, error: str) -> None:
    worker = with_application(site, FILTER.format(what=error))
    site.store.set("hang", 1)
    worker.says("[context=courier of capsule default]")
    site.store.delete("hang")
    site.push("Note", "through")
    site.noted("through")
    assert worker.stop() == 0


@pytest.mark.parametrize("error", ["sys.exit(3)", "raise MemoryError", "raise OSError('no')"])
def test_log_fields_that_raise_fail_no_job(site: Site, error: str) -> None:
    fields = f"def fields(payload):\n    {error}\n\n\nkiq.host.log_fields.append(fields)\n"
    worker = with_application(site, fields)
    jid = site.push("Talks", "x")
    worker.says(jid, "INFO: done", "log_fields=")
    worker.says("said by the application", "log_fields=")
    assert worker.stop() == 0
