"""The fetch that answers the bell is made beforehand, and sent only where it is all there is to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

import kiq
from kiq.plugin import FleetCap
from kiq.verdict import DONE, Taken
from kiq.work.owner import Phase
from tests.helpers.capsuled import Capsuled, payloads


@pytest.fixture
def idle(redis_url: str, fresh_host: kiq.Host) -> Iterator[Capsuled]:
    """A capsule that has nothing to do, with two free threads, and the answer to its bell."""
    made = Capsuled(redis_url, fresh_host)
    for _ in range(2):
        made.inbox._idle.add(made.inbox.seat())
    made.exchange.get_ready()
    yield made
    made.close()


def push(raw: redis.Redis, *jids: str) -> None:
    raw.lpush("queue:a", *payloads(*jids))


def test_it_brings_as_many_jobs_as_threads_are_free(idle: Capsuled, raw: redis.Redis) -> None:
    push(raw, "j1", "j2", "j3")
    assert idle.exchange.answer_bell()
    idle.exchange.end()
    taken: list[Taken] = idle.inbox.drain()[::-1]
    assert [one.raw for one in taken] == payloads("j1", "j2")
    assert all(one.delivery in idle.exchange.session.owner for one in taken)
    assert raw.llen("queue:a") == 1


def test_it_is_sent_once(idle: Capsuled, raw: redis.Redis) -> None:
    assert idle.exchange.answer_bell()
    idle.exchange.end()
    push(raw, "j1")
    assert not idle.exchange.answer_bell()
    assert raw.llen("queue:a") == 1


def test_what_settled_before_is_not_read_again(idle: Capsuled, raw: redis.Redis) -> None:
    push(raw, "j1")
    idle.exchange.rung()
    idle.round()
    idle.jobs = idle.inbox.drain()
    idle.end(DONE)
    idle.round()
    push(raw, "j2")
    idle.exchange.get_ready()
    assert idle.exchange.answer_bell()
    idle.exchange.end()
    assert [one.raw for one in idle.inbox.drain()] == payloads("j2")
    assert raw.get("stat:processed") == b"1"


def _a_verdict(idle: Capsuled) -> None:
    (job,) = [Taken("9.1", idle.exchange.session.owner.flight("queue:a"), b"", 0.0)]
    idle.handover.outbox.append((job, DONE))


def _another_free_thread(idle: Capsuled) -> None:
    idle.inbox._idle.add(idle.inbox.seat())


def _quiet(idle: Capsuled) -> None:
    idle.exchange.quiet = True


def _doubt(idle: Capsuled) -> None:
    idle.exchange.session.owner.doubts()


def _fence(idle: Capsuled) -> None:
    idle.exchange.session.owner.fence()


def _an_exchange(idle: Capsuled) -> None:
    idle.exchange.rung()
    idle.round()


@pytest.mark.parametrize(
    "meanwhile",
    [
        _a_verdict,
        _another_free_thread,
        _quiet,
        _doubt,
        _fence,
        _an_exchange,
    ],
)
def test_whatever_has_come_between_it_is_not_sent(
    idle: Capsuled, raw: redis.Redis, meanwhile: Callable[[Capsuled], None]
) -> None:
    meanwhile(idle)
    push(raw, "j1")
    assert not idle.exchange.answer_bell()
    assert not idle.exchange.open
    assert raw.llen("queue:a") == 1


@pytest.mark.parametrize("attached", ["fetch_caps", "fleet_caps", "queue_filters"])
def test_where_features_limit_fetches_none_is_made(
    redis_url: str, fresh_host: kiq.Host, attached: str
) -> None:
    getattr(fresh_host, attached).append(_as_it_is(attached))
    made = Capsuled(redis_url, fresh_host)
    made.inbox._idle.add(made.inbox.seat())
    made.exchange.get_ready()
    assert not made.exchange.answer_bell()
    made.close()


def _as_it_is(attached: str) -> object:
    if attached == "fleet_caps":
        return FleetCap("as_it_is", lambda queue: None, room="return nil", took="", freed="")
    return (lambda names: names) if attached == "queue_filters" else (lambda capsule, held: {})


def test_a_server_that_has_forgotten_its_scripts_answers_all_the_same(
    idle: Capsuled, raw: redis.Redis
) -> None:
    raw.script_flush()
    push(raw, "j1")
    assert idle.exchange.answer_bell()
    idle.exchange.end()
    assert [one.raw for one in idle.inbox.drain()] == payloads("j1")


def test_one_that_is_lost_on_its_way_leaves_doubt_and_no_job_behind(
    idle: Capsuled, raw: redis.Redis
) -> None:
    push(raw, "j1")
    assert idle.exchange.answer_bell()
    idle.exchange.lost()
    assert idle.exchange.session.owner.phase is Phase.UNSURE
    idle.round()
    idle.round()
    assert [one.raw for one in idle.inbox.drain()] == payloads("j1")
    assert len(idle.exchange.session.owner) == 1
