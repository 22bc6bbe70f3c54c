"""examples/resque, as its README says, from outside; and what a worker by Resque's variables does."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import kiq
from kiq.api import Queue
from kiq.contrib import resque
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site

pytestmark = pytest.mark.timeout(240)  # a dozen processes, one after the other

EXAMPLE = ROOT / "examples" / "resque"


@pytest.fixture
def example(site: Site, unconfigured: None, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The example in a folder of its own, its jobs enqueued."""
    shutil.copytree(EXAMPLE, site.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    assert site.run(command=(sys.executable, "enqueue.py")).wait(60) == 0
    kiq.configure(redis=site.url)
    return site


def test_the_walk_of_the_readme(example: Site) -> None:
    email = example.run("resque", "work", QUEUE="email", INTERVAL="0")
    assert email.wait(60) == 0
    assert "Welcome, Alice!" in email.lines
    assert "user 1 is welcome" in email.log  # by resque.logger
    assert "Processing" not in email.log
    two = example.run("resque", "work", QUEUES="default,foo", VERBOSE="1", INTERVAL="0")
    assert two.wait(60) == 0
    assert {"Processing Alice 3 times!", "Foo for Alice"} <= set(two.lines)
    checked = example.run("check", "-C", "config/kiq.yml")
    assert checked.wait(60) == 0, checked.log
    tests = example.run(command=(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"))
    assert tests.wait(60) == 0, tests.log


def test_a_worker_takes_from_queues_as_they_appear_and_heeds_signals(example: Site) -> None:
    with example.run("resque", "work", QUEUE="mail_*, !mail_low, *o*") as worker:
        worker.wait_until_ready()
        worker.says("Foo for Alice")  # the queue foo
        resque.push("mail_low", {"class": "jobs.MyJob", "args": ["nobody", 1]})
        resque.push("mail_new", {"class": "jobs.MyJob", "args": ["new", 1]})
        worker.says("Processing new 1 times!")
        assert Queue("mail_low").size == 1
        worker.signal(signal.SIGUSR2)
        worker.says("paused")
        resque.push("mail_new", {"class": "jobs.MyJob", "args": ["later", 1]})
        worker.signal(signal.SIGUSR1)
        worker.says("USR1 kills no job here")
        assert "Processing later" not in worker.log
        worker.signal(signal.SIGCONT)
        worker.says("Processing later 1 times!")
        worker.signal(signal.SIGQUIT)
        assert worker.wait(60) == 0
        assert "QUIT: ends when" in worker.log
    assert "Processing nobody" not in worker.log


def test_without_a_queue_it_says_what_to_write(example: Site) -> None:
    process = example.run("resque", "work", QUEUE="")
    assert process.wait() == 78
    assert "set QUEUE: QUEUE=email kiq resque work" in process.log


def test_in_the_background_it_leaves_its_number(example: Site, tmp_path: Path) -> None:
    pid_file = tmp_path / "resque.pid"
    start = example.run("resque", "work", QUEUE="foo", BACKGROUND="yes", PIDFILE=str(pid_file))
    assert start.wait(60) == 0
    eventually(lambda: pid_file.exists() and pid_file.read_text().strip())
    pid = int(pid_file.read_text())
    try:
        eventually(lambda: Queue("foo").size == 0)
    finally:
        subprocess.run(["kill", str(pid)], check=True)
    eventually(lambda: subprocess.run(["kill", "-0", str(pid)], stderr=-3).returncode != 0)
