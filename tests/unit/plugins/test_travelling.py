"""What users hold of kiq's can be copied and pickled, and is the same thing where it arrives."""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import multiprocessing
import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis

import kiq
from kiq import errors
from kiq.codec import encode
from kiq.middleware import ServerContext
from kiq.verdict import DONE
from tests.helpers.bench import Bench, job
from tests.helpers.stored import in_queue
from tests.helpers.travellers import Outer, Ship, farewell, later, partial, welcome


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301


def pickled_as_long_ago(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing, protocol=2))  # noqa: S301


COPIES = [copy.copy, copy.deepcopy, pickled, pickled_as_long_ago]
every_way = pytest.mark.parametrize("way", COPIES, ids=lambda way: way.__name__)


class LateOrder(kiq.Snooze):
    """One of the user's own, which takes something else."""

    def __init__(self, order: int, *, hours: int) -> None:
        super().__init__(timedelta(hours=hours), f"order {order} is late")
        self.order = order


def all_errors() -> list[BaseException]:
    made: list[BaseException] = [
        kiq.Snooze(30, "no room"),
        kiq.Retry(),
        kiq.Retry(timedelta(minutes=1)),
        kiq.BulkPushError("broke", ["a", None], ["b"]),
        kiq.StoreUnavailable("gone", True, ["a"]),
        LateOrder(7, hours=2),
        LookupError("not ours"),
    ]
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, BaseException)
        and not kind.__name__.startswith("_")
    ]
    return made + [
        kind("words") for kind in kinds if kind not in (kiq.Snooze, kiq.Retry, kiq.BulkPushError)
    ]


@every_way
@pytest.mark.parametrize("error", all_errors(), ids=lambda error: type(error).__name__)
def test_an_error_arrives_with_all_that_it_says(
    way: Callable[[Any], Any], error: BaseException
) -> None:
    error.add_note("a note")
    arrived = way(error)
    assert type(arrived) is type(error)
    assert arrived is not error
    assert (str(arrived), arrived.args, vars(arrived)) == (str(error), error.args, vars(error))


@every_way
def test_a_function_job_is_the_one_that_it_was(way: Callable[[Any], Any]) -> None:
    for each in (welcome, farewell, partial, later):
        assert way(each) is each
    assert way({"job": [welcome]})["job"][0] is welcome


@every_way
def test_a_job_class_is_the_one_that_it_was(way: Callable[[Any], Any]) -> None:
    for each in (Ship, Outer.Inner):
        assert way(each) is each


@every_way
def test_a_setter_pushes_what_it_was_set_to(way: Callable[[Any], Any], fake: redis.Redis) -> None:
    way(Ship.set(queue="low", tags=["a"])).perform_async(1, fast=True)
    way(welcome.set(retry=1)).perform_in(60, "Bob")
    (payload,) = in_queue(fake, "low")
    assert (payload["tags"], payload["retry"], payload["kwargs"]) == (["a"], 3, {"fast": True})
    assert fake.zcard("schedule") == 1


@every_way
def test_a_setter_for_asyncio_code_pushes_what_it_was_set_to(
    way: Callable[[Any], Any], fake: redis.Redis
) -> None:
    asyncio.run(way(Ship.set(queue="low").aio).perform_async(1))
    asyncio.run(way(Ship.aio).perform_async(2))
    asyncio.run(way(welcome.aio.set(queue="low")).perform_async("Bob"))
    assert len(in_queue(fake, "low")) == 2
    assert len(in_queue(fake, "ships")) == 1


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_a_copy_of_what_pushes_by_a_client_pushes_by_the_same(
    way: Callable[[Any], Any], fake: redis.Redis
) -> None:
    client = kiq.Client(fake)
    way(Ship.via(client)).perform_async(1)
    assert way(client) is client
    assert len(in_queue(fake, "ships")) == 1


def test_a_client_says_why_it_can_not_be_pickled(fake: redis.Redis) -> None:
    with pytest.raises(TypeError, match="belongs to its process"):
        pickle.dumps(Ship.via(kiq.Client(fake)))


@every_way
def test_arguments_of_a_bulk_and_what_client_middleware_sees_survive(
    way: Callable[[Any], Any], fake: redis.Redis
) -> None:
    Ship.perform_bulk([way(Ship.args(1, fast=True))])
    context = way(kiq.ClientContext({"class": "x", "queue": "a"}, Ship))
    assert (context.queue, context.job_class, context.promoting) == ("a", Ship, False)
    assert in_queue(fake, "ships")[0]["kwargs"] == {"fast": True}


@every_way
@pytest.mark.parametrize("job", [Ship, welcome])
def test_a_context_and_its_job_know_each_other_where_they_arrive(
    way: Callable[[Any], Any], job: Any
) -> None:
    spec = job._kiq_spec
    instance = spec.make()
    payload = {"class": spec.name, "args": [1], "jid": "j1", "retry_count": 1}
    context = ServerContext(payload, "ships", spec.target, instance)
    if instance is not None:
        instance._kiq_context = context
    arrived = way(context)
    assert (arrived.jid, arrived.queue, arrived.job_class) == ("j1", "ships", spec.target)
    assert arrived.payload == payload
    if instance is not None:
        assert (arrived.job.jid, arrived.job.attempt) == ("j1", 3)
        assert way(instance).double(2) == (4, "j1", 3)


@pytest.mark.parametrize("way", COPIES)
def test_a_run_in_a_worker_can_be_copied_and_pickled(way: Callable[[Any], Any]) -> None:
    bench, seen = Bench(), []

    def layer(context: kiq.ServerContext, call_next: Any) -> Any:
        seen.append(way(context).jid)
        call_next(context)
        seen.append(way(context).payload["args"])

    bench.host.around_perform(layer)
    for known in (welcome, Ship):
        bench.registry.add(known._kiq_spec)
        raw = encode({**job(1), "class": known._kiq_spec.name}, "json")
        assert bench.execute(raw) is DONE
    assert seen == ["j1", [1]] * 2


def test_a_layer_may_run_a_job_with_a_changed_copy_of_its_context() -> None:
    bench, seen = Bench(), []

    def layer(context: kiq.ServerContext, call_next: Any) -> Any:
        changed = copy.copy(context)
        changed.payload = {**context.payload, "args": ["changed"]}
        return call_next(changed)

    bench.host.around_perform(layer)
    bench.add(seen.append)
    assert bench.run("as it came") is DONE
    assert seen == ["changed"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_methods_of_a_job_run_in_a_pool_of_processes(method: str) -> None:
    ship = Ship()
    ship._kiq_context = ServerContext({"class": Ship._kiq_spec.name, "jid": "j1"}, "q", Ship, ship)
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        assert list(pool.map(ship.double, [1, 2])) == [(2, "j1", 1), (4, "j1", 1)]
        assert pool.submit(welcome, "Bob").result() == "hello Bob"
        with pytest.raises(LateOrder) as raised:
            pool.submit(_late, 7).result()
    assert (raised.value.order, raised.value.seconds) == (7, 7200)


def _late(order: int) -> None:
    raise LateOrder(order, hours=2)
