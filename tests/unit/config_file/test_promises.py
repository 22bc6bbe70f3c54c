"""How long no job of a queue shall wait, as a file, a variable or code says it."""

from __future__ import annotations

from typing import Any

import pytest

from kiq.config_file.tree import Invalid, node_of
from kiq.config_file.values import queues


def test_a_queue_has_a_weight_and_a_latency() -> None:
    said = {"critical": {"weight": 6, "latency": "5s"}, "mailers": {"latency": "2m"}, "low": 1}
    names, mode, latencies = queues(node_of(said))
    assert (names, mode) == ((("critical", 6), ("mailers", 1), ("low", 1)), "weighted")
    assert latencies == (("critical", 5.0), ("mailers", 120.0))


def test_without_weights_the_order_stays_strict() -> None:
    said: Any = [{"a": {"latency": 30}}, "b", ["c", {"latency": "1h"}]]
    names, mode, latencies = queues(node_of(said))
    assert ([name for name, _ in names], mode) == (["a", "b", "c"], "strict")
    assert latencies == (("a", 30.0), ("c", 3600.0))


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30), (0.5, 0.5), ("1.5m", 90), ("2 h", 7200), ("3d", 259_200)]
)
def test_durations_are_written_as_people_do(text: object, seconds: float) -> None:
    assert queues(node_of({"a": {"latency": text}}))[2] == (("a", seconds),)


@pytest.mark.parametrize("text", ["", "soon", "-5s", 0, True, None, [5], "5 parsecs", "9999999d"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(Invalid, match="must be a duration, as in 30s, 5m, 2h"):
        queues(node_of({"a": {"latency": text}}))


def test_a_key_that_a_queue_does_not_have_is_named() -> None:
    with pytest.raises(Invalid, match=r"weight and latency, as in .*, not latancy"):
        queues(node_of({"a": {"weight": 3, "latancy": "30s"}}))


def test_a_weight_is_checked_as_ever() -> None:
    with pytest.raises(Invalid, match="the weight of queue a must be a whole number"):
        queues(node_of({"a": {"weight": 0, "latency": "30s"}}))
