"""What others would still send at the end of a program is sent at the end of a worker."""

from __future__ import annotations

import signal
import textwrap
import time

import pytest

from tests.helpers.worker_process import DEADLOCK, JOBS, UNMEASURED, Site, WorkerProcess

APPLICATION = f"""
import atexit, concurrent.futures, logging, logging.handlers, threading, time
from {JOBS} import *


class Tracker:
    '''Sends in the background what it was told, half a second later, and the rest at exit.'''

    def __init__(self):
        self.told, self.sent = [], 0
        threading.Thread(target=self.run, daemon=True).start()
        atexit.register(self.close)

    def run(self):
        while True:
            time.sleep(0.5)
            self.send()

    def send(self):
        for text in self.told[self.sent:]:
            note(f"sent {{text}}")
            self.sent += 1

    def close(self):
        note("tracker closes")
        self.send()


"""


def worker_with(site: Site, code: str, *flags: str, **variables: str | None) -> WorkerProcess:
    site.write("exits.py", APPLICATION + code)
    return site.run("-r", "exits", *flags, **variables).wait_until_ready()


def test_a_tracker_that_sends_in_the_background_sends_all(site: Site) -> None:
    worker = worker_with(
        site,
        "tracker = Tracker()\n@kiq.host.on_error\ndef tell(error, context):\n"
        "    tracker.told.append(str(error))\n",
    )
    for number in range(5):
        site.push("Fails", number, 9)
    site.noted(*(f"attempt 1 {number}" for number in range(5)))
    assert worker.stop() == 0
    assert sorted(note for note in site.notes if note.startswith("sent")) == [
        f"sent out of luck: {number}" for number in range(5)
    ]


WAYS = {
    "atexit": "atexit.register(note, 'sent')",
    "a handler that buffers": (
        "class Noted(logging.Handler):\n    def emit(self, record): note(record.getMessage())\n"
        "buffer = logging.handlers.MemoryHandler(1000, target=Noted())\n"
        "logging.getLogger('mine').addHandler(buffer)\nlogging.getLogger('mine').warning('sent')"
    ),
    "an executor": (
        "executor = concurrent.futures.ThreadPoolExecutor(1)\n"
        "[executor.submit(time.sleep, 0.1) for _ in range(5)]\nexecutor.submit(note, 'sent')"
    ),
    "a thread that is no daemon": (
        "def run():\n    threading.main_thread().join()\n    note('sent')\n"
        "threading.Thread(target=run).start()"
    ),
    "a finalizer": "import weakref\nclass Kept: pass\nkept = Kept()\nweakref.finalize(kept, note, 'sent')",
}


@pytest.mark.parametrize("way", WAYS)
def test_what_python_runs_at_exit_is_run(site: Site, way: str) -> None:
    worker = worker_with(site, WAYS[way])
    assert worker.stop() == 0
    assert site.notes == ["sent"]


def test_jobs_and_handlers_have_ended_when_it_runs(site: Site) -> None:
    code = (
        "atexit.register(note, 'atexit')\n"
        "kiq.host.on('shutdown')(lambda: note('shutdown'))\nkiq.host.on('exit')(lambda: note('exit'))\n"
    )
    worker = worker_with(site, code)
    site.push("Hold", "a")
    site.noted("begin a")
    worker.signal(signal.SIGTERM)
    site.noted("shutdown")
    site.release("a")
    assert worker.wait() == 0
    assert site.notes == ["begin a", "shutdown", "end a", "exit", "atexit"]


def test_it_runs_in_the_main_thread(site: Site) -> None:
    code = "atexit.register(lambda: note(threading.current_thread().name))"
    worker = worker_with(site, code)
    assert worker.stop() == 0
    assert site.notes == ["MainThread"]


HANGING = {
    "atexit": ("atexit.register(time.sleep, 60)", "Exception ignored in atexit callback"),
    "a thread": (
        "threading.Thread(target=time.sleep, args=(60,), name='immortal').start()",
        "ends without threads that did not end: immortal",
    ),
    "an executor": (
        "concurrent.futures.ThreadPoolExecutor(1, 'immortal').submit(time.sleep, 60)",
        "ends without threads that did not end: immortal",
    ),
    "a lock": (
        "lock = threading.Lock(); lock.acquire(); atexit.register(lock.acquire)",
        "Exception ignored in atexit callback",
    ),
}


@pytest.mark.parametrize("way", HANGING)
def test_what_hangs_at_exit_is_given_up_and_leaves_time_to_the_others(site: Site, way: str) -> None:
    code, says = HANGING[way]
    worker = worker_with(site, f"atexit.register(note, 'sent')\n{code}\n", "-t", "2")
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 2 + 5
    worker.says(says)
    assert site.notes == ["sent"]


def test_what_no_exception_reaches_is_cut_off_at_the_deadline(site: Site) -> None:
    code = f"def stuck():\n{textwrap.indent(DEADLOCK, '    ')}\natexit.register(stuck)\n"
    worker = worker_with(site, code, "-t", "2")
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 2 + 5
    worker.says("what runs at exit did not end in time")
    worker.says("in stuck")


def test_a_thread_that_never_ends_costs_five_seconds_not_the_whole_deadline(site: Site) -> None:
    worker = worker_with(site, HANGING["a thread"][0], "-t", "60")
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 10


def test_a_second_order_shortens_it(site: Site) -> None:
    worker = worker_with(site, HANGING["atexit"][0], "-t", "60")
    worker.signal(signal.SIGTERM)
    worker.says("bye")
    worker.signal_again(signal.SIGTERM)
    assert worker.wait(8) == 0


def test_after_the_deadline_it_still_has_a_moment(site: Site) -> None:
    worker = worker_with(
        site, "tracker = Tracker()\ntracker.told = ['last']\n", "-t", "0.1", **UNMEASURED
    )
    site.push("Stubborn", "stuck", 30)
    site.noted("begin stuck")
    assert worker.stop(0.1 + 5 + 2) == 0
    assert "tracker closes" in site.notes


def test_what_raises_at_exit_keeps_nothing_from_running(site: Site) -> None:
    code = (
        "def leave():\n    raise SystemExit(3)\n"
        "def fail():\n    raise OSError('no network')\n"
        "atexit.register(note, 'sent')\natexit.register(fail)\natexit.register(leave)\n"
    )
    worker = worker_with(site, code)
    assert worker.stop() == 0
    assert site.notes == ["sent"]
    assert "no network" in worker.log


def test_a_start_that_fails_runs_it_too_and_does_not_hang(site: Site) -> None:
    site.write(
        "exits.py",
        APPLICATION
        + "atexit.register(note, 'sent')\n"
        + HANGING["a thread"][0]
        + "\nraise OSError('no')\n",
    )
    worker = site.run("-r", "exits")
    assert worker.wait(10) == 70
    worker.says("importing 'exits' failed: OSError: no")
    assert site.notes == ["sent"]


def test_a_third_order_waits_for_nothing(site: Site) -> None:
    worker = worker_with(site, HANGING["atexit"][0], "-t", "60")
    worker.signal(signal.SIGTERM)
    worker.says("bye")
    for _ in range(2):
        worker.signal_again(signal.SIGTERM)
    assert worker.wait(3) == 128 + signal.SIGTERM
