"""A worker can be ended at every moment of its life, however it was started."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import DEADLOCK, JOBS, KIQ, Site, WorkerProcess

STOPPING = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
#: An application whose import takes long, in different ways.
IMPORTS = {
    "sleeps": "import time; time.sleep(60)",
    "swallows": (
        "import time\nfor _ in range(600):\n    try: time.sleep(0.1)\n    except BaseException: pass"
    ),
    "is in C": DEADLOCK,
    "asks an event loop": "import asyncio; asyncio.run(asyncio.sleep(60))",
    "waits for a thread": (
        "import threading; t = threading.Thread(target=threading.Event().wait, args=(60,), daemon=True)\n"
        "t.start(); t.join()"
    ),
}


def importing(site: Site, code: str, *flags: str, command: tuple[str, ...] = KIQ) -> WorkerProcess:
    """A worker that is at the import of an application that does not end it."""
    site.write("slow.py", f"print('importing', flush=True)\n{code}\n")
    worker = site.run("-r", "slow", *flags, command=command)
    worker.says("importing")
    return worker


@pytest.mark.parametrize("how", IMPORTS)
def test_while_the_application_is_imported(site: Site, how: str) -> None:
    worker = importing(site, IMPORTS[how])
    worker.signal(signal.SIGTERM)
    assert worker.wait(3) == 0
    worker.says("stopped before the application was imported")


@pytest.mark.parametrize("number", STOPPING)
def test_by_any_order_to_stop(site: Site, number: signal.Signals) -> None:
    worker = importing(site, IMPORTS["sleeps"])
    worker.signal(number)
    assert worker.wait(3) == 0


def test_as_the_first_process_of_a_container(site: Site) -> None:
    # For PID 1 the kernel drops a signal that has no handler.
    worker = importing(
        site, IMPORTS["sleeps"], command=("unshare", "--pid", "--fork", "--kill-child", *KIQ)
    )
    children = f"/proc/{worker.pid}/task/{worker.pid}/children"
    with open(children) as file:
        first = int(file.read().split()[0])
    os.kill(first, signal.SIGTERM)
    assert worker.wait(5) == 0
    worker.says("pid=1 ", "stopped before the application was imported")


def test_quiet_or_a_dump_during_the_import_stops_nothing_and_is_heard(site: Site) -> None:
    site.write(
        "slow.py",
        f"from {JOBS} import *\nimport os, time\nprint('importing', flush=True)\n"
        "while not os.path.exists('go'): time.sleep(0.01)\n",
    )
    worker = site.run("-r", "slow")
    worker.says("importing")
    worker.signal(signal.SIGTTIN)
    worker.says("thread MainThread")
    worker.signal(signal.SIGTSTP)
    site.push("Note", "too late")
    site.write("go", "")
    worker.says("quiet: no more jobs are taken")
    eventually(lambda: site.store.hget(worker.identity, "quiet") == b"true", 10)
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0


def hangs_at_startup(site: Site, timeout: str) -> WorkerProcess:
    site.write(
        "hangs.py",
        f"import kiq, time\nfrom {JOBS} import *\n"
        "@kiq.host.on('startup')\ndef connect():\n    print('connecting', flush=True); time.sleep(60)\n",
    )
    worker = site.run("-r", "hangs", "-t", timeout)
    worker.says("connecting")
    return worker


def test_while_a_startup_handler_hangs(site: Site) -> None:
    worker = hangs_at_startup(site, "0.2")
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert time.monotonic() - began < 0.2 + 5 + 2
    worker.says("a startup handler did not end")
    worker.says("in connect")


def test_a_second_order_does_not_wait_for_a_startup_handler(site: Site) -> None:
    worker = hangs_at_startup(site, "60")
    worker.signal(signal.SIGTERM)
    worker.signal_again(signal.SIGTERM)
    assert worker.wait(3) == 0


def test_a_handler_that_the_application_sets_is_replaced_and_that_is_said(site: Site) -> None:
    site.write(
        "greedy.py",
        f"import asyncio, signal\nfrom {JOBS} import *\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('mine'))\n"
        "async def takes():\n"
        "    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, print)\n"
        "asyncio.run(takes())\n",
    )
    worker = site.run("-r", "greedy").wait_until_ready()
    worker.says("WARN: the application's own handler of TERM is replaced")
    for number in (signal.SIGTTIN, signal.SIGTERM):
        worker.signal(number)
    assert worker.wait(10) == 0
    worker.says("thread MainThread")
    assert "mine" not in worker.log


def test_one_that_a_startup_handler_sets_is_replaced_too(site: Site) -> None:
    site.write(
        "greedy.py",
        f"import signal\nfrom {JOBS} import *\n"
        "@kiq.host.on('startup')\ndef take(): signal.signal(signal.SIGTERM, lambda *_: print('mine'))\n",
    )
    worker = site.run("-r", "greedy").wait_until_ready()
    worker.says("WARN: the application's own handler of TERM is replaced")
    assert worker.stop() == 0
    assert "mine" not in worker.log


def test_an_event_loop_in_the_main_thread_takes_no_signal_away(site: Site) -> None:
    site.write(
        "loop.py",
        "import asyncio, signal\n"
        "async def main():\n"
        "    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)\n"
        "    print('importing', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n",
    )
    worker = site.run("-r", "loop")
    worker.says("importing")
    worker.signal(signal.SIGTERM)
    assert worker.wait(3) == 0


def test_nohup_keeps_a_hangup_away(site: Site) -> None:
    worker = site.run("-r", JOBS, command=("nohup", *KIQ)).wait_until_ready()
    worker.says("WARN: ignored, as when kiq was started: HUP")
    worker.signal(signal.SIGHUP)
    site.push("Note", "still here")
    site.noted("still here")
    assert "stopping" not in worker.log
    assert worker.stop() == 0


def test_what_a_shell_ignored_for_a_job_in_its_background_stays_ignored(site: Site) -> None:
    shell = ("sh", "-c", 'trap "" INT HUP; exec "$0" -m kiq "$@"', sys.executable)
    worker = site.run("-r", JOBS, command=shell).wait_until_ready()
    worker.says("ignored, as when kiq was started: INT, HUP")
    for number in (signal.SIGINT, signal.SIGHUP):
        worker.signal(number)
    site.push("Note", "still here")
    site.noted("still here")
    site.push("Forks")
    eventually(lambda: any(note.startswith("child ") for note in site.notes))
    child = next(int(note.split()[1]) for note in site.notes if note.startswith("child "))
    os.kill(child, signal.SIGHUP)  # ignored there, too
    os.kill(child, signal.SIGTERM)
    site.noted(f"ended {-signal.SIGTERM}")
    assert worker.stop() == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">&- 2>&-"])
def test_streams_that_are_missing_end_nothing(site: Site, closed: str) -> None:
    shell = ("sh", "-c", f'exec "$0" -m kiq "$@" {closed}', sys.executable)
    worker = site.run("-r", JOBS, command=shell)
    site.push("Talks", "through")
    site.push("Note", "through")
    site.noted("through", timeout=20)
    # What a library writes to standard error must not go to Redis.
    targets = [os.readlink(f"/proc/{worker.pid}/fd/{number}") for number in (0, 1, 2)]
    assert not [target for target in targets if target.startswith(("socket:", "pipe:", "anon"))]
    assert worker.stop() == 0


def test_a_log_that_nobody_reads_any_more_ends_nothing(site: Site) -> None:
    # A pipe whose reader ends at once.
    shell = ("sh", "-c", '"$0" -m kiq "$@" 2>&1 | true', sys.executable)
    site.run("-r", JOBS, command=shell)
    site.push("Talks", "through")
    site.push("Note", "through")
    site.noted("through", timeout=20)
