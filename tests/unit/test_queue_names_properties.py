"""Queue names: whatever somebody takes for one is a name, or refused in kiq's own words."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kiq import keys
from kiq.config import check_queue_name
from kiq.config_file.weights import parse_queues
from kiq.errors import ConfigError, PayloadError
from kiq.payload import normalized

# "Cs" are halves of surrogate pairs, "Cc" control characters.
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1) | st.text(
    "{}%:,/7BD ", min_size=1
)
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
    if not isinstance(value, str) or not value:
        return False
    return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value)


@settings(deadline=None, max_examples=150)
@given(NAMES | ANYTHING)
@example(10**70)
@example(datetime(2024, 1, 1, 12, tzinfo=UTC))
@example(Decimal("1" * 70))
@example("x" * 100_000)
@example("a\n")
@example("\x85")
@example("a\ud800")
@example("\u2028")
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


OWNERS = st.text("abc:-{}%", min_size=1)


@settings(deadline=None)
@given(NAMES, OWNERS)
@example("}:b", "host")
@example("{", "}:host")
@example("%7B", "host")
def test_an_in_flight_key_tells_its_queue_and_owner_and_its_hash_tag_is_whole(
    name: str, owner: str
) -> None:
    source = keys.queue(name)
    key = keys.inflight(source, owner)
    assert keys.source_and_owner(key) == (source, owner)
    # What a cluster takes for the tag: between the first brace and the first that closes.
    tag = key[key.index("{") + 1 : key.index("}")]
    assert tag == key.removeprefix("kiq:inflight:{").removesuffix(f"}}:{owner}")
    assert "{" not in keys.idle(name)


@pytest.mark.parametrize("key", ["kiq:inflight:", "kiq:inflight:{}:x", "kiq:inflight:{a}:", "x"])
def test_what_is_no_in_flight_key_is_none(key: str) -> None:
    assert keys.source_and_owner(key) is None


@pytest.mark.parametrize("name", ["default", "a:b", "queue:x", "A_b.C-9", "x" * 100])
def test_the_keys_of_plain_names_are_as_they_ever_were(name: str) -> None:
    assert keys.inflight(keys.queue(name), "h:1:a:c") == f"kiq:inflight:{{queue:{name}}}:h:1:a:c"
    assert keys.idle(name) == f"kiq:idle:{name}"
    assert keys.queue(name) == f"queue:{name}"


@settings(deadline=None)
@given(NAMES, NAMES)
def test_no_two_queues_share_an_idle_set(one: str, other: str) -> None:
    assert (keys.idle(one) == keys.idle(other)) == (one == other)


@settings(deadline=None)
@given(NAMES, NAMES, OWNERS, OWNERS)
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
