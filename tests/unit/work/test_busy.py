"""How a running job is shown: always as JSON that any reader takes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from kiq.codec import encode
from kiq.work.busy import as_json_text


def shown(*args: Any) -> Any:
    raw = encode({"class": "A", "args": list(args), "jid": "j"}, "msgpack")
    return json.loads(as_json_text(raw), parse_constant=refuse)["args"]


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def test_a_json_payload_is_shown_byte_for_byte() -> None:
    raw = '{"args":[1.10,"é"],  "class":"A"}'.encode()
    assert as_json_text(raw) == raw.decode()


def test_values_that_json_lacks_become_text() -> None:
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)
    key = UUID(int=5)
    assert shown(b"\x01\xff", moment, date(2026, 5, 1), Decimal("1.50"), key) == [
        "01ff",
        str(moment),
        "2026-05-01",
        "1.50",
        str(key),
    ]


def test_numbers_that_json_lacks_become_text() -> None:
    assert shown(float("nan"), [float("inf"), {"k": float("-inf")}], 1.5, b"\x00") == [
        "nan",
        ["inf", {"k": "-inf"}],
        1.5,
        "00",
    ]


def test_bytes_that_are_no_job_are_shown_as_such() -> None:
    assert json.loads(as_json_text(b"\xff")) == {"class": "?", "args": [], "jid": "?"}


@settings(deadline=None)
@given(st.recursive(st.floats() | st.binary() | st.text(), st.lists, max_leaves=5))
def test_whatever_a_job_carries_is_shown_as_json(value: Any) -> None:
    assert len(shown(value)) == 1
