"""What a worker says of a job class that it does not know: what is there instead."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

import kiq
from kiq.registry import JobSpec, Registry
from tests.helpers.bench import Bench, retried


def words_for(name: str, *known: str) -> str:
    names = Registry()
    for each in known:
        names.add(JobSpec(each, {}, (), lambda: None, None))
    with pytest.raises(kiq.UnknownJobClass) as raised:
        names.get(name)
    text = str(raised.value)
    assert text.startswith(f"no job class named {name[:200]!r} is registered in this process; ")
    assert "require:" in text
    return text


@pytest.mark.parametrize(
    ("pushed", "registered"),
    [
        ("jobs.HardWorker", "app.jobs.HardWorker"),
        ("app.jobs.HardWorker", "jobs.HardWorker"),
        ("old.place.HardWorker", "new.place.HardWorker"),
        ("HardWorker", "app.jobs.HardWorker"),
        ("Ruby::HardWorker", "app.jobs.HardWorker"),
    ],
)
def test_a_namesake_in_another_module_is_named(pushed: str, registered: str) -> None:
    words = words_for(pushed, "app.Other", registered)
    assert f"{registered} is registered: has its module another name" in words
    assert f"give it aliases=[{pushed!r}]" in words


def test_of_several_namesakes_the_one_whose_module_ends_alike_is_named() -> None:
    words = words_for("jobs.Ship", "shop.Ship", "app.jobs.Ship", "web.Ship")
    assert "app.jobs.Ship is registered" in words


@pytest.mark.parametrize(
    ("pushed", "registered"),
    [
        ("app.jobs.hardworker", "app.jobs.HardWorker"),
        ("app.jobs.HardWorkr", "app.jobs.HardWorker"),
        ("app.job.HardWorkers", "app.jobs.HardWorker"),
    ],
)
def test_a_name_that_is_nearly_right_is_named(pushed: str, registered: str) -> None:
    assert f"{registered} is registered: did you mean that?" in words_for(pushed, registered)


def test_nothing_is_named_where_nothing_is_near() -> None:
    words = words_for("billing.Charge", "app.jobs.HardWorker", "x")
    assert "is registered:" not in words
    assert "HardWorker" not in words


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, fresh_registry: Registry) -> ModuleType:
    """A module that is loaded, with all kinds of things that are no jobs of their names."""
    module: Any = ModuleType("near_shop")
    monkeypatch.setitem(sys.modules, "near_shop", module)

    class Plain:
        def perform(self) -> None: ...

    class Renamed(kiq.Job, name="near.Renamed"):
        def perform(self) -> None: ...

    class Idle(kiq.Job):
        pass

    class Hostile:
        def __getattr__(self, name: str) -> Any:
            raise SystemExit(1)

    def function() -> None: ...

    module.Plain, module.Renamed, module.Idle, module.function = Plain, Renamed, Idle, function
    module.Outer = type("Outer", (), {"Inner": Plain})
    module.hostile = Hostile()
    return module  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("near_shop.Plain", "near_shop.Plain is a class, but no kiq.Job: derive it from that"),
        ("near_shop.Outer.Inner", "is a class, but no kiq.Job"),
        ("near_shop.function", "is a function, but no job: put @kiq.job above it"),
        ("near_shop.Idle", "near_shop.Idle is a class that has no perform"),
        ("near_shop.Renamed", "near_shop.Renamed is there, and named 'near.Renamed'"),
    ],
)
def test_what_stands_under_the_name_is_told(shop: ModuleType, name: str, words: str) -> None:
    assert words in words_for(name)


@pytest.mark.parametrize(
    "name",
    ["near_shop.hostile", "near_shop.hostile.x", "near_shop.", ".", "", "os.system", "\ud800.x"],
)
def test_no_name_does_harm(shop: ModuleType, name: str) -> None:
    assert "put @kiq.job" not in words_for(name, "a.b")


def test_no_module_is_imported_that_a_payload_names() -> None:
    sys.modules.pop("this", None)
    words_for("tests.helpers.noop_that_is_not_there.X")
    words_for("antigravity.X")
    assert "antigravity" not in sys.modules


def test_a_job_of_an_unknown_class_carries_the_hint_and_is_told_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.host.error_handlers = []
    bench.add(lambda: None, "app.F")
    record = retried(bench.run())
    assert "app.F is registered" in record["error_message"]
    [line] = [each for each in caplog.records if each.name == "kiq.errors"]
    assert line.exc_info is None
    assert "jid=j1 class=F" in line.getMessage()


def test_errors_of_the_applications_code_keep_their_tracebacks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def perform() -> None:
        raise kiq.PayloadError("of a push in the job")

    def wrapped() -> None:
        try:
            raise LookupError("the cause")
        except LookupError as error:
            raise kiq.KiqError("on top") from error

    for function in (perform, wrapped):
        bench = Bench()
        bench.host.error_handlers = []
        bench.add(function)
        bench.run()
    lines = [each for each in caplog.records if each.name == "kiq.errors"]
    assert [bool(each.exc_info) for each in lines] == [True, True]
