"""``kiq --reload``: new code is run, broken code is waited out, and no old worker stays."""

from __future__ import annotations

import os
import signal

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import READY, Site, WorkerProcess

CODE = """
import kiq
from pathlib import Path
from threading import Event

def note(line):
    with open("notes", "a") as file:
        file.write(line + "\\n")

@kiq.job(name="Say")
def say():
    note("VERSION")

@kiq.job(name="Long")
def long():
    note("long begins")
    Event().wait(60)
"""


def code(site: Site, version: str) -> None:
    """Write the application as an editor does: another file, which takes the place of the old one."""
    site.write("app_jobs.py.new", CODE.replace("VERSION", version)).rename(
        site.folder / "app_jobs.py"
    )


def notes(site: Site) -> list[str]:
    path = site.folder / "notes"
    return path.read_text().splitlines() if path.exists() else []


def started(process: WorkerProcess, times: int) -> None:
    eventually(
        lambda: process.log.count(READY) >= times, 20, message=f"{times} starts:\n{process.log}"
    )


def pids(process: WorkerProcess) -> list[int]:
    """The pids of the workers that have been."""
    words = [
        line.split("this process is ", 1)[1] for line in process.lines if "this process is " in line
    ]
    return [int(each.split(":")[1]) for each in words]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def reloader(site: Site) -> WorkerProcess:
    code(site, "one")
    process = site.run("--reload", "--reload-dir", ".", "-r", "app_jobs")
    started(process, 1)
    return process


def test_new_code_is_run_and_broken_code_waited_out(site: Site, reloader: WorkerProcess) -> None:
    site.client.push({"class": "Say", "args": []})
    eventually(lambda: notes(site) == ["one"])
    site.client.push({"class": "Long", "args": []})
    eventually(lambda: "long begins" in notes(site))
    site.write("app_jobs.py", "def broken(:\n")
    reloader.says("changed: app_jobs.py")
    reloader.says("SyntaxError")
    reloader.says("it starts again when a file changes")
    assert site.count("queue:default") == 1, "what ran went back"
    site.write("log.txt", "no source")
    code(site, "two")
    started(reloader, 2)
    site.client.push({"class": "Say", "args": []})
    eventually(lambda: "two" in notes(site))
    first, second = pids(reloader)
    assert not alive(first)
    assert reloader.log.count("changed: ") == 2
    reloader.signal(signal.SIGINT)
    os.killpg(reloader.pid, signal.SIGINT)  # as Ctrl-C does; so soon it is the same order
    reloader.signal_again(signal.SIGINT)  # the job runs on: not any longer
    assert reloader.wait() == 0
    assert not alive(second)


def test_a_worker_ends_with_what_looked_after_it(site: Site, reloader: WorkerProcess) -> None:
    reloader.signal(signal.SIGKILL)
    (worker,) = pids(reloader)
    eventually(lambda: not alive(worker), 10)


def test_a_parent_and_reload_do_not_go_together(site: Site) -> None:
    process = site.run("--reload", "--processes", "2")
    assert process.wait() == 2
    assert "leave --processes out" in process.log
