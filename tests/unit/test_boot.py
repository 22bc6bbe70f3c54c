"""Boot: the application is imported under the name that its pushers use, or an error says why not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kiq
from kiq import boot
from kiq.boot import add_working_folder, import_application, install_plugins
from kiq.errors import BootError, ConfigError, PluginError
from kiq.plugin import Host


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project, in which the process works; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(p for p in sys.path if p)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(project: Path, name: str, text: str = "") -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def refused(*names: str) -> BootError:
    with pytest.raises(BootError) as raised:
        import_application(names)
    return raised.value


# The working folder


def test_the_working_folder_comes_first_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/elsewhere"])
    add_working_folder()
    add_working_folder()
    assert sys.path == [str(tmp_path), "/elsewhere"]


def test_the_working_folder_is_there_already_where_python_put_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["", "/elsewhere"])
    add_working_folder()
    assert sys.path == ["", "/elsewhere"]


# The application


def test_modules_are_imported_by_name_in_order(project: Path) -> None:
    write(project, "shop/__init__.py", "seen = []")
    write(project, "shop/one.py", "import shop; shop.seen.append(1)")
    write(project, "shop/two.py", "import shop; shop.seen.append(2)")
    import_application(["shop.two", "shop.one"])
    assert sys.modules["shop"].seen == [2, 1]


def test_a_file_is_imported_as_the_module_that_it_is(project: Path) -> None:
    write(project, "shop/jobs.py", "name = __name__")
    import_application(["./shop/jobs.py"])
    assert sys.modules["shop.jobs"].name == "shop.jobs"


def test_a_module_that_is_not_there_is_named_with_where_it_was_looked_for(project: Path) -> None:
    message = str(refused("nowhere.jobs"))
    assert "'nowhere.jobs'" in message
    assert "there is no module 'nowhere'" in message
    assert str(project) in message


def test_a_module_that_the_application_lacks_is_the_applications_error(project: Path) -> None:
    write(project, "shop.py", "import not_installed_anywhere")
    error = refused("shop")
    assert str(error).startswith("importing 'shop' failed")
    assert "not_installed_anywhere" in str(error)
    assert isinstance(error.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def broken(:", "SyntaxError"),
        ("import sys; sys.exit('no settings')", "SystemExit: no settings"),
    ],
)
def test_what_the_application_raises_is_shown_with_its_module(
    project: Path, text: str, words: str
) -> None:
    write(project, "shop.py", text)
    error = refused("shop")
    assert "'shop'" in str(error)
    assert words in str(error)
    assert error.__cause__ is not None


def test_control_c_during_an_import_is_no_error_of_the_application(project: Path) -> None:
    write(project, "shop.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        import_application(["shop"])


def test_a_push_at_the_top_of_a_module_is_refused(project: Path, fresh_registry: Any) -> None:
    write(
        project,
        "shop.py",
        "import kiq\n\n@kiq.job(name='boot.greet')\ndef greet(): ...\n\ngreet.perform_async()\n",
    )
    with pytest.raises(kiq.KiqError, match=r'under `if __name__ == "__main__":`'):
        import_application(["shop"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("./shop", "is a folder; name the module"),
        ("./shop/none.py", "does not exist"),
        ("shop/none", "does not exist"),
        ("./shop/bad-name.py", "can't be imported by a name"),
        ("../outside.py", "can't be imported by a name"),
        ("", "importing '' failed"),
        (".jobs", "importing '.jobs' failed"),
    ],
)
def test_what_is_no_module_gets_an_error_that_says_what_to_name(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    inner = project / "inner"
    write(inner, "shop/bad-name.py")
    write(project, "outside.py")
    monkeypatch.chdir(inner)
    assert words in str(refused(name))


# Plugins


PLUGIN = """
class Stamp:
    name = "stamp"
    def install(self, host):
        host.death_handlers.append(self)

ready = Stamp()

class Greedy:
    def __init__(self, needed): ...
"""


@pytest.mark.parametrize("named", ["extras:Stamp", "extras:ready"])
def test_a_plugin_of_ones_own_is_named_by_module_and_object(project: Path, named: str) -> None:
    write(project, "extras.py", PLUGIN)
    host = Host()
    install_plugins(host, [named, named])
    assert list(host.plugins) == [*boot.STANDARD_PLUGINS, "stamp"]
    assert len(host.death_handlers) == 1


@pytest.mark.parametrize("named", ["nowhere:Stamp", "extras:Missing", "extras:ready.deeper"])
def test_a_plugin_that_can_not_be_loaded_is_named(project: Path, named: str) -> None:
    write(project, "extras.py", PLUGIN)
    with pytest.raises(PluginError, match=f"plugin '{named}' can't be loaded"):
        install_plugins(Host(), [named])


@pytest.mark.parametrize("named", [":Stamp", "broken:Stamp", "extras:Greedy"])
def test_whatever_breaks_a_plugin_is_a_plugin_error(project: Path, named: str) -> None:
    write(project, "extras.py", PLUGIN)
    write(project, "broken.py", "1 / 0")
    with pytest.raises(PluginError, match=f"plugin '{named}' can't be loaded"):
        install_plugins(Host(), [named])


def test_a_plugin_that_nobody_installed_is_unknown_and_the_error_says_what_to_write() -> None:
    with pytest.raises(ConfigError, match="write module:object for one of your own"):
        install_plugins(Host(), ["nobody-has-this"])


def test_standard_plugins_are_installed_unless_they_are_disabled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standard_features: None
) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}_standard.py").write_text(
            f"class It:\n    name = {name!r}\n    def install(self, host): pass\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    places = {name: f"{name}_standard:It" for name in ("first", "second")}
    monkeypatch.setattr(boot, "STANDARD_PLUGINS", places)
    every, one = Host(), Host()
    install_plugins(every, [])
    install_plugins(one, [], disabled=["first"])
    assert (list(every.plugins), list(one.plugins)) == (["first", "second"], ["second"])
    with pytest.raises(
        ConfigError,
        match=r"no standard plugin 'third' \(there are: first, second, periodic, queue_limits\)",
    ):
        install_plugins(Host(), [], disabled=["third"])
