"""Job classes: what is written for a push, how options are inherited, how a job runs inline."""

from __future__ import annotations

import abc
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

import kiq
from kiq.errors import ArgumentError
from tests.helpers.stored import in_queue, scheduled


class HardWorker(kiq.Job, queue="critical", retry=5, tags=["hard"]):
    def perform(self, name: str, count: int = 1, *, loud: bool = False) -> str:
        return f"{name} {count} {loud}"


class Base(kiq.Job, queue="low", retry=False):
    """Carries options only."""


class Heir(Base, retry=3):
    def perform(self) -> None: ...


class Grandchild(Heir, queue="high"):
    pass


class Contract(kiq.Job, queue="abstract"):
    @abc.abstractmethod
    def perform(self, number: int) -> None: ...


class Fulfilled(Contract):
    def perform(self, number: int) -> None: ...


class Curious(kiq.Job):
    def perform(self) -> dict[str, Any]:
        running = kiq.current_job()
        assert running is not None
        return {"jid": self.jid, "attempt": self.attempt, "running": running.jid}


class TakesCls(kiq.Job):
    def perform(self, cls: str, delay: int) -> None: ...


def test_a_push_returns_the_24_hex_digits_that_the_payload_carries(fake: redis.Redis) -> None:
    jid = HardWorker.perform_async("Bob", 5)
    assert jid is not None
    assert re.fullmatch("[0-9a-f]{24}", jid)
    (payload,) = in_queue(fake, "critical")
    assert payload["jid"] == jid


def test_a_payload_carries_class_arguments_and_options_and_nothing_else(fake: redis.Redis) -> None:
    before = time.time_ns() // 1_000_000
    jid = HardWorker.perform_async("Bob", 5)
    after = time.time_ns() // 1_000_000
    (payload,) = in_queue(fake, "critical")
    assert before <= payload.pop("created_at") <= payload.pop("enqueued_at") <= after
    assert payload == {
        "class": f"{__name__}.HardWorker",
        "args": ["Bob", 5],
        "queue": "critical",
        "retry": 5,
        "tags": ["hard"],
        "jid": jid,
    }


def test_keyword_arguments_travel_in_a_field_of_their_own(fake: redis.Redis) -> None:
    HardWorker.perform_async("Bob", loud=True)
    (payload,) = in_queue(fake, "critical")
    assert payload["args"] == ["Bob"]
    assert payload["kwargs"] == {"loud": True}


def test_a_parameter_may_have_the_name_of_one_of_kiqs(fake: redis.Redis) -> None:
    TakesCls.perform_async(cls="a", delay=1)
    TakesCls.perform_in(60, cls="b", delay=2)
    assert in_queue(fake)[0]["kwargs"] == {"cls": "a", "delay": 1}
    assert scheduled(fake)[0][1]["kwargs"] == {"cls": "b", "delay": 2}


@pytest.mark.parametrize(
    ("args", "kwargs", "complaint"),
    [
        ((), {}, "missing a required argument: 'name'"),
        (("a", 1, 2), {}, "too many positional arguments"),
        (("a",), {"lout": True}, "got an unexpected keyword argument 'lout'"),
        (("a",), {"name": "b"}, "multiple values for argument 'name'"),
    ],
)
def test_arguments_that_do_not_fit_perform_are_refused_when_pushed(
    fake: redis.Redis, args: Any, kwargs: Any, complaint: str
) -> None:
    job: Any = HardWorker
    pushes: list[Callable[[], object]] = [
        lambda: job.perform_async(*args, **kwargs),
        lambda: job.perform_in(60, *args, **kwargs),
        lambda: job.set(queue="x").perform_async(*args, **kwargs),
        lambda: job.args(*args, **kwargs),
        lambda: job.perform_inline(*args, **kwargs),
    ]
    for push in pushes:
        with pytest.raises(TypeError, match=re.escape(complaint)) as raised:
            push()
        assert isinstance(raised.value, ArgumentError)
        assert "HardWorker.perform(name, count=1, *, loud=False): " in str(raised.value)
    assert fake.keys() == []


def test_an_argument_that_cannot_travel_is_refused_with_its_path(fake: redis.Redis) -> None:
    with pytest.raises(ArgumentError, match=r"HardWorker: args\[0\]\['who'\]\[1\]: .*object"):
        HardWorker.perform_async({"who": [1, object()]})  # type: ignore[arg-type]
    assert fake.keys() == []


def test_subclasses_inherit_options_and_override_them_one_by_one(fake: redis.Redis) -> None:
    assert dict(Heir.options) == {"queue": "low", "retry": 3}
    assert dict(Grandchild.options) == {"queue": "high", "retry": 3}
    assert dict(kiq.Job.options) == {"queue": "default", "retry": True}
    Grandchild.perform_async()
    assert in_queue(fake, "high")[0]["class"].endswith("Grandchild")


def test_a_base_with_an_abstract_perform_is_no_job_but_its_subclass_is(fake: redis.Redis) -> None:
    with pytest.raises(kiq.ConfigError, match="Contract has no perform of its own"):
        Contract.perform_async(1)
    Fulfilled.perform_async(1)
    assert in_queue(fake, "abstract")[0]["class"].endswith("Fulfilled")


def test_a_name_of_ones_own_is_what_travels(fake: redis.Redis) -> None:
    class Renamed(kiq.Job, name="short"):
        def perform(self) -> None: ...

    Renamed.perform_async()
    assert in_queue(fake)[0]["class"] == "short"


def test_set_overrides_options_for_its_pushes_only(fake: redis.Redis) -> None:
    HardWorker.set(queue="low", retry=False, tags=("a", "b")).perform_async("Bob")
    HardWorker.perform_async("Eve")
    (low,), (critical,) = in_queue(fake, "low"), in_queue(fake, "critical")
    assert (low["retry"], low["tags"]) == (False, ["a", "b"])
    assert (critical["retry"], critical["tags"]) == (5, ["hard"])


def test_a_setter_can_be_kept_and_chained_and_gives_a_new_jid_each_time(fake: redis.Redis) -> None:
    low = HardWorker.set(queue="low")
    rare = low.set(retry=1)
    jids = {low.perform_async("a"), low.perform_async("b"), rare.perform_async("c")}
    assert len(jids) == 3
    assert [(job["args"], job["retry"]) for job in in_queue(fake, "low")] == [
        (["a"], 5),
        (["b"], 5),
        (["c"], 1),
    ]


def test_a_setter_schedules_and_bulk_pushes_with_its_options(fake: redis.Redis) -> None:
    low = HardWorker.set(queue="low")
    low.perform_in(60, "later")
    low.perform_bulk([("a",), ("b",)])
    assert scheduled(fake)[0][1]["queue"] == "low"
    assert [job["args"] for job in in_queue(fake, "low")] == [["a"], ["b"]]


def test_inline_runs_here_and_returns_what_perform_returns(unconfigured: None) -> None:
    assert HardWorker.perform_inline("Bob", 5, loud=True) == "Bob 5 True"


def test_an_inline_job_knows_its_jid_and_attempt(unconfigured: None) -> None:
    seen = Curious.perform_inline()
    assert re.fullmatch("[0-9a-f]{24}", seen["jid"])
    assert seen["running"] == seen["jid"]
    assert seen["attempt"] == 1
    assert kiq.current_job() is None


def test_inline_raises_what_the_job_raises(unconfigured: None) -> None:
    class Boom(kiq.Job, name="inline.Boom"):
        def perform(self) -> None:
            raise LookupError("boom")

    with pytest.raises(LookupError, match="boom"):
        Boom.perform_inline()
    assert kiq.current_job() is None


def test_inline_takes_only_what_the_configured_codec_can_carry(unconfigured: None) -> None:
    class Bytes(kiq.Job, name="inline.Bytes"):
        def perform(self, data: bytes) -> bytes:
            return data

    assert Bytes.perform_inline(b"x") == b"x"
    kiq.configure(codec="json")
    with pytest.raises(ArgumentError, match=r"inline\.Bytes: args\[0\]: bytes"):
        Bytes.perform_inline(b"x")


def test_an_instance_outside_a_run_has_no_jid_and_a_logger_of_its_class() -> None:
    job = HardWorker()
    assert job.jid == ""
    assert job.attempt == 1
    assert job.logger.name == "kiq.job.HardWorker"
