"""A due job enters its queue only if its guards permit it; else it waits in its set, never dropped."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.client import Client
from kiq.codec import decode, encode
from kiq.config import Capsule
from kiq.guarding import Declined, guarded
from kiq.plugin import Guard, Host, Ride
from kiq.settled import Promoted
from kiq.store.promotion import Promotion, commit
from kiq.verdict import Done, PutOff
from tests.helpers.depot import Depot
from tests.helpers.driven import DrivenWorker
from tests.helpers.locked import Free, Locked, Locks, holder, jids_in
from tests.helpers.proxy import FaultProxy
from tests.helpers.server import TestServer
from tests.helpers.waiting import eventually
from tests.helpers.ways_out import Heard

OUT = Capsule(queues=(("out", 1),), concurrency=2)
AGAIN = 0.2
LATER = 4_000_000_000


@pytest.fixture
def locks(kiq_client: Client) -> Host:
    """The plugin of the page is installed, with a guard that asks again soon."""
    kiq.host.install(Locks())
    kiq.host.guards[:] = [replace(guard, again=AGAIN) for guard in kiq.host.guards]
    return kiq.host


@pytest.fixture
def between(server: TestServer, raw: redis.Redis) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        yield proxy


def worker(url: str, folder: Path, host: Host) -> DrivenWorker:
    return DrivenWorker(url, folder, OUT, host=host)


def processed(raw: redis.Redis) -> int:
    return int(raw.getrange("stat:processed", 0, -1) or 0)


def test_a_job_passes_its_own_lock_and_frees_it_when_it_has_run(
    locks: Host, raw: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    heard = Heard()
    locks.on_settled(heard)
    jid = Locked.perform_in(0.05)
    with worker(redis_url, tmp_path, locks):
        eventually(lambda: processed(raw) == 1, 20)
        eventually(lambda: len(heard.ended) == 2, 10)
    assert sorted(kind.__name__ for kind in heard.of(jid)) == ["Done", "Promoted"]
    assert (holder(raw), jids_in(raw)) == (None, [])


def test_a_retry_keeps_its_lock_and_passes_it_again(
    locks: Host, raw: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    jid = Locked.perform_async("fails")
    with worker(redis_url, tmp_path, locks):
        eventually(lambda: jids_in(raw, "retry") == [jid], 20)
        assert Locked.perform_async() == jid
        ((member, _),) = raw.zrange("retry", 0, -1, withscores=True)
        raw.zadd("retry", {member: 1})
        # The poller may have looked a moment ago.
        eventually(lambda: int(raw.getrange("stat:failed", 0, -1) or 0) == 2, 20)
        eventually(lambda: jids_in(raw, "retry") == [jid], 20)
        assert holder(raw) == jid
        assert api.RetrySet().clear() == 1
        assert holder(raw) is None


@pytest.mark.parametrize("source", ["schedule", "retry"])
def test_a_lock_of_another_puts_a_due_job_off_until_it_is_free(
    locks: Host,
    raw: redis.Redis,
    redis_url: str,
    tmp_path: Path,
    source: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="kiq.poller")
    heard = Heard()
    locks.on_settled(heard)
    fields = {"queue": "out", "retry": True, "created_at": 1_800_000_000_000}
    job = {**fields, "class": "locked.Locked", "args": [], "lock": "import", "jid": "waits"}
    free = {**fields, "class": "locked.Free", "args": [], "jid": "free"}
    raw.set("lock:import", "another")
    raw.zadd(source, {encode(job, "json"): 1, encode(free, "json"): 2})
    with worker(redis_url, tmp_path, locks):
        eventually(lambda: heard.of("waits").count(PutOff) >= 2, 20)
        eventually(lambda: Done in heard.of("free"), 20, message="others go on")
        assert holder(raw) == "another"
        assert Done not in heard.of("waits")
        raw.delete("lock:import")
        eventually(lambda: Done in heard.of("waits"), 20)
    assert heard.of("waits").count(Promoted) == 1
    assert (holder(raw), jids_in(raw)) == (None, [])
    said = [r.getMessage() for r in caplog.records if "due, but not promoted" in r.getMessage()]
    assert said == [
        "due, but not promoted: guard lock declined it: another [jid=waits class=locked.Locked]"
    ]


# What the script does with claims


class Poller:
    """An owner that claims what is due of the scheduled set, and commits it as the poller does."""

    def __init__(self, url: str, host: Host) -> None:
        self.depot = Depot(url, "host:1:abc:poller", "schedule")
        self._host = host
        self.claims: list[Promotion] = []

    def claim(self) -> list[str]:
        """Claim what is due; return the jids."""
        claimed = self.depot.claim("schedule")
        payloads = [decode(raw)[0] for raw in claimed.raws]
        self.claims = [
            Promotion(f"{self.depot.call}.{at}", "out", raw, guarded(self._host.guards, payload))
            for at, (raw, payload) in enumerate(zip(claimed.raws, payloads, strict=True), 1)
        ]
        return [payload["jid"] for payload in payloads]

    def commit(self) -> list[Any]:
        """Commit all; return what became of each: True, False, why not, or the error."""
        depot = self.depot
        (answers,) = commit(depot.link, depot.owner, "schedule", (), guarded=[self.claims]).guarded
        return [one.why if isinstance(one, Declined) else one for one in answers]

    @property
    def held(self) -> list[bytes]:
        """What is in flight, with its score."""
        found: Any = self.depot.link.call(("HVALS", self.depot.flight("schedule").key))
        return list(found)


@pytest.fixture
def poller(redis_url: str, locks: Host) -> Poller:
    return Poller(redis_url, locks)


def due(raw: redis.Redis, *jids: str | None) -> None:
    """Let scheduled jobs be due, in this order."""
    found: Any = raw.zrange("schedule", 0, -1)
    by_jid = {decode(member)[0]["jid"]: member for member in found}
    raw.zadd("schedule", {by_jid[jid]: at for at, jid in enumerate(jids, 1)})


def test_a_job_that_had_no_lock_takes_it_at_its_promotion(poller: Poller, raw: redis.Redis) -> None:
    jid = Locked.perform_at(LATER)
    raw.delete("lock:import")
    due(raw, jid)
    assert poller.claim() == [jid]
    assert poller.commit() == [True]
    assert (holder(raw), jids_in(raw, "queue:out")) == (jid, [jid])
    assert poller.held == []
    assert raw.smembers("queues") == {b"out"}


def test_a_commit_that_is_sent_again_does_nothing_more(poller: Poller, raw: redis.Redis) -> None:
    jid = Locked.perform_at(LATER)
    due(raw, jid)
    poller.claim()
    assert poller.commit() == [True]
    raw.delete("queue:out", "lock:import")  # it has run meanwhile
    assert poller.commit() == [False]
    assert (holder(raw), jids_in(raw)) == (None, [])


def test_one_that_is_declined_stays_in_flight_and_goes_back_as_it_was(
    poller: Poller, raw: redis.Redis, redis_url: str
) -> None:
    first, other = Locked.perform_at(LATER), Locked.set(lock="other").perform_at(LATER)
    raw.set("lock:import", "another")
    due(raw, first, other)
    assert poller.claim() == [first, other]
    assert poller.commit() == ["another", True]
    assert jids_in(raw, "queue:out") == [other]
    assert [value.split(b"|")[0] for value in poller.held] == [b"1"]
    assert poller.commit() == ["another", False]
    poller.depot.die()  # a crash now: the claim goes back
    assert jids_in(raw, "schedule") == [first]
    assert holder(raw) == "another"


def test_guarded_and_other_claims_go_in_one_write(
    poller: Poller, raw: redis.Redis, locks: Host
) -> None:
    first, free, other = Locked.perform_at(LATER), Free.perform_at(LATER), Free.perform_at(LATER)
    raw.set("lock:import", "another")
    due(raw, first, free, other)
    poller.claim()
    guarded_one, *plain = poller.claims
    link, exchanges = poller.depot.link, list[int]()
    exchange = link.exchange

    def counted(commands: Sequence[Any]) -> list[Any]:
        exchanges.append(len(commands))
        return exchange(commands)

    link.exchange = counted  # type: ignore[method-assign]
    done = commit(link, poller.depot.owner, "schedule", plain, (), guarded=[[guarded_one]])
    assert exchanges == [2]
    assert done.plain == (2, [])
    (((declined,),),) = (done.guarded,)
    assert isinstance(declined, Declined)
    assert jids_in(raw, "queue:out") == [other, free]
    assert len(poller.held) == 1


def test_of_two_due_jobs_without_a_lock_one_goes_on(poller: Poller, raw: redis.Redis) -> None:
    first = Locked.perform_at(LATER)
    raw.delete("lock:import")
    second = Locked.perform_at(LATER)
    raw.delete("lock:import")
    due(raw, first, second)
    poller.claim()
    assert poller.commit() == [True, first]
    assert (holder(raw), jids_in(raw, "queue:out")) == (first, [first])


@pytest.mark.parametrize("broken", ["queue:out", "wrong"])
def test_what_can_not_be_written_leaves_the_claim_in_flight(
    poller: Poller, raw: redis.Redis, broken: str, locks: Host
) -> None:
    locks.guard(
        Guard(
            "breaking",
            guarding=lambda payload: Ride(["wrong"]),
            check="return nil",
            take="redis.call('HSET', KEYS[1], 'a', 1)",
            undo="redis.call('HDEL', KEYS[1], 'a')",
        )
    )
    jid = Locked.perform_at(LATER)
    raw.delete("lock:import", "wrong")
    raw.set(broken, "type")
    due(raw, jid)
    poller.claim()
    (error,) = poller.commit()
    assert "WRONGTYPE" in str(error)
    assert not error.maybe_done
    assert (holder(raw), len(poller.held)) == (None, 1)
    raw.delete(broken)
    assert poller.commit() == [True]
    assert (holder(raw), jids_in(raw)) == (jid, [jid])


def test_a_full_redis_promotes(poller: Poller, raw: redis.Redis) -> None:
    jid = Locked.perform_at(LATER)
    raw.delete("lock:import")
    due(raw, jid)
    poller.claim()
    raw.set("ballast", b"x" * 1_000_000)
    raw.config_set("maxmemory", 1)
    try:
        assert poller.commit() == [True]
    finally:
        raw.config_set("maxmemory", 0)
    assert (holder(raw), jids_in(raw, "queue:out")) == (jid, [jid])


# What the poller makes of trouble


def test_a_guard_that_raises_or_can_not_write_puts_its_job_off(
    locks: Host, raw: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    def asks(payload: dict[str, Any]) -> Ride | None:
        if payload["args"] == ["raises"]:
            raise LookupError("no key")
        return Ride(["wrong"]) if payload["args"] == ["breaks"] else None

    locks.guard(
        Guard("odd", guarding=asks, check="return nil", take="redis.call('HSET', KEYS[1], 'a', 1)")
    )
    raw.set("wrong", "type")
    heard = Heard()
    locks.on_settled(heard)
    fields = {"class": "locked.Locked", "queue": "out", "retry": True, "created_at": 1.8e9}
    for jid in ("raises", "breaks", "ends"):
        job = {**fields, "args": [jid], "lock": jid, "jid": jid}
        raw.zadd("schedule", {encode(job, "json"): 1})
    with (driven := worker(redis_url, tmp_path, locks)):
        eventually(lambda: Done in heard.of("ends"), 20)
        eventually(lambda: heard.of("raises") == heard.of("breaks") == [PutOff], 20)
        eventually(lambda: len(driven.problems) >= 2, 10)
    said = {str(error) for error, _ in driven.problems}
    assert any("no key" in one for one in said)
    assert any("WRONGTYPE" in one for one in said)
    assert sorted(jids_in(raw, "schedule")) == ["breaks", "raises"]
    assert [holder(raw, lock) for lock in ("raises", "breaks", "ends")] == [None] * 3


@pytest.mark.parametrize("moment", ["before the request", "after the request", "in the reply"])
def test_a_worker_that_is_cut_off_now_and_then_runs_each_once(
    locks: Host, raw: redis.Redis, between: FaultProxy, tmp_path: Path, moment: Any
) -> None:
    heard = Heard()
    locks.on_settled(heard)
    with worker(between.url, tmp_path, locks):
        for number in range(10):
            jid = Locked.set(lock=str(number)).perform_in(0.05)
            between.cut_next(moment)
            eventually(lambda jid=jid: Done in heard.of(jid), 20)
            assert heard.of(jid).count(Done) == 1
    assert raw.keys("lock:*") == []
    assert jids_in(raw) == []
