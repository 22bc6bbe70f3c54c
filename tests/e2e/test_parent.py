"""A parent and its children: who dies is replaced, its jobs go back at once, a stop stops all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.waiting import eventually
from tests.helpers.worker_process import JOBS, Site, WorkerProcess

#: Jobs of its own group that outlive it, and what a parent must not be: without children that it knows.
EXTRA = """
import ctypes, os, subprocess, sys, time
import kiq
from tests.helpers.jobs import note, store

class Leaves(kiq.Job):
    def perform(self, label):
        middle = os.fork()
        if middle == 0:
            if os.fork() == 0:
                os.execv("/bin/sleep", ["sleep", "0.3"])
            os._exit(0)
        os.waitpid(middle, 0)
        note(f"left {label}")

class Converts(kiq.Job):
    def perform(self, label):
        converter = subprocess.Popen(["/bin/sleep", "60"])
        note(f"converter {converter.pid}")
        converter.wait()

class Detaches(kiq.Job):
    def perform(self):
        note(f"runs {subprocess.Popen(['/bin/sleep', '60']).pid}")

class HoldsTheInterpreter(kiq.Job):
    def perform(self, label, seconds):
        note(f"{label} in {os.getpid()} at {time.time()}")
        ctypes.PyDLL(None).sleep(seconds)  # unlike CDLL, it lets no other thread run meanwhile
        note(f"end {label}")

class Grows(kiq.Job):
    held = []
    def perform(self, megabytes):
        Grows.held.append(bytearray(megabytes << 20))
        note(f"grown in {os.getpid()}")
"""


def children(parent: WorkerProcess) -> list[int]:
    """The children that live, as the system lists them."""
    found: list[int] = []
    for one in Path("/proc").iterdir():
        try:
            _, _, rest = (one / "stat").read_text().rpartition(") ")
        except OSError:
            continue
        state, above, *_ = rest.split()
        if one.name.isdecimal() and int(above) == parent.pid and state != "Z":
            found.append(int(one.name))
    return sorted(found)


def gone(pid: int) -> bool:
    """Tell whether a process has ended, if only as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except OSError:
        return True


def pids_of(notes: list[str], label: str) -> list[int]:
    found = (re.match(rf"{label} in (\d+) at", note) for note in notes)
    return [int(match[1]) for match in found if match]


def pushed(site: Site, job: str, *arguments: object) -> None:
    site.client.push({"class": f"extra.{job}", "args": list(arguments)})


def started(site: Site, *arguments: str, **environment: str | None) -> WorkerProcess:
    site.write("extra.py", EXTRA)
    return site.start("-r", "extra", *arguments, **environment)


@pytest.fixture
def parent(site: Site) -> WorkerProcess:
    return started(site, "--processes", "2", "-c", "2", "-t", "2")


def test_a_killed_child_is_replaced_and_its_jobs_run_again_at_once(
    site: Site, parent: WorkerProcess
) -> None:
    two = children(parent)
    assert len(two) == 2
    for number in range(4):
        site.push("Slow", f"job-{number}", 2)
    eventually(lambda: len(site.notes) == 4, 10)
    victim = pids_of(site.notes, "job-0")[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: len(site.notes) == 6, 10, message="the two of the dead child run again")
    assert site.count("dead") == 0
    parent.says("ended: killed by signal 9 (SIGKILL)", str(victim))
    parent.says("was declared dead; its 2 unfinished jobs will run again")
    eventually(lambda: len(children(parent)) == 2, 10)
    assert victim not in children(parent)
    eventually(lambda: not site.store.keys("kiq:inflight:*"), 15)
    assert parent.stop() == 0
    assert not site.store.keys("kiq:owner:*")
    assert not site.store.exists("processes")


def test_alone_in_a_container_with_default_settings_a_child_has_a_successor_at_once(
    site: Site,
) -> None:
    # Without a run folder nobody but the parent knows better than the lease.
    parent = started(site, "--processes", "1", KIQ_RUN_DIR="/dev/null/none")
    site.push("Slow", "one", 2)
    eventually(lambda: site.notes, 10)
    os.kill(pids_of(site.notes, "one")[0], signal.SIGKILL)
    eventually(
        lambda: len(pids_of(site.notes, "one")) == 2, 15, message="not after the lease: 20 s"
    )
    parent.signal(signal.SIGTERM)
    assert parent.wait(30) == 0


def test_a_job_that_kills_its_child_three_times_goes_to_the_dead_set(
    site: Site, parent: WorkerProcess
) -> None:
    site.write("pill.py", "")
    site.push("Note", "before")
    site.client.push({"class": f"{JOBS}.Dies", "args": []})
    eventually(lambda: site.count("dead") == 1, 30, message=parent.log)
    site.push("Note", "after")
    site.noted("before", "after")
    deaths = [line for line in parent.lines if "killed by signal 9" in line]
    assert len(deaths) == 3


def test_term_gives_running_jobs_their_time_and_ends_with_0(
    site: Site, parent: WorkerProcess
) -> None:
    site.push("Slow", "short", 1)
    site.push("Hold", "long")
    site.noted("begin long")
    eventually(lambda: pids_of(site.notes, "short"), 10)
    assert parent.stop() == 0
    assert site.count("queue:default") == 1, "the long one went back"
    assert not site.store.keys("kiq:inflight:*")
    assert parent.lines[-1].endswith("bye")


def test_two_orders_to_stop_hurry_and_the_third_ends_all(
    site: Site,
) -> None:
    parent = started(site, "--processes", "2", "-c", "1", "-t", "60")
    two = children(parent)
    for label in ("a", "b"):
        site.push("Hold", label, 100)
    site.noted("begin a", "begin b")
    parent.signal(signal.SIGINT)
    parent.says("stopping: running jobs have 60 s")
    parent.signal_again(signal.SIGINT)
    parent.says("told again")
    assert parent.wait(20) == 0
    assert site.count("queue:default") == 2
    assert all(gone(pid) for pid in two)


def test_quiet_reaches_all_and_nobody_is_born_any_more(site: Site, parent: WorkerProcess) -> None:
    two = children(parent)
    parent.signal(signal.SIGTSTP)
    eventually(lambda: parent.log.count("quiet: no more jobs are taken") == 2, 10)
    site.push("Note", "never")
    os.kill(two[0], signal.SIGKILL)
    parent.says("ended: killed by signal 9")
    parent.signal(signal.SIGTTIN)
    eventually(lambda: "thread MainThread" in parent.log, 10)
    parent.says("child", "ready for")
    eventually(lambda: children(parent) == [two[1]], 10, message="its jobs are given back, no more")
    assert parent.stop() == 0
    assert site.notes == []


def test_when_the_parent_is_killed_no_child_is_left(site: Site, parent: WorkerProcess) -> None:
    two = children(parent)
    site.push("Hold", "long", 100)
    site.noted("begin long")
    parent.signal(signal.SIGKILL)
    parent.wait()
    eventually(lambda: all(gone(pid) for pid in two), 20, message="the children have ended")
    assert site.count("queue:default") == 1, "in order: the job went back"
    assert not site.store.keys("kiq:owner:*")


def test_children_learn_of_the_end_by_the_pipe_alone(site: Site) -> None:
    site.write(
        "deaf.py", "from kiq.parent import linux\nlinux._prctl = lambda option, value: False\n"
    )
    parent = started(site, "-r", "deaf", "--processes", "2", "-t", "1")
    two = children(parent)
    parent.signal(signal.SIGKILL)
    parent.wait()
    eventually(lambda: all(gone(pid) for pid in two), 20, message="the children have ended")


def test_what_a_killed_child_has_started_ends_with_it(site: Site, parent: WorkerProcess) -> None:
    pushed(site, "Converts", "x")
    eventually(lambda: site.notes, 10)
    converter = int(site.notes[0].split()[1])
    (child,) = [
        pid for pid in children(parent) if f" {pid} " in Path(f"/proc/{converter}/stat").read_text()
    ]
    os.kill(child, signal.SIGKILL)
    eventually(lambda: gone(converter), 10)
    eventually(
        lambda: len(site.notes) == 2, 10, message="it runs again, with a converter of its own"
    )


def test_what_a_job_has_started_outlives_an_orderly_end(site: Site, parent: WorkerProcess) -> None:
    pushed(site, "Detaches")
    eventually(lambda: site.notes, 10)
    child = int(site.notes[0].split()[1])
    assert parent.stop() == 0
    assert not gone(child), "as without a parent"
    os.kill(child, signal.SIGKILL)


def test_orphans_of_jobs_are_reaped(site: Site, parent: WorkerProcess) -> None:
    for number in range(10):
        pushed(site, "Leaves", number)
    site.noted(*(f"left {number}" for number in range(10)))

    def zombies() -> int:
        found = 0
        for one in Path("/proc").iterdir():
            try:
                rest = (one / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            found += rest[0] == "Z" and int(rest[1]) in (parent.pid, *children(parent))
        return found

    two = children(parent)[:2]
    eventually(lambda: len(children(parent)) == 2 and not zombies(), 20)
    assert children(parent) == two
    assert "ended:" not in parent.log, "strangers are not taken for children"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (70, "@kiq.host.on('startup')\ndef fail(): raise OSError('no disk')"),
        (70, "@kiq.host.on('after_fork')\ndef fail(): raise OSError('no disk')"),
        (70, "@kiq.host.on('before_fork')\ndef fail(): raise OSError('no disk')"),
    ],
)
def test_when_no_child_can_boot_the_parent_gives_up(site: Site, code: int, line: str) -> None:
    site.write("broken.py", f"import kiq\n{line}\n")
    parent = site.run("-r", JOBS, "-r", "broken", "--processes", "4")
    assert parent.wait(60) == code
    failures = parent.log.count("ended: exit code 70") + parent.log.count("can't be started")
    assert failures == 5, "one after another, though there are to be four"
    assert "no disk" in parent.log
    assert "no child can be a worker" in parent.log


def test_what_can_not_be_imported_ends_the_parent_as_it_ends_a_worker(site: Site) -> None:
    parent = site.run("-r", "no_such_jobs", "--processes", "2")
    assert parent.wait() == 70
    assert "can't import 'no_such_jobs'" in parent.log


def test_a_rolling_restart_under_load_loses_nothing_and_repeats_nothing(
    site: Site, parent: WorkerProcess
) -> None:
    old = children(parent)
    for number in range(2000):
        site.push("Note", str(number))
        if number == 300:
            parent.signal(signal.SIGUSR2)
        if number == 200:
            site.push("Slow", "long", 3)
    site.noted("1999", timeout=30)
    eventually(lambda: not set(old) & set(children(parent)), 30, message="all are new")
    eventually(lambda: not site.store.keys("kiq:inflight:*"), 15)
    notes = [note for note in site.notes if note.isdecimal()]
    assert sorted(notes) == sorted(map(str, range(2000)))
    assert len(pids_of(site.notes, "long")) == 1
    assert len(children(parent)) == 2
    assert parent.stop() == 0


VERSION = """
import kiq
from tests.helpers.jobs import note

class Says(kiq.Job):
    def perform(self, label):
        note(f"{label} by VERSION")
"""


def test_a_rolling_restart_brings_new_code_and_broken_code_changes_nothing(site: Site) -> None:
    site.write("app/__init__.py", "")
    site.write("app/code.py", VERSION.replace("VERSION", "1"))
    site.write("config/kiq.yml", "processes: 2\nconcurrency: 2\ntimeout: 3\n")
    parent = started(site, "-r", "app.code")
    old = children(parent)

    def says(label: str, *versions: int) -> None:
        site.client.push({"class": "app.code.Says", "args": [label]})
        site.noted(*(f"{label} by {version}" for version in versions))

    says("before", 1)
    site.push("Hold", "long", 100)
    site.noted("begin long")
    site.write("app/code.py", "import no_such_thing\n")
    parent.signal(signal.SIGUSR2)
    parent.says("the rolling restart is given up", "exit code 70", timeout=30)
    assert children(parent) == old
    says("broken", 1)
    site.write("app/code.py", VERSION.replace("VERSION", "2"))
    parent.signal(signal.SIGUSR2)
    parent.says("the parent begins anew", timeout=30)
    eventually(
        lambda: len([one for one in old if gone(one)]) == 1 and len(children(parent)) == 3, 30
    )
    says("after", 2)
    site.write("config/kiq.yml", "processes: 1\nconcurrency: 2\ntimeout: 3\n")
    site.write("app/code.py", VERSION.replace("VERSION", "33"))
    parent.signal(signal.SIGUSR2)
    eventually(lambda: parent.log.count("the parent begins anew") == 2, 30)
    eventually(lambda: len(children(parent)) == 2, 30, message="one, and the one that holds")
    says("in the end", 33)
    assert site.notes.count("begin long") == 1
    site.release("long")
    site.noted("end long")
    eventually(lambda: len(children(parent)) == 1, 30)
    (last,) = children(parent)
    site.push("Slow", "again", 1)
    eventually(lambda: pids_of(site.notes, "again") == [last], 10)
    os.kill(last, signal.SIGKILL)
    eventually(lambda: len(pids_of(site.notes, "again")) == 2, 15)
    assert parent.stop() == 0
    assert parent.wait() == 0


def test_max_jobs_replaces_a_child(site: Site) -> None:
    site.write("config/kiq.yml", "processes: 1\nmax_jobs: 20\ntimeout: 2\n")
    parent = started(site)
    (first,) = children(parent)
    for number in range(100):
        site.push("Note", str(number))
    parent.says("is to be replaced: it has run")
    eventually(lambda: gone(first), 20)
    site.noted(*map(str, range(100)))
    eventually(lambda: len(children(parent)) == 1, 20)
    assert len(site.notes) == 100
    assert parent.stop() == 0


def test_max_memory_replaces_a_child_and_far_more_kills_it(site: Site) -> None:
    parent = started(site, "--processes", "1", "-t", "2", KIQ_MAX_MEMORY="300MB")
    (first,) = children(parent)
    site.push("Hold", "long", 100)
    site.noted("begin long")
    pushed(site, "Grows", 320)
    parent.says("is to be replaced: it takes")
    parent.says(f"(pid {first})", "takes no more jobs, and ends when the last has")
    site.release("long")
    eventually(lambda: gone(first), 20)
    (second,) = children(parent)
    pushed(site, "Grows", 600)
    parent.says(f"(pid {second}) is killed", "far more than max_memory", timeout=20)
    eventually(lambda: gone(second), 20)


def test_redis_is_away_when_a_child_dies_and_its_jobs_come_back_with_it(
    site: Site, parent: WorkerProcess
) -> None:
    site.push("Slow", "one", 3)
    eventually(lambda: site.notes, 10)
    child = pids_of(site.notes, "one")[0]
    site.store.client_pause(2000)
    os.kill(child, signal.SIGKILL)
    eventually(lambda: len(pids_of(site.notes, "one")) == 2, 30)
    assert parent.stop() == 0


def test_what_a_parent_is_for_does_nothing_without_one_and_is_said(site: Site) -> None:
    alone = site.start(KIQ_MAX_JOBS="5")
    alone.says("max_jobs does nothing without processes")


def test_a_job_that_holds_the_interpreter_keeps_its_lease_and_runs_once(site: Site) -> None:
    parent = started(site, "--processes", "2", "-c", "2", KIQ_LEASE="5")
    other = site.start("-q", "another", KIQ_LEASE="5")  # which looks for dead processes, too
    pushed(site, "HoldsTheInterpreter", "long", 20)
    site.noted("end long", timeout=40)
    assert len(pids_of(site.notes, "long")) == 1, "it would have run again after ten seconds"
    said = parent.says("has been silent for", "a job holds its interpreter")
    assert f"(pid {pids_of(site.notes, 'long')[0]})" in said
    assert "in perform" in parent.log, "where it is"
    parent.says("is no longer silent")
    eventually(lambda: not site.store.keys("kiq:inflight:*"), 15)
    site.push("Note", "after")
    site.noted("after")
    assert "was declared dead" not in parent.log + other.log
    assert parent.stop() == 0


def test_who_is_silent_for_longer_than_max_silence_is_killed_and_its_jobs_go_back(
    site: Site,
) -> None:
    parent = started(site, "--processes", "2", "-c", "1", KIQ_MAX_SILENCE="6")
    pushed(site, "HoldsTheInterpreter", "long", 40)
    eventually(lambda: len(pids_of(site.notes, "long")) == 2, 30, message="it runs again")
    first, second = pids_of(site.notes, "long")
    assert first != second
    parent.says(f"(pid {first}) is killed", "it has been silent for", "max_silence")


def test_ps_shows_whose_children_they_are(site: Site, parent: WorkerProcess) -> None:
    eventually(lambda: site.store.scard("processes") == 2, 10)
    shown = site.run("ps", "--json")
    assert shown.wait() == 0
    assert shown.log.count(f'"parent": {parent.pid}') == 2


def test_as_process_1_of_a_container(site: Site) -> None:
    site.write("extra.py", EXTRA)
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces here")
    parent = site.run(
        *("-r", JOBS, "-r", "extra", "--processes", "1", "-t", "1"),
        command=[*unshare, sys.executable, "-m", "kiq"],
    ).wait_until_ready()
    for number in range(10):
        pushed(site, "Leaves", number)
    site.noted(*(f"left {number}" for number in range(10)))
    assert "(pid 1)" in parent.log
    site.push("Note", "still here")
    site.noted("still here")
