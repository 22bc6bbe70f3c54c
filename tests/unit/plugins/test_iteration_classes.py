"""Iterable job classes are checked when they are defined; what is wrong is said at once."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest

import kiq
from kiq import iteration
from kiq.errors import ArgumentError, ConfigError, PayloadError
from kiq.registry import Registry


def make(**members: Any) -> Any:
    return type(kiq.IterableJob)("Made", (kiq.IterableJob,), members)


def build(self: Any, path: str, *, cursor: Any) -> Any:
    return iteration.sequence([path], cursor=cursor)


def each(self: Any, item: str, path: str) -> None: ...


async def later(self: Any, item: str, path: str) -> None: ...


def yields(self: Any, item: str, path: str) -> Any:
    yield 1


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"perform": each, "build": build, "each": each}, "no perform of its own"),
        ({"perform": each}, "no perform of its own"),
        ({"build": lambda self, path: None, "each": each}, "must take the cursor"),
        ({"build": lambda self, *cursor: None, "each": each}, "must take the cursor"),
        ({"build": build, "each": lambda self: None}, "must take an item"),
        ({"build": build, "each": lambda self, item: None}, "the same arguments"),
        ({"build": build, "each": lambda self, item, other: None}, "the same arguments"),
        ({"build": build, "each": lambda self, item, path=1: None}, "the same arguments"),
        ({"build": build, "each": later}, "is async"),
        ({"build": build, "each": yields}, "is a generator"),
        ({"build": staticmethod(build), "each": each}, "ordinary method"),
        ({"build": build, "each": classmethod(each)}, "ordinary method"),
        ({"build": build, "each": 5}, "ordinary method"),
    ],
)
def test_what_can_not_run_is_refused(
    fresh_registry: Registry, members: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        make(**members)


def test_each_may_take_whatever_comes(fresh_registry: Registry) -> None:
    make(build=build, each=lambda self, item, *args, **kwargs: None).perform_inline("a")


def test_a_push_must_fit_build_without_its_cursor(fresh_registry: Registry) -> None:
    made = make(build=build, each=each)
    assert str(inspect.signature(made.perform)) == "(self: 'Any', path: 'str')"
    made.perform_inline("a")
    made.perform_inline(path="a")
    for wrong in ((), ("a", "b")):
        with pytest.raises(ArgumentError, match=r"Made\.perform\(path\)"):
            made.perform_async(*wrong)
    with pytest.raises(ArgumentError):
        made.perform_async("a", cursor=5)


def test_a_base_may_leave_open_what_its_heirs_define(fresh_registry: Registry) -> None:
    base = make(each=each)
    with pytest.raises(ConfigError, match="Made"):
        base.perform_async("a")
    whole = type(base)("Whole", (base,), {"build": build})
    whole.perform_inline("a")


def test_an_heir_may_change_what_it_inherits(fresh_registry: Registry) -> None:
    seen: list[Any] = []
    first = make(build=build, each=each)
    heir = type(first)(
        "Heir",
        (first,),
        {
            "build": lambda self, *, cursor: [(1, 1)],
            "each": lambda self, item: seen.append(item),
        },
        queue="low",
        max_iteration_runtime=timedelta(minutes=1),
    )
    heir.perform_inline()
    assert seen == [1]
    assert heir.options["queue"] == "low"
    assert heir.max_iteration_runtime == 60
    assert first.max_iteration_runtime is None


@pytest.mark.parametrize("wrong", [0, -1, "5", True, float("nan"), timedelta(0)])
def test_a_runtime_is_a_span_of_time(fresh_registry: Registry, wrong: Any) -> None:
    with pytest.raises(ConfigError, match="max_iteration_runtime"):
        type(kiq.IterableJob)("Made", (kiq.IterableJob,), {}, max_iteration_runtime=wrong)


@pytest.mark.parametrize("jid", [None, "", 5, b"x"])
def test_cancel_takes_a_jid(jid: Any) -> None:
    with pytest.raises(PayloadError, match="a jid is a string"):
        kiq.IterableJob.cancel(jid)


def test_there_is_one_way_to_the_names() -> None:
    assert kiq.IterableJob is iteration.IterableJob
    with pytest.raises(AttributeError, match="no attribute 'IterableJobs'"):
        kiq.IterableJobs  # noqa: B018
