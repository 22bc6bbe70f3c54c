"""Middleware: order, veto, what a layer may change, and what it may not forget."""

from __future__ import annotations

from typing import Any

import pytest
import redis

import kiq
from kiq.client import process_client
from kiq.errors import ArgumentError, PayloadError, PluginError
from kiq.middleware import Chain, fold_by_class
from tests.helpers.stored import in_queue, scheduled


class Noted(kiq.Job, name="middleware.Noted"):
    def perform(self, trail: list[str]) -> list[str]:
        return [*trail, "job"]


def outer(context: Any, call_next: Any) -> Any:
    return ["outer", *call_next(context), "/outer"]


def middle(context: Any, call_next: Any) -> Any:
    return ["middle", *call_next(context), "/middle"]


def inner(context: Any, call_next: Any) -> Any:
    return ["inner", *call_next(context), "/inner"]


class Named:
    """A layer that is an object: its class's name is its name."""

    def __call__(self, context: Any, call_next: Any) -> Any:
        return call_next(context)


def test_the_first_layer_is_the_outermost() -> None:
    chain: Chain[str] = Chain()
    chain.add(outer)
    chain.add(inner)
    assert chain.fold(lambda context: [context])("x") == ["outer", "inner", "x", "/inner", "/outer"]


def test_an_empty_chain_is_the_innermost_itself() -> None:
    def innermost(context: str) -> str:
        return context

    chain: Chain[str] = Chain()
    assert chain.fold(innermost) is innermost


def test_a_layer_goes_before_or_after_another_by_object_or_name() -> None:
    chain: Chain[str] = Chain()
    chain.add(inner)
    chain.add(outer, before=inner)
    chain.add(middle, after="outer")
    assert chain.names() == ["outer", "middle", "inner"]
    chain.prepend(Named())
    assert chain.names() == ["Named", "outer", "middle", "inner"]


def test_adding_a_layer_again_moves_it() -> None:
    chain: Chain[str] = Chain()
    chain.add(outer)
    chain.add(inner)
    chain.add(outer)
    assert chain.names() == ["inner", "outer"]
    chain.prepend(outer)
    assert chain.names() == ["outer", "inner"]


def test_a_neighbour_that_is_not_there_is_an_error_and_changes_nothing() -> None:
    chain: Chain[str] = Chain()
    chain.add(outer)
    chain.add(inner)
    with pytest.raises(PluginError) as raised:
        chain.add(outer, after="nobody")
    assert str(raised.value) == (
        "middleware outer can't be put next to nobody, which is not there; there are: inner"
    )
    assert chain.names() == ["outer", "inner"]


def test_layers_are_found_removed_and_cleared() -> None:
    chain: Chain[str] = Chain()
    chain.add(outer)
    chain.add(inner)
    chain.remove("outer")
    chain.remove("nobody")
    assert outer not in chain
    assert "inner" in chain
    assert len(chain) == 1
    chain.clear()
    assert len(chain) == 0


def test_inline_goes_through_client_then_server_then_the_job(fake: redis.Redis) -> None:
    trail: list[str] = []

    @kiq.host.around_push
    def client(context: kiq.ClientContext, call_next: Any) -> Any:
        trail.append("client before")
        result = call_next(context)
        trail.append("client after")
        return result

    @kiq.host.around_perform
    def server(context: kiq.ServerContext, call_next: Any) -> Any:
        trail.append(f"server before {type(context.job).__name__} {context.queue}")
        result = call_next(context)
        trail.append(f"server after {result}")
        return result

    assert Noted.perform_inline([]) == ["job"]
    assert trail == [
        "client before",
        "client after",
        "server before Noted default",
        "server after ['job']",
    ]


def test_inline_gives_none_where_a_layer_vetoes(fake: redis.Redis) -> None:
    kiq.host.around_perform(lambda context, call_next: None)
    assert Noted.perform_inline([]) is None
    kiq.host.server_middleware.clear()
    kiq.host.around_push(lambda context, call_next: None)
    assert Noted.perform_inline([]) is None


def test_client_middleware_sees_the_class_and_may_change_the_payload(fake: redis.Redis) -> None:
    @kiq.host.around_push
    def stamp(context: kiq.ClientContext, call_next: Any) -> Any:
        assert context.job_class is Noted
        assert not context.promoting
        context.payload["locale"] = context.queue
        context.payload["queue"] = "moved"
        return call_next(context)

    Noted.perform_async([])
    assert in_queue(fake, "moved")[0]["locale"] == "default"
    assert fake.smembers("queues") == {b"moved"}


def test_client_middleware_may_schedule_and_unschedule(fake: redis.Redis) -> None:
    @kiq.host.around_push
    def turn(context: kiq.ClientContext, call_next: Any) -> Any:
        if context.payload.pop("at", None) is None:
            context.payload["at"] = 4_000_000_000
        return call_next(context)

    Noted.perform_async(["now"])
    Noted.perform_in(60, ["later"])
    assert [job["args"] for _, job in scheduled(fake)] == [[["now"]]]
    assert [job["args"] for job in in_queue(fake)] == [[["later"]]]


def test_a_veto_returns_none_and_writes_nothing(fake: redis.Redis) -> None:
    kiq.host.around_push(lambda context, call_next: None)
    assert Noted.perform_async([]) is None
    assert kiq.push({"class": "X", "args": []}) is None
    assert fake.keys() == []


def test_a_layer_that_returns_something_else_is_told_what_to_return(fake: redis.Redis) -> None:
    kiq.host.around_push(lambda context, call_next: bool(call_next(context)))
    with pytest.raises(PayloadError, match="must return the payload, or None to veto, not True"):
        Noted.perform_async([])
    assert fake.keys() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"queue": "a\n"}, r"queue: 'a\n' can't be the name of a queue"),
        ({"queue": None}, "queue: None"),
        ({"class": None}, "a payload needs 'class'"),
        ({"args": ("a",)}, "a payload needs 'args', a list"),
        ({"at": "soon"}, "'at' must be a finite number"),
        ({"jid": None}, "'jid' must be a string"),
    ],
)
def test_what_a_layer_spoils_is_refused_in_a_push_and_in_a_bulk(
    fake: redis.Redis, change: dict[str, Any], words: str
) -> None:
    @kiq.host.around_push
    def spoil(context: kiq.ClientContext, call_next: Any) -> Any:
        context.payload.update(change)
        return call_next(context)

    for push in (lambda: Noted.perform_async([]), lambda: Noted.perform_bulk([([],)])):
        with pytest.raises(PayloadError) as raised:
            push()
        assert words in str(raised.value)
    assert fake.keys() == []


def test_arguments_are_checked_after_middleware(fake: redis.Redis) -> None:
    @kiq.host.around_push
    def add(context: kiq.ClientContext, call_next: Any) -> Any:
        context.payload["user"] = object()
        return call_next(context)

    with pytest.raises(ArgumentError, match=r"middleware\.Noted: user: "):
        Noted.perform_async([])
    assert fake.keys() == []


def test_an_error_in_a_layer_reaches_the_caller_and_writes_nothing(fake: redis.Redis) -> None:
    @kiq.host.around_push
    def broken(context: kiq.ClientContext, call_next: Any) -> Any:
        call_next(context)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Noted.perform_async([])
    assert fake.keys() == []


class OnlyFor:
    """A layer for one job class."""

    def __init__(self, job_class: object, trail: list[str]) -> None:
        self.job_class = job_class
        self.trail = trail
        self.asked: list[object] = []

    def applies_to(self, job_class: object) -> bool:
        self.asked.append(job_class)
        return job_class is self.job_class

    def __call__(self, context: Any, call_next: Any) -> Any:
        self.trail.append("only for")
        return call_next(context)


class WithField:
    """A layer for payloads that have a field."""

    payload_field = "stamp"

    def __init__(self, trail: list[str]) -> None:
        self.trail = trail

    def __call__(self, context: Any, call_next: Any) -> Any:
        self.trail.append(context.payload["stamp"])
        return call_next(context)


def run_of(job_class: object, **fields: Any) -> kiq.ServerContext:
    return kiq.ServerContext({"jid": "j", **fields}, "default", job_class, None)


def test_layers_run_for_the_classes_and_payloads_that_they_concern_and_in_their_order() -> None:
    trail: list[str] = []
    chain: Chain[kiq.ServerContext] = Chain()
    layer = OnlyFor(Noted, trail)

    def every(context: Any, call_next: Any) -> Any:
        trail.append("every")
        return call_next(context)

    for one in (WithField(trail), every, layer):
        chain.add(one)
    entered: list[kiq.ServerContext] = []
    perform = fold_by_class(chain, lambda run: trail.append("job"), entered.append)
    wanted = {
        (Noted, ""): ["every", "only for", "job"],
        (Named, ""): ["every", "job"],
        (Noted, "s"): ["s", "every", "only for", "job"],
        (Named, "s"): ["s", "every", "job"],
    }
    for _ in range(2):
        for (job_class, stamp), passed in wanted.items():
            trail.clear()
            run = run_of(job_class, **({"stamp": stamp} if stamp else {}))
            perform(run)
            assert trail == passed, (job_class, stamp)
            assert entered.pop() is run
    assert layer.asked == [Noted, Named] * 2, (
        "asked once for each class, with the field and without"
    )


class Bound:
    """A layer that every job passes, and that saves a call."""

    def __call__(self, context: Any, call_next: Any) -> Any:
        raise AssertionError("bound layers are not called")

    def bind(self, call_next: Any) -> Any:
        return lambda context: ["bound", *call_next(context)]


def test_a_layer_may_bind_what_is_inside_it() -> None:
    chain: Chain[str] = Chain()
    chain.add(outer)
    chain.add(Bound())
    chain.add(inner)
    passed = chain.fold(lambda context: [context])("x")
    assert passed == ["outer", "bound", "inner", "x", "/inner", "/outer"]


class ForNoted:
    """A client layer that concerns one class, and counts how often it was asked and passed."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.passed: list[Any] = []

    def applies_to(self, job_class: Any) -> bool:
        self.asked.append(job_class)
        return job_class in (Noted, "middleware.noted")

    def __call__(self, context: kiq.ClientContext, call_next: Any) -> Any:
        self.passed.append(context.payload["args"][0])
        return call_next(context)


class Other(kiq.Job, name="middleware.Other"):
    def perform(self, number: int) -> None: ...


@kiq.job(name="middleware.noted")
def noted(number: int) -> None: ...


@pytest.fixture
def for_noted(fake: redis.Redis) -> ForNoted:
    layer = ForNoted()
    kiq.host.around_push(layer)
    return layer


def test_a_client_layer_is_asked_once_for_each_class_whether_it_concerns_it(
    for_noted: ForNoted,
) -> None:
    for number in range(3):
        Noted.perform_async([number])
        Other.perform_async(number)
        noted.perform_async(number)
        Other.perform_bulk([(number,)])
        noted.perform_in(60, number)
        kiq.push({"class": "middleware.Noted", "args": [[9]]})
        kiq.push({"class": "Ruby::Job", "args": [number]})
    assert len(for_noted.asked) == len(set(for_noted.asked))
    assert set(for_noted.asked) == {Noted, Other, "middleware.noted", "Ruby::Job"}
    assert for_noted.passed == [[0], 0, 0, [9], [1], 1, 1, [9], [2], 2, 2, [9]]


def test_a_client_layer_for_one_class_leaves_the_fast_way_of_the_others_alone(
    for_noted: ForNoted,
) -> None:
    client = process_client()
    assert client.is_plain_for(Other)
    assert not client.is_plain_for(Noted)
    kiq.host.around_push(lambda context, call_next: call_next(context))
    assert not client.is_plain_for(Other)
    kiq.host.client_middleware.clear()
    assert client.is_plain_for(Noted)


def test_a_client_layer_concerns_no_inline_run_of_another_class(for_noted: ForNoted) -> None:
    Other.perform_inline(1)
    assert Noted.perform_inline(["x"]) == ["x", "job"]
    assert for_noted.passed == [["x"]]


def test_client_layers_that_come_and_go_count_from_the_next_push(fake: redis.Redis) -> None:
    seen: list[str] = []

    def layer(name: str) -> Any:
        def note(context: kiq.ClientContext, call_next: Any) -> Any:
            seen.append(name)
            return call_next(context)

        return note

    first = kiq.host.around_push(layer("first"))
    Other.perform_async(1)
    kiq.host.client_middleware.prepend(layer("outermost"))
    Other.perform_async(2)
    kiq.host.client_middleware.remove(first)
    Other.perform_async(3)
    assert seen == ["first", "outermost", "first", "outermost"]
