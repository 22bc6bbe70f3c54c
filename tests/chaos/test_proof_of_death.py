"""The lock of a dead process proves its death at once, whatever has become of names and files."""

from __future__ import annotations

import os
import signal

from kiq import keys
from tests.chaos.arena import Arena
from tests.chaos.hygiene import registered
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

#: Seconds: "about a second", and a machine that is busy. The lease of 20 s would take much longer.
AT_ONCE = 8


def strand(arena: Arena, worker: WorkerProcess, jobs: int = 5) -> None:
    """Kill *worker* amid jobs, which are back at once."""
    pushed = {arena.push("Takes", 1.0) for _ in range(jobs)}

    def begun(times: int) -> bool:
        counts = arena.journal.counts("S")
        return all(counts.get(jid, 0) >= times for jid in pushed)

    eventually(lambda: begun(1), 10, message="they run")
    arena.kill(worker)
    others = [one for one in arena.workers if one.running]
    for one in others:
        one.signal(signal.SIGCONT)
    eventually(lambda: begun(2), AT_ONCE, message="they run again")


def still(arena: Arena, *workers: WorkerProcess) -> None:
    """Let *workers* take no jobs for now: they are quiet but for their locks."""
    for worker in workers:
        worker.stop_where_it_is()


def lock_files(arena: Arena) -> list[str]:
    """The names in the run folder."""
    return sorted(os.listdir(arena.folder / "run"))


def test_hosts_that_share_the_run_folder_prove_each_others_deaths(arena: Arena) -> None:
    heir = arena.start(host="container-a")
    still(arena, heir)
    strand(arena, arena.start(host="container-b"))
    arena.verify()
    assert len(lock_files(arena)) == 1


def test_a_process_whose_lock_file_was_removed_has_another_soon(arena: Arena) -> None:
    heir = arena.start()
    doomed = arena.start()
    before = lock_files(arena)
    for name in before:
        (arena.folder / "run" / name).unlink()
    eventually(lambda: lock_files(arena) == before, 5, message="the files are there again")
    owners = [owner for owner in registered(arena.store) if f":{doomed.pid}:" in owner]
    (name,) = [name for name in before if f":{doomed.pid}:" in name]
    inode = (arena.folder / "run" / name).stat().st_ino

    def is_named() -> bool:
        found = {arena.store.hget(keys.record(owner), "lock_inode") for owner in owners}
        return found == {b"%d" % inode}

    eventually(is_named, 5, message="its owners' records name the new one")
    still(arena, heir)
    strand(arena, doomed)
    arena.verify()


def test_after_a_flush_a_death_is_proved_to_those_that_came_later(arena: Arena) -> None:
    doomed = arena.start()
    arena.store.flushall()
    arena.push("Quick")
    arena.await_all(20)
    heir = arena.start()
    assert len({name.partition("-")[0] for name in lock_files(arena)}) == 2
    still(arena, heir)
    strand(arena, doomed)
    arena.verify(counted=False)
    assert len(lock_files(arena)) == 1


def test_after_a_flush_a_death_is_proved_to_those_that_were_there_before(arena: Arena) -> None:
    heir = arena.start()
    arena.store.flushall()
    doomed = arena.start()
    still(arena, heir)
    strand(arena, doomed)
    arena.verify(counted=False)
    assert len(lock_files(arena)) == 1


def test_a_dead_process_whose_jobs_could_not_all_go_back_keeps_its_proof(arena: Arena) -> None:
    doomed = arena.start()
    pushed = {arena.push("Takes", 1.0) for _ in range(3)}
    eventually(lambda: set(arena.journal.counts("S")) == pushed, 10)
    arena.kill(doomed)
    arena.store.set("queue:default", "not a list")
    heir = arena.start()
    heir.says("of dead process", "WRONGTYPE")
    arena.store.delete("queue:default")
    eventually(lambda: pushed <= arena.journal.ended(), AT_ONCE, message="they have run")
    arena.verify()
    assert len(lock_files(arena)) == 1
