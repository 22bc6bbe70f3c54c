"""Locks without a job are found and freed, those of living jobs stay; and locks as people see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

import kiq
from kiq import api
from kiq.client import Client
from kiq.plugins.unique import sweep
from tests.helpers.commands import command
from tests.helpers.driven import DrivenWorker
from tests.helpers.locked import jids_in
from tests.helpers.uniques import by_name, gate, holders, locks, noted
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.usefixtures("nothing_noted")


@pytest.fixture
def worker(
    unique_worker: Callable[[], DrivenWorker], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], DrivenWorker]:
    """Make a worker that looks often."""
    monkeypatch.setattr(sweep, "_REST", 0.1)
    monkeypatch.setattr(sweep, "_AGE", 0.0)
    return unique_worker


def test_what_others_delete_leaves_no_lock_and_what_lives_keeps_its_own(
    raw: redis.Redis, worker: Callable[[], DrivenWorker]
) -> None:
    jobs = by_name()
    kept = [
        jobs.perform_async("running", 1, "waits"),
        jobs.perform_in(3600, "scheduled"),
        jobs.perform_async("failing", 1, "fails"),
        jobs.set(queue="low").perform_async("waiting"),
        by_name("until_expiry", ttl=1000).perform_async("for a time"),
    ]
    gone = [
        jobs.set(queue="low").perform_async("queued"),
        jobs.perform_in(3600, "deleted"),
    ]
    with worker():
        eventually(lambda: jids_in(raw, "retry") == [kept[2]], 20)
        eventually(lambda: ("for a time", 0) in noted.ran)
        for key, remove in (("queue:low", raw.lrem), ("schedule", None)):
            members = raw.lrange(key, 0, -1) if remove else raw.zrange(key, 0, -1)
            for member in members:
                if any(str(jid).encode() in member for jid in gone):
                    raw.lrem(key, 1, member) if remove else raw.zrem(key, member)
        eventually(lambda: not set(gone) & set(holders(raw)), 20)
        before = len(noted.ran)
        assert jobs.set(queue="low").perform_async("queued") not in (None, gone[0])
        # Several looks later those that live are still there.
        again = jobs.perform_in(3600, "deleted again")
        raw.zrem(
            "schedule",
            *[one for one in raw.zrange("schedule", 0, -1) if str(again).encode() in one],
        )
        eventually(lambda: again not in holders(raw), 20)
        assert set(map(str, kept)) <= set(holders(raw))
        assert len(noted.ran) == before
        gate.set()


def test_a_run_that_nobody_gave_back_is_found_and_who_waits_for_it_runs(
    raw: redis.Redis, worker: Callable[[], DrivenWorker]
) -> None:
    """As after a reclaim by a process that has no such rider."""
    jobs = by_name("while_executing")
    jobs.perform_async("a", 1, "waits")
    with worker():
        eventually(lambda: noted.ran)
        second = jobs.perform_async("a", 2)
        eventually(lambda: jids_in(raw, "schedule") == [second])
        (name,) = [name for name in locks(raw) if name.startswith("run:")]
        raw.hset(f"kiq:unique:{name}", "jid", "gone")
        eventually(lambda: ("a", 2) in noted.ran, 20)
        gate.set()
    assert locks(raw) == {}


def test_a_lock_whose_time_is_over_is_listed_no_more(
    raw: redis.Redis, worker: Callable[[], DrivenWorker]
) -> None:
    by_name("until_expiry", ttl=1000).set(queue="low").perform_async("a")
    (key,) = raw.keys("kiq:unique:*")
    raw.delete(key)
    with worker():
        eventually(lambda: not raw.exists("kiq:unique"), 20)


def test_locks_are_listed_and_freed_by_hand(raw: redis.Redis, kiq_client: Client) -> None:
    jobs = by_name(ttl=100)
    first, second = jobs.perform_async("a"), jobs.perform_async("b")
    found = api.LockSet()
    assert [lock.jid for lock in found] == [first, second]
    lock = found.find(str(second))
    assert lock is not None
    assert (lock.job_class, lock.queue, lock.kind) == ("uniques.Any", "out", "until_success")
    assert 90 < (lock.ttl or 0) <= 100
    assert found.get(lock.name) == lock or found.get(lock.name)
    assert found.free(lock)
    assert not found.free(lock)
    assert holders(raw) == [first]
    assert jobs.perform_async("b") != second
    assert found.clear() == 2
    assert (len(found), list(found)) == (0, [])
    assert len(jids_in(raw)) == 3, "jobs stay"


def test_the_command_lists_and_frees(command_store: redis.Redis) -> None:
    jobs = by_name()
    first, second = jobs.perform_async("a"), jobs.perform_in(60, "b")
    told = command("locks")
    assert told.code == 0
    assert str(first) in told.out
    assert "uniques.Any" in told.out
    listed = command("locks", "--json", "-n", "1").document
    assert (listed["size"], [one["jid"] for one in listed["locks"]]) == (2, [first])
    assert command("locks", "--free").code == 2
    assert command("locks", "nobody").code == 1
    assert "freed 1 lock" in command("locks", "--free", str(second)).out
    assert holders(command_store) == [first]
    assert "freed 1 lock" in command("locks", "--free", "--all", "-y").out
    assert "no job has a lock" in command("locks").err


def test_verify_finds_locks_whose_job_is_nowhere_and_frees_them(
    raw: redis.Redis, kiq_client: Client, nothing_noted: None
) -> None:
    jobs = by_name()
    kept = jobs.perform_in(3600, "kept")
    by_name("until_expiry", ttl=1000).set(queue="low").perform_async("for a time")
    lost = jobs.set(queue="low").perform_async("lost")
    raw.delete("queue:low")  # by another program
    (finding,) = api.verify().findings
    assert finding.check == "unique"
    assert f"its job {lost} is nowhere" in finding.what
    assert api.verify(mend=True).clean
    assert api.verify().findings == ()
    assert kept in holders(raw)
    assert lost not in holders(raw)


def test_who_is_skipped_is_told_of_whom_and_for_how_long(
    raw: redis.Redis, kiq_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "kiq.unique")
    first = by_name().perform_async("a")
    (name,) = locks(raw)
    raw.hincrbyfloat(f"kiq:unique:{name}", "since", -75)
    assert by_name().perform_async("a") == first
    assert f"not pushed: the same job is there, {first}, for 7" in caplog.text
    with pytest.raises(kiq.DuplicateJob, match=f"is there, {first}, for 7. s") as caught:
        by_name(on_conflict="raise").perform_async("a")
    assert caught.value.jid == first
