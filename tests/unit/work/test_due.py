"""What becomes of a due job: its queue, later, or the dead set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import kiq
from kiq.codec import decode, encode
from kiq.config import Config
from kiq.registry import Registry
from kiq.store.connection import Connector
from kiq.store.promotion import Promotion
from kiq.verdict import Dropped, Flight, Permit, PutOff, Taken, ToDead
from kiq.work.due import AGAIN, SOON, DueJobs, Fate, hung
from kiq.work.executor import CONVICTED
from kiq.work.worker import Worker
from tests.helpers.waiting import eventually

PAYLOAD = {"class": "app.Job", "args": [1], "jid": "0" * 24, "queue": "mails", "at": 1.0}


def taken(raw: bytes, suspicion: int = 0) -> Taken:
    return Taken("1.1", Flight("host:1:abc:poller", "schedule", Permit()), raw, 0.0, suspicion)


class Handover:
    """Decides with *layers*; keeps what was reported."""

    def __init__(self, *layers: Callable[..., Any]) -> None:
        host = kiq.Host()
        for layer in layers:
            host.around_push(layer)
        self.reports: list[tuple[BaseException, dict[str, Any]]] = []
        self.deaths: list[dict[str, Any]] = []
        host.error_handlers = [lambda error, context: self.reports.append((error, context))]
        host.on_death(lambda payload, error: self.deaths.append(payload))
        config = Config()
        self.worker = Worker(config, host, Registry(), Connector(config.redis), "0")
        self._due = DueJobs(self.worker)

    def decide(self, raw: bytes, suspicion: int = 0, may_go_on: bool = True) -> Fate:
        return self._due.fate(taken(raw, suspicion), lambda payload: may_go_on)

    def reported(self, count: int) -> list[tuple[BaseException, dict[str, Any]]]:
        """Let what was reported reach the handlers, and return it."""
        self.worker.errands.start()
        eventually(lambda: len(self.reports) >= count)
        return self.reports


def raises(error: BaseException) -> Callable[..., Any]:
    def layer(context: kiq.ClientContext, call_next: Callable[..., Any]) -> Any:
        raise error

    return layer


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_a_good_job_goes_to_its_queue_in_its_codec(codec: Any) -> None:
    fate = Handover().decide(encode(PAYLOAD, codec))
    assert isinstance(fate, Promotion)
    payload, found = decode(fate.raw)
    assert (fate.queue, found) == ("mails", codec)
    assert "at" not in payload
    assert payload["enqueued_at"] > 0


def test_what_is_no_job_goes_to_the_dead_set_as_it_is() -> None:
    handover = Handover()
    fate = handover.decide(b"\xff\0")
    assert isinstance(fate, ToDead)
    assert (fate.raw, fate.ran) == (b"\xff\0", False)
    assert handover.reported(1)[0][1]["context"] == "promotion"


def test_a_veto_drops_it() -> None:
    assert isinstance(
        Handover(lambda context, call_next: None).decide(encode(PAYLOAD, "json")), Dropped
    )


def test_an_error_of_a_layer_puts_it_off_and_counts_for_nothing() -> None:
    handover = Handover(raises(OSError("the service is away")))
    assert handover.decide(encode(PAYLOAD, "json")) == PutOff(AGAIN)
    assert handover.reported(1)[0][1] == {"context": "promotion", "jid": "0" * 24}


@pytest.mark.parametrize(
    "error", [SystemExit(1), asyncio.CancelledError(), KeyboardInterrupt(), GeneratorExit()]
)
def test_what_would_end_the_thread_puts_it_off_and_counts(error: BaseException) -> None:
    handover = Handover(raises(error))
    raw = encode(PAYLOAD, "json")
    assert handover.decide(raw) == PutOff(AGAIN, 1)
    assert handover.decide(raw, 1) == PutOff(AGAIN, 2)
    assert handover.decide(raw, 2) == PutOff(0.0, CONVICTED)
    assert [one for one, _ in handover.reported(3)] == [error] * 3


def test_the_third_strike_convicts() -> None:
    levels = [hung(taken(b"x", level)) for level in range(CONVICTED)]
    assert levels == [PutOff(AGAIN, 1), PutOff(AGAIN, 2), PutOff(0.0, CONVICTED)]


def test_who_is_convicted_passes_no_layer_and_dies_as_usual() -> None:
    handover = Handover(raises(SystemExit(1)))
    fate = handover.decide(encode(PAYLOAD, "msgpack"), CONVICTED)
    assert isinstance(fate, ToDead)
    payload, codec = decode(fate.raw)
    assert (payload["error_class"], codec) == ("kiq.PoisonPill", "msgpack")
    assert len(handover.deaths) == 1
    spared = Handover().decide(encode(PAYLOAD | {"dead": False}, "json"), CONVICTED)
    assert isinstance(spared, Dropped)


def test_a_conviction_that_hangs_is_carried_out_without_a_word() -> None:
    fate = hung(taken(b"x", CONVICTED))
    assert isinstance(fate, ToDead)
    assert fate.raw == b"x"


def test_a_job_whose_class_has_to_wait_is_put_off_uncounted() -> None:
    handover = Handover(raises(SystemExit(1)))
    assert handover.decide(encode(PAYLOAD, "json"), may_go_on=False) == PutOff(SOON)
    assert not handover.reports
