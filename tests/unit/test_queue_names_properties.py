"""Queue names: whatever somebody takes for one is a name, or refused in kiq's own words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kiq import keys
from kiq.config import check_queue_name, parse_queues
from kiq.errors import ConfigError, PayloadError
from kiq.payload import normalized

NAMES = st.from_regex(r"[A-Za-z0-9_.:-]{1,100}", fullmatch=True)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=120)
    | st.binary(max_size=120)
    | st.datetimes(timezones=st.just(UTC))
    | st.decimals()
    | st.uuids()
)
ANYTHING = SCALARS | st.lists(SCALARS, max_size=20) | st.dictionaries(st.text(), SCALARS)


def is_name(value: Any) -> bool:
    """Tell whether *value* is a name, by a rule of the test's own."""
    letters = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-")
    return isinstance(value, str) and 1 <= len(value) <= 100 and set(value) <= letters


@settings(deadline=None, max_examples=150)
@given(NAMES | ANYTHING)
@example(10**70)
@example(datetime(2024, 1, 1, 12, tzinfo=UTC))
@example(Decimal("1" * 70))
@example("x" * 101)
@example("a\n")
def test_anything_is_a_queue_name_or_refused(given_name: Any) -> None:
    if is_name(given_name):
        assert check_queue_name(given_name) == given_name
        return
    with pytest.raises(ConfigError, match="can't be the name of a queue") as caught:
        check_queue_name(given_name)
    assert len(str(caught.value)) < 250


@settings(deadline=None, max_examples=100)
@given(ANYTHING)
@example(10**70)
def test_a_bare_payload_with_any_queue_is_normal_or_refused(queue: Any) -> None:
    item = {"class": "A", "args": [], "queue": queue}
    if is_name(queue):
        assert normalized(item)["queue"] == queue
        return
    with pytest.raises(PayloadError, match=r"^A: queue: .* can't be the name of a queue"):
        normalized(item)


@settings(deadline=None)
@given(NAMES)
def test_a_queue_is_known_by_its_key_and_its_bare_name_is_no_queue(name: str) -> None:
    assert keys.queue_name(keys.queue(name)) == name
    assert keys.queue_name(keys.RETRY) is None
    assert keys.queue(name) not in (keys.RETRY, keys.SCHEDULE, keys.DEAD, keys.QUEUES)


@settings(deadline=None)
@given(NAMES, NAMES, st.text("abc:-", min_size=1), st.text("abc:-", min_size=1))
def test_no_two_flights_share_a_hash(one: str, other: str, first: str, second: str) -> None:
    keys_of = {
        (queue, owner): keys.inflight(keys.queue(queue), owner)
        for queue in (one, other)
        for owner in (first, second)
    }
    assert len(set(keys_of.values())) == len(keys_of)


ENTRIES = st.tuples(NAMES | ANYTHING, st.none() | st.integers(-2, 10**7) | ANYTHING)


@settings(deadline=None, max_examples=80)
@given(st.lists(ENTRIES, max_size=6))
def test_any_list_of_queues_is_read_or_refused(entries: list[tuple[Any, Any]]) -> None:
    try:
        queues, mode = parse_queues(entries)
    except ConfigError:
        return
    assert {name for name, _ in queues} == {name for name, _ in entries}
    assert all(is_name(name) and weight >= 1 for name, weight in queues)
    assert mode in ("strict", "weighted", "random")
