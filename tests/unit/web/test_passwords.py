"""The password file of the stand-alone server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import Authorization
from werkzeug.exceptions import TooManyRequests, Unauthorized
from werkzeug.test import create_environ

from kiq.errors import ConfigError
from kiq.web.passwords import Passwords, line_of, token_line
from kiq.web.serving import Door

pytestmark = pytest.mark.needs("werkzeug")


def asking(name: str, password: str) -> dict[str, Any]:
    auth = Authorization("basic", {"username": name, "password": password})
    return create_environ(auth=auth, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text(f"# people\n{line_of('ann', 'reader', 'pä:ss')}\n")
    return path


def test_who_is_in_the_file_comes_in_with_the_role_that_stands_there(file: Path) -> None:
    passwords = Passwords(file)
    for _ in range(2):  # the second time it is remembered
        ann = passwords(asking("ann", "pä:ss"))
        assert ann.name == "ann"
        assert ann.may("look")
        assert not ann.may("pause")


@pytest.mark.parametrize(("name", "password"), [("ann", "wrong"), ("bob", "pä:ss"), ("", "")])
def test_others_are_asked_again(file: Path, name: str, password: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        Passwords(file)(asking(name, password))
    assert ("WWW-Authenticate", "Basic realm=kiq") in caught.value.get_headers()


def test_who_says_nothing_is_asked(file: Path) -> None:
    with pytest.raises(Unauthorized):
        Passwords(file)(create_environ())


def test_guessing_ends_after_ten_tries_also_with_the_right_one(file: Path) -> None:
    passwords = Passwords(file)
    for _ in range(10):
        with pytest.raises(Unauthorized):
            passwords(asking("ann", "guess"))
    with pytest.raises(TooManyRequests):
        passwords(asking("ann", "pä:ss"))


def test_a_file_that_changes_counts_at_once(file: Path) -> None:
    passwords = Passwords(file)
    passwords(asking("ann", "pä:ss"))
    file.write_text(line_of("eve", "admin", "other") + "\n")
    os.utime(file, (1, 1))
    with pytest.raises(Unauthorized):
        passwords(asking("ann", "pä:ss"))
    assert passwords(asking("eve", "other")).may("delete")


def test_a_file_that_says_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "users"
    with pytest.raises(ConfigError, match="can't be read"):
        Passwords(path)
    path.write_text("")
    with pytest.raises(ConfigError, match="nobody is in the password file"):
        Passwords(path)
    path.write_text("ann\n")
    with pytest.raises(ConfigError, match=r"line 1 .* is not name:role:hash"):
        Passwords(path)
    path.write_text("ann:root:x\n")
    with pytest.raises(ConfigError, match="no role 'root'"):
        Passwords(path)


def test_an_address_that_others_reach_needs_a_password_file(file: Path) -> None:
    with pytest.raises(ConfigError, match="--password-file, or say --insecure"):
        Door("0.0.0.0", 9494).policy()
    _, names = Door("127.0.0.1", 9494).policy()
    assert set(names) == {"localhost", "127.0.0.1", "[::1]"}
    assert Door("0.0.0.0", 9494, passwords=file).policy()[1] == ()
    assert Door("0.0.0.0", 9494, insecure=True, role="reader").policy()[1] == ()


def test_a_program_comes_with_a_token(tmp_path: Path) -> None:
    token, line = token_line("ci", "operator")
    assert token not in line
    path = tmp_path / "tokens"
    path.write_text(line + "\n")
    policy = Passwords(path)
    found = policy({"HTTP_AUTHORIZATION": f"Bearer {token}", "REMOTE_ADDR": "10.0.0.1"})
    assert (found.name, found.may("retry"), found.may("delete")) == ("ci", True, False)
    wrong = {"HTTP_AUTHORIZATION": "Bearer wrong", "REMOTE_ADDR": "10.0.0.2"}
    for _ in range(10):
        with pytest.raises(Unauthorized):
            policy(wrong)
    with pytest.raises(TooManyRequests):
        policy(wrong)
    with pytest.raises(Unauthorized):
        policy({"HTTP_AUTHORIZATION": f"Bearer {line.rpartition('$')[2]}", "REMOTE_ADDR": "::1"})
