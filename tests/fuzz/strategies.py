"""Payloads for property tests: jobs with any values in the fields that a failure reads."""

from __future__ import annotations

import math
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from kiq.codec import Codec, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

#: Fields that the decision reads or writes.
FIELDS = (
    *("retry", "retry_count", "retry_for", "retry_queue", "failed_at", "retried_at", "backtrace"),
    *("dead", "queue", "jid", "at", "enqueued_at", "error_message", "error_class", "kwargs"),
    *("error_backtrace", "discarded_at", "tags", "bid", "log_level", "created_at"),
)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-5, 40)
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([-1, 0, 24, 25, 10**9, 2**53, 1e9, 1_795_293_240_812, "3", "yes", ""])
    | TEXT
    | st.lists(st.integers(0, 9), max_size=3)
    | st.dictionaries(TEXT, st.integers(0, 9), max_size=3)
)
JSON_ONLY = st.sampled_from([10**70, -(10**400), 10**4000])
MSGPACK_ONLY = (
    st.sampled_from([math.nan, math.inf, -math.inf])
    | st.binary(max_size=20)
    | st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))
    | st.decimals()
    | st.uuids()
)
EXTRAS: dict[Codec, st.SearchStrategy[Any]] = {
    "json": PLAIN | JSON_ONLY,
    "msgpack": PLAIN | MSGPACK_ONLY,
}


@st.composite
def jobs(draw: st.DrawFn) -> tuple[bytes, Codec]:
    """A job's bytes, with any values in the fields that the decision reads."""
    codec: Codec = draw(st.sampled_from(["json", "msgpack"]))
    fields = draw(st.dictionaries(st.sampled_from(FIELDS), EXTRAS[codec], max_size=6))
    return encode({"class": "no.Such", "args": [1], **fields}, codec), codec
