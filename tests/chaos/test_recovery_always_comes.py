"""A dead process's jobs come back by its lease, whatever happens to those that look for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kiq import keys
from kiq.store import scripts
from tests.chaos.arena import Arena
from tests.helpers.proxy import FaultProxy
from tests.helpers.waiting import eventually
from tests.helpers.worker_process import WorkerProcess

LEASE = 5
#: Seconds after a death until its jobs are back: the lease, six looks, and an election.
BOUND = LEASE + 6 + 5


def stranded(arena: Arena, jobs: int = 5) -> set[str]:
    """Let jobs begin in a process that is killed, and of which nobody knows by its lock."""
    pushed = {arena.push("Takes", 0.5) for _ in range(jobs)}
    doomed = arena.start(lease=LEASE, run="elsewhere")
    eventually(lambda: begun(arena, pushed) == pushed, 10, message="they run")
    arena.kill(doomed)
    return pushed


def begun(arena: Arena, jids: set[str], times: int = 1) -> set[str]:
    """Which of *jids* have begun so many times."""
    counts = arena.journal.counts("S")
    return {jid for jid in jids if counts.get(jid, 0) >= times}


def elected(arena: Arena, duty: str) -> str:
    """Who has *duty*."""
    return (arena.store.get(duty) or b"").decode()  # type: ignore[union-attr]


def _kill_all(arena: Arena) -> None:
    arena.store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def _close_idle(arena: Arena) -> None:
    arena.store.config_set("timeout", 1)


@pytest.mark.parametrize("fault", [_kill_all, _close_idle])
def test_recovery_comes_though_no_connection_lasts_for_a_lease(
    arena: Arena, fault: Callable[[Arena], None]
) -> None:
    pushed = stranded(arena)
    arena.start(lease=LEASE)

    def back() -> bool:
        fault(arena)
        return begun(arena, pushed, 2) == pushed

    eventually(back, BOUND, interval=LEASE / 3, message="they run again")
    arena.verify()


def test_recovery_comes_though_no_process_lives_for_a_lease(arena: Arena) -> None:
    pushed = stranded(arena)

    def back() -> bool:
        return begun(arena, pushed, 2) == pushed

    for life in range(12):
        worker = arena.start(lease=LEASE, run=f"run-{life}")
        try:
            eventually(back, LEASE - 2)
        except AssertionError:
            arena.kill(worker)
        else:
            break
    assert back(), arena.report()
    arena.verify()


def test_who_does_not_beat_is_not_the_one_who_looks_for_the_dead(
    arena: Arena, proxy: FaultProxy
) -> None:
    settings = {"lease": LEASE, "redis": {"socket_timeout": 1}, "concurrency": 2}
    hung = arena.start(url=proxy.url, **settings)
    eventually(lambda: elected(arena, keys.RECLAIMER) == hung.identity, 10)
    arena.push_many(40, "Takes", 1.0)
    proxy.swallow(True, of=scripts.beat.sha.encode())
    arena.may_repeat(hung, "lost its lease")
    other = arena.start(lease=LEASE, concurrency=2)
    hung.says("this process does not renew its lease", "looks for dead processes", timeout=BOUND)
    other.says("this process looks for dead processes now", hung.identity, timeout=BOUND)
    other.says("declared dead", f":{hung.pid}:", timeout=BOUND)
    arena.await_all(40)
    proxy.swallow(False)
    arena.verify()


def weak(arena: Arena, *patterns: str) -> str:
    """Make a user that may touch only keys of *patterns*; return its URL."""
    rights = [f"~{pattern}" for pattern in patterns]
    user = ("on", ">word", *rights, "&*", "+@all")
    arena.store.execute_command("ACL", "SETUSER", "weak", *user)
    return f"unix://weak@{arena.server.socket}?db=0&password=word"


#: All keys but the scheduled set; all but the lists of queues whose names begin with "o".
NO_SCHEDULE = ("[^s]*", "s[^c]*")
NO_OTHER_QUEUE = ("[^q]*", "queues", "queue:[^o]*")


def weak_and_strong(
    arena: Arena, duty: str, patterns: tuple[str, ...]
) -> tuple[WorkerProcess, WorkerProcess]:
    """Start a worker that has *duty* and loses rights then, and one that lacks none."""
    first = arena.start(url=weak(arena, "*"), lease=LEASE, run="weak")
    eventually(lambda: elected(arena, duty) == first.identity, 10, message="it is elected")
    arena.store.execute_command("ACL", "SETUSER", "weak", "resetkeys", *map("~{}".format, patterns))
    second = arena.start(lease=LEASE, run="strong", queues="[default, other]")
    return first, second


@pytest.mark.parametrize("patterns", [NO_SCHEDULE, NO_OTHER_QUEUE])
def test_who_may_not_promote_leaves_it_to_another(arena: Arena, patterns: tuple[str, ...]) -> None:
    first, second = weak_and_strong(arena, keys.POLLER, patterns)
    due = arena.server.client().time()[0] + 1
    for queue in ("default", "other"):
        arena.push_many(5, queue=queue, at=due)
    arena.await_all(15)
    first.says("leaves it to others", "promotes due jobs")
    second.says("this process promotes due jobs now")
    assert elected(arena, keys.POLLER) == second.identity
    arena.verify()


def test_who_alone_lacks_rights_promotes_what_it_can(arena: Arena) -> None:
    arena.start(url=weak(arena, *NO_OTHER_QUEUE), run="weak")
    due = arena.server.client().time()[0] + 1
    other = [arena.push("Quick", queue="other", at=due) for _ in range(5)]
    for second in range(8):
        arena.push_many(20, at=due + second)
    arena.await_all(20, besides=other)
    arena.start(run="strong", queues="[default, other]")
    arena.verify()


def test_who_may_not_give_back_leaves_it_to_another(arena: Arena) -> None:
    pushed = {arena.push("Takes", 0.5, queue="other") for _ in range(5)}
    doomed = arena.start(lease=LEASE, run="elsewhere", queues="[other]")
    eventually(lambda: begun(arena, pushed) == pushed, 10, message="they run")
    arena.kill(doomed)
    eventually(lambda: not elected(arena, keys.RECLAIMER), 10, message="its election ends")
    first, second = weak_and_strong(arena, keys.RECLAIMER, NO_OTHER_QUEUE)
    eventually(lambda: begun(arena, pushed, 2) == pushed, BOUND + 5, message="they run again")
    first.says("leaves it to others", "looks for dead processes")
    second.says("this process looks for dead processes now")
    arena.verify()


@pytest.mark.parametrize("ttl", [3600, None])
def test_an_election_that_outlived_its_holder_is_taken_over(arena: Arena, ttl: int | None) -> None:
    for duty in (keys.POLLER, keys.RECLAIMER):
        arena.store.set(duty, "somewhere:1:dead", ex=ttl)
    pushed = stranded(arena)
    for duty in (keys.POLLER, keys.RECLAIMER):
        arena.store.set(duty, "somewhere:1:dead", ex=ttl)
    heir = arena.start(lease=LEASE)
    arena.push("Quick", at=arena.server.client().time()[0] + 1)
    heir.says("this process promotes due jobs now", "somewhere:1:dead")
    heir.says("this process looks for dead processes now", "somewhere:1:dead")
    eventually(lambda: begun(arena, pushed, 2) == pushed, BOUND, message="they run again")
    arena.verify()


@pytest.mark.parametrize("step", [3600, -3600])
def test_nobody_is_declared_dead_though_the_clock_of_redis_is_set_again_and_again(
    arena: Arena, step: int
) -> None:
    workers = [arena.start(lease=LEASE), arena.start(lease=LEASE, run="elsewhere")]
    arena.push_many(10, "Takes", 2 * LEASE)

    def set_clock() -> bool:
        """What a beat says is as old as the clock makes it."""
        for record in arena.store.keys("kiq:owner:*"):  # type: ignore[union-attr]
            arena.store.hincrbyfloat(record, "beat", -step)
        return len(arena.journal.ended()) == len(arena.acknowledged)

    eventually(set_clock, 4 * LEASE, interval=1.0, message="all ends")
    assert not [worker for worker in workers if "declared dead" in worker.log]
    arena.verify()
    assert arena.account().duplicated == 0


@pytest.mark.parametrize("ahead", [2, 3600])
def test_a_lease_that_outlived_its_owner_keeps_no_job(arena: Arena, ahead: int) -> None:
    """Redis's clock was set back, or a dump was restored: it has beaten at a time that is yet to come."""
    pushed = stranded(arena)
    for record in arena.store.keys("kiq:owner:*"):  # type: ignore[union-attr]
        arena.store.hset(record, "beat", arena.server.client().time()[0] + ahead)
    arena.start(lease=LEASE)
    eventually(lambda: begun(arena, pushed, 2) == pushed, BOUND, message="they run again")
    arena.verify()
