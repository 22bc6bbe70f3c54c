"""The order to have another number of threads, as text."""

from __future__ import annotations

import pytest

from kiq import scaling


def test_what_is_ordered_is_what_is_read() -> None:
    assert scaling.read(scaling.order(20, "default")) == (20, "default")
    assert scaling.read(scaling.order(1, "slow jobs")) == (1, "slow jobs")


@pytest.mark.parametrize(
    "sent",
    ["", "TERM", "SCALE", "SCALE 5", "SCALE 5 ", "SCALE x a", "SCALE -1 a", "SCALE 0 a"]
    + ["SCALE 1001 a", "SCALE 99999999999999999999 a", "scale 5 a", "SCALE ٣ a"],
)
def test_anything_else_is_no_order(sent: str) -> None:
    assert scaling.read(sent) is None
