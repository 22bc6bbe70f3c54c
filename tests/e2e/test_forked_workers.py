"""One process boots the application once, and forks children that are its workers."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import Site, WorkerProcess

#: Boots, forks two children, tells them to stop when it is told so itself, and waits for them.
PARENT = """
import os, signal, threading
import kiq
from kiq import boot, forking
from kiq.cli.run import be_worker

boot.add_working_folder()
config = boot.prepare("kiq.yml", {})
print("threads", *(one.name for one in threading.enumerate()), flush=True)
children = [forking.fork(kiq.host, lambda: be_worker(config)) for _ in range(2)]
signal.signal(signal.SIGTERM, lambda *_: [os.kill(child, signal.SIGTERM) for child in children])
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
print("codes", *codes, flush=True)
"""

APPLICATION = """
import os, random
import kiq

def note(*words):
    line = " ".join(map(str, ("note", os.getpid(), *words))) + "\\n"
    os.write(1, line.encode())  # whole, whoever else writes

note("imported")
for event in ("before_fork", "after_fork", "startup", "exit"):
    kiq.host.on(event)(lambda event=event: note(event))
kiq.host.on("before_fork")(lambda: Where.perform_async(-1))  # a connection is open when it forks

class Where(kiq.Job):
    def perform(self, number):
        note("ran", number, random.random())
        if 0 <= number < 100:
            Where.perform_async(number + 100)
"""


@pytest.fixture
def parent(site: Site) -> WorkerProcess:
    site.write("app.py", APPLICATION)
    site.write("parent.py", PARENT)
    site.write("kiq.yml", "require: [app]\nconcurrency: 2\nlog_level: warn\n")
    return site.run(command=[sys.executable, "parent.py"])


def notes(parent: WorkerProcess, what: str) -> list[list[str]]:
    """Each note that says *what*, in words, the first of which is the process."""
    found = [line.split()[1:] for line in parent.lines if line.startswith("note ")]
    return [words for words in found if words[1] == what]


def who(parent: WorkerProcess, what: str) -> list[int]:
    return [int(words[0]) for words in notes(parent, what)]


def test_two_forked_children_work_and_end_in_order(site: Site, parent: WorkerProcess) -> None:
    eventually(lambda: len(who(parent, "startup")) == 2, 30, message=parent.log)
    for number in range(100):
        site.client.push({"class": "app.Where", "args": [number]})
    eventually(
        lambda: len(notes(parent, "ran")) >= 202, 30, message="all ran, and what they pushed"
    )
    parent.signal(signal.SIGTERM)
    assert parent.wait(30) == 0, parent.log
    assert "threads MainThread\n" in parent.log
    assert "codes 0 0" in parent.log
    assert who(parent, "imported") == [parent.pid], "once"
    assert who(parent, "before_fork") == [parent.pid] * 2
    children = who(parent, "after_fork")
    assert len({*children, parent.pid}) == 3
    assert sorted(who(parent, "startup")) == sorted(who(parent, "exit")) == sorted(children)
    ran = notes(parent, "ran")
    assert sorted(int(words[2]) for words in ran) == [-1, -1, *range(200)]
    assert {int(words[0]) for words in ran} <= set(children)
    assert len({words[3] for words in ran}) == len(ran), "no two have drawn the same"
    left = [key.decode() for key in site.store.keys("kiq:*")]  # type: ignore[union-attr]
    assert not [key for key in left if key.startswith(("kiq:owner", "kiq:inflight"))], left
    assert not site.store.scard("processes")


def test_a_child_whose_handler_fails_ends_with_70_and_the_parent_goes_on(
    site: Site, parent: WorkerProcess
) -> None:
    site.write(
        "app.py",
        APPLICATION + '\n@kiq.host.on("after_fork")\ndef fail(): raise OSError("no such thing")\n',
    )
    second = site.run(command=[sys.executable, "parent.py"])
    assert second.wait(30) == 0, second.log
    assert "codes 70 70" in second.log
    assert "a handler of after_fork failed: OSError: no such thing" in second.log
    assert os.getpid() != second.pid


def test_threads_beside_a_fork_are_named(site: Site) -> None:
    site.write(
        "fork.py",
        "import threading\n"
        "import kiq\n"
        "from kiq import forking, log\n"
        "import os, logging\n"
        "logging.basicConfig()\n"
        "gone = threading.Event()\n"
        "threading.Thread(target=gone.wait, name='of-a-library', daemon=True).start()\n"
        "def forked(code):\n"
        "    pid = forking.fork(kiq.host, lambda: code)\n"
        "    print('code', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "forked(7)\n"
        "forked(8)\n"
        "threading.Thread(target=gone.wait, name='begun-later', daemon=True).start()\n"
        "forked(9)\n",
    )
    alone = site.run(command=[sys.executable, "fork.py"])
    assert alone.wait(30) == 0, alone.log
    named = [line for line in alone.lines if "beside other threads" in line]
    assert ["(of-a-library)" in named[0], "(begun-later)" in named[1]] == [True, True]
    assert len(named) == 2, "each once, whenever it began"
    assert all(f"code {code}" in alone.log for code in (7, 8, 9))
