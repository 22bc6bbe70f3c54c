"""Jobs as events: what observers hear of each attempt, and that they change nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kiq
from kiq.clock import wall
from kiq.codec import encode
from kiq.config import Config
from kiq.errors import Cancelled, Shutdown
from kiq.plugins.job_events import Finished, Started, observe
from kiq.verdict import DONE, Dropped, Flight, Permit, Taken, ToDead, ToRetry, Verdict
from kiq.work.executor import CONVICTED, Executor
from tests.helpers.bench import Bench, job, raising

PAGE = Path(__file__).parents[3] / "docs" / "plugins.md"


class Observed(Bench):
    """A bench whose jobs are observed; *heard* is what observers were told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Started] = []
        observe(self.host, started=self.heard.append, finished=self.heard.append)

    def execute(self, raw: bytes, *, suspicion: int = 0, **settings: Any) -> Verdict:
        execute = Executor(Config(**settings), self.host, self.registry).entry
        taken = Taken("1.1", Flight("o", "queue:low", Permit()), raw, 0.0, suspicion)
        verdict = execute(taken, None)
        assert verdict is not None
        return verdict

    @property
    def finished(self) -> Finished:
        assert [type(one) for one in self.heard] == [Started, Finished]
        last = self.heard[-1]
        assert isinstance(last, Finished)
        return last


@pytest.fixture
def bench() -> Observed:
    return Observed()


def test_an_attempt_is_told_when_it_starts_and_with_its_verdict_when_it_is_over(
    bench: Observed,
) -> None:
    ran: list[int] = []
    bench.add(lambda: ran.append(len(bench.heard)))
    assert bench.run(enqueued_at=int((wall() - 5) * 1000)) is DONE
    assert ran == [1]
    finished = bench.finished
    assert (finished.payload["jid"], finished.queue, finished.verdict) == ("j1", "low", DONE)
    assert finished.queue_time == pytest.approx(5, abs=2)
    assert 0 <= finished.run_time < 5


@pytest.mark.parametrize(
    ("does", "kind"),
    [
        (raising(LookupError("x")), ToRetry),
        (raising(SystemExit), ToRetry),
        (raising(kiq.Discard), Dropped),
        (raising(kiq.Kill), ToDead),
    ],
)
def test_what_became_of_a_job_that_did_not_end_well_is_told(
    bench: Observed, does: Callable[..., Any], kind: type[Verdict]
) -> None:
    bench.add(does)
    verdict = bench.run()
    assert type(verdict) is kind
    assert bench.finished.verdict is verdict


def test_a_job_of_no_known_class_is_an_attempt_too(bench: Observed) -> None:
    assert type(bench.run()) is ToRetry
    assert type(bench.finished.verdict) is ToRetry


def test_what_is_no_job_is_no_attempt(bench: Observed) -> None:
    assert type(bench.execute(b"\xff")) is ToDead
    bench.add(lambda: None)
    assert type(bench.execute(encode(job(), "json"), suspicion=CONVICTED)) is ToDead
    assert bench.heard == []


@pytest.mark.parametrize(
    ("stamp", "waited"),
    [("x", None), (None, None), (True, None), (-1, None), (float("nan"), None), (4e12, 0.0)],
)
def test_the_time_in_the_queue_is_unknown_where_the_payload_says_nothing_of_use(
    bench: Observed, stamp: Any, waited: float | None
) -> None:
    bench.add(lambda: None)
    bench.run(enqueued_at=stamp)
    assert bench.finished.queue_time == waited


def test_seconds_are_taken_as_well(bench: Observed) -> None:
    bench.add(lambda: None)
    bench.run(enqueued_at=wall() - 7)
    assert bench.finished.queue_time == pytest.approx(7, abs=2)


@pytest.mark.parametrize("error", [LookupError("observer"), SystemExit("observer")])
def test_an_observer_that_raises_is_reported_and_changes_nothing(
    bench: Observed, error: BaseException
) -> None:
    observe(bench.host, started=raising(error), finished=raising(error))
    bench.add(lambda: None)
    assert bench.run() is DONE
    assert bench.finished.verdict is DONE
    assert [str(one) for one in bench.errors] == ["observer", "observer"]
    assert [where for _, where in bench.reported] == [
        {"event": "started", "jid": "j1"},
        {"event": "finished", "jid": "j1"},
    ]


@pytest.mark.parametrize("error", [Cancelled, Shutdown])
def test_what_interrupts_an_observer_of_the_end_takes_no_verdict_back(
    bench: Observed, error: type[BaseException]
) -> None:
    observe(bench.host, finished=raising(error))
    bench.add(lambda: None)
    assert bench.run() is DONE


@pytest.mark.parametrize("error", [Cancelled, Shutdown])
def test_what_interrupts_an_observer_of_the_start_keeps_the_job_from_starting(
    bench: Observed, error: type[BaseException]
) -> None:
    observe(bench.host, started=raising(error))
    ran: list[int] = []
    bench.add(lambda: ran.append(1))
    with pytest.raises(error):
        bench.run()
    assert not ran


def test_layers_of_attempts_are_called_from_the_first_to_the_last() -> None:
    bench, order = Bench(), list[str]()

    def layer(name: str) -> None:
        def around(
            _payload: dict[str, Any], _queue: str, attempt: Callable[[], Verdict]
        ) -> Verdict:
            order.append(name)
            return attempt()

        bench.host.around_attempt(around)

    layer("outer")
    layer("inner")
    assert bench.host.attempt({}, "low", lambda: DONE) is DONE
    assert order == ["outer", "inner"]


def test_an_observer_that_is_async_is_refused() -> None:
    async def later(_event: Started) -> None: ...

    with pytest.raises(kiq.ConfigError, match="an observer of started jobs"):
        observe(kiq.Host(), started=later)


def test_without_observers_processors_call_the_executor_itself() -> None:
    bench = Bench()
    executor = Executor(Config(), bench.host, bench.registry)
    assert executor.entry is executor


def test_the_observer_of_the_page_counts() -> None:
    (text,) = re.findall(
        r"```python\n(from kiq.plugin import Host\n.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    )
    page: dict[str, Any] = {"__name__": "page"}
    exec(text, page)  # noqa: S102 (our own page)
    bench, meter = Bench(), page["Meter"]()
    bench.host.install(meter)
    bench.add(lambda: None, "Well")
    bench.add(raising(kiq.Discard), "Ill")
    execute = Executor(Config(), bench.host, bench.registry).entry
    for name, others in (("Well", 0), ("Ill", 1)):
        raw = encode({**job(), "class": name}, "json")
        execute(Taken("1.1", Flight("o", "queue:default", Permit()), raw, 0.0))
        assert meter.others == others
    assert meter.ran > 0
