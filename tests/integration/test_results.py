"""Results: what a job comes to is kept in the step that settles it, and had by whoever waits."""

from __future__ import annotations

import asyncio
import datetime
import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import redis

import kiq
from kiq import api
from kiq.client import Client
from kiq.plugins.results import keys
from tests.helpers.driven import DrivenWorker
from tests.helpers.resulted import Awaited, Told, begun, function, gate, wanted
from tests.helpers.waiting import eventually

Make = Callable[..., DrivenWorker]


def outcome_of(jid: str) -> kiq.Outcome:
    return kiq.result(jid).wait(timeout=20)


def test_what_a_job_returns_is_had_by_its_jid(raw: redis.Redis, result_worker: Make) -> None:
    when = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    value = {"bytes": b"\0\xff", "when": when, "id": uuid.uuid4(), "price": Decimal("1.10")}
    jids = [wanted().perform_async("returns", each) for each in (value, None, [1, [2]], "é")]
    with result_worker():
        assert [kiq.result(jid).get(timeout=20) for jid in jids] == [value, None, [1, [2]], "é"]
    outcome = kiq.result(jids[0]).wait(0)
    assert (outcome.status, outcome.job_class, outcome.attempt) == ("done", "resulted.Any", 1)
    assert raw.zcard("retry") == 0


def test_who_comes_first_waits_and_who_comes_late_has_it_at_once(
    raw: redis.Redis, result_worker: Make
) -> None:
    jid = wanted().perform_async("waits", 5)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(kiq.result(jid).get(timeout=20)))
    with result_worker():
        thread.start()
        eventually(lambda: begun == [jid])
        assert not kiq.result(jid).ready()
        gate.set()
        thread.join(20)
    assert found == [5]
    assert kiq.result(jid).ready()
    assert kiq.result(jid).get(timeout=0) == 5


def test_a_job_without_result_ttl_keeps_nothing(raw: redis.Redis, result_worker: Make) -> None:
    plain, none = Told.perform_async("returns", 1), wanted(ttl=None).perform_async("returns", 2)
    with result_worker():
        eventually(lambda: raw.llen("queue:out") == 0 and not raw.keys("kiq:inflight:*"))
    assert raw.keys("kiq:result*") == []
    for jid in (plain, none):
        with pytest.raises(kiq.ResultTimeout, match="no result_ttl, or there is no such job"):
            kiq.result(jid).get(timeout=0.05)
        assert kiq.result(jid).status == "unknown"


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ("kills", "dead", "failed for good at attempt 1: kiq.errors.Kill: on purpose"),
        ("discards", "discarded", "was dropped: kiq.errors.Discard: on purpose"),
    ],
)
def test_an_end_without_a_result_is_told_in_words(
    how: str, status: str, words: str, raw: redis.Redis, result_worker: Make
) -> None:
    jid = wanted().perform_async(how)
    with result_worker(), pytest.raises(kiq.JobFailed, match=words) as caught:
        kiq.result(jid).get(timeout=20)
    assert (caught.value.status, caught.value.jid) == (status, jid)
    assert kiq.result(jid).status == status


def test_an_error_comes_back_as_what_it_was_in_words(raw: redis.Redis, result_worker: Make) -> None:
    jid = wanted(retry=0).perform_async("fails")
    with result_worker(), pytest.raises(kiq.JobFailed) as caught:
        kiq.result(jid).get(timeout=20)
    error = caught.value
    assert (error.error_class, error.error_message) == ("ValueError", "on purpose")
    assert error.attempt == 1
    assert "resulted.py" in error.backtrace
    assert "perform" in error.backtrace
    assert error.__cause__ is None, "nothing is made from data"


def test_a_failure_in_between_is_waited_out(raw: redis.Redis, result_worker: Make) -> None:
    jid = wanted().perform_async("fails once", 7)
    with result_worker():
        eventually(lambda: raw.zcard("retry"))
        with pytest.raises(
            kiq.ResultTimeout,
            match=r"attempt 1 failed \(ValueError: on purpose\); attempt 2 is due \d",
        ):
            kiq.result(jid).get(timeout=0.05)
        look = kiq.result(jid).look()
        assert (look.status, look.where.attempt if look.where else 0) == ("retrying", 2)
        entry = api.RetrySet().find(jid)
        assert entry is not None
        assert entry.add_to_queue()
        assert outcome_of(jid).value == 7
    assert kiq.result(jid).wait(0).attempt == 2
    assert raw.keys("kiq:progress:*") == []


@pytest.mark.parametrize("value", [("can't travel", None), ("returns", "x" * 300)])
def test_what_can_not_be_kept_fails_no_job(
    value: tuple[str, Any], raw: redis.Redis, result_worker: Make
) -> None:
    jid = wanted().perform_async(*value)
    with result_worker(result_max_bytes=200):
        outcome = outcome_of(jid)
    assert outcome.status == "done"
    with pytest.raises(kiq.ResultMissing, match="is done; its result is not kept: it") as caught:
        _ = outcome.value
    said = str(caught.value)
    assert ("the result['a'][0]" in said) or ("result_max_bytes is 200" in said)
    assert (raw.zcard("retry"), raw.zcard("dead")) == (0, 0)


def test_states_are_told_apart(raw: redis.Redis, result_worker: Make) -> None:
    waiting, later = wanted().perform_async(), wanted().perform_in(3600)
    states = {jid: kiq.result(jid).look() for jid in (waiting, later)}
    assert [states[jid].status for jid in (waiting, later)] == ["waiting", "scheduled"]
    assert kiq.result("f" * 24).status == "unknown"
    raw.delete("queue:out")
    jids = {how: wanted().perform_async(how) for how in ("waits", "fails", "snoozes")}
    with result_worker():
        eventually(lambda: len(begun) == 3)
        eventually(lambda: raw.zcard("schedule") == 2)
        eventually(lambda: raw.zcard("retry") == 1)
        said = {"waits": "running", "fails": "retrying", "snoozes": "scheduled"}
        # A job that runs is known to from the next beat of its process on.
        eventually(lambda: {how: kiq.result(jid).status for how, jid in jids.items()} == said, 20)
        with pytest.raises(kiq.ResultTimeout, match="it asked to go on at"):
            kiq.result(jids["snoozes"]).get(timeout=0)
        gate.set()


def test_a_result_that_has_expired_is_said_to_have(raw: redis.Redis, result_worker: Make) -> None:
    jid = wanted(ttl=0.05).perform_async("returns", 1)
    with result_worker():
        eventually(lambda: raw.zscore(keys.ENDED, jid))
        eventually(lambda: not raw.exists(keys.result(jid)))
    with pytest.raises(kiq.ResultMissing, match="its result has expired"):
        kiq.result(jid).get(timeout=5)
    assert kiq.result(jid).status == "expired"


def test_the_time_counts_from_the_end(raw: redis.Redis, result_worker: Make) -> None:
    jid = wanted(ttl=100).perform_async("returns", 1)
    assert raw.keys("kiq:result:*") == []
    with result_worker():
        outcome_of(jid)
    assert 90_000 < raw.pttl(keys.result(jid)) <= 100_000
    assert all(raw.ttl(key) > 0 for key in raw.keys("kiq:result:*"))  # type: ignore[union-attr]


def test_what_is_deleted_or_killed_by_hand_is_told(raw: redis.Redis, result_worker: Make) -> None:
    first, second, third = (wanted().perform_in(60) for _ in range(3))
    waiting = wanted().perform_async()
    for jid, act in ((first, "delete"), (second, "kill")):
        entry = api.ScheduledSet().find(jid)
        assert entry is not None
        assert getattr(entry, act)()
    assert api.ScheduledSet().clear() == 1
    assert api.Queue("out").clear() == 1
    found = [kiq.result(jid).wait(5) for jid in (first, second, third, waiting)]
    assert [each.status for each in found] == ["deleted", "dead", "deleted", "deleted"]
    with pytest.raises(kiq.JobFailed, match="was deleted by hand"):
        kiq.result(first).get(timeout=5)


def test_who_retries_a_dead_job_by_hand_is_waited_for(
    raw: redis.Redis, result_worker: Make
) -> None:
    jid = wanted(retry=0).perform_async("fails")
    with result_worker():
        first = outcome_of(jid)
        assert first.status == "dead"
        entry = api.DeadSet().find(jid)
        assert entry is not None
        api.Queue("out").pause()
        entry.add_to_queue()
        assert kiq.result(jid).status == "waiting"
        assert not kiq.result(jid).ready()
        with pytest.raises(kiq.ResultTimeout):
            kiq.result(jid).get(timeout=0.05)
        found: list[kiq.Outcome] = []
        thread = threading.Thread(target=lambda: found.append(outcome_of(jid)))
        thread.start()
        api.Queue("out").unpause()
        thread.join(20)
    assert [each.status for each in found] == ["dead"]
    assert found[0].ended_at > first.ended_at


def test_many_are_had_in_their_order_and_as_they_come(
    raw: redis.Redis, result_worker: Make
) -> None:
    jids = [wanted().perform_async("returns", number) for number in range(50)]
    bad = wanted(retry=0).perform_async("fails")
    with result_worker():
        assert kiq.results(jids).get(timeout=20) == list(range(50))
        assert {each.value for each in kiq.results(jids).as_completed(timeout=20)} == set(range(50))
        with pytest.raises(kiq.JobFailed):
            kiq.results([*jids, bad]).get(timeout=20)
        found = kiq.results([bad, jids[3], "f" * 24]).get(timeout=0.5, return_exceptions=True)
    assert isinstance(found[0], kiq.JobFailed)
    assert found[1] == 3
    assert isinstance(found[2], kiq.ResultTimeout)
    assert kiq.results([]).get(timeout=1) == []


def test_asyncio_waits_without_a_thread_each(raw: redis.Redis, result_worker: Make) -> None:
    jids = [wanted().perform_async("returns", number) for number in range(200)]

    async def gather() -> list[Any]:
        before = threading.active_count()
        tasks = [asyncio.create_task(kiq.result(jid).aio.get(timeout=20)) for jid in jids]
        await asyncio.sleep(0)
        assert threading.active_count() <= before + 1
        found = await asyncio.gather(*tasks)
        assert await kiq.results(jids).aio.get(timeout=20) == found
        assert [each.value async for each in kiq.results(jids[:1]).aio.as_completed()] == [0]
        assert await kiq.result(jids[0]).aio.status() == "done"
        assert await kiq.result(jids[0]).aio.ready()
        assert await kiq.result(jids[0]).aio.progress() is None
        with pytest.raises(kiq.ResultTimeout):
            await kiq.result("f" * 24).aio.get(timeout=0.05)
        with pytest.raises(kiq.ResultTimeout):
            await kiq.result("f" * 24).aio.get(timeout=0)
        return found

    with result_worker():
        assert asyncio.run(gather()) == list(range(200))


class Waits(kiq.Job, name="resulted.Waits", queue="out", retry=0):
    """Waits for another."""

    def perform(self, jid: str, inside: bool = False) -> Any:
        """Look, then wait."""
        try:
            kiq.result(jid).get(timeout=0)
        except kiq.ResultTimeout:
            pass
        return kiq.result(jid).get(timeout=20, inside_job=inside)


def test_a_job_that_waits_for_another_is_refused_with_words(
    raw: redis.Redis, result_worker: Make
) -> None:
    other = wanted().perform_async("returns", 3)
    jids = [Waits.set(result_ttl=60).perform_async(other, allowed) for allowed in (False, True)]
    with result_worker():
        with pytest.raises(kiq.JobFailed, match="WaitRefused") as caught:
            kiq.result(jids[0]).get(timeout=20)
        assert kiq.result(jids[1]).get(timeout=20) == 3
    assert "Let the other job push what comes next" in caught.value.error_message


@pytest.mark.needs("greenlet")
def test_async_and_function_jobs_have_results(raw: redis.Redis, result_worker: Make) -> None:
    jids = [
        Awaited.set(result_ttl=60).perform_async("x"),
        function.set(result_ttl=60).perform_async(4),
        Awaited.set(result_ttl=60).perform_async("fails"),
    ]
    from kiq.plugins.asyncio_jobs import AsyncJobs

    kiq.host.install(AsyncJobs())
    with result_worker():
        assert kiq.results(jids[:2]).get(timeout=20) == ["x", 4]
        assert outcome_of(jids[2]).status == "dead"
    progress = [kiq.result(jid).progress for jid in jids]
    assert kiq.results(jids).progress == asyncio.run(kiq.results(jids).aio.progress()) == progress
    assert kiq.results(["never"]).progress == [None]
    assert [(each.done, each.total) for each in progress if each] == [(1, 2), (4, 4), (1, 2)]


def test_a_fleet_of_json_has_results(raw: redis.Redis, result_worker: Make) -> None:
    jid = wanted().perform_async("returns", {"a": [1, None, "é"]})
    other = wanted().perform_async("can't travel")
    with result_worker(codec="json"):
        assert kiq.result(jid).get(timeout=20) == {"a": [1, None, "é"]}
        assert "can't travel" in outcome_of(other).why
    assert b'"args":[{"a":[1,null,"\xc3\xa9"]}]' in raw.get(keys.result(jid))  # type: ignore[operator]


@pytest.mark.parametrize("bad", [None, "", 5, "x" * 2000])
def test_what_is_no_jid_is_refused(bad: Any, kiq_client: Client) -> None:
    with pytest.raises(kiq.PayloadError, match="result takes the jid of one job"):
        kiq.result(bad)
    with pytest.raises(kiq.PayloadError, match="many jids"):
        kiq.results("abc")
    with pytest.raises(kiq.PayloadError, match="timeout must be"):
        kiq.result("abc").get(timeout="soon")  # type: ignore[arg-type]


def test_a_record_of_another_version_raises_in_words(raw: redis.Redis, kiq_client: Client) -> None:
    jid = "e" * 24
    raw.set(keys.result(jid), b"2|what is this")
    with pytest.raises(kiq.ResultMissing, match="another version of kiq"):
        kiq.result(jid).get(timeout=5)
    assert kiq.result(jid).status == "unknown"
