"""examples/delayed_job, as its README says, from outside; and workers in the background."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site

pytestmark = pytest.mark.timeout(240)  # a dozen processes, one after the other

EXAMPLE = ROOT / "examples" / "delayed_job"
MODULES = ("-r", "models", "-r", "jobs")
SENT = "to ann@example.org: Hello, Ann!"


@pytest.fixture
def example(site: Site) -> Site:
    """The example in a folder of its own, after somebody has signed up."""
    shutil.copytree(EXAMPLE, site.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    sign_up = site.run(command=(sys.executable, "sign_up.py"))
    assert sign_up.wait(60) == 0, sign_up.log
    assert "3 jobs wait" in sign_up.lines
    return site


def test_the_walk_of_the_readme(example: Site) -> None:
    worker = example.run("jobs", "workoff", *MODULES, QUIET="1")
    assert worker.wait(60) == 0, worker.log
    assert worker.lines.count(SENT) == 2
    assert {"Ann is at level 3", "jobs.HelloEmailJob went well"} <= set(worker.lines)
    tests = example.run(command=(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"))
    assert tests.wait(60) == 0, tests.log


def test_workers_in_the_background(example: Site) -> None:
    pools = ("--pool", "mailers", "--pool", "default")
    start = example.run("jobs", "start", *pools, *MODULES)
    try:
        assert start.wait(60) == 0, start.log
        assert len([line for line in start.lines if ": started [pid " in line]) == 2
        log = example.folder / "log" / "delayed_job.log"
        eventually(lambda: log.read_text().count(SENT) == 2, 20)
        status = example.run("jobs", "status")
        assert status.wait(60) == 0, status.log
        assert [line.partition(" [")[0] for line in status.lines] == [
            "delayed_job.0: running",
            "delayed_job.1: running",
        ]
        again = example.run("jobs", "start", *pools, *MODULES)
        assert again.wait(60) == 1
        assert "delayed_job.0 runs already" in again.log
    finally:
        stop = example.run("jobs", "stop")
        assert stop.wait(90) == 0, stop.log
    assert "delayed_job.1: stopped" in stop.log
    assert example.run("jobs", "status").wait(60) == 1


def test_fewer_pools_after_a_restart_leave_none_behind(example: Site) -> None:
    pools = ("--pool", "mailers", "--pool", "default", "--pool", "low")
    try:
        start = example.run("jobs", "start", *pools, *MODULES)
        assert start.wait(60) == 0, start.log
        again = example.run("jobs", "restart", *pools[:2], *MODULES)
        assert again.wait(90) == 0, again.log
        assert len([line for line in again.lines if line.endswith(": stopped")]) == 3
        status = example.run("jobs", "status", "--pool", "mailers")
        assert status.wait(60) == 0, status.log
        assert [line.partition(" [")[0] for line in status.lines] == ["delayed_job.0: running"]
    finally:
        assert example.run("jobs", "stop").wait(90) == 0


def test_a_worker_that_can_not_start_says_why(example: Site) -> None:
    start = example.run("jobs", "start", "-r", "no.such.module")
    assert start.wait(60) == 1
    assert "delayed_job has ended with" in start.log
    assert "no.such.module" in start.log
