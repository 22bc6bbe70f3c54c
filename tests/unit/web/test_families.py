"""Processes as they belong together: by machine, under their parents, with their capsules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiq.api import Process, connection
from kiq.web.families import crews_of, families_of, tasks_of

pytestmark = pytest.mark.needs("werkzeug")

HOME = connection("redis://127.0.0.1:1/0")


def process(host: str, pid: int, busy: int = 0, **info: Any) -> Process:
    shown = json.dumps({"hostname": host, "pid": pid, "concurrency": 5, **info}).encode()
    values = [shown, b"5", str(busy).encode(), b"1", b"false", b"1000", b"200"]
    return Process(HOME, f"{host}:{pid}:x", list(values))


def test_children_stand_under_their_parent_and_others_by_themselves() -> None:
    found = families_of(
        [
            process("b", 9),
            process("a", 12, 2, parent=10),
            process("a", 11, 1, parent=10),
            process("a", 5),
        ]
    )
    shape = [
        (host, [(family.parent, [each.pid for each in family.processes]) for family in families])
        for host, families in found
    ]
    assert shape == [("a", [(0, [5]), (10, [11, 12])]), ("b", [(0, [9])])]
    family = found[0][1][1]
    assert (family.busy, family.threads, family.rss) == (3, 10, 2000)


def test_capsules_have_their_threads_and_weights() -> None:
    capsules = {
        "default": {"concurrency": 3, "mode": "weighted", "weights": {"a": 2}},
        "single": {"concurrency": 1, "mode": "strict", "weights": {"b": 0}},
    }
    found = crews_of(process("a", 1, capsules=capsules, weights=[{"a": 2}, {"b": 0}]))
    assert [(each.name, each.threads, each.mode, dict(each.weights)) for each in found] == [
        ("default", 3, "weighted", {"a": 2}),
        ("single", 1, "strict", {"b": 0}),
    ]


@pytest.mark.parametrize(
    "info",
    [
        {"queues": ["a", "b"]},
        {"queues": ["a", "b"], "weights": [{"a": 1}, {"b": 0}]},
        {"queues": ["a", "b"], "capsules": {"x": {}}, "weights": [{"a": 1}, {"b": 0}]},
        {"queues": ["a", "b"], "capsules": {"x": 7}, "weights": 3},
    ],
)
def test_a_process_that_shows_no_capsules_has_its_queues_all_the_same(info: Any) -> None:
    (only,) = crews_of(process("a", 1, **info))
    assert (only.name, only.threads, set(only.weights)) == ("", 5, {"a", "b"})


def test_what_a_capsule_shows_may_be_anything() -> None:
    capsules = {"x": {"concurrency": True, "mode": 7, "weights": {"a": "much"}}}
    (only,) = crews_of(process("a", 1, capsules=capsules))
    assert (only.threads, only.mode) == (0, "")


def test_each_process_has_the_tasks_that_are_its_alone() -> None:
    found = tasks_of("p1", {"periodic": "p2", "janitor": "p1"})
    assert found == {"p1": ["", "janitor"], "p2": ["periodic"]}
    assert tasks_of("", {}) == {}
