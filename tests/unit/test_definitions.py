"""Two jobs of one name are refused; one that is defined again is the same one, made anew."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
import redis

import kiq
from kiq.registry import Registry
from tests.helpers.bench import Bench, job
from tests.helpers.stored import in_queue

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_registry: Registry) -> Load:
    """Write a module, and import it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(text: str) -> ModuleType:
        (tmp_path / "defined.py").write_text(f"import functools\nimport kiq\n{text}")
        importlib.invalidate_caches()
        sys.modules.pop("defined", None)
        return importlib.import_module("defined")

    yield load
    sys.modules.pop("defined", None)


CLASHES = {
    "two lambdas": "a = kiq.job(lambda: 'a')\nb = kiq.job(lambda: 'b')",
    "two lambdas in a line": "a, b = kiq.job(lambda: 1), kiq.job(lambda: 2)",
    "a loop": "for n in range(2):\n    @kiq.job\n    def work(): return n",
    "a list of lambdas": "jobs = [kiq.job(lambda n=n: n) for n in range(2)]",
    "two functions": "@kiq.job\ndef work(): return 'a'\na = work\n@kiq.job\ndef work(): return 'b'",
    "two classes": (
        "class Work(kiq.Job):\n    def perform(self): return 'a'\nA = Work\n"
        "class Work(kiq.Job):\n    def perform(self): return 'b'"
    ),
    "a class and its heir": (
        "class Work(kiq.Job):\n    def perform(self): return 'a'\n"
        "class Work(Work):\n    def perform(self): return 'b'"
    ),
    "classes that inherit perform": (
        "class Base(kiq.Job):\n    def perform(self): return type(self)\n"
        "class Work(Base): pass\nclass Work(Base): pass"
    ),
    "a class and a function": (
        "class Work(kiq.Job):\n    def perform(self): ...\n@kiq.job\ndef Work(): ..."
    ),
    "functions of a function, of one name=": (
        "def make(n):\n    @kiq.job(name='made')\n    def work(): return n\n    return work\n"
        "a, b = make(1), make(2)"
    ),
    "partials of one name=": (
        "def work(n): ...\na = kiq.job(functools.partial(work, 1), name='x')\n"
        "b = kiq.job(functools.partial(work, 2), name='x')"
    ),
    "methods of two objects": (
        "class Mailer:\n    def send(self): ...\n"
        "a, b = kiq.job(Mailer().send), kiq.job(Mailer().send)"
    ),
    "an alias that is taken": (
        "@kiq.job\ndef one(): ...\n@kiq.job(aliases=['defined.one'])\ndef two(): ..."
    ),
}


@pytest.mark.parametrize("what", CLASHES)
def test_two_jobs_of_one_name_are_refused_and_told_to_take_a_name(load: Load, what: str) -> None:
    with pytest.raises(kiq.ConfigError, match=r"two job classes are named .*name="):
        load(CLASHES[what])


def test_the_refusal_says_where_both_are(load: Load) -> None:
    with pytest.raises(kiq.ConfigError) as raised:
        load(CLASHES["two lambdas"])
    assert "defined.<lambda> (line 3) and defined.<lambda> (line 4)" in str(raised.value)


NAMED = """
a = kiq.job(lambda: 'a', name='a')
b = kiq.job(lambda: 'b', name='b')

def make(n):
    @kiq.job(name=f'made.{n}')
    def work(): return n
    return work

c, d = make(1), make(2)
e = kiq.job(functools.partial(max, 3), name='e')

class Outer:
    class Work(kiq.Job):
        def perform(self): return 'outer'

class Work(kiq.Job):
    def perform(self): return 'top'
"""


def test_with_names_of_their_own_each_runs_its_own(load: Load) -> None:
    made = load(NAMED)
    found = [each.perform_inline() for each in (made.a, made.b, made.c, made.d)]
    assert found == ["a", "b", 1, 2]
    assert made.e.perform_inline(5) == 5
    assert (made.Outer.Work.perform_inline(), made.Work.perform_inline()) == ("outer", "top")


@pytest.mark.parametrize(
    "text", [NAMED, "w = kiq.job(lambda: 1)", "class W(kiq.Job):\n    def perform(self): ..."]
)
@pytest.mark.parametrize("times", [1, 3])
def test_a_module_may_be_loaded_again(load: Load, text: str, times: int) -> None:
    module = load(text)
    for _ in range(times):
        importlib.reload(module)
    load(text)
    load(f"\n\n{text}\n")


def test_a_module_that_was_edited_replaces_its_jobs_when_it_is_reloaded(
    load: Load, tmp_path: Path, fresh_registry: Registry
) -> None:
    module = load("@kiq.job\ndef work(): return 'old'")
    (tmp_path / "defined.py").write_text(
        "import kiq\n\n\n\n@kiq.job\ndef work(): return 'edited'\n"
    )
    importlib.reload(module)
    assert fresh_registry.get("defined.work").function() == "edited"


def test_a_module_whose_import_failed_half_way_may_be_imported_again(load: Load) -> None:
    kept = []
    for _ in range(2):
        with pytest.raises(ZeroDivisionError) as raised:
            load("@kiq.job\ndef work(): ...\n1 / 0")
        kept.append(raised)  # with its frames, and the code of the module
    load("@kiq.job\ndef work(): ...")


def test_code_that_is_executed_again_in_a_namespace_of_its_own_defines_its_jobs_again(
    fresh_registry: Registry,
) -> None:
    code = compile("import kiq\n@kiq.job\ndef work(): ...", "<a script>", "exec")
    for _ in range(3):
        exec(code, {"__name__": "scripted"})  # noqa: S102


def test_cells_of_a_notebook_may_define_a_job_again(fresh_registry: Registry) -> None:
    namespace = {"__name__": "__main__", "kiq": kiq}
    for number, body in enumerate(["1", "1", "2"]):
        cell = f"@kiq.job(name='cell')\ndef work(): return {body}"
        exec(compile(cell, f"<cell {number}>", "exec"), namespace)  # noqa: S102
    assert fresh_registry.get("cell").function() == 2


def test_a_factory_of_applications_may_be_called_again(fresh_registry: Registry) -> None:
    def create_app(name: str) -> Any:
        @kiq.job(name="app.send")
        def send() -> str:
            return name

        class Report(kiq.Job, name="app.Report"):
            def perform(self) -> str:
                return name

        return send, Report

    create_app("first")
    create_app("second")
    assert fresh_registry.get("app.send").function() == "second"


def test_two_jobs_of_one_name_in_one_function_are_refused(fresh_registry: Registry) -> None:
    kiq.job(lambda: "a")
    with pytest.raises(kiq.ConfigError, match=r"two job classes are named .*name="):
        kiq.job(lambda: "b")


def test_one_function_may_be_a_job_twice_with_other_options(fresh_registry: Registry) -> None:
    def work() -> None: ...

    fast, slow = (kiq.job(queue=queue, name="twice")(work) for queue in ("fast", "slow"))
    assert fast._kiq_spec.function is slow._kiq_spec.function


def test_what_has_no_name_needs_one(fresh_registry: Registry) -> None:
    class Caller:
        def __call__(self, number: int) -> int:
            return number

    for nameless in (functools.partial(int), Caller()):
        with pytest.raises(kiq.ConfigError, match="has no name of its own: give it one, by name="):
            kiq.job(nameless)
    assert kiq.job(name="defined.caller")(Caller()).perform_inline(3) == 3


# Decorators that make a class a second time

twice = pytest.mark.parametrize(
    "decorator",
    [
        attrs.define,
        attrs.frozen,
        dataclasses.dataclass(slots=True),
        dataclasses.dataclass(frozen=True, slots=True),
    ],
    ids=["attrs.define", "attrs.frozen", "dataclass(slots)", "dataclass(frozen, slots)"],
)


@twice
def test_a_class_that_is_made_twice_keeps_its_name_and_all_options(
    fake: redis.Redis, fresh_registry: Registry, decorator: Any
) -> None:
    @decorator
    class Ship(
        kiq.Job,
        name="twice.Ship",
        aliases=["twice.Old"],
        queue="ships",
        retry=3,
        tags=["a"],
        time_limit=9,
    ):
        size: int = 3

        def perform(self, number: int) -> tuple[int, str, int]:
            return number * self.size, self.jid, self.attempt

        def retry_in(self, count: int, error: BaseException, payload: Any) -> int:
            return 10 * self.size

    Ship.perform_async(1)
    (payload,) = in_queue(fake, "ships")
    assert payload["class"] == "twice.Ship"
    assert (payload["retry"], payload["tags"], payload["time_limit"]) == (3, ["a"], 9)
    assert fresh_registry.get("twice.Old").cls is Ship
    assert fresh_registry.get("twice.Ship").cls is Ship
    number, jid, attempt = Ship.perform_inline(2)
    assert (number, len(jid), attempt) == (6, 24, 1)


@twice
@pytest.mark.parametrize("kwargs", [{}, {"kwargs": {"fast": True}}])
def test_a_class_that_is_made_twice_runs_in_a_worker(
    fresh_registry: Registry, decorator: Any, kwargs: Any
) -> None:
    seen = []

    @decorator
    class Ship(kiq.Job, name="twice.Ran"):
        def perform(self, number: int, fast: bool = False) -> None:
            seen.append((number, self.jid))

    bench = Bench()
    bench.add_class(Ship)
    bench.run(7, **kwargs)
    assert seen == [(7, job()["jid"])]


def test_an_iterable_job_may_be_made_twice(fresh_registry: Registry) -> None:
    seen = []

    @attrs.define
    class Items(kiq.IterableJob, name="twice.Items", max_iteration_runtime=60):
        def build(self, *, cursor: Any) -> Any:
            return kiq.iteration.sequence([1, 2], cursor=cursor)

        def each(self, item: int) -> None:
            seen.append(item)

    Items.perform_inline()
    assert seen == [1, 2]
    assert fresh_registry.get("twice.Items").cls is Items
    assert Items.max_iteration_runtime == 60


def test_an_heir_of_such_a_class_has_a_name_of_its_own(fresh_registry: Registry) -> None:
    @attrs.define
    class Base(kiq.Job, name="twice.Base", queue="q"):
        def perform(self) -> None: ...

    class Heir(Base, name="twice.Heir"):
        pass

    assert Heir._kiq_spec.name == "twice.Heir"
    assert Heir.options["queue"] == "q"
    assert Base._kiq_spec.name == "twice.Base"
