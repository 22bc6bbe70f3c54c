"""Iterable jobs, run by run: where each goes on, what it saves, what becomes of the job."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

import kiq
from kiq import iteration, worker_state
from kiq.api import IterationState, connection
from kiq.plugins.iteration.keeper import _DROP, drop_ended
from kiq.plugins.iteration.keys import ENDS
from kiq.registry import Registry
from kiq.verdict import DONE, Dropped, ToQueue, ToRetry, ToSchedule
from kiq.worker_state import WorkerState
from tests.helpers.iterated import JID, Bench, bench_at
from tests.helpers.proxy import FaultProxy
from tests.helpers.server import TestServer

#: What jobs have done, in order; and at which item something is to happen.
seen: list[Any] = []
at: dict[Any, Any] = {}


@pytest.fixture
def bench(redis_url: str, raw: redis.Redis) -> Iterator[Bench]:
    seen.clear()
    at.clear()
    with bench_at(redis_url, raw) as made:
        yield made


class Count(kiq.IterableJob):
    """Does numbers, and whatever the test wants at one of them."""

    def build(self, size: int, *, cursor: Any) -> Any:
        return iteration.sequence(range(size), cursor=cursor)

    def each(self, item: int, size: int) -> None:
        action = at.pop(item, None)
        if action is not None:
            action(self)
        seen.append(item)

    def on_start(self) -> None:
        seen.append("start")

    def on_resume(self) -> None:
        seen.append("resume")

    def on_stop(self) -> None:
        seen.append("stop")

    def on_cancel(self) -> None:
        seen.append("cancel")

    def on_complete(self) -> None:
        seen.append("complete")


def stop(job: Any) -> None:
    job._kiq_context.worker.stopping.set()


def fail(_job: Any) -> None:
    raise ValueError("no luck")


def test_a_run_does_each_item_in_order_and_calls_what_it_should(bench: Bench) -> None:
    assert bench.run(Count, 3) == DONE
    assert seen == ["start", 0, 1, 2, "stop", "complete"]


def test_at_a_shutdown_the_item_that_did_not_run_is_saved_and_done_next(bench: Bench) -> None:
    at[1] = stop
    assert bench.run(Count, 4) == ToQueue()
    assert seen == ["start", 0, 1, "stop"]
    assert bench.state()["c"] == "2"
    assert bench.state()["ex"] == "1"
    bench.worker.stopping.clear()
    seen.clear()
    assert bench.run(Count, 4) == DONE
    assert seen == ["resume", 2, 3, "stop", "complete"]


def test_an_interruption_is_no_failure(bench: Bench) -> None:
    at[1] = stop
    bench.run(Count, 4, retry_count=3)
    assert bench.reported == []


def test_the_state_has_sidekiqs_fields_and_forms(bench: Bench) -> None:
    at[1] = stop
    bench.run(Count, 4)
    state = bench.state()
    assert int(state["ex"]) == 1
    assert json.loads(state["c"]) == 2
    assert 0 <= float(state["rt"]) < 5
    assert "cancelled" not in state
    assert 29 * 86_400 < kept(bench) <= 30 * 86_400
    assert bench.store.ttl(f"it-{JID}") == -1  # a full Redis might evict it


def test_running_time_and_executions_add_up(bench: Bench) -> None:
    bench.store.hset(f"it-{JID}", mapping={"ex": 4, "rt": 100.5, "c": "1"})
    at[1] = stop
    bench.run(Count, 4)
    assert bench.state()["ex"] == "5"
    assert float(bench.state()["rt"]) >= 100.5


def test_a_failed_item_is_saved_and_is_the_first_of_the_retry(bench: Bench) -> None:
    at[2] = fail
    verdict = bench.run(Count, 4)
    assert isinstance(verdict, ToRetry)
    assert bench.payload(verdict)["retry_count"] == 0
    assert seen == ["start", 0, 1], "on_stop is not called when an item fails"
    assert bench.state()["c"] == "2"
    assert bench.run(Count, 4) == DONE
    assert seen == ["start", 0, 1, "resume", 2, 3, "stop", "complete"]


def test_a_connection_that_is_cut_before_an_item_fails_costs_no_item(
    server: TestServer, bench: Bench
) -> None:
    with FaultProxy(server.port) as proxy, bench_at(proxy.url, bench.store) as behind:

        def cut_and_fail(job: Any) -> None:
            proxy.cut_all()
            fail(job)

        at[2] = cut_and_fail
        assert isinstance(behind.run(Count, 4), ToRetry)
        assert behind.run(Count, 4) == DONE
    assert seen == ["start", 0, 1, "resume", 2, 3, "stop", "complete"]


def test_after_max_iteration_runtime_the_job_goes_behind_the_others_uncounted(
    redis_url: str, raw: redis.Redis, bench: Bench
) -> None:
    with bench_at(redis_url, raw, max_runtime=1e-9) as short:
        verdict = short.run(Count, 3, retry_count=2)
        assert isinstance(verdict, ToSchedule)
        assert verdict.at <= time.time()
        assert short.payload(verdict)["retry_count"] == 2
        assert short.state()["c"] == "1", "one item at least is done in a run"
        short.run(Count, 3)
        assert short.run(Count, 3) == DONE
    assert [each for each in seen if isinstance(each, int)] == [0, 1, 2]


def test_a_class_may_have_a_runtime_of_its_own(redis_url: str, bench: Bench) -> None:
    assert isinstance(bench.run(Brief, 3), ToSchedule)


class Brief(Count, max_iteration_runtime=1e-9):
    """Gives way after each item."""


def test_the_state_is_flushed_when_it_is_due(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiq.plugins.iteration.run.FLUSH_INTERVAL", 0.0)
    found: list[dict[str, str]] = []
    at[2] = lambda job: found.append(bench.state())
    bench.run(Count, 4)
    assert found[0]["c"] == "2"
    assert found[0]["n"] == "2"
    assert found[0]["of"] == "4"


def test_without_a_due_flush_redis_is_asked_thrice_in_all(bench: Bench) -> None:
    before = int(bench.store.info("commandstats").get("cmdstat_hset", {}).get("calls", 0))  # type: ignore[union-attr]
    bench.run(Count, 1000)
    after = int(bench.store.info("commandstats")["cmdstat_hset"]["calls"])  # type: ignore[index]
    assert after - before == 3  # as it begins, at its end, and that it has ended


def test_a_run_that_was_overtaken_by_a_later_one_leaves_the_job_to_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiq.plugins.iteration.run.FLUSH_INTERVAL", 0.0)
    # As a process does that slept longer than its lease: the job has begun elsewhere meanwhile.
    at[1] = lambda _job: bench.store.hset(f"it-{JID}", mapping={"run": "another", "c": "4"})
    assert isinstance(bench.run(Count, 5), ToSchedule)
    assert seen == ["start", 0, 1, "stop"]
    assert bench.state()["c"] == "4", "what the other one has saved is left alone"
    assert bench.run(Count, 5) == DONE
    assert [each for each in seen if isinstance(each, int)] == [0, 1, 4]


@pytest.mark.parametrize("last", [2, 4])
def test_a_run_that_was_overtaken_writes_nothing_whatever_ends_it(bench: Bench, last: int) -> None:
    def overtaken(_job: object) -> None:
        bench.store.hset(f"it-{JID}", mapping={"run": "another", "c": "7", "ex": 2})
        if last == 2:
            raise RuntimeError("and then it fails")

    at[last] = overtaken
    verdict = bench.run(Count, 5)
    assert isinstance(verdict, ToRetry if last == 2 else ToSchedule)
    state = bench.state()
    assert (state["run"], state["c"], state["ex"]) == ("another", "7", "2")
    assert "fin" not in state
    assert "done" not in state
    assert "complete" not in seen


def test_a_run_is_no_state_before_it_has_saved_one(bench: Bench) -> None:
    at[0] = lambda _job: found.append(IterationState.find(JID, bench.url))
    found: list[IterationState | None] = []
    bench.run(Count, 2)
    assert found == [None]


def test_self_cancel_ends_before_the_next_item(bench: Bench) -> None:
    at[1] = lambda job: job.cancel()
    assert bench.run(Count, 4) == DONE
    assert seen == ["start", 0, 1, "cancel", "stop", "complete"]
    assert int(bench.state()["cancelled"]) == pytest.approx(time.time(), abs=60)


def test_cancel_by_jid_is_seen_at_the_next_flush(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiq.plugins.iteration.run.FLUSH_INTERVAL", 0.0)
    at[1] = lambda job: Count.cancel(JID, bench.url)
    assert bench.run(Count, 4) == DONE
    assert seen == ["start", 0, 1, "cancel", "stop", "complete"]


def test_a_job_may_be_cancelled_before_it_ever_ran(bench: Bench) -> None:
    since = Count.cancel(JID, bench.url)
    assert since == Count.cancel(JID, bench.url) == pytest.approx(time.time(), abs=60)
    assert bench.run(Count, 4) == DONE
    assert seen == ["start", "cancel", "stop", "complete"]


def test_what_cancels_plain_jobs_cancels_iterable_ones_at_once(bench: Bench) -> None:
    at[1] = lambda job: bench.worker.cancelled.update({JID: 1.0})
    assert bench.run(Count, 4) == DONE
    assert seen == ["start", 0, 1, "cancel", "stop", "complete"]


def kept(bench: Bench) -> float:
    """For how many seconds the state is kept."""
    score: Any = bench.store.zscore(ENDS, f"it-{JID}")
    return float(score) - time.time()


def test_a_cancelled_state_is_not_kept_for_ever(bench: Bench) -> None:
    Count.cancel(JID, bench.url)
    assert kept(bench) > 29 * 86_400


def test_every_flush_moves_the_end_of_the_state(bench: Bench) -> None:
    at[1] = stop
    bench.store.hset(f"it-{JID}", "ex", 1)
    bench.store.zadd(ENDS, {f"it-{JID}": time.time() + 60})
    bench.run(Count, 3)
    assert kept(bench) > 29 * 86_400


@pytest.mark.parametrize("moment", ["before the run", "amid"])
def test_a_state_to_which_ruby_gave_a_ttl_loses_it(bench: Bench, moment: str) -> None:
    def cancelled_by_ruby(job: Any) -> None:
        bench.store.expire(f"it-{JID}", 60)
        stop(job)

    at[1] = stop
    if moment == "amid":
        at[1] = cancelled_by_ruby
    else:
        bench.store.hset(f"it-{JID}", "ex", 1)
        bench.store.expire(f"it-{JID}", 60)
    bench.run(Count, 3)
    assert bench.store.ttl(f"it-{JID}") == -1


@pytest.mark.bare_names
def test_states_whose_end_has_come_are_dropped(bench: Bench) -> None:
    at[1] = stop
    bench.run(Count, 3)
    over = {f"it-over-{number}": time.time() - number for number in range(1, 251)}
    bench.store.zadd(ENDS, {**over, "it-young": time.time() + 60})
    for name in (*over, "it-young"):
        bench.store.hset(name, "ex", 1)
    assert drop_ended(connection(bench.store)) == 250
    assert sorted(bench.store.keys("it-*")) == sorted([f"it-{JID}".encode(), b"it-young"])
    assert bench.store.zcard(ENDS) == 2
    assert drop_ended(connection(bench.store)) == 0


def test_a_state_that_is_written_meanwhile_stays(bench: Bench) -> None:
    bench.store.hset("it-goes-on", "ex", 1)
    bench.store.zadd(ENDS, {"it-goes-on": time.time() + 60})
    names = ("it-goes-on", "it-unknown")
    assert connection(bench.store).call(("EVAL", _DROP, 3, ENDS, *names, *names)) == 0
    assert bench.store.exists("it-goes-on")


def test_abort_ends_the_job_for_good(bench: Bench) -> None:
    at[1] = lambda job: job.abort()
    assert bench.run(Count, 4) == DONE
    assert seen == ["start", 0, "stop", "complete"]
    assert bench.run(Count, 4) == DONE
    assert seen == ["start", 0, "stop", "complete"], "a second delivery does nothing"


def test_abort_passes_an_except_exception(bench: Bench) -> None:
    def aborts(job: Any) -> None:
        try:
            job.abort()
        except Exception:
            seen.append("swallowed")

    at[0] = aborts
    bench.run(Count, 4)
    assert seen == ["start", "stop", "complete"]


def test_a_job_whose_end_was_not_settled_is_not_begun_anew(bench: Bench) -> None:
    assert bench.run(Count, 2) == DONE
    assert bench.run(Count, 2) == DONE
    assert seen == ["start", 0, 1, "stop", "complete"]
    assert 0 < kept(bench) <= 86_400
    assert bench.store.ttl(f"it-{JID}") == -1


def test_the_same_jid_pushed_again_is_another_job(bench: Bench) -> None:
    bench.run(Count, 2)
    seen.clear()
    assert bench.run(Count, 2, created_at=1_800_000_000_001) == DONE
    assert seen == ["start", 0, 1, "stop", "complete"]


def test_on_complete_that_fails_is_repeated_without_the_items(bench: Bench) -> None:
    assert isinstance(bench.run(Clumsy, 2), ToRetry)
    assert bench.run(Clumsy, 2) == DONE
    assert seen == ["start", 0, 1, "stop", "resume", "stop", "complete"]


class Clumsy(Count):
    """Fails once at its end."""

    def on_complete(self) -> None:
        if at.setdefault("clumsy", []) == []:
            at["clumsy"].append(True)
            raise ValueError("clumsy")
        super().on_complete()


def test_no_enumerator_means_nothing_to_do(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="kiq.iteration")
    assert bench.run(Nothing) == DONE
    assert seen == []
    assert "build returned None" in caplog.text


class Nothing(Count):
    """Has nothing to do."""

    def build(self, *, cursor: Any) -> Any:
        return None

    def each(self, item: int) -> None:
        raise AssertionError


class Generated(kiq.IterableJob):
    """Is its own generator, and notes when that is closed."""

    def build(self, size: int, *, cursor: int | None) -> Iterator[tuple[int, int]]:
        try:
            for number in range(cursor or 0, size):
                yield number, number
        finally:
            seen.append("closed")

    def each(self, item: int, size: int) -> None:
        seen.append((item, self.cursor, self.current_item, self.arguments))
        if item in at:
            at.pop(item)(self)

    @contextmanager
    def around_iteration(self) -> Iterator[None]:
        seen.append("before")
        yield
        seen.append("after")


def test_build_may_be_a_generator_and_items_stand_within_around_iteration(bench: Bench) -> None:
    bench.run(Generated, 1)
    assert seen == ["before", (0, 0, 0, (1,)), "after", "closed"]


@pytest.mark.parametrize("what", [stop, fail])
def test_generators_are_closed_when_a_run_ends(bench: Bench, what: Any) -> None:
    at[0] = what
    bench.run(Generated, 3)
    assert seen[-1] == "closed"


def test_a_generator_that_fails_repeats_the_item_before_it_at_most(bench: Bench) -> None:
    assert isinstance(bench.run(Broken), ToRetry)
    assert bench.run(Broken) == DONE
    assert seen == [0, 1, 1, 2]


class Broken(kiq.IterableJob):
    """Its source breaks once."""

    def build(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
        for number in range(cursor or 0, 3):
            if number == 2 and at.setdefault("broken", []) == []:
                at["broken"].append(True)
                raise OSError("the source is away")
            yield number, number

    def each(self, item: int) -> None:
        seen.append(item)


@pytest.mark.parametrize(
    ("pairs", "words"),
    [([1, 2], "pairs"), (["ab"], "pairs"), (5, "pairs"), ([(1, object())], "can't be in a cursor")],
)
def test_what_is_no_pair_or_no_cursor_is_refused_before_the_item_is_done(
    bench: Bench, pairs: Any, words: str
) -> None:
    at["pairs"] = pairs
    assert isinstance(bench.run(Odd), ToRetry)
    assert words in str(bench.reported[0])
    assert seen == []


class Odd(kiq.IterableJob):
    """Gives what the test gives it."""

    def build(self, *, cursor: Any) -> Any:
        return at["pairs"]

    def each(self, item: Any) -> None:
        seen.append(item)


def test_a_last_cursor_that_can_not_be_kept_fails_no_job_whose_items_are_done(bench: Bench) -> None:
    at["pairs"] = [(1, 1), (2, object())]
    assert bench.run(Odd) == DONE
    assert seen == [1, 2]


def test_an_unreadable_state_is_an_error_that_says_what_to_do(bench: Bench) -> None:
    bench.store.hset(f"it-{JID}", "c", "{junk")
    assert isinstance(bench.run(Count, 3), ToRetry)
    assert f"it-{JID}" in str(bench.reported[0])
    assert "begin anew" in str(bench.reported[0])
    assert seen == []


def test_a_cursor_of_other_code_is_an_error(bench: Bench) -> None:
    bench.store.hset(f"it-{JID}", "c", '"a name"')
    assert isinstance(bench.run(Count, 3), ToRetry)
    assert "no cursor of sequence" in str(bench.reported[0])


def test_junk_beside_the_cursor_is_taken_for_zero(bench: Bench) -> None:
    junk = {"ex": "x", "rt": "1e999", "c": "1", "n": "nan", "p": "", "of": "z"}
    bench.store.hset(f"it-{JID}", mapping=junk)
    assert bench.run(Count, 3) == DONE
    assert [each for each in seen if isinstance(each, int)] == [1, 2]


@pytest.mark.parametrize("junk", ["true", "", "nan"])
def test_a_job_is_cancelled_by_junk_too_and_does_not_fail(bench: Bench, junk: str) -> None:
    at[1] = lambda _job: bench.store.hset(f"it-{JID}", "cancelled", junk)
    assert bench.run(Count, 3) == DONE
    assert seen[-3:] == ["cancel", "stop", "complete"]


def test_an_own_dead_redis_fails_no_item_while_the_run_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kiq.plugins.iteration.run.FLUSH_INTERVAL", 0.0)

    def wreck(_job: Any) -> None:
        bench.store.delete(f"it-{JID}")
        bench.store.set(f"it-{JID}", "not a hash")

    at[1] = wreck
    at[2] = lambda _job: bench.store.delete(f"it-{JID}")
    assert bench.run(Count, 4) == DONE
    assert "could not be saved" in caplog.text


def test_before_the_job_goes_back_its_state_is_saved_with_several_attempts(bench: Bench) -> None:
    repair = threading.Timer(0.2, lambda: bench.store.delete(f"it-{JID}"))

    def wreck_and_stop(job: Any) -> None:
        bench.store.set(f"it-{JID}", "not a hash")
        repair.start()
        stop(job)

    at[1] = wreck_and_stop
    assert bench.run(Count, 4) == ToQueue()
    repair.join()
    assert bench.state()["c"] == "2"


def test_a_state_that_can_not_be_saved_at_all_keeps_no_job_from_going_back(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def wreck_and_stop(job: Any) -> None:
        bench.store.set(f"it-{JID}", "not a hash")
        stop(job)

    at[1] = wreck_and_stop
    assert bench.run(Count, 4) == ToQueue()
    assert "will be done again" in caplog.text


def test_progress_is_shown(bench: Bench) -> None:
    at[1] = stop
    bench.run(Count, 8)
    state = IterationState.find(JID, bench.url)
    assert state is not None
    assert (state.executions, state.cursor, state.items, state.total) == (1, 2, 2, 8)
    assert state.percentage == 25.0
    assert state.rate is not None
    assert state.eta is not None


def test_batches_count_by_what_is_in_them(bench: Bench) -> None:
    batches = [(["a", "b"], 0), (["c", "d", "e"], 1), (["f"], 2)]
    at["pairs"] = iteration.Enumerator(batches, total=6, weight=len)
    with bench_at(bench.url, bench.store, max_runtime=1e-9) as short:
        short.run(Odd)
    state = IterationState.find(JID, bench.url)
    assert state is not None
    assert (state.items, state.position, state.total) == (1, 2, 6)


def test_a_job_tells_its_own_progress(bench: Bench) -> None:
    def tell(job: Any) -> None:
        job.progress(position=30, total=120)
        seen.append(job.state.percentage)
        bench.worker.stopping.set()

    at[1] = tell
    bench.run(Count, 8)
    state = IterationState.find(JID, bench.url)
    assert state is not None
    assert (state.position, state.total, state.percentage) == (30, 120, 25.0)
    assert 25.0 in seen


@pytest.mark.parametrize(
    ("position", "total", "percentage"),
    [(5, 0, 100.0), (-5, 10, 0.0), (20, 10, 100.0), (1, None, None), (0, 4, 0.0)],
)
def test_a_percentage_lies_between_0_and_100(
    position: float, total: float | None, percentage: float | None
) -> None:
    assert IterationState(position=position, total=total).percentage == percentage


def test_inline_runs_from_end_to_end_without_redis(unconfigured: None) -> None:
    seen.clear()
    worker = WorkerState()
    worker.stopping.set()
    worker_state.begin(worker)
    try:
        Count.perform_inline(2)
    finally:
        worker_state.end(worker)
    assert seen == ["start", 0, 1, "stop", "complete"]


def test_a_job_inline_within_a_worker_leaves_no_state(bench: Bench) -> None:
    Count.perform_inline(2)
    assert bench.store.keys("it-*") == []


def test_a_long_item_is_warned_of(
    redis_url: str, raw: redis.Redis, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with bench_at(redis_url, raw, timeout=0.0) as strict:
        strict.run(Count, 3)
    assert caplog.text.count("longer than shutdown_timeout") == 1


def test_a_vanished_state_begins_anew(bench: Bench) -> None:
    at[1] = stop
    bench.run(Count, 3)
    state = IterationState.find(JID, bench.url)
    assert state is not None
    assert state.delete(bench.url)
    assert IterationState.find(JID, bench.url) is None
    bench.worker.stopping.clear()
    seen.clear()
    bench.run(Count, 3)
    assert seen[:2] == ["start", 0]


def test_a_job_that_is_discarded_in_an_item_is_dropped(bench: Bench) -> None:
    def discard(_job: Any) -> None:
        raise kiq.Discard

    at[1] = discard
    assert isinstance(bench.run(Count, 3), Dropped)


def test_state_belongs_to_a_run(fresh_registry: Registry) -> None:
    job = Count()
    assert (job.cursor, job.arguments, job.current_item, job.cancelled) == (None, (), None, False)
    for call in (job.abort, job.cancel, job.progress, lambda: job.state):
        with pytest.raises(RuntimeError, match="does not run"):
            call()


def test_a_middleware_that_fails_after_the_end_repeats_no_item(bench: Bench) -> None:
    def clumsy(context: Any, call_next: Any) -> None:
        call_next(context)
        if len(seen) <= 5:
            raise OSError("after the end")

    bench.host.around_perform(clumsy)
    assert isinstance(bench.run(Count, 2), ToRetry)
    seen.append("retried")
    assert bench.run(Count, 2, enqueued_at=1_800_000_000_005) == DONE
    assert seen == ["start", 0, 1, "stop", "complete", "retried"]


@pytest.mark.parametrize("jid", [None, "", 5, ["x"]])
def test_a_job_without_a_jid_of_its_own_never_goes_on_where_another_was(
    bench: Bench, jid: Any
) -> None:
    for name in (f"it-{jid}", "it-"):
        bench.store.hset(name, mapping={"ex": 1, "c": "2"})
    at[0] = stop
    assert bench.run(Count, 3, jid=jid) == DONE
    assert seen == ["start", 0, 1, 2, "stop", "complete"]


@pytest.mark.parametrize("where", ["build", "on_start", "on_stop", "on_complete"])
def test_abort_works_wherever_the_job_is(
    bench: Bench, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def aborts(self: Any, *_args: Any, **_kwargs: Any) -> None:
        seen.append(where)
        self.abort()

    monkeypatch.setattr(Count, where, aborts)
    assert bench.run(Count, 2) == DONE
    assert seen.count(where) == 1
    assert "fin" in bench.state()


def test_a_source_that_can_not_be_closed_costs_no_state(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    class Stubborn(list[Any]):
        def close(self) -> None:
            raise OSError("stubborn")

    at["pairs"] = Stubborn((number, number) for number in range(3))
    bench.worker.stopping.set()
    assert bench.run(Odd) == ToQueue()
    assert bench.state()["c"] == "0"
    assert "closing what build returned failed" in caplog.text


def test_a_job_whose_state_can_not_be_read_now_comes_again_uncounted(bench: Bench) -> None:
    with bench_at("redis://localhost:1/0", bench.store) as away:
        verdict = away.run(Count, 3, retry=False)
    assert isinstance(verdict, ToSchedule)
    assert seen == []


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "5", None])
def test_progress_takes_numbers(bench: Bench, number: Any) -> None:
    refused: list[Exception] = []

    def tell(job: Any) -> None:
        try:
            job.progress(position=number)
        except (TypeError, ValueError) as error:
            refused.append(error)

    at[0] = tell
    assert bench.run(Count, 1) == DONE
    assert bool(refused) == (number is not None)


def test_a_snooze_in_an_item_is_resumed_there(bench: Bench) -> None:
    def snooze(_job: Any) -> None:
        raise kiq.Snooze(60)

    at[1] = snooze
    assert isinstance(bench.run(Count, 3), ToSchedule)
    assert bench.run(Count, 3) == DONE
    assert [each for each in seen if isinstance(each, int)] == [0, 1, 2]
