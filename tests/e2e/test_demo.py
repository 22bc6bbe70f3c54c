"""The demonstration runs as it stands in the repository, and cleans up after itself."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import ROOT, Site

DEMO = (sys.executable, str(ROOT / "demo" / "run.py"))


def row(log: str, kind: str) -> list[str]:
    """One row of the final table: pushed, done, retried, dead."""
    line = next(line for line in log.splitlines() if re.match(rf"{kind}  .*\d", line))
    return re.split(r" {2,}", line)[2:6]


def test_it_shows_a_job_a_table_and_no_loss_on_a_server_of_its_own(
    site: Site, tmp_path: Path
) -> None:
    began = time.monotonic()
    # Its scratch folder is below ours, to see that nothing of it stays.
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = site.run(command=DEMO, REDIS_URL=None, TMPDIR=str(scratch), PYTHONPATH=None)
    assert process.wait(50) == 0, process.log
    assert time.monotonic() - began < 25
    log = process.log
    assert "$ KIQ_REQUIRE=demo.jobs kiq -C config/kiq.yml" in log
    assert "Doing hard work for Bob 5 times!" in log
    assert re.search(r"^ +\d\.\d s +done +\d+ +waiting ", log, re.MULTILINE)
    pushed, done, dead = (
        int(number)
        for number in re.search(r"(\d+) jobs: (\d+) done, .* (\d+) dead, 0 lost", log).groups()  # type: ignore[union-attr]
    )
    assert pushed > 300
    assert pushed == done + dead
    assert row(log, "Payment") == ["25", "25", "25", "0"]
    assert row(log, "Import") == ["10", "0", "0", "10"]
    assert "Traceback" not in log
    assert not list(scratch.glob("kiq-demo-*"))


def test_it_takes_the_redis_that_is_named_and_leaves_its_own_jobs_there_only_if_dead(
    site: Site,
) -> None:
    site.store.set("stat:processed", 1000)
    process = site.run(command=DEMO, PYTHONPATH=None)
    assert process.wait(50) == 0, process.log
    assert f"redis: {site.url}" in process.log
    assert "0 lost" in process.log
    assert site.count("dead") == 10
    assert not site.store.keys("demo:*")
    assert not site.store.smembers("processes")
    assert int(site.store.get("stat:processed")) > 1300  # type: ignore[arg-type]


def test_it_does_not_touch_a_redis_where_jobs_wait(site: Site) -> None:
    site.push("Note", "waits")
    process = site.run(command=DEMO, PYTHONPATH=None)
    assert process.wait() == 1
    assert "has jobs that wait" in process.log
    assert site.count("queue:default") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_what_it_started_when_it_is_stopped(site: Site, number: signal.Signals) -> None:
    process = site.run(command=DEMO, PYTHONPATH=None)
    process.says("a producer, another process, pushes")
    worker = int(process.says("this process is").rsplit(":", 2)[1])
    process.signal(number)
    assert process.wait(10) == 128 + number
    assert "Traceback" not in process.log
    eventually(lambda: not Path(f"/proc/{worker}").exists() or sys.platform == "darwin")
