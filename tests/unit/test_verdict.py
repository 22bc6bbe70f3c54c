"""A permit: whether jobs of an owner may start."""

from __future__ import annotations

from kiq.verdict import Permit


def test_a_beat_extends_it() -> None:
    permit = Permit()
    permit.extend(10.0)
    assert permit.until == 10.0


def test_a_fence_holds_though_a_beat_that_was_under_way_comes_after_it() -> None:
    permit = Permit(10.0)
    permit.fence()
    permit.extend(20.0)
    assert permit.until == float("-inf")
