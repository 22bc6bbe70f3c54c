"""The registry: names on the wire, aliases, double names, and classes nobody could import."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import redis

import kiq
from kiq.definition import module_of_file
from kiq.registry import JobSpec, Registry


class One(kiq.Job, name="registry.One", aliases=("registry.Uno", "registry.Un")):
    def perform(self) -> None: ...


class Outer:
    class Inner(kiq.Job):
        def perform(self) -> None: ...


def spec_named(name: str, *aliases: str, module: str = "app") -> JobSpec:
    def perform(self: Any) -> None: ...

    cls = type("Cls" + name.replace(".", ""), (), {"perform": perform, "__module__": module})
    return JobSpec(name, {}, aliases, perform, cls)


def test_a_class_is_found_by_its_name_and_by_each_alias(fresh_registry: Registry) -> None:
    for name in ("registry.One", "registry.Uno", "registry.Un"):
        assert fresh_registry.get(name).cls is One
    assert [spec.cls for spec in fresh_registry.all()].count(One) == 1


def test_an_unknown_name_is_a_lookup_error_that_says_what_to_do() -> None:
    with pytest.raises(kiq.UnknownJobClass) as raised:
        Registry().get("app.Gone")
    assert isinstance(raised.value, LookupError)
    assert "no job class named 'app.Gone' is registered in this process" in str(raised.value)
    assert "require:" in str(raised.value)
    assert "aliases=" in str(raised.value)
    assert Registry().find("app.Gone") is None


def test_a_hostile_name_is_cut_in_the_message() -> None:
    with pytest.raises(kiq.UnknownJobClass) as raised:
        Registry().get("x" * 1_000_000)
    assert len(str(raised.value)) < 500


def test_two_classes_of_one_name_are_refused_and_the_first_stays() -> None:
    names = Registry()
    first = spec_named("a")
    names.add(first)
    with pytest.raises(
        kiq.ConfigError, match=r"two job classes are named .a.: app\.Clsa .* and app\."
    ):
        names.add(spec_named("new", "a"))
    assert names.get("a") is first
    assert names.find("new") is None


def test_a_module_that_is_loaded_again_replaces_its_classes() -> None:
    names = Registry()
    names.add(spec_named("a"))
    again = spec_named("a")
    names.add(again)
    assert names.get("a") is again


def test_a_class_inside_a_function_needs_a_name_to_be_pushed(fake: redis.Redis) -> None:
    class Local(kiq.Job):
        def perform(self) -> None: ...

    with pytest.raises(kiq.ConfigError, match=r"<locals>\.Local: .* can't be found by a worker"):
        Local.perform_async()
    with pytest.raises(
        kiq.ConfigError, match="move it to the top of its module, or give it a name"
    ):
        Local.perform_bulk([()])
    assert fake.keys() == []
    assert Local.perform_inline() is None


def test_a_nested_class_travels_with_its_outer_name() -> None:
    assert Outer.Inner._kiq_spec.name == f"{__name__}.Outer.Inner"


def run(code: str, *arguments: str, cwd: Path, file: str | None = None) -> str:
    command = [sys.executable, *arguments]
    if file is not None:
        (cwd / file).parent.mkdir(parents=True, exist_ok=True)
        (cwd / file).write_text(textwrap.dedent(code))
    else:
        command += ["-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=30)
    return (done.stdout + done.stderr).strip()


SCRIPT = """
    import kiq
    class Work(kiq.Job):
        def perform(self): ...
    print(Work._kiq_spec.name)
"""


def test_a_script_names_its_classes_as_a_worker_will_import_them(tmp_path: Path) -> None:
    assert run(SCRIPT, "jobs.py", cwd=tmp_path, file="jobs.py") == "jobs.Work"
    assert run(SCRIPT, "app/jobs.py", cwd=tmp_path, file="app/jobs.py") == "app.jobs.Work"


def test_a_module_run_with_dash_m_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("")
    assert run(SCRIPT, "-m", "app.jobs", cwd=tmp_path, file="app/jobs.py") == "app.jobs.Work"


def test_a_class_of_dash_c_has_no_module_and_is_refused_when_pushed(tmp_path: Path) -> None:
    out = run(SCRIPT + "    Work.perform_async()", cwd=tmp_path)
    assert "__main__.Work: this class has no module that a worker could import" in out
    assert "put it in a file, or give it a name=" in out


def test_a_script_that_no_import_could_name_is_refused(tmp_path: Path) -> None:
    out = run(SCRIPT + "    Work.perform_async()", "my-jobs.py", cwd=tmp_path, file="my-jobs.py")
    assert "__main__.Work: this class has no module" in out


def test_a_files_module_is_seen_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    assert module_of_file("app/jobs.py") == "app.jobs"
    assert module_of_file("./jobs.py") == "jobs"
    assert module_of_file("app/my-jobs.py") is None


def test_a_process_that_is_spawned_calls_the_classes_of_the_main_file_as_ever(
    tmp_path: Path,
) -> None:
    script = """
    import multiprocessing
    import kiq
    class Work(kiq.Job):
        def perform(self): ...
    def say():
        print(Work._kiq_spec.name, flush=True)
    if __name__ == "__main__":
        child = multiprocessing.get_context("spawn").Process(target=say)
        child.start()
        child.join()
    """
    assert run(script, "app/jobs.py", cwd=tmp_path, file="app/jobs.py") == "app.jobs.Work"
