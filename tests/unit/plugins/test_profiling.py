"""Recording one run: bounded, on its own thread, and never at the job's cost."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import kiq
from kiq.errors import Shutdown
from kiq.plugins.profiling import stacks
from kiq.plugins.profiling.firefox import CATEGORIES, document
from kiq.plugins.profiling.plugin import Profiling, Recordings
from kiq.plugins.profiling.recording import Recording
from kiq.plugins.profiling.stacks import Stacks
from kiq.worker_state import WorkerState


class Answer:
    def __init__(self, number: int) -> None:
        self.number = number

    def work(self, seconds: float) -> int:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.number = sum(range(200))
        return self.number


def recorded(seconds: float = 0.05) -> Recording:
    recording = Recording()
    Answer(1).work(seconds)
    recording.stop()
    assert recording.broken is None
    return recording


def names(found: dict[str, Any]) -> set[str]:
    thread = found["threads"][0]
    return {thread["stringArray"][name] for name in thread["funcTable"]["name"]}


@pytest.mark.needs("pyinstrument")
def test_a_recording_holds_the_run_and_nothing_around_it() -> None:
    recording = recorded()
    found = document(recording, "HardWorker abc")
    assert "Answer.work" in names(found)
    assert not {name for name in names(found) if "pytest" in name or "recorded" in name}
    assert 0.05 <= recording.elapsed < 5
    assert sum(recording.stacks.lasted) == pytest.approx(recording.elapsed, abs=0.02)
    assert sys.getprofile() is None


def columns(table: dict[str, Any]) -> Iterator[list[Any]]:
    yield from (column for name, column in table.items() if isinstance(column, list))


@pytest.mark.needs("pyinstrument")
def test_the_document_is_whole() -> None:
    found = document(recorded(), "HardWorker abc")
    meta, thread = found["meta"], found["threads"][0]
    assert (meta["version"], meta["preprocessedProfileVersion"]) == (28, 47)
    assert CATEGORIES[0] == ("Other", "grey")
    assert isinstance(thread["pid"], str)
    for name in ("samples", "stackTable", "frameTable", "funcTable", "resourceTable", "markers"):
        assert {len(each) for each in columns(thread[name])} <= {thread[name]["length"]}
    stack, frames, functions = (thread[name] for name in ("stackTable", "frameTable", "funcTable"))
    assert thread["samples"]["length"] > 0
    assert all(0 <= each < stack["length"] for each in thread["samples"]["stack"])
    assert all(p is None or p < at for at, p in enumerate(stack["prefix"]))
    assert all(0 <= each < frames["length"] for each in stack["frame"])
    assert all(0 <= each < functions["length"] for each in frames["func"])
    texts = len(thread["stringArray"])
    assert all(0 <= each < texts for each in (*functions["name"], *functions["fileName"]))
    assert all(0 <= each < len(CATEGORIES) for each in stack["category"])
    assert thread["samples"]["time"] == sorted(thread["samples"]["time"])


@pytest.mark.needs("pyinstrument")
def test_other_threads_are_not_recorded() -> None:
    seen: list[Any] = []
    stop = threading.Event()

    def beside() -> None:
        while not stop.is_set():
            Answer(2).work(0.001)
        seen.append(sys.getprofile())

    others = [threading.Thread(target=beside) for _ in range(3)]
    for each in others:
        each.start()
    both = [Recording()]
    time_of_mine = sum(range(10_000))
    both[0].stop()
    stop.set()
    for each in others:
        each.join()
    assert time_of_mine
    assert seen == [None] * 3
    assert "Answer.work" not in names(document(both[0], "x"))


@pytest.mark.needs("pyinstrument")
def test_two_threads_may_record_at_once() -> None:
    found: list[Recording] = []
    crew = [threading.Thread(target=lambda: found.append(recorded(0.1))) for _ in range(2)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    assert all("Answer.work" in names(document(one, "x")) for one in found)
    assert len(found) == 2


def test_samples_are_bounded_and_keep_the_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "MOST_SAMPLES", 100)
    many = Stacks(0.001)
    for number in range(10_000):
        many.add(["root", f"leaf {number % 7}"], 0.001)
    assert len(many.nodes) == len(many.began) == len(many.lasted) <= 101
    assert sum(many.lasted) == pytest.approx(10.0)
    assert many.began == sorted(many.began)
    assert many.interval > 0.001


def test_stacks_are_bounded_in_number_and_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "MOST_NODES", 50)
    many = Stacks(0.001)
    many.add(["root", *(f"{depth}" for depth in range(10_000))], 0.001)
    assert len(many.frames) == 50
    for number in range(1_000):
        many.add(["root", f"another {number}"], 0.001)
    assert len(many.frames) == 50
    deep = Stacks(0.001)
    deep.add(["again"] * 10_000, 0.001)
    assert len(deep.frames) == 50


def test_a_stay_in_one_place_is_one_sample() -> None:
    one = Stacks(0.001)
    for _ in range(5):
        one.add(["root"], 0.002)
    one.add([], 0.5)
    one.add(["root", "leaf"], 0.002)
    assert one.lasted == [pytest.approx(0.010), 0.002]
    assert one.began == [0.0, pytest.approx(0.510)]


# The layer


def run(
    fresh_host: kiq.Host,
    token: Any,
    perform: Any = lambda: 7,
    worker: WorkerState | None = None,
) -> Any:
    plugin = Profiling()
    fresh_host.install(plugin)
    context = kiq.ServerContext(
        {"class": "HardWorker", "args": [], "jid": "abc", "profile": token},
        "default",
        perform,
        None,
    )
    context.worker = worker
    return plugin(context, lambda _: perform())


def warnings(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(each.getMessage() for each in caplog.records if each.levelno >= 30)


def test_without_the_profiler_the_job_runs_and_one_line_says_so(
    fresh_host: kiq.Host, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyinstrument.low_level.stat_profile", None)
    assert run(fresh_host, "token") == 7
    assert warnings(caplog).count("\n") == 0
    assert 'pip install "kiq[profiling]"' in warnings(caplog)


@pytest.mark.parametrize("token", ["", "a b", "a\n", "x" * 101, 7, None, ["t"], "queue:{x}"])
def test_a_token_that_could_spoil_a_key_is_refused(
    fresh_host: kiq.Host, caplog: pytest.LogCaptureFixture, token: Any
) -> None:
    assert run(fresh_host, token) == 7
    assert "profile must be a token" in warnings(caplog)


@pytest.mark.needs("pyinstrument")
def test_beside_another_profiler_the_job_runs(
    fresh_host: kiq.Host, caplog: pytest.LogCaptureFixture
) -> None:
    sys.setprofile(lambda *_: None)
    try:
        assert run(fresh_host, "token") == 7
    finally:
        sys.setprofile(None)
    assert "another profiler is at work" in warnings(caplog)


def test_an_async_job_is_not_recorded(
    fresh_host: kiq.Host, caplog: pytest.LogCaptureFixture
) -> None:
    async def perform() -> None: ...

    run(fresh_host, "token", perform).close()
    assert "async" in warnings(caplog)


def test_an_error_of_the_job_passes_and_the_profiler_stops(fresh_host: kiq.Host) -> None:
    def fail() -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        run(fresh_host, "token", fail)
    assert sys.getprofile() is None


@pytest.mark.needs("pyinstrument")
def test_a_profiler_that_breaks_does_not_break_the_job(
    fresh_host: kiq.Host, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a bug of the profiler")

    monkeypatch.setattr(Stacks, "add", broken)
    nobody: Any = None
    worker = WorkerState()
    worker.keep(Recordings(nobody))
    assert run(fresh_host, "token", lambda: Answer(1).work(0.02), worker) == sum(range(200))
    assert "a bug of the profiler" in warnings(caplog)


@pytest.mark.needs("pyinstrument")
def test_a_job_that_recurses_too_deep_fails_as_ever_and_is_recorded() -> None:
    def deeper(number: int) -> int:
        return deeper(number + 1)

    recording = Recording()
    for _ in range(30):
        with pytest.raises(RecursionError):
            deeper(0)
    recording.stop()
    assert recording.stacks.nodes


def test_a_shutdown_that_is_raised_into_a_recorded_job_ends_it(fresh_host: kiq.Host) -> None:
    thread = ctypes.c_ulong(threading.get_ident())

    def perform() -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(Shutdown))
        Answer(1).work(5)

    for _ in range(20):
        with pytest.raises(Shutdown):
            run(fresh_host, "token", perform)
        assert sys.getprofile() is None


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # other tests may have threads
def test_a_child_that_a_recorded_job_forks_runs_on(fresh_host: kiq.Host) -> None:
    def perform() -> int:
        child = os.fork()
        if not child:
            Answer(1).work(0.02)
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert run(fresh_host, "token", perform) == 7


def test_a_job_that_takes_the_profiler_away_runs_on(
    fresh_host: kiq.Host, caplog: pytest.LogCaptureFixture
) -> None:
    def perform() -> int:
        sys.setprofile(None)
        return 7

    with caplog.at_level(logging.WARNING):
        assert run(fresh_host, "token", perform) == 7
    assert sys.getprofile() is None
