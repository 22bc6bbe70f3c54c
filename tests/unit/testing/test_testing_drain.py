"""kiq.testing: working off what fake mode keeps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import kiq
from kiq import testing
from kiq.registry import Registry

seen: list[Any] = []


class Step(kiq.Job, name="testing.Step", aliases=["OldStep"]):
    def perform(self, left: int) -> int:
        seen.append((left, self.jid, self.attempt))
        if left > 0:
            Step.perform_async(left - 1)
        if left < 0:
            raise ZeroDivisionError(left)
        return left


class Endless(kiq.Job, name="testing.Endless"):
    def perform(self) -> None:
        Endless.perform_in(60)


@kiq.job(name="testing.note", queue="low")
def note(text: str, loud: bool = False) -> str:
    running = kiq.current_job()
    seen.append((text, running and running.queue))
    return text.upper() if loud else text


@pytest.fixture(autouse=True)
def faked(unconfigured: None, fresh_registry: Registry, fresh_host: kiq.Host) -> Iterator[None]:
    """Fake mode, for the code of the test alone."""
    seen.clear()
    with testing.scoped("fake"):
        yield
    testing.server_middleware.clear()


def test_drain_runs_what_jobs_push_as_well_and_counts() -> None:
    jid = Step.perform_async(2)
    assert testing.drain() == 3
    assert [left for left, *_ in seen] == [2, 1, 0]
    assert seen[0] == (2, jid, 1)
    assert testing.jobs() == []
    assert testing.drain() == 0
    assert kiq.current_job() is None


def test_drain_of_one_class_or_queue_leaves_the_others() -> None:
    Step.perform_async(0)
    note.perform_async("a")
    note.set(queue="other").perform_async("b")
    assert testing.drain(note, queue="low") == 1
    assert testing.drain("OldStep") == 1
    assert [job.args for job in testing.jobs()] == [["b"]]


def test_due_jobs_run_first_then_the_others_by_their_time() -> None:
    note.perform_in(120, "last")
    note.perform_in(60, "second")
    note.perform_async("first")
    testing.drain()
    assert [text for text, _ in seen] == ["first", "second", "last"]


@pytest.mark.parametrize("kind", [timedelta, float, datetime])
def test_until_leaves_alone_what_is_due_later(kind: type) -> None:
    ninety: dict[type, Any] = {
        timedelta: timedelta(seconds=90),
        float: time.time() + 90,
        datetime: datetime.now(UTC) + timedelta(seconds=90),
    }
    note.perform_in(120, "later")
    note.perform_in(75, "soon")
    note.perform_async("now")
    assert testing.drain(until=ninety[kind]) == 2
    assert [job.args for job in testing.jobs()] == [["later"]]


def test_an_error_is_raised_and_that_job_alone_is_gone() -> None:
    Step.perform_async(-1)
    Step.perform_async(0)
    with pytest.raises(ZeroDivisionError):
        testing.drain()
    assert [job.args for job in testing.jobs()] == [[0]]


def test_what_a_job_raises_for_its_own_fate_is_raised_too() -> None:
    testing.server_middleware.add(_snooze)
    Step.perform_async(0)
    with pytest.raises(kiq.Snooze):
        testing.perform_one()


def _snooze(context: kiq.ServerContext, call_next: Any) -> Any:
    raise kiq.Snooze(1)


def test_neither_run_nor_test_changes_what_the_other_sees() -> None:
    @testing.server_middleware.add
    def greedy(context: kiq.ServerContext, call_next: Any) -> Any:
        result = call_next(context)
        context.payload["args"].clear()
        return result

    note.perform_async("kept")
    (job,) = testing.jobs()
    testing.drain()
    assert job.args == ["kept"]
    note.perform_async("pushed")
    testing.jobs()[0].args[0] = "changed"
    assert testing.perform_one() == "pushed"


def test_a_scheduled_job_runs_as_one_that_became_due() -> None:
    @testing.server_middleware.add
    def look(context: kiq.ServerContext, call_next: Any) -> Any:
        seen.append(sorted(context.payload.keys() & {"at", "enqueued_at"}))
        return call_next(context)

    note.perform_in(60, "a")
    assert "enqueued_at" not in testing.jobs()[0].payload
    testing.drain()
    assert seen[0] == ["enqueued_at"]


def test_a_job_put_back_by_a_limit_keeps_its_place() -> None:
    for text in "abc":
        note.perform_async(text)
    with pytest.raises(testing.EndlessDrain):
        testing.drain(limit=1)
    assert [job.args[0] for job in testing.jobs()] == ["b", "c"]
    testing.drain()
    assert [text for text, _ in seen] == ["a", "b", "c"]


def test_a_job_without_end_is_stopped_and_nothing_is_lost() -> None:
    Endless.perform_async()
    with pytest.raises(testing.EndlessDrain, match=r"50 jobs ran, and the next is testing.Endless"):
        testing.drain(limit=50)
    assert len(testing.jobs(Endless)) == 1


def test_a_drain_of_exactly_the_limit_is_no_error() -> None:
    Step.perform_async(4)
    assert testing.drain(limit=5) == 5


def test_perform_one_runs_the_next_and_returns_its_result() -> None:
    note.perform_async("a", loud=True)
    note.perform_async("b")
    Step.perform_async(0)
    assert testing.perform_one(note) == "A"
    assert testing.perform_one(queue="default") == 0
    assert testing.perform_one() == "b"
    assert seen[0] == ("a", "low")


def test_perform_one_without_a_job_says_so() -> None:
    note.perform_in(60, "a")
    with pytest.raises(testing.NoJobs, match="no job of Step waits in queue low"):
        testing.perform_one(Step, queue="low")
    testing.perform_one()
    with pytest.raises(testing.NoJobs, match="no job waits: was it pushed"):
        testing.perform_one()


def test_jobs_and_clear_by_class_function_name_and_queue() -> None:
    Step.perform_async(0)
    note.perform_async("a")
    kiq.push({"class": "Ruby", "args": []})
    kiq.push({"class": "OldStep", "args": [1]})
    assert [len(testing.jobs(each)) for each in (Step, note, "Ruby", "nobody")] == [2, 1, 1, 0]
    assert len(testing.jobs(queue="default")) == 3
    testing.clear(note)
    assert len(testing.jobs()) == 3
    testing.clear(queue="low")
    assert len(testing.jobs()) == 3
    testing.clear()
    assert testing.jobs() == []


def test_what_is_no_job_class_is_refused() -> None:
    for wrong in (int, 5, kiq.Job):
        with pytest.raises(kiq.PayloadError, match="is no job class"):
            testing.jobs(wrong)  # type: ignore[arg-type]


def test_a_job_that_only_another_program_knows_can_t_run_here() -> None:
    kiq.push({"class": "Ruby", "args": []})
    with pytest.raises(kiq.UnknownJobClass):
        testing.drain()


def test_the_middleware_of_tests_may_skip_a_job() -> None:
    testing.server_middleware.add(lambda context, call_next: None)
    Step.perform_async(0)
    assert testing.drain() == 1
    assert seen == []
