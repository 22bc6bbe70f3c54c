"""The run folder: a free lock is proof of death, and nothing else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiq.machine import boot_id, run_folder
from kiq.work.run_folder import DeadProcess, RunFolder
from tests.helpers.waiting import eventually

#: Locks, says its facts, and lives until its standard input ends.
HOLDER = """
import json, os, subprocess, sys
from pathlib import Path
from kiq.work.run_folder import RunFolder
run = RunFolder(Path(sys.argv[1]), "db", "other")
facts = run.lock()
{more}
print(json.dumps(facts), flush=True)
sys.stdin.read()
"""
FORK = """
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
"""
#: A child that no hook of Python knows of, with the lock's descriptor.
HEIR = """
os.set_inheritable(run._descriptor, True)
subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], pass_fds=[run._descriptor])
"""

Start = Callable[..., "Holder"]


class Holder:
    """Another process that holds a lock in the folder."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.reader, self._writer = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER.format(more=more), str(folder)],
            stdin=self.reader,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.facts = {k: str(v) for k, v in json.loads(line).items()}

    def kill(self) -> None:
        """Kill it; its children live on, until :meth:`end`."""
        self.process.kill()
        self.process.wait(10)

    def end(self) -> None:
        """Let it and all its children go."""
        for descriptor in (self._writer, self.reader):
            os.close(descriptor)
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    started: list[Holder] = []

    def begin(more: str = "") -> Holder:
        started.append(Holder(folder, more))
        return started[-1]

    yield begin
    for each in started:
        each.end()


@pytest.fixture
def me(folder: Path) -> Iterator[RunFolder]:
    run = RunFolder(folder, "db", "me")
    run.lock()
    yield run
    run.unlock()


def dead(run: RunFolder) -> list[DeadProcess]:
    found = []
    for name in run.free():
        with run.proof(name) as process:
            found += [process] if process is not None else []
    return found


def files(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_lock_is_a_file_that_the_record_of_an_owner_names(folder: Path) -> None:
    run = RunFolder(folder, "db", "me")
    facts = run.lock()
    status = (folder / "db-me.worker").stat()
    assert facts == {
        "lock": "db-me.worker",
        "lock_device": status.st_dev,
        "lock_inode": status.st_ino,
        "boot_id": boot_id(),
    }
    assert files(folder) == ["db-me.worker"]
    run.unlock()
    assert files(folder) == []
    run.unlock()


def test_a_live_process_is_not_dead(me: RunFolder, start: Start, folder: Path) -> None:
    start()
    assert dead(me) == []
    assert files(folder) == ["db-me.worker", "db-other.worker"]


def test_a_killed_process_is_proven_dead_until_its_file_is_removed(
    me: RunFolder, start: Start, folder: Path
) -> None:
    holder = start()
    holder.kill()
    [process] = dead(me)
    assert process.ours
    assert process.owns(holder.facts)
    assert process.owns(holder.facts | {"host": "h"})
    assert len(dead(me)) == 1
    me.remove("db-other.worker")
    assert files(folder) == ["db-me.worker"]
    assert dead(me) == []


def test_two_processes_do_not_recover_the_same_one(me: RunFolder, start: Start) -> None:
    start().kill()
    other = RunFolder(me._folder, "db", "third")
    with me.proof("db-other.worker") as process:
        assert process is not None
        assert other.free() == []
        with other.proof("db-other.worker") as the_same:
            assert the_same is None
    assert other.free() == ["db-other.worker"]


def test_a_name_that_was_looked_at_can_be_left_out(me: RunFolder, start: Start) -> None:
    start().kill()
    assert me.free(but={"db-other.worker"}) == []


@pytest.mark.parametrize(
    ("owner", "may"),
    [
        ("box:12:abc:default", True),
        ("box:12:def:poller", True),
        ("box:123:abc:default", False),
        ("other-box:12:abc:default", False),
        ("box", False),
    ],
)
def test_which_owners_a_process_may_have_had_is_told_by_its_own_name_and_not_by_ours(
    owner: str, may: bool
) -> None:
    facts = {"lock": "db-box:12:nonce.worker", "boot_id": "b"}
    assert DeadProcess(facts).may_own(owner) == may


def test_a_lock_file_that_somebody_removed_is_there_again_under_new_facts(
    me: RunFolder, folder: Path
) -> None:
    before = (folder / "db-me.worker").stat().st_ino
    assert me.keep() == {}
    (folder / "db-me.worker").rename(folder / "kept")  # so that its inode is not used again
    facts = me.keep()
    assert facts["lock_inode"] == (folder / "db-me.worker").stat().st_ino != before
    assert me.keep() == {}
    other = RunFolder(folder, "db", "third")
    assert other.free() == []


def test_a_lock_that_can_not_be_had_again_is_tried_for_now_and_then(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    run = RunFolder(folder, "db", "me", clock=lambda: now[0])
    run.lock()
    (folder / "db-me.worker").unlink()
    folder.chmod(0o755)
    for now[0] in (1.0, 2.0, 3.0):
        assert run.keep() == {}
    assert caplog.text.count("no run-folder lock") == 1
    folder.chmod(0o700)
    now[0] = 70.0
    assert run.keep()["lock"] == "db-me.worker"
    run.unlock()
    assert files(folder) == []


def test_the_file_is_touched_before_it_is_old(folder: Path) -> None:
    now = [0.0]
    run = RunFolder(folder, "db", "me", clock=lambda: now[0])
    run.lock()
    path = folder / "db-me.worker"
    os.utime(path, (1.0, 1.0))
    run.keep()
    assert path.stat().st_mtime == 1.0
    now[0] = 3601.0
    run.keep()
    assert path.stat().st_mtime > 1e9
    run.unlock()


def test_what_processes_that_are_long_dead_have_left_is_removed_at_a_start(
    folder: Path, start: Start
) -> None:
    holder = start()
    for name in ("another-box:1:x.worker", ".another-box:2:x.worker", "db-box:3:x.worker"):
        (folder / name).touch(0o600)
        os.utime(folder / name, (1.0, 1.0))
    os.utime(folder / "db-other.worker", (1.0, 1.0))  # old, and locked
    (folder / "another-box:4:x.worker").touch(0o600)  # free, and young
    (folder / "somebody-elses").touch(0o600)
    run = RunFolder(folder, "db", "me")
    run.lock()
    assert files(folder) == [
        "another-box:4:x.worker",
        "db-me.worker",
        "db-other.worker",
        "somebody-elses",
    ]
    run.unlock()
    assert holder.facts


@pytest.mark.parametrize(
    "differing", [{"boot_id": "another boot"}, {"lock_inode": "1"}, {"lock_device": "1"}]
)
def test_a_record_that_names_another_boot_or_file_is_not_of_that_process(
    me: RunFolder, start: Start, differing: dict[str, str]
) -> None:
    holder = start()
    holder.kill()
    [process] = dead(me)
    assert not process.owns(holder.facts | differing)


@pytest.mark.parametrize("name", ["lock", "lock_inode", "lock_device", "boot_id"])
def test_a_record_that_lacks_a_fact_is_not_of_that_process(
    me: RunFolder, start: Start, name: str
) -> None:
    holder = start()
    holder.kill()
    [process] = dead(me)
    assert not process.owns({k: v for k, v in holder.facts.items() if k != name})
    assert not process.owns({})


def test_where_boots_can_not_be_told_apart_nothing_is_proven() -> None:
    facts = {"lock": "a", "lock_device": "1", "lock_inode": "2", "boot_id": ""}
    assert not DeadProcess(facts).owns(facts)


def test_a_renamed_file_proves_nothing_about_its_record(
    me: RunFolder, start: Start, folder: Path
) -> None:
    holder = start()
    (folder / "db-other.worker").rename(folder / "db-stray.worker")
    assert dead(me) == []
    holder.kill()
    [process] = dead(me)
    assert not process.owns(holder.facts)


def test_a_missing_file_proves_nothing(me: RunFolder, start: Start, folder: Path) -> None:
    holder = start()
    (folder / "db-other.worker").unlink()
    assert dead(me) == []
    holder.kill()
    assert dead(me) == []


def test_a_file_that_replaced_another_is_not_the_same(
    me: RunFolder, start: Start, folder: Path
) -> None:
    holder = start()
    path = folder / "db-other.worker"
    keep = folder / "kept"
    path.rename(keep)
    path.touch(0o600)
    assert [process.owns(holder.facts) for process in dead(me)] == [False]


def test_a_forked_child_does_not_hold_its_parents_lock(me: RunFolder, start: Start) -> None:
    holder = start(FORK)
    holder.kill()
    [process] = eventually(lambda: dead(me))
    assert process.owns(holder.facts)


def test_while_a_descendant_holds_the_lock_death_is_not_proven(
    me: RunFolder, start: Start, folder: Path
) -> None:
    holder = start(HEIR)
    holder.kill()
    assert dead(me) == []
    assert "db-other.worker" in files(folder)


def test_processes_of_another_database_are_told_apart(folder: Path, start: Start) -> None:
    start().kill()
    assert [process.ours for process in dead(RunFolder(folder, "another", "me"))] == [False]
    assert [process.ours for process in dead(RunFolder(folder, "db", "me"))] == [True]


def test_a_folder_that_is_not_there_has_no_dead(folder: Path) -> None:
    assert dead(RunFolder(folder, "db", "me")) == []
    assert not folder.exists()


def test_a_folder_that_others_may_enter_is_not_trusted(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir(mode=0o755)
    assert RunFolder(folder, "db", "me").lock() == {}
    assert "not this user's alone" in caplog.text


def test_without_a_folder_work_goes_on_without_a_lock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    run = RunFolder(tmp_path / "file" / "run", "db", "me")
    assert run.lock() == {}
    run.unlock()
    assert "a crash is noticed by the lease only" in caplog.text


def test_the_folder_is_per_user_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIQ_RUN_DIR", raising=False)
    assert run_folder().name == f"kiq-{os.getuid()}"
    monkeypatch.setenv("KIQ_RUN_DIR", "/somewhere")
    assert run_folder() == Path("/somewhere")
