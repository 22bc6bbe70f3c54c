"""What the model of the owner protocol (``tests/model``) found, on a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from kiq.config import Config
from kiq.config import Redis as RedisSettings
from kiq.errors import StoreUnavailable
from kiq.plugin import Host
from kiq.registry import Registry
from kiq.store import owners
from kiq.store.connection import Connector, Link
from kiq.work.session import Session
from kiq.work.worker import Worker
from tests.helpers.depot import Depot, missed, open_link, waiting
from tests.helpers.proxy import FaultProxy, Moment
from tests.helpers.server import TestServer

OTHER = "other:1:abc:default"


@pytest.fixture
def between(raw: redis.Redis, server: TestServer) -> Iterator[FaultProxy]:
    """A proxy in front of the shared server, emptied for this test."""
    with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def link(between: FaultProxy) -> Iterator[Link]:
    """A link through the proxy."""
    opened = open_link(between.url)
    yield opened
    opened.close()


def registered_at_the_second_attempt(
    between: FaultProxy, link: Link, moment: Moment
) -> tuple[Session, str]:
    """A session after a registration whose outcome was unknown, and the name that it used then."""
    config = Config(redis=RedisSettings(url=between.url))
    worker = Worker(config, Host(), Registry(), Connector(config.redis), "0")
    session = Session(worker, "default", ["queue:a"])
    first = session.owner.name
    between.cut_next(moment)
    with pytest.raises(StoreUnavailable):
        session.register(link)
    session.register(link)
    session.give_back(link)
    assert session.owner.sure
    return session, first


@pytest.mark.parametrize("moment", ["after the request", "in the reply"])
def test_a_registration_that_comes_late_does_not_bring_back_an_owner_that_was_reclaimed(
    between: FaultProxy, link: Link, raw: redis.Redis, server: TestServer, moment: Moment
) -> None:
    """The shortest way, as the model tells it: (1) process 1 registers, the request is on its way for
    long; (2) it registers again; (3) it fetches a job; (4) it freezes for longer than its lease; (5) it
    is declared dead, its job is given back; (6) the first registration arrives, the record is there
    again; (7) it beats, is not told that it is fenced, and its permit is good; (8) it starts the job,
    which waits for everybody in its queue.
    """
    session, first = registered_at_the_second_attempt(between, link, moment)
    owner = session.owner.name
    worker = Depot(server.url, OTHER)
    worker.push("a", [b"job"])
    frozen = Depot(server.url, owner)  # registers once more: that changes nothing
    assert len(frozen.take(1)) == 1

    note = missed(raw, owner)  # its lease has run out
    reclaimed = owners.reclaim(worker.link, owner, proven=False, crashed=True, note=note)
    assert reclaimed is not None
    assert reclaimed.moved == 1
    owners.register(worker.link, first, 60, ["queue:a"], {})  # the late request

    assert waiting(raw) == [b"job"]
    assert owners.beat(frozen.link, [owner]) == {owner: False}, (
        "it was declared dead, and is not told"
    )
    assert frozen.fetch(1).state == "fenced"
    for depot in (worker, frozen):
        depot.link.close()


def test_an_owner_whose_registration_has_an_unknown_outcome_takes_another_name(
    between: FaultProxy, link: Link
) -> None:
    session, first = registered_at_the_second_attempt(between, link, "in the reply")
    assert session.owner.name != first
