"""``kiq restart`` tells what came of a rolling restart; a pid file lets no second one start."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.e2e.test_parent import VERSION, children
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess


@pytest.fixture
def parent(site: Site) -> WorkerProcess:
    site.write("app/__init__.py", "")
    site.write("app/code.py", VERSION.replace("VERSION", "1"))
    site.write("config/kiq.yml", "processes: 2\nconcurrency: 2\ntimeout: 2\npidfile: kiq.pid\n")
    return site.start("-r", "app.code", KIQ_RUN_DIR=str(site.folder / "run"))


def restart(site: Site, *arguments: str) -> WorkerProcess:
    return site.run("restart", *arguments, KIQ_RUN_DIR=str(site.folder / "run"))


def test_it_ends_when_the_new_code_takes_jobs_and_what_is_broken_changes_nothing(
    site: Site, parent: WorkerProcess
) -> None:
    old = children(parent)
    pid_file = Path(site.folder / "kiq.pid")
    assert pid_file.read_text() == f"{parent.pid}\n"
    second = site.run("-r", "app.code", KIQ_RUN_DIR=str(site.folder / "run"))
    assert second.wait(30) == 70
    assert f"another process (pid {parent.pid}) has the pid file" in second.log
    site.push("Hold", "long", 100)
    site.noted("begin long")
    site.write("app/code.py", VERSION.replace("VERSION", "2"))
    through = restart(site)
    assert through.wait(60) == 0, through.log
    assert "2 new children take jobs; " in through.log, "and the one that holds is told, too"
    assert len([pid for pid in children(parent) if pid not in old]) == 2
    for number in range(4):
        site.client.push({"class": "app.code.Says", "args": [str(number)]})
    site.noted(*(f"{number} by 2" for number in range(4)))
    site.write("app/code.py", "import no_such_thing\n")
    before = [pid for pid in children(parent) if pid not in old]
    broken = restart(site, "--pidfile", "kiq.pid", "--json")
    assert broken.wait(60) == 1
    (result,) = json.loads(broken.lines[-1])["parents"]
    assert "No module named 'no_such_thing'" in result["why"]
    assert (result["done"], result["ready"]) == (False, 2)
    assert [pid for pid in children(parent) if pid not in old] == before
    assert pid_file.read_text() == f"{parent.pid}\n", "it is the same process still"
    site.release("long")
    assert parent.stop() == 0
    assert not pid_file.exists()
    assert list((site.folder / "run").iterdir()) == []
    nobody = restart(site)
    assert nobody.wait() == 1
    assert "no parent of this user runs here" in nobody.log


def test_new_children_that_can_be_no_workers_are_told_and_so_is_the_end_of_the_parent(
    site: Site, parent: WorkerProcess
) -> None:
    old = children(parent)
    site.write(
        "app/code.py",
        VERSION.replace("VERSION", "2")
        + "\n@kiq.host.on('startup')\ndef fail(): raise OSError('no disk')",
    )
    failing = restart(site, "--pid", str(parent.pid))
    assert failing.wait(60) == 1, failing.log
    assert "no new child could be a worker" in failing.log
    assert set(old) <= set(children(parent))
    site.write("app/code.py", "import time\ntime.sleep(60)\n")
    hanging = restart(site)
    parent.says("the application is tried out")
    eventually(lambda: parent.log.count("the application is tried out") == 2, 10)
    parent.signal(signal.SIGKILL)
    assert hanging.wait(30) == 1
    assert "it has ended" in hanging.log
    again = site.run("-r", "tests.helpers.jobs", "--pidfile", "kiq.pid", KIQ_PROCESSES="0")
    again.wait_until_ready()
    assert (site.folder / "kiq.pid").read_text() == f"{again.pid}\n", "what was left stops nobody"


def test_ps_shows_children_under_their_parent(site: Site, parent: WorkerProcess) -> None:
    lone = site.start("-q", "other", "--processes", "0", "--pidfile", "other.pid")
    eventually(lambda: site.store.scard("processes") == 3, 10)
    shown = site.run("ps")
    assert shown.wait() == 0
    rows = [line for line in shown.lines if ":" in line.split()[0]]
    family = [line for line in rows if lone.identity not in line]
    assert f":{parent.pid} " in family[0]
    assert "0/4  parent of 2" in " ".join(family[0].split()).replace(" parent", "  parent")
    assert [line[:2] for line in family[1:]] == ["  ", "  "]
    assert "3 processes, 0 of" in shown.log
