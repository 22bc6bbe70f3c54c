"""``@kiq.duty``: a function that one process of the fleet calls again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import kiq
from kiq.api import ProcessSet
from kiq.clock import steady
from kiq.work.attached import Attached
from tests.helpers.driven import DrivenWorker
from tests.helpers.waiting import eventually

Member = tuple[Attached, Any]
Join = Callable[[], Member]


@pytest.fixture
def join(redis_url: str, fresh_host: kiq.Host, tmp_path: Path) -> Iterator[Join]:
    """Let another process join, which has the duties that the test has declared."""
    members: list[Member] = []

    def make() -> Member:
        worker = DrivenWorker(redis_url, tmp_path / str(len(members))).launcher.worker
        worker.beaten_at = steady() + 60
        process = Attached(worker, [], print)
        service = fresh_host.services[-1](process)
        assert service is not None
        members.append((process, service))
        service.start()
        return members[-1]

    yield make
    for _, service in members:
        service.stop()
    for _, service in members:
        assert service._loop.join(5)
        service._thread.join(5)
        assert not service._thread.is_alive()


def test_one_process_calls_it_and_when_that_stops_another(
    join: Join, kiq_client: kiq.Client
) -> None:
    calls: list[str] = []

    @kiq.duty("janitor", every=0.01)
    def janitor(duty: kiq.Duty) -> None:
        calls.append(threading.current_thread().name)
        assert duty.held

    one, service = join()
    eventually(lambda: len(calls) > 2)
    other, _ = join()
    assert ProcessSet().duties == {"janitor": one.identity}
    service.stop()
    eventually(lambda: ProcessSet().duties == {"janitor": other.identity}, 10)
    before = len(calls)
    eventually(lambda: len(calls) > before, 5)
    assert set(calls) == {"kiq-does-janitor"}


def test_one_call_may_take_longer_than_an_election_holds(
    join: Join, kiq_client: kiq.Client
) -> None:
    began, release, others = threading.Event(), threading.Event(), []

    @kiq.duty("long", every=0.01)
    def long(duty: kiq.Duty) -> None:
        if began.is_set():
            others.append(duty)
        began.set()
        release.wait(30)

    join()
    assert began.wait(5)
    join()
    until = steady() + 7  # an election holds for six seconds
    eventually(lambda: steady() > until, 10)
    assert not others
    release.set()


def test_a_call_that_looks_ends_when_its_process_stops(join: Join, kiq_client: kiq.Client) -> None:
    ended = threading.Event()
    began = threading.Event()

    @kiq.duty("watch")
    def watch(duty: kiq.Duty) -> None:
        began.set()
        while duty.wait(60.0):
            raise AssertionError("it slept for a minute")
        ended.set()

    _, service = join()
    assert began.wait(5)
    service.stop()
    assert ended.wait(5)


def test_what_it_raises_is_reported_and_the_next_call_comes(
    join: Join, kiq_client: kiq.Client
) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    calls: list[int] = []

    @kiq.duty("broken", every=0.01)
    def broken(duty: kiq.Duty) -> None:
        calls.append(1)
        raise SystemExit("no")

    _, service = join()
    service._report = lambda error, context: told.append((str(error), context))
    eventually(lambda: len(calls) > 2 and told)
    assert ("no", {"context": "duty broken"}) in told


@pytest.mark.parametrize(
    ("name", "every"), [("Two words", 1.0), ("", 1.0), ("a", 0.0), ("a", "1h")]
)
def test_a_bad_name_or_time_is_refused(fresh_host: kiq.Host, name: str, every: Any) -> None:
    with pytest.raises(kiq.ConfigError):
        kiq.duty(name, every=every)


def test_a_name_that_is_taken_and_a_coroutine_are_refused(fresh_host: kiq.Host) -> None:
    kiq.duty("one")(print)
    with pytest.raises(kiq.ConfigError, match="two duties are named 'one'"):
        kiq.duty("one")

    async def never(duty: kiq.Duty) -> None: ...

    with pytest.raises(kiq.ConfigError, match="async def"):
        kiq.duty("two")(never)
