"""Progress: bounded however often it is told, the last word with the end, and nothing after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq.plugins.results import keys
from kiq.plugins.results.progress import Progress, Underway
from kiq.plugins.results.writer import Line, command_of
from tests.helpers.depot import Depot
from tests.helpers.driven import DrivenWorker
from tests.helpers.resulted import Told, begun, gate, wanted
from tests.helpers.waiting import eventually

Make = Callable[..., DrivenWorker]


def test_progress_is_seen_while_the_job_runs(raw: redis.Redis, result_worker: Make) -> None:
    jid = wanted().perform_async("goes on", "end")
    result = kiq.result(jid)
    assert result.progress is None
    with result_worker():
        eventually(lambda: (p := result.progress) is not None and p.done == 3)
        progress = result.progress
        assert progress is not None
        assert (progress.total, progress.note, progress.percentage) == (4, "nearly", 75)
        assert progress.time_left is not None
        assert 0 < progress.time_left < 5
        assert kiq.result(jid).look().progress == progress
        with pytest.raises(kiq.ResultTimeout, match="it runs, attempt 1 has done 3 of 4"):
            result.get(timeout=0.05)
        gate.set()
        assert result.get(timeout=20) == "end"
    assert not raw.exists(keys.progress(jid))
    last = result.progress
    assert last is not None
    assert (last.done, last.total, last.note) == (3, 4, "nearly")


def test_ten_thousand_calls_are_a_few_writes_and_the_last_one_counts(
    raw: redis.Redis, result_worker: Make
) -> None:
    jid = wanted().perform_async("tells much", 10_000)
    raw.config_resetstat()
    with result_worker():
        assert kiq.result(jid).wait(20).status == "done"
    sent: Any = raw.info("commandstats")
    writes = int(sent.get("cmdstat_set", {"calls": 0})["calls"])
    assert writes < 40, (
        "the result, the lease at each beat, and a write of progress each half second"
    )
    progress = kiq.result(jid).progress
    assert progress is not None
    assert (progress.done, progress.percentage) == (10_000, 100)


def test_a_failed_attempt_keeps_how_far_it_came(raw: redis.Redis, result_worker: Make) -> None:
    jid = wanted().perform_async("tells, fails")
    with result_worker():
        eventually(lambda: raw.zcard("retry"))
        progress = kiq.result(jid).progress
    assert progress is not None
    assert (progress.done, progress.note, progress.attempt) == (2, "half", 1)
    assert raw.pttl(keys.progress(jid)) > 80_000_000, "as long as the job may live, and a day"


def test_who_was_declared_dead_writes_nothing_any_more(
    raw: redis.Redis, result_worker: Make
) -> None:
    """Neither its progress nor its end: the run that goes on with the job has the word."""
    jid = wanted().perform_async("goes on", "late")
    with result_worker():
        eventually(lambda: raw.exists(keys.progress(jid)))
        (held,) = raw.keys("kiq:inflight:*")  # type: ignore[misc]
        raw.rename(held, "taken away")
        raw.delete(keys.progress(jid))
        job = kiq.plugins.results.running.Story(1)  # not the run's own
        job.tell(1, 2, None)
        gate.set()
        eventually(lambda: not raw.keys("kiq:inflight:*"))
    assert begun == [jid]
    assert raw.keys("kiq:result:*") + raw.keys("kiq:progress:*") == []  # type: ignore[operator]


def test_progress_of_a_job_that_keeps_none_is_said_once(
    raw: redis.Redis, result_worker: Make, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        Told.perform_async("tells much", 3)
    with result_worker():
        eventually(lambda: len(begun) == 2 and not raw.keys("kiq:inflight:*"))
    said = [line for line in caplog.messages if "nobody keeps it" in line]
    assert len(said) <= 1, "once for each class and process"
    assert raw.keys("kiq:progress:*") == []


def test_progress_outside_of_a_job_is_refused_and_inline_it_is_nothing() -> None:
    with pytest.raises(RuntimeError, match="for a job that runs here"):
        kiq.progress(1)
    with pytest.raises(RuntimeError, match="does not run"):
        Told().progress(1)
    assert Told.perform_inline("tells much", 3) == 3


@pytest.mark.parametrize(
    ("done", "more", "error"),
    [
        ("5", {}, TypeError),
        (True, {}, TypeError),
        (float("nan"), {}, ValueError),
        (1, {"total": float("inf")}, ValueError),
        (1, {"note": 5}, TypeError),
    ],
)
def test_what_is_no_number_is_refused(
    done: Any, more: dict[str, Any], error: type[Exception]
) -> None:
    class Tells(kiq.Job, name=f"resulted.Tells{os.urandom(4).hex()}"):
        def perform(self) -> None:
            self.progress(done, **more)

    with pytest.raises(error):
        Tells.perform_inline()


class Numbers(kiq.IterableJob, name="resulted.Numbers", queue="out"):
    """Tells its progress by itself."""

    def build(self, count: int, *, cursor: Any = None) -> Any:
        """Return numbers."""
        return kiq.iteration.sequence(range(count), cursor=cursor)

    def each(self, item: int, count: int) -> None:
        """Wait at the last."""
        if item == count - 1:
            gate.wait(20)


def test_an_iterable_job_tells_by_itself(raw: redis.Redis, result_worker: Make) -> None:
    kiq.host.install(kiq.plugins.iteration.IterationPlugin())
    jid = Numbers.set(result_ttl=60).perform_async(20)
    with result_worker():
        eventually(lambda: (p := kiq.result(jid).progress) is not None and p.done == 19)
        gate.set()
        assert kiq.result(jid).get(timeout=20) is None
    progress = kiq.result(jid).progress
    assert progress is not None
    assert (progress.done, progress.total, progress.percentage) == (20, 20, 100)


def test_a_late_word_of_who_was_declared_dead_is_not_written(
    raw: redis.Redis, redis_url: str, kiq_client: kiq.Client
) -> None:
    jid = str(wanted().perform_async())
    depot = Depot(redis_url, "h:1:n:default", "queue:out")
    (taken,) = depot.take(1, "out")
    said = Underway("running", 1, Progress(5, None, "", 1.0)).written()
    line = Line(taken.flight.key, keys.progress(jid), taken.delivery, said, 60_000)
    assert depot.link.call(command_of([line])) == 1
    raw.delete(keys.progress(jid))
    depot.die(crashed=False)
    assert depot.link.call(command_of([line])) == 0
    assert not raw.exists(keys.progress(jid))
