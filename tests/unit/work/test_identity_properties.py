"""Names of processes, owners and deliveries: unique, and readable again."""

from __future__ import annotations

import os
import re
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiq import keys
from kiq.config import Config
from kiq.plugin import Host
from kiq.registry import Registry
from kiq.store.connection import Connector
from kiq.work.owner import Owner, order_of
from kiq.work.worker import Worker, new_identity

ENVIRONMENT = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(ENVIRONMENT, max_size=40))
def test_an_identity_has_three_parts_whatever_the_host_is_called(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("DYNO", host)
    identity = new_identity()
    name, pid, nonce = identity.rsplit(":", 2)
    assert pid == str(os.getpid())
    assert re.fullmatch(r"[0-9a-f]{12}", nonce)
    assert re.fullmatch(r"[\w.-]+", name), "no colon, no brace, no space"
    assert new_identity() != identity


@settings(deadline=None, max_examples=50)
@given(st.from_regex(r"[A-Za-z0-9_.-]{1,50}", fullmatch=True))
def test_an_owner_tells_its_process_and_its_capsule(capsule: str) -> None:
    config = Config()
    worker = Worker(config, Host(), Registry(), Connector(config.redis), "0")
    owner = worker.new_owner(capsule)
    host, pid, nonce, part = owner.split(":")
    assert [host, pid] == worker.identity.split(":")[:2]
    assert part == capsule
    assert worker.new_owner(capsule) != owner
    assert keys.record(owner) != keys.lapsed(owner)
    assert nonce


NUMBERS = st.integers(0, 2**63)


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=20))
def test_deliveries_are_ordered_as_numbers(deliveries: list[tuple[int, int]]) -> None:
    ids = [f"{call}.{index}" for call, index in deliveries]
    assert sorted(ids, key=order_of) == [f"{call}.{index}" for call, index in sorted(deliveries)]
    assert len({*map(order_of, ids)}) == len({*ids})


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 50), st.integers(1, 5))
def test_no_call_number_comes_twice_whichever_owner_asks(calls: int, owners: int) -> None:
    several = [Owner(f"owner {number}", ["queue:a"]) for number in range(owners)]
    numbers = [each.next_call() for _, each in product(range(calls), several)]
    assert numbers == sorted(set(numbers))
